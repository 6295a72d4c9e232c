#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""manhattan-fcgi --upstream between nginx and programs that serve FastCGI themselves: php-fpm, a
Perl script with FCGI.pm, and one that says what none should.

Usage: tests/e2e/fcgi_upstream.py BUILD_DIR. Prints `ok - ...` and `not ok - ...` lines.
"""
import concurrent.futures
import contextlib
import glob
import hashlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
import fcgi_support as support  # noqa: E402
from fcgi_support import becomes_true, check, request  # noqa: E402

SERVER = """
  server {{
    listen 127.0.0.1:{port}; root {folder};
    include {root}/etc/nginx-manhattan-server.conf; set $manhattan_socket unix:{folder}/php.sock;
    location / {{ fastcgi_pass $manhattan_socket; fastcgi_request_buffering off; }}
    location /perl {{ fastcgi_pass unix:{folder}/perl.sock; }}
    location /odd {{ fastcgi_pass unix:{folder}/odd.sock; }}
    location /full {{ fastcgi_pass unix:{folder}/full.sock; }}
  }}
"""

POOL = """
[global]
error_log = {folder}/fpm.log
[pies]
listen = {folder}/fpm.sock
pm = static
pm.max_children = 3
pm.max_requests = {max_requests}
php_admin_value[output_buffering] = 0
php_admin_value[post_max_size] = 32M
php_admin_value[upload_max_filesize] = 32M
"""

PHP = {
    "pie": "header('Manhattan-Goal: Seen; value=1.5'); error_log('a complaint');"
           "echo '<html><body>', $_SERVER['MANHATTAN_VISITOR'], '</body></html>';",
    "form": "http_response_code(418); echo $_POST['pie'], ' ',"
            "hash_file('sha256', $_FILES['photo']['tmp_name']);",
    "body": "echo $_SERVER['REQUEST_METHOD'], ' ', $_SERVER['CONTENT_LENGTH'] ?? '', ' ',"
            "hash_file('sha256', 'php://input');",
    "ignores": "echo 'ok';",
    "large": "for ($i = 0; $i < 1600; $i++) echo str_repeat('x', 65536);",
    "same": "http_response_code(304); header('ETag: \"x\"');",
    "stream": "header('X-Accel-Buffering: no'); echo 'first'; flush(); file_get_contents(__DIR__ . '/go'); echo 'second';",
    "finished": "echo 'early'; fastcgi_finish_request(); file_get_contents(__DIR__ . '/go');"
                "touch(__DIR__ . '/finished.done');",
    "registered": "register_shutdown_function(function () { fastcgi_finish_request();"
                  "file_get_contents(__DIR__ . '/go'); touch(__DIR__ . '/registered.done'); });"
                  "echo 'early';",
    "killed": "posix_kill(getmypid(), 9);",
    "cut": "echo str_repeat('x', 100000); flush(); posix_kill(getmypid(), 9);",
    "hung": "sleep(1000);",
    "endless": "register_shutdown_function(fn() => touch(__DIR__ . '/ended'));"
               "while (true) { echo str_repeat('x', 1000); flush(); usleep(1000); }",
    "order": "touch(__DIR__ . '/begun'); file_get_contents(__DIR__ . '/go');"
             "for ($i = 0; $i < 100; $i++) { echo str_repeat('x', 100000); flush(); }"
             "touch(__DIR__ . '/ordered');",
    "blue": "echo 'blue';",
    "who": "echo $_SERVER['REMOTE_USER'] ?? 'nobody', ' ', $_SERVER['AUTH_TYPE'] ?? '-';",
    "query": "echo strlen($_SERVER['QUERY_STRING']);",
}

PERL = """
use FCGI;
my $listening = FCGI::OpenSocket($ARGV[0], 100);
my $asked = FCGI::Request(\\*STDIN, \\*STDOUT, \\*STDERR, \\%ENV, $listening);
while ($asked->Accept() >= 0) {
  print "Content-Type: text/html\\nManhattan-Goal: Perl\\n\\n<body>$ENV{MANHATTAN_SITE} ";
  print while read STDIN, $_, 65536;
  print "</body>";
}
"""


def start_perl(world):
    world.perl_port = support.free_port()
    script = world.folder / "perl.fcgi"
    script.write_text(PERL)
    world.services.start_server("perl", ["perl", script, f"127.0.0.1:{world.perl_port}"],
                                world.perl_port)


class World:
    def __init__(self, build, folder, running):
        self.folder = folder
        self.services = support.Services(build, folder, running)
        for name, code in PHP.items():
            (folder / f"{name}.php").write_text(f"<?php {code}\n")
        os.mkfifo(folder / "go")
        self.fpm = self.start_fpm()
        start_perl(self)
        recorded = ("--config", "/dev/null", "--path", folder / "log", "--secret-file",
                    self.services.secret, "--timeout", "2", "--jobs", "8")
        self.fcgi = self.services.start_fcgi(
            "php", *recorded, "--upstream", folder / "fpm.sock",
            "--split", f"Blue; path=/split.php; program.True={folder}/blue.php; "
                       f"program.False={folder}/blue.php")
        self.services.start_fcgi("perl", *recorded, "--upstream", f"127.0.0.1:{self.perl_port}",
                                 "--site", "perl.example=4")
        self.odd = OddProgram(folder / "odd-program.sock")
        self.services.start_fcgi("odd", *recorded, "--upstream", f"unix:{folder}/odd-program.sock")
        self.full = FullProgram(running)
        self.services.start_fcgi("full", "--config", "/dev/null", "--path", folder / "full-log",
                                 "--secret-file", self.services.secret, "--jobs", "2",
                                 "--upstream", "127.0.0.1:%d" % self.full.address[1],
                                 "--pixel", "/full.gif")
        self.background = running.enter_context(concurrent.futures.ThreadPoolExecutor(1))
        self.port = support.free_port()
        self.services.start_nginx(
            SERVER.format(port=self.port, root=support.ROOT, folder=folder), self.port)

    def start_fpm(self, max_requests=0):
        config = self.folder / "fpm.conf"
        config.write_text(POOL.format(folder=self.folder, max_requests=max_requests))
        as_root = ["--allow-to-run-as-root"] if os.geteuid() == 0 else []
        if as_root:
            config.write_text(config.read_text() + "user = root\n")
        program = sorted(glob.glob("/usr/sbin/php-fpm*"))[0]
        return self.services.start_server("fpm", [program, "-F", "-y", config, *as_root],
                                          self.folder / "fpm.sock")

    def end_fpm(self):
        self.fpm.send_signal(signal.SIGTERM)
        self.fpm.wait(support.LIMIT_S)

    def get(self, path, method="GET", body=None, headers=None):
        return request(self.port, path, method, body, headers)

    def connections(self):
        """The wrapper's sockets, as the kernel names them."""
        names = set()
        for entry in pathlib.Path(f"/proc/{self.fcgi.pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                names |= {name for name in [os.readlink(entry)] if name.startswith("socket:")}
        return names

    def told(self, kind):
        return [record[5:] for record in self.services.records() if record[1] == kind]


class FullProgram:
    """Listens on a port and takes no connection: whoever comes after the first waits."""

    def __init__(self, running):
        listening = running.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        self.address = listening.getsockname()
        running.enter_context(socket.create_connection(self.address))

    def waiting(self):
        """How many go on asking for a connection."""
        asked, syn_sent = ":%04X" % self.address[1], "02"
        lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
        return sum(fields[2].endswith(asked) and fields[3] == syn_sent
                   for fields in map(str.split, lines))


class OddProgram:
    """Answers the requests of each connection with the next list of `answers`, then closes it."""

    def __init__(self, path):
        self.answers = []
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(str(path))
        self.listening.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection = self.listening.accept()[0]
            # Who has seen enough of an answer may leave before it is all sent.
            with connection, contextlib.suppress(OSError):
                for answer in self.answers.pop(0) if self.answers else ():
                    connection.recv(65536)
                    for byte in answer:
                        connection.sendall(bytes([byte]))


def record(kind, content, padding=0, request_id=1):
    head = bytes([1, kind, 0, request_id, len(content) >> 8, len(content) & 255, padding, 0])
    return head + content + b"\0" * padding


def end(protocol_status=0, exit_code=0):
    return record(3, bytes([0, 0, 0, exit_code, protocol_status, 0, 0, 0]))


def check_page(world):
    status, _, headers, page = world.get("/pie.php?x")
    cookie = headers["Set-Cookie"]
    visitor = cookie[10:50]
    check("php-fpm's page gets the cookie and the pixel, and knows its visitor",
          status == 200 and page.count(b"/vpixel.gif") == 1 and
          page.startswith(b"<html><body>" + visitor.encode() + b"<img"), headers.items(), page)
    check("its goal is recorded after the page, and not shown",
          not headers["Manhattan-Goal"] and
          [r[1:4:2] + r[5:6] for r in world.services.records()] ==
          [["page", visitor, "127.0.0.1"], ["goal", visitor, "Seen"]], world.services.records())
    check("what it says on standard error is logged",
          becomes_true(lambda: "fpm.sock: PHP message: a complaint" in world.services.said("php")),
          world.services.said("php"))
    known = {"Cookie": cookie.partition(";")[0]}
    check("the pixel is ours to answer", len(world.get("/vpixel.gif", headers=known)[3]) == 43)
    _, _, headers, page = world.get("/pie.php", "HEAD", headers=known)
    check("HEAD has no body", page == b"" and not headers["Set-Cookie"], headers.items())
    status, _, headers, page = world.get("/same.php", headers=known)
    check("304 stays one", (status, headers["ETag"], page) == (304, '"x"', b""), headers.items())
    check("a query longer than a byte can say arrives whole", world.get("/query.php?" + 300 * "x")[3] == b"300")
    claim = {"Authorization": "Basic YWRtaW46eA==", "Remote-User": "admin"}
    check("a name that is only claimed is no user", world.get("/who.php", headers=claim)[3] == b"nobody -")
    check("a missing script is php-fpm's 404", world.get("/missing.php")[0] == 404)
    check("a split may run another script",
          world.get("/split.php")[3] == b"blue" and world.told("split")[0][0] == "Blue")


def check_bodies(world):
    photo = os.urandom(3_000_000)
    parts = ('--x\r\nContent-Disposition: form-data; name="pie"\r\n\r\napple\r\n--x\r\n'
             'Content-Disposition: form-data; name="photo"; filename="p"\r\n\r\n').encode()
    status, _, _, page = world.get("/form.php", "POST", parts + photo + b"\r\n--x--\r\n",
                                   {"Content-Type": "multipart/form-data; boundary=x"})
    check("a form with a file arrives byte for byte",
          (status, page) == (418, b"apple " + hashlib.sha256(photo).hexdigest().encode()), page)
    for size in 0, 1, 32768, 65536, 65537, 5_000_000:
        body = os.urandom(size)
        expected = f"PUT {size} {hashlib.sha256(body).hexdigest()}".encode()
        check(f"so do {size} bytes", world.get("/body.php", "PUT", body)[3] == expected)
    chunks = [os.urandom(70_000) for _ in range(4)]
    expected = f"POST 280000 {hashlib.sha256(b''.join(chunks)).hexdigest()}".encode()
    check("so do chunks", world.get("/body.php", "POST", iter(chunks))[3] == expected)
    check("20 MB that nobody reads get their answer",
          world.get("/ignores.php", "POST", b"x" * 20_000_000)[3] == b"ok")
    page = world.get("/large.php")[3]
    check("100 MB come through", page is not None and len(page) == 1600 * 65536)
    support.check_memory("all in little memory", world.fcgi.pid, 32)


def check_connections(world):
    for name in "finished", "registered":
        early = world.get(f"/{name}.php")
        check(f"/{name}.php is answered before its process is done", early[3] == b"early", early)
        # One of three processes is busy: the other two serve, whoever came before.
        check("which holds up nobody", [world.get("/ignores.php")[3] for _ in range(6)] == [b"ok"] * 6
              and world.get("/body.php", "POST", b"x")[0] == 200)
        (world.folder / "go").write_text("\n")
        check("and goes on to its end",
              becomes_true((world.folder / f"{name}.done").exists))
    # The listening socket; nginx's and php-fpm's are closed after each answer.
    check("no connection to php-fpm is kept", becomes_true(lambda: len(world.connections()) == 1),
          world.connections())
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(
            lambda i: world.get("/ignores.php", *(("POST", b"x") if i % 3 == 0 else ()))[0],
            range(300)))
    check("8 requests at a time share 3 processes, and all are served",
          answers == [200] * 300, [a for a in answers if a != 200])
    world.get("/ignores.php")
    children = subprocess.run(["pgrep", "-P", str(world.fpm.pid)], capture_output=True, text=True)
    for child in children.stdout.split():
        os.kill(int(child), signal.SIGKILL)
    becomes_true(lambda: not any(map(support.is_alive, children.stdout.split())))
    check("where their processes are killed, requests go to new ones",
          [world.get("/ignores.php")[0] for _ in range(6)] == [200] * 6)
    world.end_fpm()
    world.fpm = world.start_fpm(max_requests=2)
    answers = [world.get("/ignores.php", method, body)[0]
               for method, body in [("GET", None), ("GET", None), ("POST", b"x")] * 20]
    check("a process that ends after every second request costs none",
          answers == [200] * 60, answers)


