#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Each EXAMPLE of manhattan-query(1), manhattan-query(5) and manhattan-report(8) runs, as it stands
there, against a server that has the goals.

Usage: tests/e2e/query_examples.py BUILD_DIR
"""
import contextlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import python_client as client

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def examples(page="manhattan-query.1", section="EXAMPLES"):
    """The literal blocks of that section, as a shell reads them."""
    section = (ROOT / "man" / page).read_text().split(f"\n.Sh {section}\n")[1].split("\n.Sh ")[0]
    for block in re.findall(r"^\.Bd -literal.*?\n(.*?)\n\.Ed$", section, re.MULTILINE | re.DOTALL):
        yield block.replace("\\e", "\\").replace("\\&", "").replace("\\-", "-")


def clickstream(more_goals=()):
    log = client.LogWriter()
    for i in range(20):
        visitor = f"{i:040x}"
        log.page(visitor)
        log.add("pixel", visitor, 0)
        log.add("split", visitor, 0, "dessert", "apple" if i % 2 else "plum")
        log.add("split", visitor, 0, "Blue Button", str(i % 2 == 0))
        for name in ("pie accomplished", "Added to Cart", "--help wanted", *more_goals):
            log.goal(visitor, name)
        log.goal(visitor, "Order Placed", "12.35", "S")
    return log


# What each example must show, in their order.
DUE = ["^20$", "^10$", "^bucket,count,sum,value$", "^20 ┤", "^\\(none\\) █+ 20$", "Added to Cart: visitors who converted",
       '"verdict": "go on"', "^20\n247$", "no mismatch: chance divides", "^20$", "^$", "^manhattan_visitor_human 20$", "Order Placed\t20", "^0$"]


def check_examples(environment, folder):
    found = list(examples())
    client.equal("every example has an expectation", len(found), len(DUE))
    for text, due in zip(found, DUE):
        done = subprocess.run(["bash", "-ec", "set -o pipefail\n" + text], env=environment, text=True, cwd=folder,
                              capture_output=True, timeout=client.PATIENCE_S, stdin=subprocess.DEVNULL)
        client.claim(f"runs: {text.splitlines()[0]}",
                     done.returncode == 0 and re.search(due, done.stdout, re.MULTILINE),
                     f"exit {done.returncode}: {done.stdout}{done.stderr}")


def check_report_example(environment):
    """The first; nginx's are a server's, and stand in report_page.py."""
    found = list(examples("manhattan-report.8"))
    client.equal("manhattan-report(8) has a command and two for nginx", len(found), 3)
    done = subprocess.run(["bash", "-ec", found[0]], env=environment, capture_output=True, text=True,
                          timeout=client.PATIENCE_S)
    client.claim("runs: manhattan-report", done.returncode == 0 and "<h1>The shop</h1>" in done.stdout, done)


def check_python_example(endpoint):
    *_, text = examples("manhattan-query.5", "EXAMPLE")
    text = text.replace("tcp://127.0.0.1:5555", endpoint) + "\nprint(status, value)"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=client.PATIENCE_S)
    client.equal("runs: the Python of manhattan-query(5)", done.stdout + done.stderr, "ok 0\n")


def environment_of(build, folder, endpoint):
    """Programs on PATH that ask this server; the examples ask the default one."""
    for name in ("manhattan-query", "manhattan-report"):
        wrapper = pathlib.Path(folder) / name
        wrapper.write_text(f'#!/bin/sh\nexec {build}/{name} --config /dev/null --connect {endpoint} "$@"\n')
        wrapper.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}


@contextlib.contextmanager
def served_clickstream(build, more_goals=()):
    """A server that has counted clickstream(): (build, endpoint, folder)."""
    build = pathlib.Path(build).resolve()
    with tempfile.TemporaryDirectory(prefix="manhattan-examples-") as folder:
        prefix, log = f"{folder}/log", clickstream(more_goals)
        pathlib.Path(f"{prefix}.{client.HOUR}").write_text(log.text())
        endpoint = f"ipc://{folder}/socket"
        server = subprocess.Popen(
            [build / "manhattan-server", "--config", "/dev/null", f"--path={prefix}", "--ring", "none",
             f"--url=sqlite:///{folder}/test.db", "--rollup", "day=day:UTC", "--rollup", "referrer",
             "--bind", endpoint])
        context = client.zmq.Context()
        try:
            client.wait_until_counted(client.Client(context, endpoint), len(log.lines), server)
            yield build, endpoint, folder
        finally:
            context.destroy(linger=0)
            server.terminate()
            server.wait(client.PATIENCE_S)


def main():
    with served_clickstream(sys.argv[1]) as (build, endpoint, folder):
        environment = environment_of(build, folder, endpoint)
        check_examples(environment, folder)
        check_report_example(environment)
        check_python_example(endpoint)
    sys.exit(client.failures != 0)


if __name__ == "__main__":
    main()
