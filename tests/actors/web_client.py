#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A web client, through a real nginx with the shipped configuration: it is one visitor who does what it says.

It is no other visitor, has no address but its own, runs nothing but programs that the site offers,
fills no store, and nothing it sends is obeyed by a terminal, a spreadsheet or a browser that shows it.
Usage: tests/actors/web_client.py BUILD_DIR
"""
import contextlib
import http.client
import json
import pathlib
import re
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import stage as stages  # noqa: E402
from stage import check, cookie_in  # noqa: E402

PAGE = "#!/bin/sh\necho Content-Type: text/html; echo; echo \"<html><body>fine $QUERY_STRING</body></html>\"\n"
PATH = "/cgi-bin/shop"
BROWSER = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
# What terminals obey, what ends fields and lines, what spreadsheets run, what browsers run.
HOSTILE = [b"\x1b[2J\x1b]0;owned\x07", b"\x9b31m\xc2\x9b31m", b"=HYPERLINK(\"http://evil\")", b"+cmd|' /C calc'!A0", b"-2+3", b"@SUM(1)",
           b"\t=1+1", b"a\tb", b"\"a\",\"b", b"<script>alert(1)</script>", b"'\"><img src=x onerror=alert(1)>", b"\xe2\x80\xae\xe2\x81\xa6abc",
           b"\\x1b[2J", b"%0d%0aSet-Cookie: a=b", b"\xff\xfe\xc0\x80", b"'; DROP TABLE visitors; --", b"&lt;b&gt;", b"${jndi:x}"]


def quoted(text):
    return "".join(f"%{byte:02x}" for byte in text)


def is_served(stage):
    status, answer = stage.get(PATH, BROWSER)
    return status == 200 and b"fine" in answer


def visitor_of(cookie):
    return cookie.rpartition(".")[0]


def is_no_other(stage):
    _, answer = stage.get(PATH, BROWSER)
    mine = cookie_in(answer)
    check("a visitor without a cookie gets one", mine and re.search(rb"HttpOnly", answer) and b"SameSite=Lax" in answer, answer)
    visitor, _, signature = mine.rpartition(".")
    other = ("0" if visitor[0] != "0" else "1") + visitor[1:]
    forged = [f"{other}.{signature}", f"{visitor}.", visitor, f"{visitor}.{signature[:-1]}", f"{visitor}.{signature[:-2]}00",
              f".{signature}", "", f"{visitor}.{signature}.{signature}", f"{visitor}.{'0' * 64}", "a" * 4000, f"{visitor}%00.{signature}",
              f"{visitor.upper()}.{signature}"]
    accepted = [value for value in forged if not cookie_in(stage.get(PATH, BROWSER, f"Cookie: manhattan={value}")[1])]
    check("a forged cookie makes a new visitor", not accepted or
          all(visitor_of(value) == visitor and value == mine for value in accepted), accepted)
    check("its own is taken", not cookie_in(stage.get(PATH, BROWSER, f"Cookie: manhattan={mine}")[1]))
    status, answer = stage.get("/vpixel.gif", BROWSER, f"Cookie: manhattan={mine}")
    check("what it may do: be a visitor whose cookie it has", status == 200 and
          stages.becomes_true(lambda: stage.tallies().get("visitor_human") == 1), stage.tallies())


def has_its_address(stage):
    spoofed = ["X-Forwarded-For: 203.0.113.66", "X_Forwarded_For: 203.0.113.66", "X-Real-IP: 203.0.113.66", "Forwarded: for=203.0.113.66",
               "Client-IP: 203.0.113.66", "True-Client-IP: 203.0.113.66", "X-Forwarded-Proto: https", "Remote-Addr: 203.0.113.66"]
    _, answer = stage.get(PATH, BROWSER, *spoofed)
    check("headers make it no other address", stages.becomes_true(lambda: len(stage.records()) > 5) and
          not any("203.0.113.66" in field for fields in stage.records() for field in fields[4:7]), stage.records()[-3:])
    check("and no HTTPS of HTTP", b"Secure" not in answer, answer)
    before = stage.count("Stolen")
    stage.get(PATH, BROWSER, "Manhattan-Goal: Stolen; value=1", "Manhattan-Split: x; selected=y", "Manhattan-Visitor: ann")
    stage.get(f"{PATH}?Manhattan-Goal=Stolen", BROWSER)
    check("it reports no goal where no rule takes one from it", stage.count("Stolen") == before)


def sends_too_much(stage):
    for what, headers in (("1,500 headers", [f"X-{i}: y" for i in range(1500)]), ("headers of 400 KB", [f"X-{i}: {'y' * 50_000}" for i in range(8)]),
                          ("a cookie of 60 KB", ["Cookie: manhattan=" + "x" * 60_000]), ("2,000 cookies", ["Cookie: " + "; ".join(["manhattan=a.b"] * 2000)]),
                          ("a User-Agent of 60 KB", ["User-Agent: " + "\\" * 60_000])):
        status, answer = stage.get(PATH, *headers)
        # 500 is nginx's own, for what is no FastCGI record any more.
        check(f"{what}: an answer", status in (200, 400, 414, 431, 494, 500), answer[:300])
    status, answer = stage.get(PATH + "/" + "x" * 60_000 + "?" + "y" * 3000, BROWSER)
    check("a path of 60 KB: an answer", status in (200, 404, 414, 500), answer[:300])
    check("and the next is served", is_served(stage))


def leaves_the_site(stage):
    (stage.cgi / "text").write_text("no program\n")
    for path in ("/cgi-bin/../../bin/manhattan-query", "/cgi-bin/%2e%2e/%2e%2e/bin/manhattan-query", "/cgi-bin/..%2f..%2fbin/manhattan-query",
                 "/cgi-bin//../../../../bin/sh", "/cgi-bin/shop/../../../../../../bin/sh", "/cgi-bin/shop/..%2f..%2f..%2fbin/sh", "/cgi-bin/%00/bin/sh",
                 "/cgi-bin/shop%00.gif", "/cgi-bin/text", "/cgi-bin/", "/cgi-bin/none", "/cgi-bin/....//bin/sh", "//bin/sh", "/cgi-bin/~root"):
        status, answer = stage.get(path, BROWSER)
        is_shop = status == 200 and b"fine" in answer and path.startswith("/cgi-bin/shop/")  # `..` is the program's PATH_INFO
        check(f"{path} runs nothing else", status in (400, 403, 404) or is_shop, answer[:200])


def is_obeyed_nowhere(stage):
    for text in HOSTILE:
        raw = text.replace(b"\t", b"%09").replace(b" ", b"%20")
        for target in (PATH.encode() + b"/" + quoted(text).encode() + b"?utm=" + quoted(text).encode(),
                       PATH.encode() + b"/x?utm=" + raw.replace(b"\x1b", b"").replace(b"\x07", b"")):
            _, answer = stage.get(target, b"User-Agent: " + text, b"Referer: http://" + text + b".example/" + text,
                                  b"Cookie: a=" + text, b"X-Utm: " + text)
            if cookie := cookie_in(answer):
                stage.get("/vpixel.gif", b"User-Agent: " + text, f"Cookie: manhattan={cookie}")
    check("such visitors are counted", stages.becomes_true(
        lambda: stage.tallies().get("visitor_human", 0) >= len(HOSTILE)), stage.tallies())
    lines = b"".join(path.read_bytes() for path in stage.log_folder.glob("log.*") if path.name[4:].isdigit()).split(b"\n")
    bad = [line for line in lines if any(byte < 0x20 and byte != 9 or byte > 0x7e for byte in line) or not line.startswith(b"1\t")]
    check("the log has plain text, a record a line", bad == [b""], bad[:3])
    for rollup in ("path", "referrer", "browser", "utm"):
        for name in ("table", "tsv", "csv", "json"):
            out = subprocess.run([*stage.stranger.prefix(), *stage.command("query", "--format", name, "--rollup", rollup, "series", "viewed page")],
                                 capture_output=True, cwd="/").stdout
            text = out.decode("utf-8", "surrogateescape")
            controls = {ch for ch in text if (ch < " " and ch not in "\n\t") or "\x7f" <= ch <= "\x9f" or "\ud800" <= ch <= "\udfff"}
            check(f"{rollup} as {name}: nothing that a terminal obeys", out and not controls, controls, text[:500])
            if name == "csv":
                cells = [cell.strip('"') for line in text.splitlines()[1:] for cell in line.split(",")[:1]]
                runs = [cell for cell in cells if cell[:1] in tuple("=+-@\t")]
                check(f"{rollup} as csv: no cell that a spreadsheet runs", not runs, runs)
            if rollup == "utm":
                check(f"and it is there, as {name}", "HYPERLINK" in text and "script" in text, text)
            if name == "json":
                json.loads(text)
    page = stage.run(stage.stranger, "env", "-i", "REQUEST_METHOD=GET", "QUERY_STRING=rollup=utm&goal=viewed+page", "REQUEST_URI=/?rollup=utm",
                     "SCRIPT_NAME=/", *stage.command("report"))
    check("the report's page has no script of theirs", page.returncode == 0 and "<html" in page.stdout and
          "alert(1)" in page.stdout and "<script>alert" not in page.stdout and "<img src=x" not in page.stdout and "\x1b" not in page.stdout, page.stderr, page.stdout[:500])
    said = stage.said("wrapper") + stage.said("server")
    check("the programs' own messages obey nobody either", not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", said), said[-1000:])


def fills_nothing(stage):
    """A robot that keeps its cookie and never fetches a pixel."""
    cookie = cookie_in(stage.get(PATH, BROWSER)[1])
    connection = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=stages.LIMIT_S)
    for i in range(400):
        connection.request("GET", f"{PATH}?{i}{'x' * 3000}", headers={"Cookie": f"manhattan={cookie}", "User-Agent": BROWSER[12:]})
        connection.getresponse().read()
    connection.close()
    check("of a visitor without a pixel little is kept, and what goes is counted", stages.becomes_true(
        lambda: stage.tallies().get("waiting_dropped", 0) >= 300), stage.tallies())
    store = stage.run(stage.manhattan, "du", "-sk", stage.store_folder)
    check("the store stays small", int(store.stdout.split()[0]) < 8192, store)


def is_slow(stage):
    """Clients that send a request slowly, or read no answer, hold up none of the others."""
    with contextlib.ExitStack() as clients:
        for i in range(200):
            client = clients.enter_context(socket.create_connection(("127.0.0.1", stage.port)))
            client.sendall(f"{'GET' if i % 2 else 'POST'} {PATH} HTTP/1.1\r\nHost: x\r\n"
                           f"{'' if i % 2 else 'Content-Length: 1000000'}".encode() + (b"" if i % 2 else b"\r\n\r\nx"))
        check("200 clients that never finish their requests hold up nobody", is_served(stage))
        stage.program("long", "#!/bin/sh\necho Content-Type: text/plain; echo; head -c 3000000 /dev/zero\n")
        for i in range(64):
            client = clients.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", stage.port))
            client.sendall(b"GET /cgi-bin/long HTTP/1.1\r\nHost: x\r\n\r\n")
        check("nor do 64 that read no answer", is_served(stage))


def client(stage):
    stage.root.joinpath("srv").chmod(0o755)
    stage.program("shop", PAGE)
    stage.option("manhattan-server", "rollup = utm=query:utm")
    stage.start_server()
    stage.start_wrapper()
    stage.start_nginx()
    check("the site is there", is_served(stage))
    pids = {name: stage.running[name].pid for name in ("server", "wrapper")}
    for act in (is_no_other, has_its_address, sends_too_much, leaves_the_site, is_obeyed_nowhere, fills_nothing, is_slow):
        act(stage)
    check("server and wrapper have been one process each", all(stage.is_running(name) for name in pids))


stages.play(client)
