#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""manhattan-fcgi behind a real nginx, next to the same programs without it.

Usage: tests/e2e/fcgi_nginx.py BUILD_DIR. Prints `ok - ...` and `not ok - ...` lines.
"""
import concurrent.futures
import contextlib
import os
import pathlib
import re
import signal
import socket
import sys
import tempfile

sys.dont_write_bytecode = True
import fcgi_support as support  # noqa: E402
from fcgi_support import LIMIT_S, becomes_true, check, request  # noqa: E402

SERVERS = """
  upstream wrapped {{ server unix:{folder}/wrapped.sock; keepalive 8; }}
  upstream plain {{ server unix:{folder}/plain.sock; keepalive 8; }}
  server {{
    listen 127.0.0.1:{wrapped}; root {folder}/cgi;
    include {root}/etc/nginx-manhattan-server.conf; set $manhattan_socket wrapped;
    location / {{ fastcgi_pass wrapped; }}
    location /patient {{ fastcgi_pass wrapped; fastcgi_buffering off; }}
    location /unbuffered/ {{ fastcgi_request_buffering off; fastcgi_pass wrapped;
      include {root}/etc/nginx-manhattan.conf;
      fastcgi_param SCRIPT_FILENAME {folder}/cgi/echo; }}
  }}
  server {{
    listen 127.0.0.1:{plain}; root {folder}/cgi;
    include {root}/etc/nginx-manhattan-server.conf; set $manhattan_socket plain;
    location / {{ fastcgi_pass plain; }}
  }}
