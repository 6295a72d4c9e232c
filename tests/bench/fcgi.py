#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Requests/s of manhattan-fcgi behind nginx, with everything on and with all instrumentation off,
against fcgiwrap and against posix_spawn in a loop; and of a FastCGI program with libmanhattan,
without, and without but 2 us later: as long as libmanhattan takes.

Usage: tests/bench/fcgi.py BUILD_DIR [--rounds N] [--seconds S] [--only PROGRAM]...
[--connections N]... Contenders take turns within each round, in an order drawn anew, each when all
have come to rest; the medians are shown, and the median of each round's ratio. Where one is
instrumented, a second line shows what that costs more than the same without, within one round: of
CPU a request, which other work on the machine hardly touches, and of requests/s; medians, and in
brackets where they lie with a certainty of 95 %. What nginx and manhattan-server use meanwhile is
no part of that CPU and told beside it, but part of requests/s: they run on the same machine.
manhattan-server commits when a turn is over: its CPU has that in it, requests/s have not.

Why 2 us later: at one connection a program that only passes them pays for more. nginx, which has just
sent the request, is asleep by then, and whoever answers has to wake it: a program that answers at
once need not. That is no instrumentation, and no program that does anything is spared it.
"""
import argparse
import contextlib
import math
import os
import pathlib
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import fcgi_support as support  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
CONNECTIONS = (1, 8, 64)
# Most requests come from visitors that are known: these are of the contender named, with its cookie.
KNOWN = {"on, known": "on", "with, known": "with"}
PLAIN = {"on": "off", "on, known": "off", "with": "without", "with, known": "without",
         "later": "without"}
JOBS = 8  # programs at a time, the same for all
TICKS_S = os.sysconf("SC_CLK_TCK")
REST_S = 0.5  # longer than the server takes for quiet, after which it commits

# fcgiwrap's and libfcgi's own loops starve where nginx keeps connections: none is kept for them.
SERVER = """
  upstream on {{ server unix:{folder}/on.sock; keepalive 64; }}
  upstream off {{ server unix:{folder}/off.sock; keepalive 64; }}
  upstream fcgiwrap {{ server unix:{folder}/fcgiwrap.sock; }}
  upstream with {{ server unix:{folder}/with.sock; }}
  upstream without {{ server unix:{folder}/without.sock; }}
  upstream later {{ server unix:{folder}/later.sock; }}
{servers}
"""
ONE = """
  server {{
    listen 127.0.0.1:{port}; root {folder}; keepalive_requests 1000000000;
    location / {{
      include {root}/etc/nginx-manhattan.conf; fastcgi_pass {contender};
      fastcgi_param CGIT_CONFIG {folder}/cgitrc;
    }}
  }}
