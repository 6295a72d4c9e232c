#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""p50 and p99 of count, value and results: over ipc and tcp, idle and while the server counts.

Usage: tests/bench/query.py BUILD_DIR [EVENTS]. Prints what it ran on; the original's numbers are
those of its own benchmark, for comparison.
"""
import pathlib
import platform
import os
import socket
import subprocess
import sys
import tempfile
import time

HOUR = 1_479_747_600
VISITORS = 20_000
QUESTIONS = 2000
ORIGINAL_MS = {"idle": (0.59, 1.39), "busy": (1.65, 17.5)}


def write_log(path, events):
    """One visitor after the other: page, pixel and split, then sales; so the first flush has all."""
    each = max(4, events // VISITORS)
    with open(path, "w") as log:
        for i in range(events):
            visitor, turn = f"{i // each:040x}", i % each
            start = f"{HOUR + i / events * 3500:.4f}\t{visitor}\t0"
            if turn == 0:
                log.write(f"1\tpage\t{start}\t127.0.0.1\tGET\thttp://shop/\tMozilla/5.0\t\n")
            elif turn == 1:
                log.write(f"1\tpixel\t{start}\n")
            elif turn == 2:
                log.write(f"1\tsplit\t{start}\tbutton\t{i // each % 2 == 0}\n")
            else:
                log.write(f"1\tgoal\t{start}\tsale\t{i % 100}.25\tS\tC\n")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(build, endpoint):
    lines = subprocess.run([build / "bench_query", endpoint, str(QUESTIONS)], capture_output=True,
                           text=True, check=True, timeout=300).stdout.splitlines()
    return {line.split()[0]: tuple(map(float, line.split()[1:])) for line in lines}


def tallies(build, endpoint):
    done = subprocess.run([build / "manhattan-query", "--config", "/dev/null", "--connect", endpoint,
                           "--wait", "10000", "status", "--format", "tsv"], capture_output=True, text=True)
    return dict(line.split("\t") for line in done.stdout.splitlines())


def counted(build, endpoint):
    return sum(int(number) for name, number in tallies(build, endpoint).items()
               if name in ("record_page", "record_pixel", "record_goal", "record_split"))


def wait_for(build, endpoint, records):
    while counted(build, endpoint) < records:
        time.sleep(0.05)


def main():
    build, events = pathlib.Path(sys.argv[1]).resolve(), int((sys.argv[2:] or ["1000000"])[0])
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {events} events, "
          f"{QUESTIONS} questions each; the original: idle {ORIGINAL_MS['idle']}, "
          f"busy {ORIGINAL_MS['busy']} ms (p50, p99)")
    with tempfile.TemporaryDirectory(prefix="manhattan-bench-") as folder:
        write_log(f"{folder}/log.{HOUR}", events)
        ipc, tcp = f"ipc://{folder}/socket", f"tcp://127.0.0.1:{free_port()}"
        server = subprocess.Popen(
            [build / "manhattan-server", "--config", "/dev/null", f"--path={folder}/log", "--ring", "none",
             f"--url=sqlite:///{folder}/test.db", "--bind", ipc, "--bind", tcp])
        try:
            wait_for(build, ipc, 1)
            times = {("busy", "ipc"): ask(build, ipc), ("busy", "tcp"): ask(build, tcp)}
            is_busy = counted(build, ipc) < events
            wait_for(build, ipc, events)
            times |= {("idle", "ipc"): ask(build, ipc), ("idle", "tcp"): ask(build, tcp)}
        finally:
            server.terminate()
            server.wait(60)
    print(f"{'':11} {'over':5} {'idle p50':>9} {'p99':>7} {'busy p50':>9} {'p99':>7}  busy/idle   (µs)")
    for name in ("count", "goal_value", "results"):
        for over in ("ipc", "tcp"):
            idle, busy = times["idle", over][name], times["busy", over][name]
            print(f"{name:11} {over:5} {idle[0]:9.0f} {idle[1]:7.0f} {busy[0]:9.0f} {busy[1]:7.0f}"
                  f"  {busy[0] / idle[0]:5.1f} x {busy[1] / idle[1]:5.1f} x")
    if not is_busy:
        print("counting ended before the questions did: give more EVENTS")


main()
