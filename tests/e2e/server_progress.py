#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What manhattan-server tells of itself while it counts a large log, to a terminal and to a file.

Usage: tests/e2e/server_progress.py BUILD_DIR. Prints `ok - ...` and `not ok - ...` lines.
"""
import os
import pathlib
import pty
import re
import subprocess
import sys
import tempfile

BUILD = pathlib.Path(sys.argv[1]).resolve()
VISITORS = 60_000  # each a pixel and a goal: 7 MB


def check(sentence, is_so, *details):
    print(("ok - " if is_so else "not ok - ") + sentence, flush=True)
    if not is_so:
        print(*details, sep="\n")


def command(folder, store, *more):
    return [str(BUILD / "manhattan-server"), "--config", "/dev/null", "--once", "--path",
            f"{folder}/log", "--url", f"sqlite:///{folder}/{store}.db", *more]


def at_a_terminal(arguments):
    """(exit code, everything shown) of a program whose standard error is a terminal."""
    main, terminal = pty.openpty()
    with subprocess.Popen(arguments, stderr=terminal, stdin=subprocess.DEVNULL) as child:
        os.close(terminal)
        shown = b""
        while True:
            try:
                shown += os.read(main, 65536)
            except OSError:  # nobody has it open any more
                break
        os.close(main)
        return child.wait(), shown.decode()


def count(folder, store):
    sql = "SELECT count FROM conversion_counts WHERE name = 'bought' AND rollup_key = 'all'"
    return subprocess.check_output(["sqlite3", f"{folder}/{store}.db", sql], text=True).strip()


def main():
    with tempfile.TemporaryDirectory(prefix="manhattan-progress-") as name:
        folder = pathlib.Path(name)
        with open(folder / "log.1479747600", "w", encoding="ascii") as log:
            for number in range(VISITORS):
                visitor = f"{number:040x}"
                log.write(f"1\tpixel\t1479747600.0000\t{visitor}\t1\n"
                          f"1\tgoal\t1479747600.0000\t{visitor}\t1\tbought\t\t\t\n")
        code, shown = at_a_terminal(command(folder, "bar"))
        check("--once at a terminal shows a bar with records, rate, distance and estimate",
              re.search(r"\r *\d+% \[#* *\] [\d,]+ records, [\d,]+/s, \d+:\d\d:\d\d behind, "
                        r"\d+:\d\d left\x1b\[K", shown), repr(shown))
        check("which is taken away at the end", shown.endswith("\r\x1b[K"), repr(shown[-200:]))
        check("and all is counted", (code, count(folder, "bar")) == (0, str(VISITORS)), code)
        code, shown = at_a_terminal(command(folder, "said", "--verbose"))
        check("where messages go to the terminal, no bar is drawn into them",
              "\x1b" not in shown and code == 0, repr(shown))
        check("they say how much there is to count", "8 MB of log are to be counted" in shown, shown)
        check("and what it took",
              re.search(r"caught up: 120,000 records, [\d,]+/s, \d+:\d\d:\d\d behind\r?\n", shown), shown)
        code, shown = at_a_terminal(command(folder, "bar"))
        check("a store that has it all shows nothing", (code, shown) == (0, ""), repr(shown))
        quiet = subprocess.run(command(folder, "quiet"), stderr=subprocess.PIPE, check=False)
        check("without a terminal nothing is drawn", (quiet.returncode, quiet.stderr) == (0, b""),
              quiet.stderr)


main()