def check_faults(world):
    said = lambda: world.services.said("php")  # noqa: E731
    got = world.get("/killed.php")
    check("a process killed before its header is 502, with the reason logged", got[0] == 502 and
          "GET /killed.php: 502" in said() and "closed the connection" in said(), got, said())
    got = world.get("/cut.php")
    check("one killed in its answer leaves it seen to be incomplete", got[3] is None, got[:3])
    got = world.get("/hung.php")
    check("a hung one is 504", got[0] == 504 and "504: " in said(), got)
    world.end_fpm()  # the hung one with it
    got = world.get("/ignores.php")
    check("an absent one is 502, and named", got[0] == 502 and
          re.search(r"502: cannot connect to '.*fpm.sock': ", said()), got, said()[-500:])
    world.fpm = world.start_fpm()
    check("once it is there again, it is asked again", world.get("/ignores.php")[0] == 200)


def check_streams(world):
    support.check_stream(world.port, "/stream.php", world.folder / "go")
    with socket.create_connection(("127.0.0.1", world.port), timeout=support.LIMIT_S) as client:
        client.sendall(b"GET /endless.php HTTP/1.1\r\nHost: x\r\n\r\n")
        client.recv(4096)
        check("an endless answer runs", not (world.folder / "ended").exists())
    check("until its client goes", becomes_true((world.folder / "ended").exists))
    with socket.create_connection(("127.0.0.1", world.port), timeout=support.LIMIT_S) as client:
        client.sendall(b"POST /order.php HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        becomes_true((world.folder / "begun").exists)
    support.write_to_pipe(world.folder / "go")
    check("an order is done though its client goes, and that is logged",
          becomes_true((world.folder / "ordered").exists) and
          becomes_true(lambda: "it ran to its end" in world.services.said("php")))


def check_perl(world):
    body = os.urandom(2_000_000)
    status, _, headers, page = world.get("/perl", "POST", body, {"Host": "perl.example"})
    check("a Perl script is instrumented in the same way",
          status == 200 and page.startswith(b"<body>4 " + body) and headers["Set-Cookie"] and
          page.count(b"/vpixel.gif") == 1 and world.told("goal")[-1][0] == "Perl", headers.items())
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(
            lambda i: world.get("/perl", *(("POST", b"x") if i % 2 else ()))[0], range(100)))
    check("its one process serves 8 requests at a time", answers == [200] * 100,
          [a for a in answers if a != 200])


