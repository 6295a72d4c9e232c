# SPDX-License-Identifier: MIT
"""What hostile neighbours do while a soak goes on: none of it may change a count.

Two visitors a thread of whom each does what no person does, and somebody who may write where the log
lies and makes all kinds of files there under its names.
"""
import gzip
import os
import random
import threading
import time

from . import visitors

HOUR_S = 3600
PAGES = 2000  # of one visitor, where nothing stops it before
LONG = "x" * 4000


def walk_far(browser, is_over):
    """A heavy visitor: each page is another one."""
    for number in range(PAGES):
        if is_over():
            return
        browser.visit(visitors.SHOP, f"/?page={number}")


def ask_at_length(browser, is_over):
    """A robot that says it is a browser and keeps its cookie: long addresses, and never a pixel."""
    for number in range(PAGES):
        if is_over():
            return
        browser.visit(visitors.SHOP, f"/?{number}{LONG}")


def heavy_visitor(ports, ledger):
    return visitors.Browser(ports, visitors.BROWSERS[0], ledger), walk_far


def long_robot(ports, ledger):
    return visitors.Browser(ports, visitors.BROWSERS[1], ledger, has_images=False), ask_at_length


ABUSERS = (heavy_visitor, long_robot)


class Planter:
    """Makes files beside the log, and leaves them there."""

    MOST = 3000

    def __init__(self, folder, seed):
        self.folder, self.dice, self.planted = folder, random.Random(f"{seed}/planter"), 0
        self.is_ending = threading.Event()
        self.kinds = [
            lambda path: path.mkdir(),
            lambda path: os.mkfifo(path),
            lambda path: path.symlink_to(folder / "manhattan.db"),
            lambda path: path.symlink_to("nowhere"),
            lambda path: self._write(path, b""),
            lambda path: self._write(path, b"somebody's own\n" * 100),
            lambda path: self._write(path, self.dice.randbytes(5000)),
            lambda path: self._write(path, gzip.compress(b"somebody's own\n"))]

    def _write(self, path, content):
        with open(path, "xb") as file:
            file.write(content)

    def _name(self):
        """Never the name that records are spilled to: who may plant there can end spilling, which is
        counted as a drop."""
        now = int(time.time()) // HOUR_S * HOUR_S
        hour = now + HOUR_S * self.dice.choice([self.dice.randint(-1000, -1), self.dice.randint(1, 20000)])
        return self.dice.choice([f"log.{hour}", f"log.{hour}.gz", f"log.{hour}.zst", f"log.{hour}.zst.part",
                                 f"log.spill.{self.dice.randint(0, 200)}", f"log.spill.0{self.dice.randint(0, 200)}",
                                 f"log.{self.dice.randint(1, 99)}", "log.spill.18446744073709551615"])

    def run(self):
        while not self.is_ending.wait(0.02) and self.planted < self.MOST:
            try:
                self.dice.choice(self.kinds)(self.folder / self._name())
                self.planted += 1
            except OSError:
                pass  # it is there already, or the disk is full
