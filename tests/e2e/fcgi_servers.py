#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""manhattan-fcgi behind lighttpd and Apache, set up by the files in etc/ as they are.

Usage: tests/e2e/fcgi_servers.py BUILD_DIR. Prints `ok - ...` and `not ok - ...` lines.
"""
import concurrent.futures
import contextlib
import os
import pathlib
import socket
import sys
import tempfile

sys.dont_write_bytecode = True
import fcgi_support as support  # noqa: E402
from fcgi_support import becomes_true, check, request  # noqa: E402

LIGHTTPD = """
server.document-root = "{folder}/www"
server.bind = "127.0.0.1"
server.port = {port}
server.modules += ( "mod_alias" )
server.errorlog = "{folder}/lighttpd.log"
server.upload-dirs = ( "{folder}" )
var.manhattan_socket = "{folder}/fcgi.sock"
var.manhattan_path = "/cgi/"
include "{root}/etc/lighttpd-manhattan.conf"
fastcgi.server += ( "/files/" => (( "socket" => var.manhattan_socket, "check-local" => "disable",
  "x-sendfile" => "enable", "x-sendfile-docroot" => ( "{folder}/secrets" ) )) )
alias.url += ( "/files/" => "{folder}/www/cgi/" )
"""

APACHE = """
ServerName localhost
Listen 127.0.0.1:{port}
{user}
DefaultRuntimeDir {folder}
PidFile {folder}/apache.pid
ErrorLog {folder}/apache.log
DocumentRoot {folder}/www
{modules}
Define MANHATTAN_SOCKET {folder}/fcgi.sock
Define MANHATTAN_PATH /cgi/
Include {root}/etc/apache-manhattan.conf
Alias /files/ {folder}/www/cgi/
<Location "/files/">
  SetHandler "proxy:unix:${{MANHATTAN_SOCKET}}|fcgi://manhattan"
  XSendFile On
  XSendFilePath {folder}/secrets
</Location>
<LocationMatch "^/cgi/(stream|endless)$">
  SetHandler "proxy:unix:${{MANHATTAN_SOCKET}}|fcgi://manhattan-stream"
