#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The page of manhattan-query report and manhattan-report: as a file, and behind nginx as FastCGI and
as plain CGI; hostile names and all; looked at in Chromium at desktop and phone width, light and dark,
on paper, without scripts, and as it loads itself anew.

Usage: tests/e2e/report_page.py BUILD_DIR. With SCREENSHOTS=FOLDER it leaves what it saw there.
"""
import contextlib
import html.parser
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import browser  # noqa: E402
import fcgi_support as support  # noqa: E402
import python_client as client  # noqa: E402

EVIL = ["<script>alert(1)</script>", "\" onload=\"x", "目標 🎯", "a&b", "x" * 300]
VOID = {"meta", "link", "rect", "br"}
ROLLUPS = ("day=day:UTC", "browser", "os", "device", "referrer", "path", "query:q", "header:accept-language")
AGENTS = ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
          "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
          "Version/17.5 Mobile/15E148 Safari/604.1",
          "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
          "Chrome/126.0.0.0 Safari/537.36")
DAY_S = 86400
SERVER = """
  server {{
    listen 127.0.0.1:{port}; root {folder};
    include {root}/etc/nginx-manhattan-server.conf; set $manhattan_socket unix:{folder}/report.sock;
    location /fast {{ fastcgi_pass $manhattan_socket; }}
    location /plain {{ fastcgi_pass unix:{folder}/plain.sock; }}
  }}
