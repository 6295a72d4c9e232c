#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What programs answer, and what becomes of it behind nginx: every kind of header, of body and of
end that wrappers are known to get wrong.

Usage: tests/e2e/fcgi_cases.py BUILD_DIR. Prints `ok - ...` and `not ok - ...` lines.
"""
# Where each case of a wrapper's is tested; `here` is this file, test suites are in tests/.
#
#   header    1-7 9-12 14-17 19-32 here, ANSWERS and check_answers; 8 13 fcgi_nginx.py;
#             18 HEAD: fcgi_nginx.py
#   body      33 never read: fcgi_nginx.py; 34 input closed, 35 output first, 36 chunks, 37 empty:
#             check_bodies; 38 to its end: fcgi_nginx.py; 39 short: wrap_test;
#             40 multipart: fcgi_programs.py
#   output    41 42 ends, 43 daemon, 44 leaves, 47 three, 51 bytes, 52 newline, 54 huge: check_ends;
#             45 killed before its header: wrap_test; 46 in its body, 50 at once, 53 10 MB of errors,
#             55 slow client, 56 sleeper, 57 client gone: fcgi_nginx.py; 48 49 ANSWERS;
#             58 check_hung
#   path      59 not to be run: fcgi_nginx.py; 60 out of the roots, 61 PATH_INFO, 62 proxy,
#             63 underscores and twice, 64 names: check_environment (a NUL: wrap_reader_test);
#             65 /args; 66 folder, descriptors, signals, 67 too long: wrap_protocol_test
#   FastCGI   68-72 74 wrap_protocol_test and wrap_reader_test; 73 FCGI_ABORT_REQUEST: wrap_test and
#             wrap_protocol_test
import contextlib
import http.client
import os
import pathlib
import signal
import socket
import sys
import tempfile

sys.dont_write_bytecode = True
import fcgi_support as support  # noqa: E402
from fcgi_support import check, request  # noqa: E402

SERVER = """
  server {{
    listen 127.0.0.1:{port}; root {folder}/cgi;
    include {root}/etc/nginx-manhattan-server.conf; set $manhattan_socket unix:{folder}/fcgi.sock;
    underscores_in_headers on;
    location / {{ fastcgi_pass $manhattan_socket; fastcgi_buffer_size 96k; }}
    location /files/ {{ internal; alias {folder}/files/; }}
    location /args {{ fastcgi_pass unix:{folder}/words.sock; }}
    location /names {{
      include {root}/etc/nginx-manhattan.conf; fastcgi_pass $manhattan_socket;
      fastcgi_param LD_PRELOAD /evil.so; fastcgi_param LD_X 1; fastcgi_param "EQ=UAL" "1";
      fastcgi_param "" nameless; fastcgi_param LAST 1;
    }}
  }}