</LocationMatch>
"""
MODULES = "mpm_event authz_core authn_core unixd alias proxy proxy_fcgi xsendfile"
MODULE_FOLDER = pathlib.Path("/usr/lib/apache2/modules")

PROGRAMS = {
    "page": "printf 'Content-Type: text/html\\n\\n<html><body>hello</body></html>\\n'",
    "echo": "printf 'Content-Type: application/octet-stream\\n\\n'; exec cat",
    "sub/env": "printf 'Content-Type: text/plain\\n\\n'; "
               "echo \"$SCRIPT_NAME|$PATH_INFO|$QUERY_STRING|$HTTP_AUTHORIZATION|$HTTP_PROXY\"",
    "stream": "printf 'Content-Type: text/plain\\n\\nfirst\\n'; read x <go; echo second",
    "gone": "printf 'Status: 410 Left Town\\nContent-Type: text/plain\\n\\nover there'",
    "killed": "printf 'Content-Type: text/plain\\nContent-Length: 100\\n\\nbegun\\n'; kill -9 $$",
    "crash": "kill -SEGV $$",
    "file": "printf 'X-Sendfile: FOLDER/secrets/page.html\\nContent-Type: text/html\\n"
            "Content-Length: 1000\\n\\n'",
    "old-file": "printf 'X-LIGHTTPD-send-file: FOLDER/secrets/page.html\\n"
                "Content-Type: text/html\\n\\nnever seen'",
    "silent": "exec sleep 1000",
    "same": "printf 'Status: 304 Not Modified\\nETag: \"x\"\\n\\n'",
    "moved": "printf 'Location: https://example.com/\\n\\n'",
    "ignores": "printf 'Content-Type: text/plain\\n\\nok'",
    "large": "printf 'Content-Type: application/octet-stream\\n\\n'; head -c 50000000 /dev/zero",
    "endless": "echo $$ >pid; printf 'Content-Type: text/plain\\n\\n'; exec cat /dev/zero",
}
PAGE = b"<body>" + b"x" * 100_000 + b"</body>"


class World:
    def __init__(self, build, folder, running):
        self.folder = folder
        self.services = support.Services(build, folder, running)
        self.cgi = folder / "www/cgi"
        (self.cgi / "sub").mkdir(parents=True)
        support.write_programs(self.cgi, {
            name: script.replace("FOLDER", str(folder)) for name, script in PROGRAMS.items()})
        (folder / "secrets").mkdir()
        (folder / "secrets/page.html").write_bytes(PAGE)
        (self.cgi / "data").write_text("no program\n")
        os.mkfifo(self.cgi / "go")
        # Apache runs as another user where we are root, as it does everywhere.
        for path in folder, folder / "www", self.cgi, folder / "secrets":
            path.chmod(0o755)
        self.services.start_fcgi("fcgi", "--config", "/dev/null", "--path", folder / "log",
                                 "--secret-file", self.services.secret, "--timeout", "5",
                                 "--trusted-proxy", "127.0.0.1",
                                 "--socket-mode", "0666")
        self.ports = {"lighttpd": self.start_lighttpd(), "Apache": self.start_apache()}
        self.background = running.enter_context(concurrent.futures.ThreadPoolExecutor(1))

    def start_lighttpd(self):
        port = support.free_port()
        config = self.folder / "lighttpd.conf"
        config.write_text(LIGHTTPD.format(folder=self.folder, port=port, root=support.ROOT))
        self.services.start_server("lighttpd", ["lighttpd", "-D", "-f", config], port)
        return port

    def start_apache(self):
        port = support.free_port()
        # Where a module is no file, it is built in.
        modules = "\n".join(f"LoadModule {name}_module {MODULE_FOLDER}/mod_{name}.so"
                            for name in MODULES.split()
                            if (MODULE_FOLDER / f"mod_{name}.so").exists())
        user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
        config = self.folder / "apache.conf"
        config.write_text(APACHE.format(folder=self.folder, port=port, root=support.ROOT,
                                        modules=modules, user=user))
        self.services.start_server("apache", ["apache2", "-X", "-f", config], port)
        return port


def check_pages(world, server, port):
    def get(path, method="GET", body=None, headers=None):
        return request(port, f"/cgi/{path}", method, body, headers)

    status, _, headers, page = get("page")
    cookie = {"Cookie": headers["Set-Cookie"].partition(";")[0]}
    check(f"{server}: a page gets the pixel and a cookie",
          status == 200 and page.count(b"/vpixel.gif") == 1 and "manhattan=" in cookie["Cookie"],
          status, headers.items(), page)
    pixel = request(port, "/vpixel.gif", headers=cookie)
    check(f"{server}: the pixel is served", pixel[0] == 200 and len(pixel[3]) == 43, pixel)
    kinds = [record[1] for record in world.services.records()]
    check(f"{server}: page and pixel are recorded", kinds[-2:] == ["page", "pixel"], kinds)
    got = get("sub/env/a%20b/c?x=1", headers={"Authorization": "Basic eDp5", "Proxy": "evil"})
    check(f"{server}: a program below a folder finds its name, the rest of the path and who asks",
          got[3] == b"/cgi/sub/env|/a b/c|x=1|Basic eDp5|\n", got)
    check(f"{server}: HEAD has no body", get("page", "HEAD")[3] == b"")
    got = get("gone")
    check(f"{server}: status and body are the program's",
          got[0] == 410 and got[3] == b"over there", got)
    check(f"{server}: 304 has no body", get("same")[::3] == (304, b""), get("same"))
    status, _, headers, _ = get("moved")
    check(f"{server}: Location redirects",
          status == 302 and headers["Location"] == "https://example.com/", headers.items())


def check_files(world, server, port):
    for path in ("file", "old-file") if server == "lighttpd" else ("file",):
        status, _, headers, body = request(port, f"/files/{path}")
        check(f"{server}: a file that it sends for /{path} is as it lies there, without a pixel",
              (status, body) == (200, PAGE), status, (body or b"")[:100], headers.items())
        check(f"{server}: its visitor gets the cookie, and nobody sees where it lies",
              "manhattan=" in headers.get("Set-Cookie", "") and not headers["X-Sendfile"],
              headers.items())


def check_forwarded(world, server, port):
    """Of a trusted proxy, which is us: whose address is recorded, and over which scheme."""
    def page_of(*headers):
        with socket.create_connection(("127.0.0.1", port), timeout=support.LIMIT_S) as client:
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
            client.sendall(f"GET /cgi/page HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}\r\n".encode())
            support.receive_until(client, b"</html>")
        record = world.services.records()[-1]
        return record[5], record[7].partition(":")[0]

    real = ("X-Forwarded-For", "203.0.113.1"), ("X-Forwarded-Proto", "https")
    got = page_of(*real)
    check(f"{server}: a trusted proxy's words count", got == ("203.0.113.1", "https"), got)
    for dash in "X_Forwarded_", "x_forwarded-", "X-Forwarded_":
        fake = (f"{dash}For", "6.6.6.6"), (f"{dash}Proto", "https")
        got = page_of(*fake)
        check(f"{server}: {dash}For does not", got == ("127.0.0.1", "http"), got)
        for headers in (*fake, *real), (*real, *fake):
            got = page_of(*headers)
            check(f"{server}: {dash}For beside them changes nothing", got == ("203.0.113.1", "https"), got)
    for dash in "X.Forwarded.", "X~Forwarded-":
        got = page_of(*real, (f"{dash}For", "6.6.6.6"))
        check(f"{server}: {dash}For beside them is never believed",
              got[0] in ("203.0.113.1", "127.0.0.1"), got)


def check_bodies(world, server, port):
    world.silent = world.background.submit(request, port, "/cgi/silent")  # it takes its time
    for size in 0, 1, 70_000, 5_000_000:
        sent = os.urandom(size)
        got = request(port, "/cgi/echo", "POST", sent)[3]
        check(f"{server}: a POST of {size} bytes comes back byte for byte", got == sent)
    chunks = [os.urandom(70_000) for _ in range(4)]
    got = request(port, "/cgi/echo", "POST", iter(chunks))[3]
    check(f"{server}: so does one in chunks", got == b"".join(chunks), len(got or b""))
    check(f"{server}: a body that nobody reads gets its answer",
          request(port, "/cgi/ignores", "POST", b"x" * 8_000_000)[3] == b"ok")
    got = request(port, "/cgi/large")[3]
    check(f"{server}: 50 MB come through", got is not None and len(got) == 50_000_000)


def check_faults(world, server, port):
    for path, status in {"missing": 404, "data": 403, "sub/": 403, "crash": 502}.items():
        got = request(port, f"/cgi/{path}")
        check(f"{server}: /{path} is answered with {status}", got[0] == status, got)
    got = world.silent.result()
    check(f"{server}: /silent is answered with 504", got[0] == 504, got)
    got = request(port, "/cgi/killed")
    check(f"{server}: an answer whose program was killed is seen to break off", got[3] is None, got)


def check_streams(world, server, port):
    support.check_stream(port, "/cgi/stream", world.cgi / "go", f"{server}: ")
    (world.cgi / "pid").unlink(missing_ok=True)
    with socket.create_connection(("127.0.0.1", port), timeout=support.LIMIT_S) as client:
        client.sendall(b"GET /cgi/endless HTTP/1.1\r\nHost: x\r\n\r\n")
        client.recv(4096)
        pid = (world.cgi / "pid").read_text().strip()
    check(f"{server}: a program ends when its client goes",
          becomes_true(lambda: not support.is_alive(pid)), pid)


def main():
    with tempfile.TemporaryDirectory(prefix="manhattan-servers-") as folder:
        with contextlib.ExitStack() as running:
            world = World(sys.argv[1], pathlib.Path(folder), running)
            for server, port in world.ports.items():
                for part in (check_pages, check_forwarded, check_files, check_bodies, check_faults,
                             check_streams):
                    part(world, server, port)
            if support.failures:
                for name in "lighttpd", "apache":
                    print((world.folder / f"{name}.log").read_text()[-2000:])
                print(world.services.said("fcgi")[-2000:])
    sys.exit(support.failures > 0)


main()
