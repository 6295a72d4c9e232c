#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The log under a running server is renamed, removed, cut short or copied away and cut, while records go
on coming: each is counted once, and what happened is said.

Usage: tests/e2e/log_replaced.py BUILD_DIR
"""
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

BUILD = pathlib.Path(sys.argv[1]).resolve()
PATIENCE_S = int(os.environ.get("PATIENCE_S", "60"))  # see scripts/check
OPTIONS = ["--config", "/dev/null"]


def verdict(sentence, is_true, detail=""):
    print(f"{'ok' if is_true else 'not ok'} - {sentence}", flush=True)
    if not is_true:
        print(f"# {detail}"[:3000], file=sys.stderr, flush=True)


def becomes_true(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)  # between two looks at the real condition
    return True


class Site:
    """A server and what records for it: through a ring, or straight into the log."""

    def __init__(self, root, name, ring):
        self.folder = root / name
        self.folder.mkdir()
        self.prefix = self.folder / "l"
        self.ring = ["--ring", self.folder / "ring", "--ring-mib", "1"] if ring else ["--ring", "none"]
        self.goals = 0
        self.said = self.folder / "messages"
        self.server = None
        self.start()

    def start(self):
        ask = self.folder / "ask"
        ask.unlink(missing_ok=True)
        with open(self.said, "ab") as said:
            self.server = subprocess.Popen(
                [BUILD / "manhattan-server", *OPTIONS, "--path", self.prefix, *self.ring,
                 "--url", f"sqlite:///{self.folder}/db", "--bind", f"ipc://{ask}"], stderr=said)
        becomes_true(lambda: ask.exists() or self.server.poll() is not None)

    def stop(self):
        self.server.send_signal(signal.SIGTERM)
        return self.server.wait(PATIENCE_S) == 0

    def record(self, count):
        for _ in range(count):
            self.goals += 1
            who = [*self.ring[:2], "--path", self.prefix, "--visitor", f"visitor{self.goals}"]
            for what in (["goal", "paid"], ["pixel"]):
                subprocess.run([BUILD / "manhattan-event", *OPTIONS, *who, *what], check=True, timeout=PATIENCE_S)

    def counted(self):
        try:
            with sqlite3.connect(f"file:{self.folder}/db?mode=ro", uri=True) as store:
                row = store.execute("SELECT count FROM conversion_counts WHERE name = 'paid' AND "
                                    "rollup_key = 'all'").fetchone()
        except sqlite3.OperationalError:
            return 0
        return row[0] if row else 0

    def counts(self, due):
        return becomes_true(lambda: self.counted() >= due) and self.counted() == due

    def hour(self):
        return max(path for path in self.folder.glob("l.[0-9]*") if path.suffix[1:].isdigit())

    def messages(self):
        return self.said.read_text()


def rename(path):
    path.rename(path.with_name("moved"))


def cut(path):
    os.truncate(path, 0)


def copy_and_cut(path):
    shutil.copyfile(path, path.with_name("copied"))
    os.truncate(path, 0)


def rename_and_make(path):
    rename(path)
    path.touch()


CASES = [("renamed", rename), ("removed", os.remove), ("cut to nothing", cut),
         ("copied and cut", copy_and_cut), ("renamed and made anew", rename_and_make)]


def main():
    root = pathlib.Path(tempfile.mkdtemp(prefix="manhattan-replaced-"))
    try:
        for is_ring in (True, False):
            how = "through a ring" if is_ring else "straight into the log"
            for what, change in CASES:
                site = Site(root, f"{what} {how}", is_ring)
                site.record(10)
                ten = site.counts(10)
                change(site.hour())
                site.record(5)
                verdict(f"{what}, {how}: 15 are counted", ten and site.counts(15),
                        (site.counted(), site.messages()))
                verdict("and it is said", site.messages().count("bytes were counted") == 1, site.messages())
                change_again = site.hour()
                change(change_again)
                site.record(3)
                verdict("again: 18", site.counts(18), (site.counted(), site.messages()))
                verdict("and the server ends well", site.stop(), site.messages())
                # While no server runs: the store's offset is of the file that was counted.
                if is_ring or what == "removed":
                    continue
                site.record(2)
                change(site.hour())
                site.record(4)
                site.start()
                verdict("with no server: what is in the log then", site.counts(22), (site.counted(), site.messages()))
                site.stop()
    finally:
        shutil.rmtree(root)


main()
