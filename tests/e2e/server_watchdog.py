#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""manhattan-server feeds systemd's watchdog while all of its threads go on, and not while one
hangs. The test is systemd here, and a debugger that stops the thread that counts.

Usage: tests/e2e/server_watchdog.py BUILD_DIR. Prints `ok - ...` and `not ok - ...` lines.
"""
import ctypes
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

BUILD = pathlib.Path(sys.argv[1]).resolve()
WATCHDOG_S = 1
VISITORS = 60_000  # each a pixel and a goal: several batches
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


def write_log(folder):
    with open(folder / "log.1479747600", "w", encoding="ascii") as log:
        for number in range(VISITORS):
            visitor = f"{number:040x}"
            log.write(f"1\tpixel\t1479747600.0000\t{visitor}\t1\n"
                      f"1\tgoal\t1479747600.0000\t{visitor}\t1\tbought\t\t\t\n")


class Server:
    """manhattan-server, with us as its service manager."""

    def __init__(self, folder):
        self.folder = folder
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notices.bind(str(folder / "notify"))
        environment = {**os.environ, "NOTIFY_SOCKET": str(folder / "notify"),
                       "WATCHDOG_USEC": str(WATCHDOG_S * 1_000_000)}
        environment.pop("WATCHDOG_PID", None)
        self.process = subprocess.Popen(
            [BUILD / "manhattan-server", "--config", "/dev/null", "--path", folder / "log", "--url",
             f"sqlite:///{folder}/store.db", "--bind", f"ipc://{folder}/ask", "--log",
             folder / "messages"], env=environment)

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
        self.notices.settimeout(2 * WATCHDOG_S)
        try:
            self.notices.recv(4096)
            return True
        except TimeoutError:
            return False
        finally:
            self.notices.settimeout(None)

    def says_that_it_hangs(self):
        said = self.messages()
        return said.rfind("counting hangs") > said.rfind("counting goes on")

    def messages(self):
        return (self.folder / "messages").read_text()

    def thread(self, name):
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            if (task / "comm").read_text().strip() == name:
                return int(task.name)
        return None

    def is_at_log(self, thread):
        """At a system call on the log's file: there it holds no lock that others wait for."""
        process = pathlib.Path(f"/proc/{self.process.pid}")
        words = (process / f"task/{thread}/syscall").read_text().split()
        try:
            return (process / f"fd/{int(words[1], 16)}").readlink().name.startswith("log.")
        except (IndexError, OSError):  # no call, or none of a file
            return False

    def counted_records(self):
        answer = subprocess.check_output(
            [BUILD / "manhattan-query", "--config", "/dev/null", "--connect",
             f"ipc://{self.folder}/ask", "--wait", "60000", "--format", "json", "status"])
        return json.loads(answer)["tallies"]["worker_records"]


def main():
    with tempfile.TemporaryDirectory(prefix="manhattan-watchdog-") as name:
        folder = pathlib.Path(name)
        server = Server(folder)
        try:
            server.wait_for_notice("READY=1")
            counting = until(lambda: server.thread("count"))
            ptrace(SEIZE, counting)
            go_to_stop(INTERRUPT, counting)
            write_log(folder)
            while not server.is_at_log(counting):
                go_to_stop(GO_TO_SYSTEM_CALL, counting)
            check("a thread stopped in the middle of its work, the others answer",
                  server.counted_records() < 2 * VISITORS)
            until(server.says_that_it_hangs)
            check("the server says what hangs", True)
            # Before it was stopped it may have been so slow that it was named, and fed again since.
            check("and does not feed the watchdog for as long as systemd waits",
                  not server.is_fed() or until(server.says_that_it_hangs) and not server.is_fed())
            ptrace(DETACH, counting)
            until(lambda: not server.says_that_it_hangs())
            server.wait_for_notice("WATCHDOG=1")
            check("the thread goes on: the server says that and feeds", True)
            until(lambda: server.counted_records() == 2 * VISITORS)
            server.forget_notices()
            server.wait_for_notice("WATCHDOG=1")
            check("it feeds where there is nothing to do", True)
            server.process.send_signal(signal.SIGTERM)
            server.wait_for_notice("STOPPING=1")
            check("and ends by itself", server.process.wait() == 0, server.messages())
        finally:
            server.process.kill()
            server.process.wait()


main()