"""

T = b"Content-Type: text/plain\n"
# What stands for itself, what the program writes, the status, headers (None: not there), the body.
ANSWERS = (
    ("CRLF ends lines", b"Content-Type: text/plain\r\nA: b\r\n\r\nbody", 200, {"A": "b"}, b"body"),
    ("so does LF", T + b"A: b\n\nbody", 200, {"A": "b"}, b"body"),
    ("both may be mixed", T + b"A: b\r\n\nbody", 200, {"A": "b"}, b"body"),
    ("a lone CR is refused", b"A: b\rC: d\n\nbody", 502, {}, None),
    ("no header is refused", b"hello\n\nworld\n", 502, {}, None),
    ("a leading blank line is skipped", b"\n" + T + b"\nbody", 200, {}, b"body"),
    ("a line without a colon is dropped", T + b"oops\nA: b\n\nbody", 200, {"A": "b"}, b"body"),
    ("a spam comment is dropped", b"<!--: spam\n" + T + b"\nbody", 200, {}, b"body"),
    ("a status needs no reason", b"Status: 404\n" + T + b"\nbody", 404, {}, b"body"),
    ("a status that is none is refused", b"Status: abc\n\nbody", 502, {}, None),
    ("one of four digits, too", b"Status: 1000\n\nbody", 502, {}, None),
    ("the first status holds", b"Status: 201 A\nStatus: 500 B\n" + T + b"\n", 201, {}, b""),
    ("Location redirects", b"Location: https://example.com/\n\n", 302,
     {"Location": "https://example.com/"}, None),
    ("a status stays before it", b"Status: 201 Made\nLocation: https://example.com/\n\n", 201,
     {"Location": "https://example.com/"}, None),
    ("the first content type holds", T + b"Content-Type: text/html\n\n</body>", 200,
     {"Content-Type": "text/plain"}, b"</body>"),
    ("without one there is no pixel", b"A: b\n\n</body>", 200, {"A": "b"}, b"</body>"),
    ("204 has no body", b"Status: 204 None\n\nbody", 204, {}, b""),
    ("304 has no body", b"Status: 304 Same\nETag: \"x\"\n\nbody", 304, {"ETag": '"x"'}, b""),
    ("an interim answer is dropped", b"Status: 103 Early\nLink: x\n\n" + T + b"\nbody", 200,
     {"Link": None}, b"body"),
    ("a header of 8 KB passes", T + b"A: " + b"x" * 8192 + b"\n\nbody", 200, {"A": "x" * 8192},
     b"body"),
    ("one of 60 KB passes", T + b"A: " + b"x" * 60_000 + b"\n\nbody", 200, {"A": "x" * 60_000},
     b"body"),
    ("one of 1 MB is refused", T + b"A: " + b"x" * 1_000_000 + b"\n\nbody", 502, {}, None),
    ("2,000 headers are refused", b"A: b\n" * 2000 + b"\nbody", 502, {}, None),
    ("a NUL is refused", b"A: b\0c\n\nbody", 502, {}, None),
    ("a control character is refused", b"A: b\x01c\n\nbody", 502, {}, None),
    ("bytes that are no UTF-8 pass", T + b"A: b\xff\n\nbody", 200, {"A": "b\xff"}, b"body"),
    ("a folded line is unfolded", T + b"A: b\n  c\n\nbody", 200, {"A": "b c"}, b"body"),
    ("a blank before the colon is refused", b"Name : b\n\nbody", 502, {}, None),
    ("two cookies and ours are three", T + b"Set-Cookie: a=1\nSet-Cookie: b=2\n\nbody", 200, {},
     b"body"),
    ("what belongs to the hop is not the program's",
     T + b"Connection: x\nKeep-Alive: 5\nTransfer-Encoding: gzip\n\nbody", 200,
     {"Keep-Alive": None, "Transfer-Encoding": "chunked"}, b"body"),
    ("a body beyond its length is cut", T + b"Content-Length: 3\n\nbody", 200,
     {"Content-Length": "3"}, b"bod"),
    ("one short of it is seen to break off", T + b"Content-Length: 9\n\nbody", 200, {}, None),
    ("an HTTP status line counts", b"HTTP/1.1 201 Made\r\n" + T + b"\nbody", 201, {}, b"body"),
    ("a colon behind the status is skipped", b"Status: 404: Not Found\n" + T + b"\nbody", 404, {},
     b"body"),
    ("a reason right behind it, too", b"Status: 200OK\n" + T + b"\nbody", 200, {}, b"body"),
    ("and a tab", b"Status: 404\tNot Found\n" + T + b"\nbody", 404, {}, b"body"),
    ("X-Sendfile is passed to nginx, which shows nobody a path", T + b"X-Sendfile: /x\nContent-Length: 9\n\nbody", 200,
     {"X-Sendfile": None, "Content-Length": None}, b"body"),
    ("nothing is refused", b"", 502, {}, None),
    ("half a header is refused", b"Content-Type: text/plain\n", 502, {}, None),
    ("a header alone is an answer", T + b"\n", 200, {}, b""),
)

HEAD = "printf 'Content-Type: text/plain\\n\\n'; "
PROGRAMS = {
    "raw": "exec cat $DOCUMENT_ROOT/answers/$QUERY_STRING",
    "accel": "printf 'X-Accel-Redirect: /raw?accel\\nContent-Type: text/plain\\n\\n'",
    "file": "printf 'X-Accel-Redirect: /files/page.html\\nContent-Type: text/html\\n"
            "Content-Length: 1000\\n\\nnever seen'",
    "early": HEAD + "head -c 1000000 /dev/zero; wc -c",
    "closed": "exec <&-; " + HEAD + "echo closed",
    "length": HEAD + "echo \"<$CONTENT_LENGTH>\"; wc -c",
    "ends": HEAD + "echo ends; exec >&-; exec sleep 1000",
    "leaves": HEAD + "echo leaves; sleep 1000 >&- & echo $! >leaves.pid; exit 0",
    "daemon": HEAD + "echo daemon; sleep 1000 2>&- & echo $! >daemon.pid; exit 0",
    "three": HEAD + "echo three; exit 3",
    "bytes": HEAD + "for b in a b c d e f; do printf $b; done",
    "newline": "echo >&2; echo 'a line' >&2; " + HEAD + "echo ok",
    "huge": HEAD + "head -c 1000000000 /dev/zero",
    "environment": HEAD + "env; pwd",
    "names": HEAD + "env",
    "args": HEAD + "for a; do echo \"<$a>\"; done",
    "hung": "printf 'X-Accel-Buffering: no\\n'; " + HEAD + "echo begun; exec sleep 1000",
    "good": HEAD + "echo good",
}


class World:
    def __init__(self, build, folder, running):
        self.folder = folder
        self.services = support.Services(build, folder, running)
        (folder / "cgi/answers").mkdir(parents=True)
        support.write_programs(folder / "cgi", PROGRAMS)
        (folder / "cgi/out").symlink_to("/bin/true")
        recorded = ("--config", "/dev/null", "--path", folder / "log", "--secret-file",
                    self.services.secret, "--jobs", "7")
        self.fcgi = self.services.start_fcgi("fcgi", *recorded, "--root", folder / "cgi", "--pass", "LAST")
        self.services.start_fcgi("words", *recorded, "--search-words")
        self.port = support.free_port()
        self.services.start_nginx(
            SERVER.format(port=self.port, root=support.ROOT, folder=folder), self.port)

    def get(self, path, method="GET", body=None, headers=None):
        return request(self.port, path, method, body, headers)

    def said(self):
        return self.services.said("fcgi")


def check_answers(world):
    for number, (sentence, text, status, headers, body) in enumerate(ANSWERS):
        (world.folder / f"cgi/answers/{number}").write_bytes(text)
        got = world.get(f"/raw?{number}")
        is_as_due = all(got[2].get(name) == value for name, value in headers.items())
        is_broken = body is None and status == 200
        if is_broken:
            check(sentence, got[0] == status and got[3] is None, got)
            continue
        check(sentence, got[0] == status and is_as_due and body in (None, got[3]), got,
              dict(got[2]))
        if sentence.startswith("two cookies"):
            cookies = got[2].get_all("Set-Cookie")
            check("and all of them are sent", [c[:3] for c in cookies] == ["a=1", "b=2", "man"])
    for text in "without a colon", "second Status", "64 KiB", "1000 lines", "control character":
        check(f"'{text}' is logged", text in world.said())
    check_files(world)


def check_files(world):
    (world.folder / "cgi/answers/accel").write_bytes(T + b"\nredirected")
    check("X-Accel-Redirect is nginx's to follow", world.get("/accel")[3] == b"redirected")
    page = b"<body>" + b"x" * 100_000 + b"</body>"
    (world.folder / "files").mkdir()
    (world.folder / "files/page.html").write_bytes(page)
    status, _, headers, body = world.get("/file")
    check("a file that nginx sends for a program is as it lies there, without a pixel",
          (status, body) == (200, page), status, (body or b"")[:100], headers.items())
    check("and its visitor gets the cookie", "manhattan=" in headers.get("Set-Cookie", ""),
          headers.items())


def check_bodies(world):
    sent = b"x" * 8_000_000
    got = world.get("/early", "POST", sent)[3]
    check("output before 8 MB are read completes",
          got is not None and got.endswith(b"\x008000000\n"), got and got[-9:])
    got = world.get("/closed", "POST", sent)[3]
    check("a program that closes its input answers", got == b"closed\n", got)
    check("a POST of nothing ends at once", world.get("/length", "POST", b"")[3] == b"<0>\n0\n")
    chunks = world.get("/length", "POST", iter([b"abc", b"defg"]))[3]
    check("chunks have a length", chunks == b"<7>\n7\n", chunks)


def check_ends(world):
    for name in "ends", "leaves", "daemon", "three":
        got = world.get(f"/{name}")
        check(f"/{name} ends with its answer", got[::3] == (200, name.encode() + b"\n"), got)
    for name, held in ("daemon", "output"), ("leaves", "standard error"):
        pid = int((world.folder / f"cgi/{name}.pid").read_text())
        check(f"a daemon that holds its {held} lives on", support.is_alive(pid))
        os.kill(pid, signal.SIGKILL)
    check("an exit code is logged", "three: exit code 3" in world.said())
    check("byte by byte arrives", world.get("/bytes")[3] == b"abcdef")
    check("an error line that starts with a newline harms nothing",
          world.get("/newline")[3] == b"ok\n" and "newline: a line" in world.said())
    check("1 GB comes through", size_of(world, "/huge") == 1_000_000_000)
    support.check_memory("in little memory", world.fcgi.pid, 32)


def size_of(world, path):
    connection = http.client.HTTPConnection("127.0.0.1", world.port, timeout=support.LIMIT_S)
    with contextlib.closing(connection):
        connection.request("GET", path)
        answer, size = connection.getresponse(), 0
        while piece := answer.read(1 << 20):
            size += len(piece)
        return size


def check_environment(world):
    got = world.get("/environment/a%20b/c?x=1", headers={
        "Proxy": "http://evil/", "X_Y": "under", "Cookie": "a=b"})[3].decode()
    for line in "PATH_INFO=/a b/c", "SCRIPT_NAME=/environment", "HTTP_X_Y=under", "QUERY_STRING=x=1":
        check(f"a program finds {line}", f"{line}\n" in got, got)
    check("and runs in its folder", got.endswith(f"{world.folder}/cgi\n"), got)
    check("and never sees a proxy that a client names", "HTTP_PROXY" not in got)
    names = {line.split("=")[0] for line in world.get("/names")[3].decode().splitlines()}
    check("variables that no program may see are dropped, and no others",
          "LAST" in names and not names & {"LD_PRELOAD", "LD_X", "EQ", ""}, names)
    with socket.create_connection(("127.0.0.1", world.port), timeout=support.LIMIT_S) as client:
        client.sendall(b"GET /environment HTTP/1.1\r\nHost: x\r\nA: 1\r\nA: 2\r\n"
                       b"Connection: close\r\n\r\n")
        got = b"".join(iter(lambda: client.recv(65536), b""))
    check("a header that came twice is joined", b"HTTP_A=1, 2\n" in got, got)
    check("a link out of the roots is 403", world.get("/out")[0] == 403)
    check("a query is no argument", world.get("/good?a+b")[0] == 200)
    check("where it was not asked for", world.get("/args?a+b%20c")[3] == b"<a>\n<b c>\n")


def check_hung(world):
    with contextlib.ExitStack() as open_connections:
        for _ in range(6):
            client = open_connections.enter_context(
                socket.create_connection(("127.0.0.1", world.port), timeout=support.LIMIT_S))
            client.sendall(b"GET /hung HTTP/1.1\r\nHost: x\r\n\r\n")
            got = b""
            while b"begun" not in got:
                got += client.recv(4096)
        check("six that hang leave room for a seventh", world.get("/good")[3] == b"good\n")


def main():
    with tempfile.TemporaryDirectory(prefix="manhattan-cases-") as folder:
        with contextlib.ExitStack() as running:
            world = World(sys.argv[1], pathlib.Path(folder), running)
            for part in check_answers, check_bodies, check_ends, check_environment, check_hung:
                part(world)
            if support.failures:
                print(world.said()[-3000:], (world.folder / "nginx.log").read_text()[-3000:])
    sys.exit(support.failures > 0)


main()
