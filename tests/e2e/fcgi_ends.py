#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Answers that end badly: what the client sees behind nginx, in each way that it can be set up,
lighttpd and Apache, next to what it sees of fcgiwrap.

Usage: tests/e2e/fcgi_ends.py BUILD_DIR. Prints `ok - ...` and `not ok - ...` lines.
"""
import collections
import concurrent.futures
import contextlib
import http.client
import os
import pathlib
import socket
import sys
import tempfile

sys.dont_write_bytecode = True
import fcgi_support as support  # noqa: E402
from fcgi_support import becomes_true, check  # noqa: E402

TIMES = 20

NGINX_SERVER = """
  server {{
    listen 127.0.0.1:{port}; root {folder}/cgi;
    location / {{
      fastcgi_pass {address}; fastcgi_buffering {buffering}; fastcgi_keep_conn {keep};
      fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
      fastcgi_param SERVER_SOFTWARE nginx/$nginx_version;
      fastcgi_param REQUEST_METHOD $request_method; fastcgi_param REQUEST_URI $request_uri;
      fastcgi_param CONTENT_LENGTH $content_length; fastcgi_param REMOTE_ADDR $remote_addr;
    }}
  }}
"""

LIGHTTPD = """
server.document-root = "{folder}"
server.bind = "127.0.0.1"
server.port = {port}
server.errorlog = "{folder}/lighttpd.log"
server.upload-dirs = ( "{folder}" )
server.modules += ( "mod_fastcgi", "mod_alias" )
alias.url = ( "/wrapped/" => "{folder}/cgi/", "/reference/" => "{folder}/cgi/" )
fastcgi.server = (
  "/wrapped/" => (( "socket" => "{folder}/unix.sock", "check-local" => "disable" )),
  "/reference/" => (( "socket" => "{folder}/reference.sock", "check-local" => "disable" )) )
server.stream-response-body = 2
"""

# Apache holds the client of an answer that broke off for so long.
APACHE = """
ServerName localhost
Listen 127.0.0.1:{port}
{user}
KeepAliveTimeout 1
DefaultRuntimeDir {folder}
PidFile {folder}/apache.pid
ErrorLog {folder}/apache.log
DocumentRoot {folder}
{modules}
ProxyFCGIBackendType GENERIC
Alias /wrapped/ {folder}/cgi/
Alias /reference/ {folder}/cgi/
<Location "/wrapped/">
  SetHandler "proxy:unix:{folder}/unix.sock|fcgi://wrapped/"
</Location>
<Location "/reference/">
  SetHandler "proxy:unix:{folder}/reference.sock|fcgi://reference/"
