#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The files in etc/ for nginx, Apache and lighttpd, included as they are, in front of one
manhattan-fcgi: what a newcomer's site does with them.

Usage: tests/e2e/fcgi_snippets.py BUILD_DIR. Prints `ok - ...` and `not ok - ...` lines.
"""
import base64
import contextlib
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import fcgi_support as support  # noqa: E402
from fcgi_support import check, request  # noqa: E402

ETC = support.ROOT / "etc"
USER, PASSWORD = "committer", "a password"
JOBS = 16

NGINX = """
  server {{
    listen 127.0.0.1:{ports[folder]}; root {folder}/www;
    include {etc}/nginx-manhattan-server.conf; set $manhattan_socket unix:{folder}/folder.sock;
    location /cgi-bin/ {{ fastcgi_pass $manhattan_socket; }}
    location /cgi-bin/locked/ {{
      auth_basic "Committers"; auth_basic_user_file {folder}/htpasswd;
      include {etc}/nginx-manhattan.conf;
      fastcgi_param REMOTE_USER $remote_user;
      fastcgi_param AUTH_TYPE Basic;
      fastcgi_pass $manhattan_socket;
    }}
    location /files/ {{ internal; }}
  }}
  server {{
    listen 127.0.0.1:{ports[whole]};
    include {etc}/nginx-manhattan-server.conf; set $manhattan_socket unix:{folder}/one.sock;
    location / {{ fastcgi_pass $manhattan_socket; }}
  }}
  server {{
    listen 127.0.0.1:{ports[prefix]};
    include {etc}/nginx-manhattan-server.conf; set $manhattan_socket unix:{folder}/one.sock;
    location /git/ {{
      fastcgi_split_path_info ^(/git)(/.*)$;
      fastcgi_pass $manhattan_socket;
    }}
  }}
  server {{
    listen 127.0.0.1:{forgotten}; root {folder}/www;
    location /cgi-bin/ {{
      include {etc}/nginx-manhattan.conf;
      fastcgi_pass unix:{folder}/forgotten.sock;
    }}
  }}
"""

LIGHTTPD = """
server.document-root = "{folder}/www"
server.bind = "127.0.0.1"
server.port = {port}
server.errorlog = "{folder}/lighttpd.log"
server.upload-dirs = ( "{folder}" )
index-file.names = ( "index.html" )
mimetype.assign = ( ".html" => "text/html" )
server.modules = ( "mod_auth", "mod_authn_file" )
auth.backend = "htpasswd"
auth.backend.htpasswd.userfile = "{folder}/htpasswd"
auth.require = ( "/cgi-bin/locked/" =>
  ( "method" => "basic", "realm" => "Committers", "require" => "valid-user" ) )
var.manhattan_socket = "{folder}/{socket}.sock"
var.manhattan_path = "{path}"
include "{etc}/lighttpd-manhattan.conf"
"""

APACHE = """
ServerName localhost
SendBufferSize 65536
{user}
DefaultRuntimeDir {folder}
PidFile {folder}/apache.pid
ErrorLog {folder}/apache.log
DocumentRoot {folder}/www
DirectoryIndex index.html
{modules}
<Location /cgi-bin/locked/>
  AuthType Basic
  AuthName Committers
  AuthUserFile {folder}/htpasswd
  Require valid-user
</Location>
XSendFilePath {folder}/www/files
{sites}
"""
APACHE_SITE = """
Listen 127.0.0.1:{port}
<VirtualHost 127.0.0.1:{port}>
  Define MANHATTAN_SOCKET {folder}/{socket}.sock
  Define MANHATTAN_PATH {path}
  Include {etc}/apache-manhattan.conf
  <Location "/cgi-bin/stream">
    SetHandler "proxy:unix:${{MANHATTAN_SOCKET}}|fcgi://manhattan-stream"
  </Location>