"""

PROGRAMS = {
    "page": "printf 'Content-Type: text/html\\n\\n<html><BODY>hello</BODY></html>\\n'",
    "long": "printf 'Content-Type: text/html\\n\\n'; i=0; while [ $i -lt 3000 ]; do "
            "echo '<p>a line of a page</p>'; i=$((i+1)); done; echo '</body></html>'",
    "echo": "printf 'Content-Type: application/octet-stream\\n\\n'; exec cat",
    "env": "printf 'Content-Type: text/plain\\n\\n'; env",
    "midway": "printf 'Content-Type: text/plain\\nX-Accel-Buffering: no\\n\\nfirst\\n'; EVENT goal Midway; echo second; "
              "read x <$DOCUMENT_ROOT/go; echo third",
    "splits": "printf 'Content-Type: text/plain\\nManhattan-Split: caf\u00e9; "
              "selected=cr\u00e8me\\n\\n'; EVENT split th\u00e9 noir vert; "
              "echo $MANHATTAN_SPLIT_G__TEAU",
    "stream": "printf 'Content-Type: text/plain\\nX-Accel-Buffering: no\\n\\nfirst\\n'; read x <$DOCUMENT_ROOT/go; "
              "echo second",
    "early": "printf 'Content-Type: text/html\\n\\n<html><body>a</body></html>first\\n'; "
             "read x <$DOCUMENT_ROOT/go; echo second",
    "hang": "echo $$ >pid.hang; printf 'Content-Type: text/plain\\n\\nbegun\\n'; "
            "sleep 1000 & echo $! >>pid.hang; wait",
    "silent": "echo $$ >pid.silent; exec sleep 1000",
    "killed": "printf 'Content-Type: text/plain\\n\\nbegun\\n'; kill -9 $$",
    "crash": "kill -SEGV $$",
    "nothing": "exit 0",
    "local": "printf 'Location: /elsewhere\\n\\n'",
    "gone": "printf 'Status: 410 Left Town\\nContent-Type: text/html\\n\\n<body></body>'",
    "gzip": "printf 'Content-Type: text/html\\nContent-Encoding: gzip\\nETag: \"x\"\\n\\n</body>'",
    "part": "printf 'Status: 206 Partial Content\\nContent-Type: text/html\\n"
            "Content-Range: bytes 0-6/9\\nContent-Length: 7\\n\\n</body>'",
    "plain": "printf 'Content-Type: text/plain\\nETag: \"x\"\\nContent-Length: 8\\n"
             "Cache-Control: public\\nX-Odd: a  b\\n\\n</body>\\n'",
    "same": "printf 'Status: 304 Not Modified\\nETag: \"x\"\\n\\n'",
    "goal": "printf 'Content-Type: text/plain\\nManhattan-Goal: Bought; value=1.5; type=S\\n\\n'",
    "large": "printf 'Content-Type: application/octet-stream\\n\\n'; head -c 200000000 /dev/zero",
    "patient": "printf 'Content-Type: text/plain\\nX-Accel-Buffering: no\\n\\n'; head -c 100000000 /dev/zero; "
               "touch written",
    "ignores": "printf 'Content-Type: text/plain\\n\\nok'",
    "grumbles": "for i in 1 2 3 4 5 6 7; do sleep 1; echo complaint >&2; done; "
                "printf 'Content-Type: text/plain\\n\\nok'",
    "chatty": "yes complaint | head -c 10000000 >&2; printf 'Content-Type: text/plain\\n\\nok'",
}


class World:
    """nginx, and manhattan-fcgi twice: recording, and just running programs."""

    def __init__(self, build, folder, running):
        self.folder = folder
        self.services = support.Services(build, folder, running)
        self.wrapped, self.plain = support.free_port(), support.free_port()
        self.write_programs()
        options = ("--config", "/dev/null", "--timeout", "5")
        self.fcgi = self.services.start_fcgi("wrapped", *options, "--path", folder / "log",
                                             "--secret-file", self.services.secret,
                                             "--site", "shop.example=3",
                                             "--split", "g\u00e2teau; path=/splits")
        self.services.start_fcgi("plain", *options)
        self.services.start_nginx(SERVERS.format(
            folder=folder, root=support.ROOT, wrapped=self.wrapped, plain=self.plain),
            self.wrapped, self.plain)
        self.background = running.enter_context(concurrent.futures.ThreadPoolExecutor(2))

    def write_programs(self):
        (self.folder / "cgi").mkdir()
        event = f"{self.services.build / 'manhattan-event'} --config /dev/null"
        support.write_programs(self.folder / "cgi", {
            name: script.replace("EVENT", event) for name, script in PROGRAMS.items()})
        (self.folder / "cgi/data").write_text("no program\n")
        (self.folder / "cgi/data").chmod(0o644)
        (self.folder / "cgi/bad").write_text("#!/no/such/interpreter\n")
        (self.folder / "cgi/bad").chmod(0o755)
        os.mkfifo(self.folder / "cgi/go")

    def request(self, path, method="GET", body=None, headers=None, port=None):
        return request(port or self.wrapped, path, method, body, headers)

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.wrapped), timeout=LIMIT_S)

    def records(self):
        return self.services.records()

    def said(self):
        return self.services.said("wrapped")


def check_visitors(world):
    status, _, headers, body = world.request("/page?x=1", headers={"Host": "SHOP.example"})
    tags = re.findall(rb'<img src="/vpixel.gif"[^>]*></BODY>', body)
    check("a page gets the pixel once, before its body's end",
          status == 200 and len(tags) == 1 and body.count(b"<img") == 1, body)
    cookie = headers.get("Set-Cookie", "")
    check("and a cookie", re.match(r"manhattan=[0-9a-f]{40}\.[0-9a-f]{64}; Max-Age=31536000; "
                                   r"Path=/; HttpOnly; SameSite=Lax$", cookie), cookie)
    visitor = {"Cookie": cookie.partition(";")[0], "Host": "shop.example"}
    fresh = world.request("/vpixel.gif")
    back = world.request("/vpixel.gif", headers=visitor)
    check("the pixel is served and never cached",
          len(back[3]) == 43 == len(fresh[3]) and "no-store" in back[2]["Cache-Control"], back)
    _, _, headers, _ = world.request("/goal", headers=visitor)
    check("a known visitor gets no second cookie, and goals are not shown",
          not headers["Set-Cookie"] and not headers["Manhattan-Goal"], headers.items())
    page, pixel, second, goal = world.records()
    check("page, pixel and goal are recorded in their order, the cookieless pixel is not",
          [record[1] for record in (page, pixel, second, goal)] == ["page", "pixel", "page", "goal"]
          and page[5:8] == ["127.0.0.1", "GET", "http://SHOP.example/page?x=1"]
          and goal[5:8] == ["Bought", "1.5", "S"]
          and {record[3] for record in (page, pixel, second, goal)} == {cookie[10:50]}
          and {record[4] for record in (page, pixel, second, goal)} == {"3"}, world.records())
    _, _, _, body = world.request("/long")
    check("a page in many pieces gets it once, too",
          body.count(b"<img") == 1 and body.endswith(b" /></body></html>\n"), body[-100:])


def check_beyond_ascii(world):
    cookie = world.request("/page")[2]["Set-Cookie"].partition(";")[0]
    with world.connect() as client:
        client.sendall(b"GET /env?caf\xe9=\xff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                       b"Cookie: pie=\xe9\xff; " + cookie.encode() + b"\r\n\r\n")
        got = support.receive_until(client, b"no such bytes")
    check("a query string with raw 0xff and a cookie beyond ASCII are served as they are",
          got.startswith(b"HTTP/1.1 200") and b"QUERY_STRING=caf\xe9=\xff\n" in got and
          b"HTTP_COOKIE=pie=\xe9\xff; manhattan=" in got, got)
    record = world.records()[-1]
    check("and recorded as escaped bytes, of the visitor whose cookie stands behind",
          [record[1], record[3], record[7]] == ["page", cookie[10:50], r"http://x/env?caf\xe9=\xff"],
          record)
    _, _, _, body = world.request("/splits", headers={"Cookie": cookie})
    command, _, rule = body.decode().strip().partition("\n")
    splits = [record[5:] for record in world.records() if record[1] == "split"]
    check("splits named beyond ASCII work in the request: by rule, by command, by header",
          sorted(splits) == [[r"caf\xe9", r"cr\xe8me"], [r"g\xe2teau", rule],
                             [r"th\xe9", command]] and command in ("noir", "vert"), splits, body)


def check_untouched(world):
    cookie = world.request("/page")[2]["Set-Cookie"].partition(";")[0]
    for name in "gzip", "part", "plain", "same", "env", "local", "nothing", "data":
        mine, theirs = (world.request(f"/{name}", headers={"Cookie": cookie, "Host": "x"}, port=port)
                        for port in (world.wrapped, world.plain))
        drop = ("Date",)
        same_head = ([item for item in mine[2].items() if item[0] not in drop] ==
                     [item for item in theirs[2].items() if item[0] not in drop])
        same_body = mine[3] == theirs[3] or name == "env"
        check(f"the answer of '{name}' is as it is without instrumentation",
              mine[:2] == theirs[:2] and same_head and same_body, mine, theirs)
    _, _, headers, body = world.request("/page", "HEAD", headers={"Cookie": cookie})
    check("HEAD has no body and no length that would be wrong",
          body == b"" and not headers["Content-Length"], headers.items())


def check_bodies(world):
    world.silent, world.grumbles = (world.background.submit(world.request, path)
                                    for path in ("/silent", "/grumbles"))  # they take their time
    for size in 0, 1, 65536, 65537, 5_000_000:
        sent = os.urandom(size)
        _, _, _, got = world.request("/echo", "POST", sent)
        check(f"a POST of {size} bytes comes back byte for byte", got == sent, len(got or b""))
    chunks = [os.urandom(70_000) for _ in range(4)]
    for path in "/echo", "/unbuffered/":
        _, _, _, got = world.request(path, "POST", iter(chunks))
        check(f"so does one in chunks, to {path}", got == b"".join(chunks), len(got or b""))
    _, _, _, got = world.request("/large")
    check("200 MB come through", got is not None and len(got) == 200_000_000)
    sent = b"x" * 100_000_000
    check("100 MB to a program that never reads them get its answer",
          world.request("/ignores", "POST", sent)[3] == b"ok")
    check_slow_reader(world)
    support.check_memory("all of it in little memory", world.fcgi.pid, 64)


def check_slow_reader(world):
    with world.connect() as client:
        client.sendall(b"GET /patient HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        got = len(client.recv(4096))
        world.request("/large")  # that much could have been written in the meantime
        check("a client that does not read stops the program",
              not (world.folder / "cgi/written").exists())
        while piece := client.recv(1 << 20):
            got += len(piece)
        check("until it reads on", got > 100_000_000 and
              becomes_true((world.folder / "cgi/written").exists), got)


def check_faults(world):
    for path, status in {"/missing": 404, "/data": 403, "/": 403, "/bad": 502, "/crash": 502,
                         "/nothing": 502, "/silent": 504}.items():
        got = world.silent.result() if path == "/silent" else world.request(path)
        check(f"{path} is answered with {status} and logged",
              got[0] == status and f"GET {path}: {status}" in world.said(), got, world.said()[-500:])
    status, reason, _, _ = world.request("/gone")
    check("a program's own status and reason stay", (status, reason) == (410, "Left Town"))
    status, _, headers, _ = world.request("/local")
    check("a local Location redirects", status == 302 and headers["Location"].endswith("/elsewhere"),
          status, headers.items())
    got = world.request("/killed")
    check("an answer whose program was killed is seen to break off", got[3] is None, got)
    check("who writes to standard error is not silent, though it takes longer than the limit",
          world.grumbles.result()[3] == b"ok")
    check("10 MB on standard error hold nothing up and are cut",
          world.request("/chatty")[3] == b"ok" and len(world.said()) < 1_000_000)


def check_streams(world):
    go = world.folder / "cgi/go"
    support.check_stream(world.wrapped, "/stream", go)
    support.check_stream(world.wrapped, "/early", go, "behind the pixel ")
    with world.connect() as client:
        client.sendall(b"GET /midway HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        got = support.receive_until(client, b"second")
        page, goal = world.records()[-2:]
        check("a goal reached while the body is being streamed is recorded, before its end",
              b"first" in got and b"third" not in got and
              [page[1], goal[1], goal[5]] == ["page", "goal", "Midway"] and page[3] == goal[3],
              got, page, goal)
        go.write_text("\n")
        check("which comes", b"third" in support.receive_until(client, b"third"))
    with world.connect() as client:
        client.sendall(b"GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")
        pids = world.folder / "cgi/pid.hang"
        becomes_true(lambda: pids.exists() and len(pids.read_text().split()) == 2)
        pids = pids.read_text().split()
        check("a hanging program runs with its child", all(map(support.is_alive, pids)), pids)
    check("both end when the client goes", becomes_true(lambda: not any(map(support.is_alive, pids))), pids)


def check_end(world):
    world.fcgi.send_signal(signal.SIGTERM)
    check("SIGTERM ends it with 0", world.fcgi.wait(LIMIT_S) == 0)
    check("and removes its socket", not (world.folder / "wrapped.sock").exists())


def main():
    with tempfile.TemporaryDirectory(prefix="manhattan-nginx-") as folder:
        with contextlib.ExitStack() as running:
            world = World(sys.argv[1], pathlib.Path(folder), running)
            for part in (check_visitors, check_beyond_ascii, check_untouched, check_bodies, check_faults,
                         check_streams, check_end):
                part(world)
            if support.failures:
                print(world.said()[-3000:], (world.folder / "nginx.log").read_text()[-3000:])
    sys.exit(support.failures > 0)


main()
