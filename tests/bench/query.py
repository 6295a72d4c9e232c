#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""p50 and p99 of count, value and results: over ipc and tcp, with few and a million counters, idle and
while a ring is drained and counted at full speed. Beside them what this machine takes for less: the same
bytes echoed by bare libzmq (the same threads and hops) and over a bare pair of sockets. While it
is busy client and echoes run in real time where that is allowed, for they stand for other machines; the
server's answering gives itself what it gives itself everywhere.

Usage: tests/bench/query.py BUILD_DIR [COUNTERS...]. Prints what it ran on; the original's numbers are
those of its own benchmark, for comparison.
"""
import contextlib
import os
import pathlib
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import time

HOUR = 1_479_747_600
LIVE_EVENTS = 500_000
LIVE_VISITORS = 20_000
QUESTIONS = 5000
ORIGINAL_MS = {"idle": (0.59, 1.39), "busy": (1.65, 17.5)}


def visit(log, i, path):
    start = f"{HOUR + i % 3500}.0000\t{i:040x}\t0"
    log.write(f"1\tpage\t{start}\t127.0.0.1\tGET\thttp://shop/{path}\tMozilla/5.0\t\n1\tpixel\t{start}\n"
              f"1\tsplit\t{start}\tbutton\t{i % 2 == 0}\n")


def write_logs(folder, counters):
    """What is counted before: a path has two counters, one of its site and one of all. What comes live."""
    paths = max(1, counters // 2)
    with open(f"{folder}/log.{HOUR}", "w") as log:
        for i in range(max(paths, 1000)):
            visit(log, i, f"p{i % paths}")
    with open(f"{folder}/live.{HOUR}", "w") as log:
        for i in range(LIVE_EVENTS):
            log.write(f"1\tgoal\t{HOUR + i % 3500}.0000\t{i * 7919 % LIVE_VISITORS:040x}\t0\tsale\t{i % 100}.25\tS\tC\n")
    return max(paths, 1000) * 3, paths


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(build, endpoint, paths, *how):
    """{question: (p50, p99, p99.9)}, and under real_time whether client and echoes were."""
    lines = subprocess.run([build / "bench_query", endpoint, str(QUESTIONS), str(paths), *how], capture_output=True,
                           text=True, check=True, timeout=300).stdout.splitlines()
    return {line.split()[0]: tuple(map(float, line.split()[1:])) for line in lines}


def niceness(server, thread):
    """Of the thread of the server that is called so."""
    for task in pathlib.Path(f"/proc/{server.pid}/task").iterdir():
        name, fields = (task / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
        if name == thread:
            return int(fields.split()[16])
    return None


def tallies(build, endpoint):
    done = subprocess.run([build / "manhattan-query", "--config", "/dev/null", "--connect", endpoint,
                           "--wait", "10000", "status", "--format", "tsv"], capture_output=True, text=True)
    return {name: int(number) for name, number in (line.split("\t") for line in done.stdout.splitlines())
            if number.isdigit()}


def counted(build, endpoint):
    return sum(number for name, number in tallies(build, endpoint).items() if name.startswith("record_"))


def wait_for(build, endpoint, records):
    while counted(build, endpoint) < records:
        time.sleep(0.05)


@contextlib.contextmanager
def running(*command):
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          start_new_session=True) as child:
        try:
            yield child
        finally:
            os.killpg(child.pid, signal.SIGTERM)


def again_and_again(*command):
    return running("sh", "-c", 'while "$@"; do :; done', "sh", *command)


def measure(build, folder, counters):
    """{(how busy, over): what ask() gives}, records drained a second, the niceness of answering."""
    events, paths = write_logs(folder, counters)
    ipc, tcp = f"ipc://{folder}/socket", f"tcp://127.0.0.1:{free_port()}"
    ends = {"ipc": ipc, "tcp": tcp}
    with running(build / "manhattan-server", "--config", "/dev/null", f"--path={folder}/log", "--ring",
                 f"{folder}/ring", f"--url=sqlite:///{folder}/test.db", "--rollup", "path", "--bind", ipc,
                 "--bind", tcp) as server:
        wait_for(build, ipc, events)
        times = {("idle", over): ask(build, end, paths) for over, end in ends.items()}
        with again_and_again(build / "manhattan-replay", f"{folder}/live", "--ring", f"{folder}/ring", "--speed", "max"):
            while tallies(build, ipc)["drain_records"] == 0:
                time.sleep(0.01)
            start, before = time.monotonic(), tallies(build, ipc)["drain_records"]
            times |= {("busy", over): ask(build, end, paths, "real-time") for over, end in ends.items()}
            drained = (tallies(build, ipc)["drain_records"] - before) / (time.monotonic() - start)
        return times, drained, niceness(server, "answer")


def row(name, moment):
    """p50, p99 and p99.9, and how often p50 and p99 hold those of the echoes: of libzmq, of the sockets."""
    p50, p99, p999 = moment[name]
    ratios = "".join(f"{p50 / moment[floor][0]:7.1f}{p99 / moment[floor][1]:6.1f}" for floor in ("echo", "socket"))
    return f"{p50:9.0f} {p99:7.0f} {p999:7.0f}{ratios}"


def show(counters, times, drained, nice):
    heads = " ".join(f"{when:>5} p50     p99   p99.9 x echo   p99x sock   p99" for when in ("idle", "busy"))
    print(f"{counters:9,} counters:{heads}  (µs)")
    for over in ("ipc", "tcp"):
        for name in times["idle", over]:
            if name == "real_time":
                continue
            print(f"  {name:10} {over:5} {row(name, times['idle', over])} {row(name, times['busy', over])}")
    is_real_time = all(times["busy", over]["real_time"] == (1.0,) for over in ("ipc", "tcp"))
    print(f"  busy: {drained:,.0f} records a second drained; the server answers at niceness {nice}, client "
          f"and echoes run {'in real time' if is_real_time else 'as any program'}")


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
          f"{QUESTIONS} questions each; the original: idle {ORIGINAL_MS['idle']}, "
          f"busy {ORIGINAL_MS['busy']} ms (p50, p99)")
    for counters in map(int, sys.argv[2:] or ["10", "1000000"]):
        with tempfile.TemporaryDirectory(prefix="manhattan-bench-") as folder:
            show(counters, *measure(build, folder, counters))


main()
