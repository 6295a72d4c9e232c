#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The original's Python client, and manhattan-query, ask one real manhattan-server.

Usage: tests/e2e/python_client.py BUILD_DIR. Prints `ok - ...` or `not ok - ...` for each claim.
"""
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

import prometheus_client.parser as prometheus
import zmq

PATIENCE_S = int(os.environ.get("PATIENCE_S", "60"))  # see scripts/check
HOUR = 1_479_747_600  # 2016-11-21 17:00 UTC
ODD_NAMES = ["-n", "--help", "tab\there", "back\\slash", "naïve 目標 🎯", "a=b", "line\nbreak"]
ODD_SPLIT, ODD_POPULATION = "-o=dd\ttest 🎯", "a b\n-c 🎯"

failures = 0


def claim(sentence, is_true, detail=""):
    global failures
    failures += not is_true
    print(f"{'ok' if is_true else 'not ok'} - {sentence}")
    if not is_true:
        print(f"#   {detail}", file=sys.stderr)


def equal(sentence, got, due):
    claim(sentence, got == due, f"got {got!r}, not {due!r}")


class ServerError(Exception):
    pass


class Client:
    """Asks as the original's client does: a REQ socket, any attribute is a remote method."""

    def __init__(self, context, connect, wait_ms=PATIENCE_S * 1000):
        self.socket = context.socket(zmq.REQ)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.connect(connect)
        self.wait_ms = wait_ms

    def __getattr__(self, name):
        def call(*arguments, **named):
            self.socket.send_json([name, arguments, named])
            if not self.socket.poll(self.wait_ms):
                raise TimeoutError(f"no answer within {self.wait_ms} ms")
            status, answer = self.socket.recv_json()
            if status != "ok":
                raise ServerError(answer)
            return answer
        return call


