#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""manhattan-server feeds systemd's watchdog while all of its threads go on, and not while one
hangs. The test is systemd here, and a debugger that stops one thread after the other at work.

Usage: tests/e2e/server_watchdog.py BUILD_DIR. Prints `ok - ...` and `not ok - ...` lines.
"""
import ctypes
import json
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

BUILD = pathlib.Path(sys.argv[1]).resolve()
WATCHDOG_S = 1
LOOKS = 4  # and feeds, in that time
LONG_HOUR_BYTES = 256 << 30  # of zeros, a hole on the disk: it takes minutes to compress
SEIZE, INTERRUPT, GO_TO_SYSTEM_CALL, DETACH = 0x4206, 0x4207, 24, 17  # of ptrace(2)
WAIT_ALL = 0x40000000  # __WALL: threads, too


def check(sentence, is_so, *details):
    print(("ok - " if is_so else "not ok - ") + sentence, flush=True)
    if not is_so:
        print(*details, sep="\n")


def until(condition):
    """What `condition` gives once that is something; a hang ends with the whole script."""
    while not (value := condition()):
        time.sleep(0.01)
    return value


def ptrace(request, thread):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(request, thread, None, None) != 0:
        raise OSError(ctypes.get_errno(), f"ptrace({request}, {thread})")


def go_to_stop(request, thread):
    ptrace(request, thread)
    os.waitpid(thread, WAIT_ALL)


class Server:
    """manhattan-server, with us as its service manager."""

    def __init__(self, folder, *options):
        self.folder = folder
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notices.bind(str(folder / "notify"))
        environment = {**os.environ, "NOTIFY_SOCKET": str(folder / "notify"),
                       "WATCHDOG_USEC": str(WATCHDOG_S * 1_000_000)}
        environment.pop("WATCHDOG_PID", None)
        self.process = subprocess.Popen(
            [*command(folder), "--bind", f"ipc://{folder}/ask", "--log", folder / "messages",
             *options], env=environment)

    def __enter__(self):
        self.wait_for_notice("READY=1")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.notices.close()

    def wait_for_notice(self, wanted):
        while self.notices.recv(4096).decode() != wanted:
            pass

    def forget_notices(self):
        self.notices.setblocking(False)
        try:
            while True:
                self.notices.recv(4096)
        except BlockingIOError:
            self.notices.setblocking(True)

    def is_fed(self):
        """For longer than systemd waits."""
        self.forget_notices()
        self.notices.settimeout(1.5 * WATCHDOG_S)
        try:
            self.notices.recv(4096)
            return True
        except TimeoutError:
            return False
        finally:
            self.notices.settimeout(None)

    def says_that_it_hangs(self, work):
        said = self.messages()
        return said.rfind(f"{work} hangs") > said.rfind(f"{work} goes on")

    def messages(self):
        return (self.folder / "messages").read_text()

    def thread(self, name):
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            if (task / "comm").read_text().strip() == name:
                return int(task.name)
        return None

    def is_at(self, thread, file):
        """At a system call on a file of that name, or one that it begins."""
        process = pathlib.Path(f"/proc/{self.process.pid}")
        words = (process / f"task/{thread}/syscall").read_text().split()
        try:
            return (process / f"fd/{int(words[1], 16)}").readlink().name.startswith(file)
        except (IndexError, OSError):  # no call, or none of a file
            return False

    def ask(self, *question):
        return subprocess.Popen(
            [BUILD / "manhattan-query", "--config", "/dev/null", "--connect",
             f"ipc://{self.folder}/ask", "--wait", "600000", "--format", "json", *question],
            stdout=subprocess.PIPE)

    def counted_records(self):
        answer, _ = self.ask("status").communicate()
        return json.loads(answer)["tallies"]["worker_records"]

    def record(self):
        subprocess.run([BUILD / "manhattan-event", "--ring", self.folder / "ring", "--path",
                        self.folder / "log", "--visitor", "f" * 40, "--site", "1", "goal",
                        "bought"], check=True)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.wait_for_notice("STOPPING=1")
        return self.process.wait()


class Hang:
    """A thread that is stopped once `provoke` has brought it to a system call on `file`."""

    def __init__(self, server, thread, file, provoke):
        self.id = until(lambda: server.thread(thread))
        ptrace(SEIZE, self.id)
        go_to_stop(INTERRUPT, self.id)
        self.provoked = provoke()
        while not server.is_at(self.id, file):
            go_to_stop(GO_TO_SYSTEM_CALL, self.id)

    def goes_on(self):
        ptrace(DETACH, self.id)


def command(folder):
    return [BUILD / "manhattan-server", "--config", "/dev/null", "--path", folder / "log", "--url",
            f"sqlite:///{folder}/store.db"]


def check_hang(server, hang, work):
    until(lambda: server.says_that_it_hangs(work))
    # Before it was stopped it may have been so slow that it was named, and fed again since.
    check(f"{work} hangs: the server says so, and does not feed for as long as systemd waits",
          not server.is_fed() or
          until(lambda: server.says_that_it_hangs(work)) and not server.is_fed())
    hang.goes_on()
    until(lambda: not server.says_that_it_hangs(work))
    server.forget_notices()
    server.wait_for_notice("WATCHDOG=1")
    check(f"{work} goes on: the server says that and feeds", True)


def check_records(server):
    hang = Hang(server, "drain", "log.", server.record)
    check_hang(server, hang, "draining")
    until(lambda: server.counted_records() == 1)
    hang = Hang(server, "count", "log.", server.record)
    check("a thread stopped in the middle of its work, the others answer",
          server.counted_records() == 1)
    check_hang(server, hang, "counting")
    until(lambda: server.counted_records() == 2)


def check_questions(server):
    for thread, work, question in (("answer", "answering", ["count", "bought"]),
                                   ("answer lengthy", "answering at length", ["goals"])):
        hang = Hang(server, thread, "store.db", lambda asked=question: server.ask(*asked))
        check_hang(server, hang, work)
        with hang.provoked as asked:
            asked.communicate()
            check(f"and {' '.join(question)} is answered", asked.returncode == 0)


def make_long_hour(folder):
    """Of a log that is counted, an hour that is over becomes one that takes long to compress."""
    for hour in (3600, 7200):
        (folder / f"log.{hour}").write_text(f"1\tpixel\t{hour}\t{hour:040x}\t1\n")
    subprocess.run([*command(folder), "--once"], check=True)
    os.truncate(folder / "log.3600", LONG_HOUR_BYTES)
    with sqlite3.connect(folder / "store.db") as store:
        store.execute("UPDATE segment SET offset_bytes = ? WHERE file = ?",
                      (LONG_HOUR_BYTES, bytes(folder / "log.3600")))
    store.close()


def check_keeping(server, folder):
    for _ in range(2 * LOOKS):
        server.wait_for_notice("WATCHDOG=1")
    check("it feeds while an hour takes longer to compress than systemd waits",
          (folder / "log.3600.zst.part").exists(), server.messages())
    check_hang(server, Hang(server, "keep", "log.3600", lambda: None), "keeping old hours")


def main():
    with tempfile.TemporaryDirectory(prefix="manhattan-watchdog-") as name:
        folder = pathlib.Path(name)
        with Server(folder, "--ring", folder / "ring") as server:
            check_records(server)
            check_questions(server)
            server.forget_notices()
            server.wait_for_notice("WATCHDOG=1")
            check("it feeds where there is nothing to do", True)
            check("and ends by itself", server.end() == 0, server.messages())
    with tempfile.TemporaryDirectory(prefix="manhattan-watchdog-") as name:
        folder = pathlib.Path(name)
        make_long_hour(folder)
        with Server(folder, "--compress", "yes") as server:
            check_keeping(server, folder)
            check("told to end, it leaves an hour half compressed", server.end() == 0 and
                  not (folder / "log.3600.zst").exists(), server.messages())


main()
