#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""manhattan-server's threads that answer go before those that compute, where that is allowed; where
it is not, it answers all the same.

Usage: tests/e2e/server_prompt.py BUILD_DIR. Prints `ok - ...` and `not ok - ...` lines.
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import time

BUILD = pathlib.Path(sys.argv[1]).resolve()
PROMPT = {"answer", "ZMQbg/IO/0"}
USUAL = {"manhattan-serve", "answer lengthy", "count", "drain"}
PROMPT_NICE = -10
# As root, too: whoever has no capability is held to his limit.
SHORN = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"] if os.geteuid() == 0 else []
REFUSED = [*SHORN, "prlimit", "--nice=0"]


def check(sentence, is_so, *details):
    print(("ok - " if is_so else "not ok - ") + sentence, flush=True)
    if not is_so:
        print(*details, sep="\n")


def is_allowed():
    """In a process of its own, for it may not be able to go back."""
    return subprocess.run(["nice", "-n", str(PROMPT_NICE), "true"], capture_output=True,
                          text=True).stderr == ""


def niceness(pid):
    """{name of a thread: what others' weight is held against its}, without our own."""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            name, fields = (task / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
        except OSError:  # it has ended
            continue
        found[name] = int(fields.split()[16]) - os.getpriority(os.PRIO_PROCESS, 0)
    return found


def answering_threads(folder, prefix):
    """Of a server that has answered a question."""
    endpoint = f"ipc://{folder}/ask"
    with subprocess.Popen([*prefix, BUILD / "manhattan-server", "--config", "/dev/null", "--path",
                           folder / "log", "--url", f"sqlite:///{folder}/store.db", "--bind",
                           endpoint]) as server:
        try:
            subprocess.run([BUILD / "manhattan-query", "--config", "/dev/null", "--connect",
                            endpoint, "--wait", "60000", "count", "sale"], check=True,
                           stdout=subprocess.DEVNULL)
            while not PROMPT | USUAL <= (found := niceness(server.pid)).keys():
                time.sleep(0.01)
            return found
        finally:
            server.terminate()


def main():
    with tempfile.TemporaryDirectory(prefix="manhattan-prompt-") as name:
        folder = pathlib.Path(name)
        found = answering_threads(folder, [])
        expected = max(PROMPT_NICE, -20 - os.getpriority(os.PRIO_PROCESS, 0)) if is_allowed() else 0
        check("the threads that answer are nicer by 10 where that is allowed",
              all(found[thread] == expected for thread in PROMPT), found)
        check("and no other is", all(found[thread] == 0 for thread in USUAL), found)
        found = answering_threads(folder, REFUSED)
        check("a server that may not be answers without",
              all(found[thread] == 0 for thread in PROMPT | USUAL), found)


main()