"""


def compile_c(source, output, *options):
    compiler = "c++" if source.endswith(".cc") else "cc"
    subprocess.run([compiler, "-O2", HERE / source, "-o", output, *options], check=True)


def ring_folder(folder):
    """In memory, as /run is, where the ring is by default: pages of a file on a disk are written back
    again and again, and the next record in each then costs its writer a page fault."""
    memory = pathlib.Path("/dev/shm")
    return memory if memory.is_dir() and os.access(memory, os.W_OK) else folder


class World:
    def __init__(self, build, folder, running):
        self.services = support.Services(build, folder, running)
        self.folder = folder
        self.ring = pathlib.Path(running.enter_context(tempfile.TemporaryDirectory(
            prefix="manhattan-bench-", dir=ring_folder(folder)))) / "ring"
        self.make_programs()
        self.processes = {}
        self.start_contenders()
        self.start_nginx()
        self.come_to_rest()

    def make_programs(self):
        compile_c("page.c", self.folder / "c", "-static")
        compile_c("spawn_loop.c", self.folder / "spawn_loop")
        library = self.services.build / "libmanhattan.so.1"
        compile_c("fcgi_hello.cc", self.folder / "hello", "-std=c++20", f"-I{support.ROOT}/lib",
                  library, f"-Wl,-rpath,{library.parent}", "-lfcgi")
        shell = self.folder / "shell"
        shell.write_text("#!/bin/sh\nprintf 'Content-Type: text/html\\r\\n\\r\\n'\n"
                         f"echo '<html><body>{'x' * 990}</body></html>'\n")
        shell.chmod(0o755)
        (self.folder / "cgit").symlink_to("/usr/lib/cgit/cgit.cgi")
        subprocess.run(["git", "init", "-q", "--bare", self.folder / "pies"], check=True)
        (self.folder / "cgitrc").write_text(
            f"root-title=Bench\nrepo.url=pies\nrepo.path={self.folder}/pies\n")

    def start_contenders(self):
        run, folder = self.services, self.folder
        record = ("--ring", self.ring, "--path", folder / "log")
        (folder / "store").mkdir()  # not where the log is, as nowhere else
        server = run.start("server", [run.build / "manhattan-server", "--config", "/dev/null",
                                      *record, "--url", f"sqlite:///{folder}/store/bench.db",
                                      "--bind", f"ipc://{folder}/query"])
        if not support.becomes_true(self.ring.exists):
            sys.exit("manhattan-server does not start: " + run.said("server"))
        fcgi = [run.build / "manhattan-fcgi", "--config", "/dev/null", "--jobs", str(JOBS)]
        commands = {
            "on": [*fcgi, "--socket", folder / "on.sock", *record, "--secret-file", run.secret],
            "off": [*fcgi, "--socket", folder / "off.sock", "--ring", "none"],
            "fcgiwrap": ["fcgiwrap", "-c", str(JOBS), "-s", f"unix:{folder}/fcgiwrap.sock"],
            "with": [folder / "hello", folder / "with.sock", run.secret, self.ring, folder / "log"],
            "without": [folder / "hello", folder / "without.sock"],
            "later": [folder / "hello", folder / "later.sock", "2"],
        }
        self.processes = {name: run.start(name, command) for name, command in commands.items()}
        run.running.callback(self.end_with_children, self.processes["fcgiwrap"])
        self.ports = {name: support.free_port() for name in self.processes}
        self.processes["server"] = server

    @staticmethod
    def end_with_children(fcgiwrap):
        """It leaves its children behind, and makes new ones while it lives."""
        path = pathlib.Path(f"/proc/{fcgiwrap.pid}/task/{fcgiwrap.pid}/children")
        children = path.read_text().split()
        fcgiwrap.kill()
        fcgiwrap.wait()
        for child in children:
            os.kill(int(child), signal.SIGTERM)

    def start_nginx(self):
        servers = "".join(ONE.format(port=port, folder=self.folder, root=support.ROOT,
                                     contender=name) for name, port in self.ports.items())
        self.processes["nginx"] = self.services.start_nginx(
            SERVER.format(folder=self.folder, servers=servers), *self.ports.values())

    def cpu_s(self, *names):
        """What these processes, their children and the programs that they ran have used so far.
        fcgiwrap does not wait for its programs: theirs is missing from its figure."""
        pids = {self.processes[name].pid for name in names}
        total = 0
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = stat.read_text().rpartition(")")[2].split()
                if pids & {int(stat.parent.name), int(fields[1])}:
                    total += sum(map(int, fields[11:15]))
        return total / TICKS_S

    def come_to_rest(self):
        """Programs that the last turn left running, and the commit of its records, are no part of
        the next."""
        used, last = self.cpu_s(*self.processes), None
        while used != last:
            time.sleep(REST_S)
            used, last = self.cpu_s(*self.processes), used

    def cookie(self, contender):
        """What a visitor who was there before sends."""
        set_cookie = support.request(self.ports[contender], "/c")[2]["Set-Cookie"]
        return set_cookie.partition(";")[0]

    def measure(self, contender, program, connections, seconds):
        """(requests/s, p50 ms, p99 ms, CPU µs a request, those of manhattan-server and nginx)"""
        known = ["-H", f"Cookie: {self.cookie(KNOWN[contender])}"] if contender in KNOWN else []
        contender = KNOWN.get(contender, contender)
        watched = (contender, "server", "nginx")
        before = [self.cpu_s(process) for process in watched]
        said = subprocess.run(
            ["wrk", "--latency", *known, "-t1", f"-c{connections}", f"-d{seconds}s",
             f"http://127.0.0.1:{self.ports[contender]}/{program}"],
            capture_output=True, text=True, check=True).stdout
        if "Non-2xx" in said or "Socket errors" in said:
            sys.exit(f"{contender} does not serve {program}:\n{said}")
        requests = int(re.search(r"(\d+) requests in", said)[1])
        self.come_to_rest()
        used_s = [self.cpu_s(process) - earlier for process, earlier in zip(watched, before)]
        return (float(re.search(r"Requests/sec:\s*([\d.]+)", said)[1]), milliseconds("50", said),
                milliseconds("99", said), *(1e6 * s / max(requests, 1) for s in used_s))


def milliseconds(percentile, said):
    number, unit = re.search(rf"\s{percentile}%\s+([\d.]+)(us|ms|s)", said).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def floor(world, program, seconds):
    """Runs a second of posix_spawn, on all processors at once."""
    loops = [subprocess.Popen([world.folder / "spawn_loop", world.folder / program, str(seconds)],
                              stdout=subprocess.PIPE, text=True) for _ in range(os.cpu_count())]
    return sum(int(loop.communicate()[0]) for loop in loops) / seconds


def compare(world, program, contenders, arguments):
    """Prints a line for each contender and number of connections; the first is the reference."""
    for connections in arguments.connections or CONNECTIONS:
        rounds = []
        for number in range(arguments.rounds):
            order = random.Random(number).sample(contenders, len(contenders))
            rounds.append({contender: world.measure(contender, program, connections,
                                                    arguments.seconds) for contender in order})
        for contender in contenders:
            medians = [statistics.median(one[contender][i] for one in rounds) for i in range(5)]
            ratio = statistics.median(one[contender][0] / one[contenders[0]][0] for one in rounds)
            print(f"{program:6} {contender:11} {connections:3} {medians[0]:8.0f}/s  "
                  f"p50 {medians[1]:6.2f} ms  p99 {medians[2]:6.2f} ms  {medians[3]:5.0f} us CPU  "
                  f"{ratio:5.2f} x {contenders[0]}", flush=True)
            if contender in PLAIN:
                show_cost(contender, rounds, medians[4])


def show_cost(contender, rounds, server_us):
    """What it costs more than the plain one, by the pairs of each round."""
    plain = PLAIN[contender]
    more_us = spread(one[contender][3] - one[plain][3] for one in rounds)
    nginx_us = spread(one[contender][5] - one[plain][5] for one in rounds)
    ratio = spread(one[contender][0] / one[plain][0] for one in rounds)
    print("       {:11}     us CPU more than {}: {:.1f} [{:.1f} .. {:.1f}], nginx {:.1f} "
          "[{:.1f} .. {:.1f}], manhattan-server {:.1f}; requests/s {:.3f} [{:.3f} .. {:.3f}]".format(
              contender, plain, *more_us, *nginx_us, server_us, *ratio), flush=True)


def spread(values):
    """Median, and the bounds that hold the true one 19 times of 20, however values are distributed:
    order statistics by the binomial distribution. Of fewer than six rounds, the least and the most."""
    ordered = sorted(values)
    rounds = len(ordered)
    below = 0  # how many may be left out at each end
    while sum(math.comb(rounds, i) for i in range(below + 1)) <= 0.025 * 2**rounds:
        below += 1
    outer = max(below, 1)
    return statistics.median(ordered), ordered[outer - 1], ordered[-outer]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--only", action="append", help="c, shell, cgit or hello")
    parser.add_argument("--connections", type=int, action="append", help="1, 8 and 64")
    arguments = parser.parse_args()
    chosen = arguments.only or ["c", "shell", "cgit", "hello"]
    with tempfile.TemporaryDirectory(prefix="manhattan-bench-") as folder:
        with contextlib.ExitStack() as running:
            world = World(arguments.build, pathlib.Path(folder), running)
            for program in (name for name in chosen if name != "hello"):
                compare(world, program, ["fcgiwrap", "off", "on", "on, known"], arguments)
                print(f"{program:6} posix_spawn in a loop {floor(world, program, 2):8.0f}/s")
            if "hello" in chosen:
                compare(world, "hello", ["without", "with", "with, known", "later"],
                        arguments)


main()
