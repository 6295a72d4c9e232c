#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The page of manhattan-query report and manhattan-report: well formed, from one file, hostile names
and all; in Chromium, where that is installed, nothing is wider than a desktop or a phone.

Usage: tests/e2e/report_page.py BUILD_DIR
"""
import html.parser
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import python_client as client
import query_examples

EVIL = ["<script>alert(1)</script>", "\" onload=\"x", "目標 🎯", "a&b", "x" * 300]
VOID = {"meta", "link", "rect", "br"}
MEASURE = ("<script>document.documentElement.dataset.widths = "
           "document.documentElement.scrollWidth + '/' + window.innerWidth</script>")


class Checker(html.parser.HTMLParser):
    """Elements in order, and those that were not closed where they should be."""

    def __init__(self, text):
        super().__init__()
        self.names, self.stack, self.faults, self.text, self.addresses = set(), [], [], "", []
        self.feed(text)
        self.faults += [f"<{name}> is not closed" for name in self.stack]

    def handle_starttag(self, tag, attributes):
        self.names.add(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href")]
        self.faults += [f"{name}=" for name, _ in attributes if name.startswith("on")]
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID and (not self.stack or self.stack.pop() != tag):
            self.faults.append(f"</{tag}>")

    def handle_data(self, data):
        self.text += data


def check_page(page):
    checker = Checker(page)
    client.equal("every element is closed in order", checker.faults, [])
    client.claim("there is no script, frame or picture",
                 not checker.names & {"script", "iframe", "img", "object", "embed"}, checker.names)
    client.equal("nothing comes from elsewhere", checker.addresses, ["data:,"])
    client.claim("the style loads nothing", not re.search(r"url\(|@import", page))
    for name in EVIL:
        client.claim(f"{name[:30]!r} is text", name in checker.text)
    client.claim("intervals are drawn", 'class="range"' in page and 'role="img"' in page)


def run_cgi(build, endpoint, **environment):
    done = subprocess.run([build / "manhattan-report", "--config", "/dev/null", "--connect", endpoint,
                           "--title", "The shop", "--wait", "5000"], capture_output=True,
                          env={**os.environ, **environment}, timeout=client.PATIENCE_S)
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    return done.returncode, head.decode(), body


def check_cgi(build, endpoint, folder):
    code, head, body = run_cgi(build, endpoint, REQUEST_METHOD="GET")
    client.equal("a request is answered", code, 0)
    client.claim("as HTML of that length that nobody stores",
                 "Content-Type: text/html; charset=utf-8" in head and "Status" not in head and
                 f"Content-Length: {len(body)}" in head and "no-store" in head, head)
    client.claim("with its title", b"<h1>The shop</h1>" in body)
    check_page(body.decode())
    _, head, body = run_cgi(build, endpoint, REQUEST_METHOD="HEAD")
    client.claim("HEAD has a head only", body == b"" and "Content-Length" in head, head)
    _, head, _ = run_cgi(build, endpoint, REQUEST_METHOD="POST")
    client.claim("POST is refused", head.startswith("Status: 405"), head)
    done = subprocess.run([build / "manhattan-report", "--config", "/dev/null", "--wait", "50", "--connect",
                           f"ipc://{folder}/nobody"], capture_output=True, text=True,
                          timeout=client.PATIENCE_S)
    client.claim("no server is 503, and a line for the log",
                 "Status: 503" in done.stdout and "nobody" in done.stderr and "nobody" not in done.stdout,
                 done.stdout + done.stderr)


def check_in_browser(page, folder):
    if not shutil.which("chromium"):
        return
    path = pathlib.Path(folder) / "measured.html"
    path.write_text(page.replace("</body>", MEASURE + "</body>"))
    for width in (1280, 500):  # Chromium makes no window narrower than 500
        done = subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             f"--user-data-dir={folder}/browser", f"--window-size={width},900", "--dump-dom",
             f"file://{path}"], capture_output=True, text=True, timeout=60)
        found = re.search(r'data-widths="(\d+)/(\d+)"', done.stdout)
        client.claim(f"nothing is wider than a window of {width}",
                     found and int(found[1]) <= int(found[2]), found and found[0] or done.stderr[-300:])


def main():
    with query_examples.served_clickstream(sys.argv[1], EVIL) as (build, endpoint, folder):
        done = subprocess.run([build / "manhattan-query", "--config", "/dev/null", "--connect", endpoint,
                               "report"], capture_output=True, text=True, timeout=client.PATIENCE_S)
        check_page(done.stdout)
        check_cgi(build, endpoint, folder)
        check_in_browser(done.stdout, folder)
    sys.exit(client.failures != 0)


main()