def check_odd(world):
    head = b"Content-Type: text/plain\r\n\r\n"
    for sentence, answer, status, body in (
            ("records cut anywhere, padded, empty, of other requests and of unknown type are read",
             record(6, head[:5], 3) + record(6, b"") + record(6, b"x", 0, 2) + record(77, b"y", 1) +
             record(11, b"z", 0, 0) + record(6, head[5:] + b"a") + record(7, b"oh", 5) +
             record(6, b"b", 255) + end(), 200, b"ab"),
            ("an exit code is no fault of the answer", record(6, head + b"c") + end(0, 3), 200, b"c"),
            ("an overloaded program is 503", end(2), 503, None),
            ("one that takes no second request is, too", end(1), 503, None),
            ("a role that it does not know is 502", end(3), 502, None),
            ("what is no FastCGI is 502", b"HTTP/1.1 200 OK\r\n\r\n", 502, None),
            ("an end that is none is 502", record(3, b"short"), 502, None),
            ("nothing is 502", b"", 502, None)):
        world.odd.answers.append([answer])
        got = world.get("/odd")
        check(sentence, got[0] == status and body in (None, got[3]), got)
    world.odd.answers.append([record(6, head + b"d")])
    check("an answer without an end is incomplete", world.get("/odd")[3] is None)
    whole = [record(6, head + name) + end() for name in (b"e", b"f")]
    world.odd.answers += [[whole[0]], [], [whole[1]]]
    check("a program that closes its connection unanswered is not asked twice",
          [world.get("/odd")[::3] for _ in range(3)][::2] == [(200, b"e"), (200, b"f")]
          and not world.odd.answers)
    for text in "exit code 3", "no FastCGI", "FastCGI status 2", "odd-program.sock: oh":
        check(f"'{text}' is logged", text in world.services.said("odd"), world.services.said("odd"))