"""


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


class ShopLog(client.LogWriter):
    """Forty days of a shop, in an hour's file: counting goes by the stamps."""

    def visit(self, i):
        visitor, self.now_s = f"{i:040x}", client.HOUR + i % 40 * DAY_S
        self.add("page", visitor, 0, "127.0.0.1", "GET", f"http://shop/{i % 7}?q=pie{i % 3}", AGENTS[i % 3],
                 f"http://from{i % 5}.example/" if i % 2 else "")
        self.add("pixel", visitor, 0)
        self.add("split", visitor, 0, "Blue Button", str(i % 2 == 0))
        self.add("split", visitor, 0, EVIL[0], EVIL[i % 3])
        if i % (3 if i % 2 else 5) == 0:
            self.goal(visitor, "Order Placed", f"{10 + i % 13}.35", "S")
        if i % 4 == 0:
            self.goal(visitor, EVIL[i // 4 % len(EVIL)])

    def stamp(self):
        return f"{self.now_s + len(self.lines) % 3000:.4f}"


class World:
    """A server that has counted a ShopLog, and manhattan-report behind nginx."""

    def __init__(self, build, folder, running):
        self.build, self.folder = pathlib.Path(build).resolve(), pathlib.Path(folder)
        self.endpoint, self.log = f"ipc://{folder}/socket", ShopLog()
        self.segment = self.folder / f"log.{client.HOUR}"
        for i in range(1200):
            self.log.visit(i)
        self.segment.write_text(self.log.text())
        self.services = support.Services(build, self.folder, running)
        self.server = self.services.start("server", [
            self.build / "manhattan-server", "--config", "/dev/null", f"--path={folder}/log", "--ring", "none",
            f"--url=sqlite:///{folder}/test.db", "--bind", self.endpoint,
            *(f"--rollup={rollup}" for rollup in ROLLUPS)])
        context = client.zmq.Context()
        running.callback(context.destroy, linger=0)
        self.asker = client.Client(context, self.endpoint)
        client.wait_until_counted(self.asker, len(self.log.lines), self.server)
        self.serve_page()

    def report_command(self, *options, endpoint=None):
        return [self.build / "manhattan-report", "--config", "/dev/null", "--connect", endpoint or self.endpoint,
                "--title", "The shop", *options]

    def serve_page(self):
        self.port = support.free_port()
        path = self.folder / "report.sock"
        self.report = self.services.start_server("report", self.report_command(
            "--refresh", "1", "--socket", path, "--socket-mode", "0600"), path)
        self.services.start_fcgi("plain", "--config", "/dev/null", "--", *self.report_command())
        self.services.start_nginx(SERVER.format(port=self.port, folder=self.folder, root=support.ROOT), self.port)

    def address(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def count_more(self, visitors):
        lines = len(self.log.lines)
        for i in range(5000, 5000 + visitors):
            self.log.visit(i)
        with open(self.segment, "a") as segment:
            segment.writelines(line + "\n" for line in self.log.lines[lines:])


def check_page(page):
    checker = Checker(page)
    client.equal("every element is closed in order", checker.faults, [])
    client.claim("there is no script, frame or picture",
                 not checker.names & {"script", "iframe", "img", "object", "embed"}, checker.names)
    client.equal("nothing comes from elsewhere", checker.addresses, ["data:,"])
    client.claim("the style loads nothing", not re.search(r"url\(|@import", page))
    for name in EVIL:
        client.claim(f"{name[:30]!r} is text", name in checker.text)
    client.claim("a bar says its day and number", "<title>2016-11-22: 30</title>" in page)
    client.claim("intervals are drawn", 'class="range"' in page and 'role="img"' in page)
    for title in ("Visitors by day", "Browsers", "Systems", "Devices", "Referrers", "Pages", "Parameters: q",
                  "Headers: accept-language", "Goals", "Split tests"):
        client.claim(f"it has a section {title!r}", f"<h2>{title}</h2>" in page)


def check_behind_nginx(world):
    for path in ("/fast", "/plain"):
        status, _, headers, body = support.request(world.port, path)
        client.equal(f"nginx answers {path}", status, 200)
        client.claim("as HTML of that length that nobody stores",
                     headers["Content-Type"] == "text/html; charset=utf-8" and "no-store" in headers["Cache-Control"]
                     and headers["Content-Length"] == str(len(body)), headers)
        client.claim("with its title and all visitors", b"<h1>The shop</h1>" in body and b"<b>1,200</b>" in body)
        status, _, headers, body = support.request(world.port, path, "HEAD")
        client.claim("HEAD has a head only", body == b"" and int(headers["Content-Length"]) > 1000, headers)
        for size in (1, 70_000, 900_000):
            status, _, headers, _ = support.request(world.port, path, "POST", b"x" * size)
            client.equal(f"POST of {size} bytes is refused with what is allowed", (status, headers["Allow"]),
                         (405, "GET, HEAD"))
    client.equal("the socket is its owner's alone", (world.folder / "report.sock").stat().st_mode & 0o777, 0o600)


def check_alone(world):
    done = subprocess.run(world.report_command("--wait", "50", endpoint=f"ipc://{world.folder}/nobody"),
                          capture_output=True, text=True, timeout=client.PATIENCE_S)
    client.claim("no server is 503, and a line for the log",
                 "Status: 503" in done.stdout and "nobody" in done.stderr and "nobody" not in done.stdout,
                 done.stdout + done.stderr)
    done = subprocess.run(world.report_command("--rollup", "nosuch"), capture_output=True, text=True)
    client.claim("a rollup that the server lacks is 404, and those that it has are named",
                 "Status: 404" in done.stdout and "no rollup 'nosuch', only " in html.unescape(done.stdout), done.stdout)
    with open("/dev/full", "w") as full:
        done = subprocess.run(world.report_command(), stdout=full, stderr=subprocess.PIPE)
    client.equal("output that can't be written is exit 1", done.returncode, 1)


def check_look(tab, name):
    client.equal(f"{name}: nothing is wider than the window", tab.outside(), [])
    client.equal(f"{name}: every text stands out from its ground", tab.value(browser.CONTRAST), [])
    picture = tab.picture()
    client.claim(f"{name}: it can be looked at", picture.startswith(b"\x89PNG") and len(picture) > 20_000)
    if "SCREENSHOTS" in os.environ:
        pathlib.Path(os.environ["SCREENSHOTS"], f"{name.replace(' ', '-')}.png").write_bytes(picture)


def check_in_browser(world, tab, file):
    grounds = set()
    for scheme in ("light", "dark"):
        for width in (1280, 360):
            tab.show(file, width, scheme, has_script=False)
            check_look(tab, f"{scheme} at {width}")
            grounds.add(tab.value("getComputedStyle(document.body).backgroundColor"))
            client.equal(f"{scheme} at {width}: no table needs pushing aside", tab.value(browser.SCROLLS), [])
        client.equal(f"{scheme}: on a phone intervals are as wide as the page", tab.value(browser.NARROW), 0)
    client.equal("dark is another ground than light", len(grounds), 2)
    tab.show(file, 794, "light", media="print")
    check_look(tab, "on paper")
    client.claim("a printer gets pages", tab.pages_on_paper() > 1, tab.pages_on_paper())
    client.equal("it asks for nothing but itself", set(tab.requests) - {file, "data:,", "about:blank"}, set())
    client.equal("and complains of nothing", tab.complaints, [])


def check_refresh(world, tab):
    tab.requests.clear()
    tab.show(world.address("/fast"), 1280)
    client.equal("behind nginx the page has its style",
                 tab.value("getComputedStyle(document.querySelector('.tiles')).display"), "grid")
    world.count_more(100)
    seen = "document.querySelector('.tile b')?.textContent"
    client.claim("it loads itself anew, and shows what has been counted since",
                 support.becomes_true(lambda: tab.value(seen) == "1,300"), tab.value(seen))
    client.equal("of nginx it asks the page alone", set(tab.requests) - {world.address("/fast"), "data:,"}, set())
    client.equal("under its policy nothing is refused", tab.complaints, [])


def check_end(world):
    world.report.terminate()
    client.equal("SIGTERM ends manhattan-report with 0", world.report.wait(client.PATIENCE_S), 0)
    client.claim("and removes its socket", not (world.folder / "report.sock").exists())


def main():
    with tempfile.TemporaryDirectory(prefix="manhattan-report-") as folder, contextlib.ExitStack() as running:
        world = World(sys.argv[1], folder, running)
        done = subprocess.run([world.build / "manhattan-query", "--config", "/dev/null", "--connect", world.endpoint,
                               "report"], capture_output=True, text=True, timeout=client.PATIENCE_S)
        check_page(done.stdout)
        check_behind_nginx(world)
        check_alone(world)
        file = pathlib.Path(folder) / "report.html"
        file.write_text(done.stdout)
        tab = browser.Browser(folder)
        running.callback(tab.close)
        check_in_browser(world, tab, f"file://{file}")
        check_refresh(world, tab)
        check_end(world)
    sys.exit(client.failures != 0 or support.failures != 0)


main()