</VirtualHost>
"""
# Those of a fresh Debian that matter here, and what a2enmod proxy_fcgi xsendfile adds.
MODULES = ("mpm_event authz_core authz_user authn_core authn_file auth_basic unixd dir alias env "
           "setenvif proxy proxy_fcgi xsendfile")
MODULE_FOLDER = pathlib.Path("/usr/lib/apache2/modules")

# A folder of programs; one program for a whole site; the same below a prefix.
SITES = {"folder": ("folder", "/cgi-bin/"), "whole": ("one", "/"), "prefix": ("one", "/git/")}

ENVIRONMENT = "printf 'Content-Type: text/plain\\n\\n'; env"
GIT = ("GIT_PROJECT_ROOT=$DOCUMENT_ROOT/../repos GIT_HTTP_EXPORT_ALL=1 "
       "exec /usr/lib/git-core/git-http-backend")
CGIT = "CGIT_CONFIG=FOLDER/cgitrc exec /usr/lib/cgit/cgit.cgi"
# More than sockets hold for a client that does not read, but for Apache no more than it may hold.
LARGE_BYTES = {"nginx": 20_000_000, "lighttpd": 20_000_000, "Apache": 4_000_000}
PROGRAMS = {
    "www/cgi-bin/env": ENVIRONMENT, "www/cgi-bin/locked/env": ENVIRONMENT,
    "www/cgi-bin/git": GIT, "www/cgi-bin/locked/git": GIT,
    "www/cgi-bin/cgit": CGIT,
    "www/cgi-bin/gitweb": "GITWEB_CONFIG=FOLDER/gitweb.conf exec /usr/share/gitweb/gitweb.cgi",
    "www/cgi-bin/page": "printf 'Content-Type: text/html\\n\\n<html><body>hello</body></html>\\n'",
    "www/cgi-bin/large": "printf 'Content-Type: application/octet-stream\\n\\n'; "
                         "head -c $QUERY_STRING /dev/zero",
    "www/cgi-bin/stream": "printf 'Content-Type: text/plain\\nX-Accel-Buffering: no\\n\\nfirst\\n'; "
                          "read x <$DOCUMENT_ROOT/go; echo second",
    "www/cgi-bin/accel": "printf 'Content-Type: text/plain\\nX-Accel-Redirect: /files/pie\\n\\n'",
    "www/cgi-bin/send": "printf 'Content-Type: text/plain\\nX-Sendfile: %s\\n\\n' "
                        "\"$DOCUMENT_ROOT/files/pie\"",
    "www/cgi-bin/steal": "printf 'Content-Type: text/plain\\nX-Sendfile: /etc/passwd\\n\\n'",
    "one": f"case $PATH_INFO in /env*) {ENVIRONMENT} ;; *) {CGIT} ;; esac",
}
PHP = "#!/usr/bin/php-cgi\n<?php echo '<html><body>', 6 * 7, $_SERVER['PATH_INFO'] ?? '', '</body></html>';\n"

# Headers by which a client may claim to be who it is not, and the variables that nothing but the
# web server itself may set.
CLAIMS = {"Authorization": "Basic YWRtaW46eA==", "Remote-User": "admin",  # admin:x
          "REMOTE_USER": "admin", "Auth-Type": "Basic", "X-Forwarded-User": "admin",
          "X-Forwarded-For": "192.0.2.9", "X-Forwarded-Proto": "https", "HTTPS": "on",
          "Remote-Addr": "192.0.2.9", "Remote-Host": "trusted.example", "Remote-Ident": "admin",
          "Proxy": "http://evil.example/", "Script-Filename": "/bin/sh", "Redirect-Status": "999",
          "Host": "claimed.example"}
SET_BY_NONE = ("REMOTE_USER", "AUTH_TYPE", "REMOTE_IDENT", "REMOTE_HOST", "HTTPS", "HTTP_PROXY",
               "REDIRECT_REMOTE_USER", "SSL_CLIENT_S_DN")


class World:
    def __init__(self, build, folder, running):
        self.folder, self.www = folder, folder / "www"
        self.services = support.Services(build, folder, running)
        self.write_site()
        make_repository(folder)
        for path in folder, self.www:  # Apache runs as another user where we are root
            path.chmod(0o755)
        options = ("--config", "/dev/null", "--path", folder / "log", "--secret-file",
                   self.services.secret, "--socket-mode", "0666")
        self.services.start_fcgi("folder", *options, "--jobs", str(JOBS))
        self.services.start_fcgi("one", *options, "--", folder / "one")
        self.services.start_fcgi("forgotten", "--config", "/dev/null", "--path", folder / "forgotten/log",
                                 "--secret-file", self.services.secret)
        self.ports = {name: {site: support.free_port() for site in SITES}
                      for name in ("nginx", "lighttpd", "Apache")}
        self.start_nginx(self.ports["nginx"])
        self.start_lighttpd(self.ports["lighttpd"])
        self.start_apache(self.ports["Apache"])

    def write_site(self):
        for folder in "cgi-bin/locked", "files":
            (self.www / folder).mkdir(parents=True)
        (self.folder / "forgotten").mkdir()
        support.write_programs(self.folder, {
            name: script.replace("FOLDER", str(self.folder)) for name, script in PROGRAMS.items()})
        (self.www / "cgi-bin/pie.php").write_text(PHP)
        (self.www / "cgi-bin/pie.php").chmod(0o755)
        (self.www / "index.html").write_text("<html><body>A static page</body></html>\n")
        (self.www / "files/pie").write_text("an apple pie\n")
        os.mkfifo(self.www / "go")
        (self.folder / "cgitrc").write_text(
            f"virtual-root=/\nrepo.url=pies\nrepo.path={self.folder}/repos/pies\n")
        (self.folder / "gitweb.conf").write_text(f"$projectroot = '{self.folder}/repos';\n")
        password = subprocess.run(["openssl", "passwd", "-apr1", PASSWORD], capture_output=True,
                                  text=True, check=True).stdout
        (self.folder / "htpasswd").write_text(f"{USER}:{password}")

    def start_nginx(self, ports):
        self.forgotten = support.free_port()
        self.services.start_nginx(NGINX.format(folder=self.folder, ports=ports, etc=ETC,
                                               forgotten=self.forgotten),
                                  *ports.values(), self.forgotten)

    def start_lighttpd(self, ports):
        for site, (socket, path) in SITES.items():
            config = self.folder / f"lighttpd-{site}.conf"
            config.write_text(LIGHTTPD.format(folder=self.folder, port=ports[site], etc=ETC,
                                              socket=socket, path=path))
            self.services.start_server(f"lighttpd-{site}", ["lighttpd", "-D", "-f", config],
                                       ports[site])

    def start_apache(self, ports):
        # Where a module is no file, it is built in.
        modules = "\n".join(f"LoadModule {name}_module {MODULE_FOLDER}/mod_{name}.so"
                            for name in MODULES.split()
                            if (MODULE_FOLDER / f"mod_{name}.so").exists())
        user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
        sites = "".join(APACHE_SITE.format(folder=self.folder, port=ports[site], etc=ETC,
                                           socket=socket, path=path)
                        for site, (socket, path) in SITES.items())
        config = self.folder / "apache.conf"
        config.write_text(APACHE.format(folder=self.folder, modules=modules, user=user, sites=sites))
        self.services.start_server("apache", ["apache2", "-X", "-f", config], *ports.values())


def variables(answer):
    """What a program that prints its environment was given."""
    lines = (answer[3] or b"").decode(errors="replace").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def check_claims(world, server, ports):
    """Nobody is believed who only says who he is."""
    port = ports["folder"]
    given = variables(request(port, "/cgi-bin/env", headers=CLAIMS))
    believed = [name for name in SET_BY_NONE if name in given]
    check(f"{server}: what a client claims in headers is no variable of its own",
          given.get("REQUEST_METHOD") == "GET" and not believed, believed, given)
    check(f"{server}: its address, scheme and program are the web server's to say",
          given.get("REMOTE_ADDR") == "127.0.0.1" and given.get("REQUEST_SCHEME", "http") == "http" and
          given.get("SCRIPT_FILENAME", "").endswith(f"/{world.folder}/www/cgi-bin/env"[1:]) and
          given.get("REDIRECT_STATUS", "200") == "200", given)
    forwarded = {"x_forwarded_FOR": "192.0.2.9", "X_Forwarded-For": "192.0.2.9",
                 "X-Forwarded_Proto": "https", "X-Forwarded-For": "198.51.100.7"}
    given = variables(request(port, "/cgi-bin/env", headers=forwarded))
    check(f"{server}: a proxy's headers are those with dashes",
          given.get("HTTP_X_FORWARDED_FOR") == "198.51.100.7" and
          "HTTP_X_FORWARDED_PROTO" not in given, given)
    status = request(port, "/cgi-bin/locked/env", headers=CLAIMS)[0]
    check(f"{server}: a wrong password is refused", status == 401, status)
    given = variables(request(port, "/cgi-bin/locked/env",
                              headers={"Authorization": basic(USER, PASSWORD)}))
    check(f"{server}: whose password the web server has asked for is named",
          given.get("REMOTE_USER") == USER and given.get("AUTH_TYPE") == "Basic", given)


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def git(*arguments, cwd=None):
    done = subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *map(str, arguments)], cwd=cwd,
        env={**os.environ, "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1",
             "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def make_repository(folder):
    git("init", "-q", "-b", "main", folder / "work")
    (folder / "work/recipe").write_text("flour\n")
    git("add", ".", cwd=folder / "work")
    git("commit", "-q", "-m", "apple", cwd=folder / "work")
    git("clone", "-q", "--bare", folder / "work", folder / "repos/pies")


def check_push(world, server, ports):
    """git-http-backend takes a push of whoever the web server names, and of nobody else."""
    port = ports["folder"]
    pushed = ("push", "-q", "origin", f"main:{server}")
    copy = world.folder / server
    code, said = git("clone", "-q", f"http://127.0.0.1:{port}/cgi-bin/git/pies", copy)
    check(f"{server}: git clones", code == 0, said)
    for who, header in ("nobody", "X: y"), ("a claimed name", f"Authorization: {basic('admin', 'x')}"):
        code, said = git("-c", f"http.extraHeader={header}", *pushed, cwd=copy)
        check(f"{server}: a push by {who} is refused", code != 0 and "403" in said, code, said)
    git("remote", "set-url", "origin", f"http://127.0.0.1:{port}/cgi-bin/locked/git/pies", cwd=copy)
    header = f"Authorization: {basic(USER, PASSWORD)}"
    code, said = git("-c", f"http.extraHeader={header}", *pushed, cwd=copy)
    check(f"{server}: one by a user with a password is taken",
          code == 0 and git("rev-parse", server, cwd=world.folder / "repos/pies")[0] == 0, said)


def check_newcomer(world, server, ports):
    """Programs, the pixel of their pages and static pages, with nothing but the one file."""
    def get(path, **headers):
        return request(ports["folder"], path, headers=headers)

    got = get("/")
    check(f"{server}: a static page is the web server's own",
          got[3] == b"<html><body>A static page</body></html>\n" and not got[2]["Set-Cookie"], got)
    for path, text in (("page", b"hello"), ("cgit/pies/log/", b"apple"),
                       ("gitweb?p=pies;a=log", b"apple"), ("pie.php/more", b"42/more")):
        before = len(world.services.records())
        status, _, headers, page = get(f"/cgi-bin/{path}")
        check(f"{server}: /cgi-bin/{path} is a page with the pixel",
              status == 200 and text in page and page.count(b"/vpixel.gif") == 1, status, page)
        cookie = (headers["Set-Cookie"] or "").partition(";")[0]
        pixel = get("/vpixel.gif", Cookie=cookie)
        kinds = [record[1] for record in world.services.records()[before:]]
        check(f"{server}: which is served, and both are recorded",
              pixel[0] == 200 and len(pixel[3]) == 43 and kinds == ["page", "pixel"], pixel, kinds)


def check_paths(world, server, ports):
    """What a program is told of its own name and of what follows it."""
    def told(site, path):
        given = variables(request(ports[site], path))
        return tuple(given.get(name, "") for name in ("SCRIPT_NAME", "PATH_INFO", "QUERY_STRING"))

    for rest, path_info, query in (
            ("/env/log/", "/env/log/", ""), ("/env", "/env", ""),
            ("/env/a%20b/caf%C3%A9?x=%20y", "/env/a b/café", "x=%20y"),
            ("/env//twice", "/env/twice", ""), ("/env/x/../y", "/env/y", ""),
            ("/env/50%25", "/env/50%", "")):
        for site, prefix in ("whole", ""), ("prefix", "/git"):
            got = told(site, prefix + rest)
            check(f"{server}: one program for {prefix or '/'} finds {rest}",
                  got == (prefix, path_info, query), got)
    got = told("folder", "/cgi-bin/env/a%20b/c?x=1")
    check(f"{server}: a program of a folder finds what follows its file",
          got == ("/cgi-bin/env", "/a b/c", "x=1"), got)
    status = request(ports["folder"], "/cgi-bin/env%00/x")[0]
    check(f"{server}: a NUL in a path runs nothing", status in (400, 403, 404), status)
    for site, prefix in ("whole", ""), ("prefix", "/git"):
        got = request(ports[site], f"{prefix}/pies/log/")
        check(f"{server}: cgit at {prefix}/ shows the log of a repository",
              got[0] == 200 and b"apple" in got[3], got)


def check_files(world, server, ports):
    """A program leaves it to the web server to send a file; nobody is shown where it lies."""
    program = "accel" if server == "nginx" else "send"
    got = request(ports["folder"], f"/cgi-bin/{program}")
    check(f"{server}: a file is sent that a program names",
          got[0] == 200 and got[3] == b"an apple pie\n", got)
    got = request(ports["folder"], "/cgi-bin/steal")
    check(f"{server}: none from elsewhere, and no path is shown",
          b"root:" not in (got[3] or b"") and not got[2]["X-Sendfile"], got[2].items(), got)


def check_slow_clients(world, server, ports):
    """As many clients as there are jobs, all of which read nothing, hold up nobody else."""
    large, size = "/cgi-bin/large?%d" % LARGE_BYTES[server], LARGE_BYTES[server]
    with contextlib.ExitStack() as sleepers:
        for _ in range(JOBS):
            client = sleepers.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", ports["folder"]))
            client.sendall(f"GET {large} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            client.recv(100)
        try:
            got = request(ports["folder"], "/cgi-bin/page")[0]
        except TimeoutError:
            got = "nothing"
        check(f"{server}: beside {JOBS} clients that do not read another one is served", got == 200, got)
    got = request(ports["folder"], large)[3]
    check(f"{server}: and who reads gets all of it", got is not None and len(got) == size)


def check_streams(world, server, ports):
    support.check_stream(ports["folder"], "/cgi-bin/stream", world.www / "go", f"{server}: ")


def check_forgotten_pixel(world):
    """A site that leads pages to the wrapper and the pixel nowhere, as it was easily done in nginx."""
    def visit(cookie=None):
        page = request(world.forgotten, "/cgi-bin/page", headers=cookie or {})
        tag = re.search(rb'src="([^"]*)"', page[3])[1].decode()
        given = {"Cookie": (page[2]["Set-Cookie"] or "").partition(";")[0]}
        return request(world.forgotten, tag, headers=cookie or given)[0], given

    seen = set()
    for _ in range(12):
        status, cookie = visit()
        seen |= {status, visit(cookie)[0]}
    check("a pixel that is led nowhere is not found", seen == {404}, seen)
    run, endpoint = world.services, f"ipc://{world.folder}/forgotten/query"
    run.start("server", [run.build / "manhattan-server", "--config", "/dev/null", "--ring", "none",
                         "--path", world.folder / "forgotten/log", "--bind", endpoint,
                         "--url", f"sqlite:///{world.folder}/forgotten/store.db"])
    told = "no pixel has ever come, so nobody is counted, though 12 pages"
    check("the server says so", support.becomes_true(lambda: told in run.said("server")),
          run.said("server"))

    def status():
        done = subprocess.run([run.build / "manhattan-query", "--config", "/dev/null", "--connect",
                               endpoint, "--format", "tsv", "status"], capture_output=True, text=True)
        return dict(line.split("\t", 1) for line in done.stdout.splitlines())

    rows = status()
    check("and so does its status",
          told in rows.get("warning", "") and rows.get("pixel_missing") == "1", rows)
    with open(sorted((world.folder / "forgotten").glob("log.*[0-9]"))[-1]) as log:
        page = log.readline().split("\t")
    with open(log.name, "a") as more:
        more.write("\t".join([page[0], "pixel", *page[2:5]]) + "\n")
    check("until the first one comes",
          support.becomes_true(lambda: "warning" not in status()) and
          status()["pixel_missing"] == "0", status())
    check("it is said once", run.said("server").count("no pixel has ever come") == 1)


def check_files_of_nginx():
    """A location's file and a server's have the same parameters: nginx could only share them by an
    absolute path, which is another one in each installation."""
    def parameters(name):
        return (ETC / name).read_text().partition("fastcgi_param  GATEWAY_INTERFACE")[2]

    check("nginx: what a location includes is what a server includes",
          parameters("nginx-manhattan.conf") == parameters("nginx-manhattan-server.conf") != "")


def main():
    check_files_of_nginx()
    with tempfile.TemporaryDirectory(prefix="manhattan-snippets-") as folder:
        with contextlib.ExitStack() as running:
            world = World(sys.argv[1], pathlib.Path(folder), running)
            for server, ports in world.ports.items():
                for part in (check_claims, check_push, check_newcomer, check_paths, check_files,
                             check_slow_clients, check_streams):
                    part(world, server, ports)
            check_forgotten_pixel(world)
            if support.failures:
                for name in "nginx", "lighttpd", "apache":
                    print((world.folder / f"{name}.log").read_text()[-2000:])
                print(world.services.said("folder")[-2000:])
    sys.exit(support.failures > 0)


main()
