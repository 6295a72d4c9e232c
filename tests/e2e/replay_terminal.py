#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Where manhattan-replay draws its bar when it prints, and how it ends when nobody reads any more.

Usage: tests/e2e/replay_terminal.py BUILD_DIR. Prints `ok - ...` and `not ok - ...` lines.
"""
import os
import pathlib
import pty
import signal
import subprocess
import sys
import tempfile

BUILD = pathlib.Path(sys.argv[1]).resolve()
RECORDS = 200_000


def check(sentence, is_so, *details):
    print(("ok - " if is_so else "not ok - ") + sentence, flush=True)
    if not is_so:
        print(*details, sep="\n")


def shown_by(command):
    """(exit code, what a shell command that has a terminal for its standard error shows on it)."""
    main, terminal = pty.openpty()
    with subprocess.Popen(command, shell=True, executable="/bin/bash", stdout=terminal, stderr=terminal,
                          stdin=subprocess.DEVNULL) as child:
        os.close(terminal)
        shown = b""
        while True:
            try:
                shown += os.read(main, 65536)
            except OSError:  # nobody has it open any more
                break
        os.close(main)
        return child.wait(), shown


def main():
    with tempfile.TemporaryDirectory(prefix="manhattan-replay-") as folder:
        with open(f"{folder}/log.0", "w", encoding="ascii") as log:
            log.writelines(f"1\tpixel\t{number}\tvisitor-{number}\t1\n" for number in range(RECORDS))
        replay = f"{BUILD}/manhattan-replay --config /dev/null {folder}/log"

        code, shown = shown_by(f"{replay} | head -n 2")
        check("two lines of a pipe are all that the terminal shows", shown.count(b"\n") == 2 and b"\x1b" not in shown
              and b"%" not in shown, shown)
        code, shown = shown_by(f"{replay} --format json | cat | tail -n 1")
        check("nor is a bar among lines that are read to the end", b"\x1b" not in shown and shown.count(b"\n") == 1, shown)
        code, shown = shown_by(f"{replay} >{folder}/copy")
        check("records that go into a file leave the terminal to the bar", code == 0 and b"records" in shown, shown)
        check("and the file has all of them", pathlib.Path(f"{folder}/copy").read_bytes().count(b"\n") == RECORDS)
        code, shown = shown_by(f"{replay} --format tsv")
        check("at a terminal there are records alone", code == 0 and b"%" not in shown, shown[-200:])

        ignored = subprocess.Popen([*replay.split()], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   restore_signals=False, preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN))
        ignored.stdout.readline()
        ignored.stdout.close()
        said = ignored.stderr.read()
        check("nobody who reads is no error, also where SIGPIPE was ignored",
              ignored.wait() == -signal.SIGPIPE and said == b"", ignored.returncode, said)


main()