def error_of(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except ServerError as error:
        return str(error)
    return ""


class LogWriter:
    """Lines of the text log, as the original writes them."""

    def __init__(self):
        self.lines = []

    def stamp(self):
        return f"{HOUR + len(self.lines) / 10:.4f}"

    def add(self, kind, visitor, site, *fields):
        texts = [str(field).encode("unicode_escape").decode() for field in fields]
        self.lines.append("\t".join(["1", kind, self.stamp(), visitor, str(site), *texts]))

    def page(self, visitor, site=0):
        self.add("page", visitor, site, "127.0.0.1", "GET", "http://shop/", "Mozilla/5.0", "")

    def goal(self, visitor, name, value="", kind="", site=0):
        self.add("goal", visitor, site, name, value, kind, "C" if kind else "")

    def text(self):
        return "".join(line + "\n" for line in self.lines)


def clickstream():
    """Ten people, five of each population, and two bots that reach everything in vain."""
    log = LogWriter()
    people = [f"{i:040x}" for i in range(10)]
    for i, visitor in enumerate(people):
        site = i % 2
        log.page(visitor, site)
        log.add("pixel", visitor, site)
        log.add("split", visitor, site, "Blue Button", str(i < 5))
        if i % 3 == 0:
            log.goal(visitor, "sale", "12.35", "S", site)
            log.goal(visitor, "basket", "4", "A", site)
            log.goal(visitor, "basket", "6", "A", site)
            log.goal(visitor, "per visit", "3", "I", site)
            log.goal(visitor, "rate", "", "R", site)
            log.goal(visitor, "plain", site=site)
    for name in ODD_NAMES:
        log.goal(people[0], name)
    log.add("split", people[0], 0, ODD_SPLIT, ODD_POPULATION)
    log.goal(people[0], "after all")
    for bot in ("b" * 40, "c" * 40):
        log.page(bot)
        log.goal(bot, "sale", "99", "S")
    return log


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_counted(client, records, server):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            sys.exit(f"not ok - manhattan-server ended with {server.returncode}")
        tallies = client.status()["tallies"]
        if sum(tallies.get(f"record_{kind}", 0) for kind in ("page", "pixel", "goal", "split")) == records:
            return
        time.sleep(0.02)
    sys.exit("not ok - the log is counted in time")


def check_counts(client):
    blue = ["Blue Button", "True"]
    equal("count takes a goal", client.count("sale"), 4)
    equal("count takes a goal by name", client.count(goal="sale"), 4)
    equal("bots are not counted", client.count("viewed page"), 10)
    equal("count takes a variant", client.count(variant=blue), 5)
    equal("count takes goal and variant", client.count("sale", blue), 2)
    equal("count takes a site", client.count("sale", site_id=1), 2)
    equal("count takes all five by position", client.count("sale", None, "all", 0, 1), 2)
    equal("count takes a day", client.count("sale", None, "day", "2016-11-21"), 4)
    equal("an unknown goal counts 0", client.count("no such goal"), 0)
    for name in ODD_NAMES:
        equal(f"a goal may be named {name!r}", client.count(name), 1)


def check_values(client):
    equal("S is the sum, exactly", client.goal_value("sale"), 49.4)
    equal("A divides by who converted", client.goal_value("basket"), 10)
    equal("I divides by who viewed a page", client.goal_value("per visit"), 1.2)
    equal("R is converted by viewed", client.goal_value("rate"), 0.4)
    equal("no type is the count", client.goal_value("plain"), 4)
    equal("a variant divides by its own", client.goal_value("rate", ["Blue Button", "True"]), 0.0)
    equal("exact is a string", client.goal_value("sale", exact=True), "49.4")
    equal("an unknown goal is worth 0", client.goal_value("no such goal"), 0)


def check_lists(client, prefix, size):
    tests = client.all_tests()
    equal("all_tests names the split", [test[0] for test in tests], [ODD_SPLIT, "Blue Button"])
    claim("its stamps are the first and the last", HOUR <= tests[1][1] < tests[1][2] < HOUR + 60, tests)
    equal("results are values by population", client.results("Blue Button", ["sale", "plain"]),
          {"True": [24.7, 2], "False": [24.7, 2]})
    equal("an unknown test has no results", client.results("no such test", ["sale"]), {})
    equal("the pointer stands after the last record", client.get_pointer(), f"{prefix}.{HOUR}:{size}")


def check_refusals(client):
    claim("neither goal nor variant is an error", "goal" in error_of(client.count), "")
    for method in ("flush", "reset_counters", "_cmd", "store"):
        claim(f"{method} does not answer", error_of(getattr(client, method)).startswith("MethodError"))
    error = error_of(client.count, "sale", site_id="one")
    claim("a site that is no number is named", "site_id" in error, error)
    error = error_of(client.series, "sale", rollup_key="day", largest=5, first="0")
    claim("the largest buckets and bounds are too much", "not both" in error, error)
    error = error_of(client.split_results, "none", goals=["goal"] * 1001)
    claim("so are a thousand and one goals", "at most 1000 goals" in error, error)
    equal("and the same client asks on", client.count("sale"), 4)
    client.socket.send(b"\xff garbage")
    status, answer = client.socket.recv_json()
    claim("garbage is answered with an error", status == "error", answer)
    equal("after which the client asks on", client.count("sale"), 4)


class Program:
    """manhattan-query at one endpoint."""

    def __init__(self, build, endpoint):
        self.command = [build / "manhattan-query", "--config", "/dev/null", "--connect", endpoint]

    def run(self, *arguments):
        return subprocess.run([*self.command, *arguments], capture_output=True, text=True,
                              timeout=PATIENCE_S)

    def says(self, *arguments):
        done = self.run(*arguments)
        return done.stdout if done.returncode == 0 else f"exit {done.returncode}: {done.stderr}"


def check_program(query):
    equal("manhattan-query count prints the number", query.says("count", "sale"), "4\n")
    equal("value prints every digit", query.says("value", "sale"), "49.4\n")
    equal("options may follow", query.says("count", "sale", "--variant", "Blue Button=True"), "2\n")
    equal("tsv of a count is the number", query.says("--format", "tsv", "count", "sale"), "4\n")
    equal("json of a count is an object", json.loads(query.says("--format", "json", "count", "sale")),
          {"count": 4})
    for name in ODD_NAMES:
        equal(f"manhattan-query counts {name!r}", query.says("count", "--", name), "1\n")
    odd = f"--variant={ODD_SPLIT}={ODD_POPULATION}"
    equal("a variant may have any name", query.says("count", "after all", odd), "1\n")
    equal("alone, too", query.says("count", odd), "1\n")
    results = json.loads(query.says("results", "--format", "json", "--", ODD_SPLIT, *ODD_NAMES, "after all"))
    equal("results may be of any names", [(row["population"], row["goal"], row["conversions"])
                                          for row in results["results"]],
          [(ODD_POPULATION, name, 0) for name in ODD_NAMES] + [(ODD_POPULATION, "after all", 1)])
    goals = query.says("goals", "--format", "tsv").splitlines()
    equal("tsv keeps each goal on a line", len(goals), 7 + len(ODD_NAMES))
    claim("and escapes what would break it", "tab\\there\t\t" in goals, goals)
    equal("series has the day", query.says("series", "sale", "--rollup", "day", "--format", "tsv"),
          "2016-11-21\t4\t49.4\t49.4\n")
    equal("nobody reached it on another day",
          query.says("count", "sale", "--rollup", "day", "--bucket", "2016-11-22"), "0\n")
    for command in (["count", "sale", "--bucket", "x"], ["value", "sale", "--bucket", "x"],
                    ["series", "sale"], ["report"]):
        done = query.run(*command, "--rollup", "dya")
        equal(f"{command[0]} by a rollup that the server has not is refused",
              (done.returncode, done.stdout, done.stderr.splitlines()[:1]),
              (2, "", ["manhattan-query: the server has no rollup 'dya', it has all, day; did you mean 'day'?"]))
    results = json.loads(query.says("--format", "json", "results", "Blue Button", "sale"))
    equal("results have each population", [(row["population"], row["visitors"], row["conversions"],
                                            row["rate"]) for row in results["results"]],
          [("False", 5, 2, 0.4), ("True", 5, 2, 0.4)])
    equal("results say what was left out", results["left_out"], {"visitor_without_pixel": 2})
    equal("call sends JSON", query.says("call", "count", '"sale"', "site_id=1"), "2\n")
    equal("tests has the split", query.says("tests", "--format", "csv").splitlines()[0],
          "split,first,last")
    status = dict(line.split("\t") for line in query.says("status", "--format", "tsv").splitlines())
    equal("status has the tallies", status["visitor_without_pixel"], "2")


def check_exit_codes(query, nowhere):
    equal("an error of the server is exit 1", query.run("call", "flush").returncode, 1)
    equal("wrong use is exit 2", query.run("count", "sale", "--rollup", "day").returncode, 2)
    equal("a bucket of nothing, too", query.run("count", "sale", "--bucket", "x").returncode, 2)
    equal("an empty name is exit 2", query.run("count", "").returncode, 2)
    equal("no JSON is exit 2", query.run("call", "count", "sale").returncode, 2)
    equal("no answer in time is exit 4", nowhere.run("--wait", "100", "status").returncode, 4)
    equal("a name in the place of a command is exit 2", query.run("--", "--count", "sale").returncode, 2)
    with open("/dev/full", "w") as full:
        done = subprocess.run([*query.command, "status"], stdout=full, stderr=subprocess.PIPE,
                              timeout=PATIENCE_S)
    equal("output that can't be written is exit 1", done.returncode, 1)


def check_damage(build, context, endpoint):
    """What answers is no manhattan-server."""
    liar = context.socket(zmq.REP)
    liar.bind(endpoint)
    for answer in (b"", b"garbage", b'["ok"]', b'["ok","five"]', b'["ok",{"tallies":5}]', b'[1,2]'):
        asking = subprocess.Popen(Program(build, endpoint).command + ["status"], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True)
        liar.recv()
        liar.send(answer)
        out, err = asking.communicate(timeout=PATIENCE_S)
        equal(f"{answer!r} is no answer: exit 3, one line", (asking.returncode, out, err.count("\n")), (3, "", 1))


def check_prometheus(query):
    """Read by the Prometheus project's own parser."""
    text = query.says("status", "--format", "prometheus")
    families = {family.name: family for family in prometheus.text_string_to_metric_families(text)}
    samples = {name: family.samples[0].value for name, family in families.items()}
    equal("Prometheus reads the tallies", samples["manhattan_visitor_human"], 10)
    claim("each with what it is and of what kind",
          all(family.documentation and family.type == "gauge" for family in families.values()), text)
    equal("each once", len(families), text.count("# TYPE"))
    claim("in seconds", 0 < samples["manhattan_worker_flush_last_seconds"] <=
          samples["manhattan_worker_flush_max_seconds"] < PATIENCE_S, samples)
    equal("and the versions", families["manhattan_info"].samples[0].labels["version"],
          query.says("--version").split()[-1])


def check_status(query):
    status = json.loads(query.says("status", "--format", "json"))
    equal("status tells the rollups", status["rollups"], {"all": "all", "day": "day:UTC"})
    equal("and the versions", sorted(status["versions"]), ["ring", "store", "zeromq"])
    tallies = status["tallies"]
    equal("all has been counted: it is not behind", (tallies["worker_behind_ms"], tallies["worker_lag_bytes"]), (0, 0))
    equal("every record is a hit or a miss of the cache",
          tallies["worker_cache_hits"] + tallies["worker_cache_misses"], tallies["worker_records"])
    equal("the cache holds every visitor", tallies["worker_cached_visitors"], tallies["visitor_seen"])


def check_all(build, folder):
    prefix, log = f"{folder}/manhattan.log", clickstream()
    size = pathlib.Path(f"{prefix}.{HOUR}").write_text(log.text())
    tcp, ipc = f"tcp://127.0.0.1:{free_port()}", f"ipc://{folder}/socket"
    server = subprocess.Popen(
        [build / "manhattan-server", "--config", "/dev/null", f"--path={prefix}", "--ring", "none",
         f"--url=sqlite:///{folder}/test.db", "--rollup", "day=day:UTC", "--bind", tcp, "--bind", ipc])
    context = zmq.Context()
    try:
        client = Client(context, tcp)
        wait_until_counted(client, len(log.lines), server)
        for where, client in (("tcp", client), ("ipc", Client(context, ipc))):
            print(f"# over {where}")
            check_counts(client)
            check_values(client)
            check_lists(client, prefix, size)
            check_refusals(client)
        check_program(Program(build, tcp))
        check_status(Program(build, tcp))
        check_prometheus(Program(build, tcp))
        check_damage(build, context, f"ipc://{folder}/liar")
        check_exit_codes(Program(build, ipc), Program(build, f"ipc://{folder}/nobody"))
    finally:
        context.destroy(linger=0)
        server.terminate()
        equal("the server ends with 0", server.wait(PATIENCE_S), 0)


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="manhattan-client-") as folder:
        check_all(build, folder)
    sys.exit(failures != 0)


if __name__ == "__main__":
    main()