def begin_full(world):
    world.waiting = world.background.submit(world.get, "/full")
    check("a request waits for a program that takes no connection",
          becomes_true(lambda: world.full.waiting() == 1))
    with socket.create_connection(("127.0.0.1", world.port), timeout=support.LIMIT_S) as client:
        client.sendall(b"GET /full HTTP/1.1\r\nHost: x\r\n\r\n")
        check("and a second, so that all jobs do", becomes_true(lambda: world.full.waiting() == 2))
    got = world.get("/full.gif")
    said = world.services.said("full")
    check("who waits is let go with its client, so that others are served",
          len(got[3]) == 43 and "504" not in said, got, said)


def check_full(world):
    got = world.waiting.result()
    said = world.services.said("full")
    check("who goes on waiting gets 504 in the end", got[0] == 504 and
          re.search(r"GET /full: 504: cannot connect to '127\.0\.0\.1:\d+'", said), got, said)


def main():
    with tempfile.TemporaryDirectory(prefix="manhattan-upstream-") as folder:
        with contextlib.ExitStack() as running:
            world = World(sys.argv[1], pathlib.Path(folder), running)
            for part in (begin_full, check_page, check_bodies, check_connections, check_faults,
                         check_streams, check_perl, check_odd, check_full):
                part(world)
            if support.failures:
                print(world.services.said("php")[-3000:], (world.folder / "nginx.log").read_text())
    sys.exit(support.failures > 0)


main()