</Location>
"""
MODULES = "mpm_event authz_core authn_core unixd alias proxy proxy_fcgi"
MODULE_FOLDER = pathlib.Path("/usr/lib/apache2/modules")

PLAIN, PAGE = "Content-Type: text/plain\\n", "Content-Type: text/html\\n"
WHOLE, CUT, SHORT = "whole", "cut", "shorter than its length"
# The head of the answer, what the program does then, the answer's body, how the client sees it end.
PROGRAMS = {
    "segv": (PLAIN, "printf body; kill -SEGV $$", b"body", WHOLE),
    "abrt": (PLAIN, "printf body; kill -ABRT $$", b"body", WHOLE),
    "fpe": (PAGE, "printf '<p>body'; kill -FPE $$", b"<p>body", WHOLE),
    "pipe": (PLAIN, "printf body; kill -PIPE $$", b"body", WHOLE),
    "code": (PLAIN, "printf body; exit 3", b"body", WHOLE),
    "much": (PLAIN, "head -c 300000 /dev/zero; kill -SEGV $$", bytes(300_000), WHOLE),
    "length-segv": (PLAIN + "Content-Length: 4\\n", "printf body; kill -SEGV $$", b"body", WHOLE),
    "length-kill": (PLAIN + "Content-Length: 4\\n", "printf body; kill -KILL $$", b"body", WHOLE),
    "length-hang": (PLAIN + "Content-Length: 4\\n", "printf body; exec sleep 1000", b"body", WHOLE),
    "long": (PLAIN + "Content-Length: 6\\n", "printf body", b"body", SHORT),
    "long-segv": (PLAIN + "Content-Length: 6\\n", "printf body; kill -SEGV $$", b"body", SHORT),
    "long-much": (PLAIN + "Content-Length: 300002\\n", "head -c 300000 /dev/zero", bytes(300_000),
                  SHORT),
    "kill": (PLAIN, "printf body; kill -KILL $$", b"body", CUT),
    "kill-3000": (PLAIN, "head -c 3000 /dev/zero; kill -KILL $$", bytes(3000), CUT),
    "kill-much": (PLAIN, "head -c 300000 /dev/zero; kill -KILL $$", bytes(300_000), CUT),
    "long-kill": (PLAIN + "Content-Length: 6\\n", "printf body; kill -KILL $$", b"body", CUT),
    "hang": (PLAIN, "printf body; exec sleep 1000", b"body", CUT),
}
# It has done what it was asked to only at its end, behind more output than anything holds back.
ORDER = ("echo >begun; read x <go; printf 'Content-Type: text/plain\\n\\n'; "
         "head -c 30000000 /dev/zero; echo >done")
RARE = {"hang", "length-hang"}  # they take their time


class World:
    def __init__(self, build, folder, running):
        self.folder = folder
        self.services = support.Services(build, folder, running)
        (folder / "cgi").mkdir()
        support.write_programs(folder / "cgi", {
            name: f"ulimit -c 0; printf '{head}\\n'; {script}"
            for name, (head, script, _, _) in PROGRAMS.items()} | {"order": ORDER})
        os.mkfifo(folder / "cgi/go")
        # Apache runs as another user where we are root, as it does everywhere.
        for path in folder, folder / "cgi":
            path.chmod(0o755)
        self.tcp = support.free_port()
        options = ("--config", "/dev/null", "--timeout", "2", "--jobs", "24")
        self.services.start_fcgi("unix", *options, "--socket-mode", "0666")
        self.services.start_server("tcp", [
            self.services.build / "manhattan-fcgi", "--ring", "none", "--socket",
            f"127.0.0.1:{self.tcp}", *options], self.tcp)
        self.services.start_server("fcgiwrap", [
            "fcgiwrap", "-c", "8", "-s", f"unix:{folder}/reference.sock"], folder / "reference.sock")
        (folder / "reference.sock").chmod(0o666)
        self.places = []  # what it is, the port, the path to our programs, to fcgiwrap's
        self.start_nginx()
        self.start_lighttpd()
        self.start_apache()
        self.pool = running.enter_context(concurrent.futures.ThreadPoolExecutor(16))

    def start_nginx(self):
        servers, ports = "", []
        addresses = {"unix": f"unix:{self.folder}/unix.sock", "TCP": f"127.0.0.1:{self.tcp}",
                     "reference": f"unix:{self.folder}/reference.sock"}
        for buffering in "on", "off":
            for keep in "on", "off":
                port_of = {}
                for name, address in addresses.items():
                    port_of[name] = support.free_port()
                    servers += NGINX_SERVER.format(port=port_of[name], folder=self.folder, keep=keep,
                                                   address=address, buffering=buffering)
                ports += port_of.values()
                for name in "unix", "TCP":
                    self.places.append((f"nginx, {name}, buffering {buffering}, keep_conn {keep}",
                                        (port_of[name], "/"), (port_of["reference"], "/")))
        self.services.start_nginx(servers, *ports)

    def start_lighttpd(self):
        port = support.free_port()
        config = self.folder / "lighttpd.conf"
        config.write_text(LIGHTTPD.format(folder=self.folder, port=port))
        self.services.start_server("lighttpd", ["lighttpd", "-D", "-f", config], port)
        self.places.append(("lighttpd", (port, "/wrapped/"), (port, "/reference/")))

    def start_apache(self):
        port = support.free_port()
        # Where a module is no file, it is built in.
        modules = "\n".join(f"LoadModule {name}_module {MODULE_FOLDER}/mod_{name}.so"
                            for name in MODULES.split()
                            if (MODULE_FOLDER / f"mod_{name}.so").exists())
        user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
        config = self.folder / "apache.conf"
        config.write_text(APACHE.format(folder=self.folder, port=port, modules=modules, user=user))
        self.services.start_server("apache", ["apache2", "-X", "-f", config], port)
        self.places.append(("Apache", (port, "/wrapped/"), (port, "/reference/")))


def see(port, path, headers=None):
    """(status, the bytes that came, whether they were all)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=support.LIMIT_S)
    with contextlib.closing(connection):
        try:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
        except http.client.RemoteDisconnected:
            return 0, b"", False
        try:
            return answer.status, answer.read(), True
        except http.client.IncompleteRead as broken:
            return answer.status, broken.partial, False


def brief(seen):
    return [(status, len(body), is_whole, count)
            for (status, body, is_whole), count in collections.Counter(seen).items()]


def check_place(world, name, wrapped, reference):
    for program, (_, _, body, end) in PROGRAMS.items():
        port, folder = wrapped
        times = 2 if program in RARE else TIMES
        seen = list(world.pool.map(lambda _: see(port, folder + program), range(times)))
        # Apache sends the true length of an answer that ends by itself.
        is_whole = end == WHOLE or (end == SHORT and name == "Apache")
        check(f"{name}: /{program} is seen with all its bytes, {times} times, and as {end}",
              seen == [(200, body, is_whole)] * times, brief(seen))
        if program in RARE:  # fcgiwrap waits for ever
            continue
        port, folder = reference
        theirs = see(port, folder + program, {"Connection": "close"})
        check(f"{name}: that is what fcgiwrap shows", theirs[:2] == (200, body) and (
            end == CUT or theirs[2] == is_whole), brief([theirs]))


def check_leaving(world, name, wrapped):
    port, folder = wrapped
    begun, done = world.folder / "cgi/begun", world.folder / "cgi/done"
    with socket.create_connection(("127.0.0.1", port), timeout=support.LIMIT_S) as client:
        client.sendall(f"POST {folder}order HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
                       .encode())
        becomes_true(begun.exists)
    support.write_to_pipe(world.folder / "cgi/go")
    check(f"{name}: an order is done though its client leaves", becomes_true(done.exists))
    begun.unlink()
    done.unlink(missing_ok=True)


def check_log(world):
    said = world.services.said("unix")
    for text in ("/segv: ", "signal 11 (SIGSEGV)", "abrt: signal 6 (SIGABRT)", "code: exit code 3",
                 "long: its answer is shorter than its Content-Length", "kill: signal 9 (SIGKILL)",
                 "kill: its answer broke off", "hang: silent for too long, cut off"):
        check(f"'{text}' is logged", text in said, said[-500:])


def main():
    with tempfile.TemporaryDirectory(prefix="manhattan-ends-") as folder:
        with contextlib.ExitStack() as running:
            world = World(sys.argv[1], pathlib.Path(folder), running)
            for place in world.places:
                check_place(world, *place)
                check_leaving(world, *place[:2])
            check_log(world)
            if support.failures:
                for name in "nginx", "lighttpd", "apache":
                    print((world.folder / f"{name}.log").read_text()[-2000:])
    sys.exit(support.failures > 0)


main()
