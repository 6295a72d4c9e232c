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
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import fcgi_support as support  # noqa: E402
from fcgi_support import check, request  # noqa: E402

ETC = support.ROOT / "etc"
USER, PASSWORD = "committer", "a password"

NGINX = """
  server {{
    listen 127.0.0.1:{port}; root {folder}/www;
    include {etc}/nginx-manhattan.conf;
    location /cgi-bin/ {{ fastcgi_pass unix:{folder}/fcgi.sock; }}
    location /cgi-bin/locked/ {{
      auth_basic "Committers"; auth_basic_user_file {folder}/htpasswd;
      include {etc}/nginx-manhattan.conf;
      fastcgi_param REMOTE_USER $remote_user;
      fastcgi_param AUTH_TYPE Basic;
      fastcgi_pass unix:{folder}/fcgi.sock;
    }}
  }}
"""

LIGHTTPD = """
server.document-root = "{folder}/www"
server.bind = "127.0.0.1"
server.port = {port}
server.errorlog = "{folder}/lighttpd.log"
server.upload-dirs = ( "{folder}" )
server.modules = ( "mod_auth", "mod_authn_file" )
auth.backend = "htpasswd"
auth.backend.htpasswd.userfile = "{folder}/htpasswd"
auth.require = ( "/cgi-bin/locked/" =>
  ( "method" => "basic", "realm" => "Committers", "require" => "valid-user" ) )
var.manhattan_socket = "{folder}/fcgi.sock"
var.manhattan_path = "/cgi-bin/"
include "{etc}/lighttpd-manhattan.conf"
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
<Location /cgi-bin/locked/>
  AuthType Basic
  AuthName Committers
  AuthUserFile {folder}/htpasswd
  Require valid-user
</Location>
Define MANHATTAN_SOCKET {folder}/fcgi.sock
Define MANHATTAN_PATH /cgi-bin/
Include {etc}/apache-manhattan.conf
"""
# What a2enmod proxy_fcgi and the fresh Apache of Debian have.
MODULES = "mpm_event authz_core authz_user authn_core authn_file auth_basic unixd dir alias env "
MODULES += "setenvif proxy proxy_fcgi"
MODULE_FOLDER = pathlib.Path("/usr/lib/apache2/modules")

ENVIRONMENT = "printf 'Content-Type: text/plain\\n\\n'; env"
GIT = ("GIT_PROJECT_ROOT=${DOCUMENT_ROOT%/www} GIT_HTTP_EXPORT_ALL=1 "
       "exec /usr/lib/git-core/git-http-backend")
PROGRAMS = {"cgi-bin/env": ENVIRONMENT, "cgi-bin/locked/env": ENVIRONMENT,
            "cgi-bin/git": GIT, "cgi-bin/locked/git": GIT}

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
        self.folder = folder
        self.services = support.Services(build, folder, running)
        (folder / "www/cgi-bin/locked").mkdir(parents=True)
        support.write_programs(folder / "www", PROGRAMS)
        password = subprocess.run(["openssl", "passwd", "-apr1", PASSWORD], capture_output=True,
                                  text=True, check=True).stdout
        (folder / "htpasswd").write_text(f"{USER}:{password}")
        make_repository(folder)
        for path in folder, folder / "www":  # Apache runs as another user where we are root
            path.chmod(0o755)
        self.services.start_fcgi("fcgi", "--config", "/dev/null", "--path", folder / "log",
                                 "--secret-file", self.services.secret, "--socket-mode", "0666")
        self.ports = {"nginx": self.start_nginx(), "lighttpd": self.start_lighttpd(),
                      "Apache": self.start_apache()}

    def start_nginx(self):
        port = support.free_port()
        self.services.start_nginx(NGINX.format(folder=self.folder, port=port, etc=ETC), port)
        return port

    def start_lighttpd(self):
        port = support.free_port()
        config = self.folder / "lighttpd.conf"
        config.write_text(LIGHTTPD.format(folder=self.folder, port=port, etc=ETC))
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
        config.write_text(APACHE.format(folder=self.folder, port=port, etc=ETC, modules=modules,
                                        user=user))
        self.services.start_server("apache", ["apache2", "-X", "-f", config], port)
        return port


def variables(answer):
    """What a program that prints its environment was given."""
    lines = (answer[3] or b"").decode(errors="replace").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def check_claims(world, server, port):
    """Nobody is believed who only says who he is."""
    given = variables(request(port, "/cgi-bin/env", headers=CLAIMS))
    believed = [name for name in SET_BY_NONE if name in given]
    check(f"{server}: what a client claims in headers is no variable of its own",
          given.get("REQUEST_METHOD") == "GET" and not believed, believed, given)
    check(f"{server}: its address, scheme and program are the web server's to say",
          given.get("REMOTE_ADDR") == "127.0.0.1" and given.get("REQUEST_SCHEME", "http") == "http" and
          given.get("SCRIPT_FILENAME", "").endswith(f"/{world.folder}/www/cgi-bin/env"[1:]) and
          given.get("REDIRECT_STATUS", "200") == "200", given)
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
    git("clone", "-q", "--bare", folder / "work", folder / "pies")


def check_push(world, server, port):
    """git-http-backend takes a push of whoever the web server names, and of nobody else."""
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
          code == 0 and git("rev-parse", server, cwd=world.folder / "pies")[0] == 0, said)


def main():
    with tempfile.TemporaryDirectory(prefix="manhattan-snippets-") as folder:
        with contextlib.ExitStack() as running:
            world = World(sys.argv[1], pathlib.Path(folder), running)
            for server, port in world.ports.items():
                for part in check_claims, check_push:
                    part(world, server, port)
            if support.failures:
                for name in "nginx", "lighttpd", "apache":
                    print((world.folder / f"{name}.log").read_text()[-2000:])
                print(world.services.said("fcgi")[-2000:])
    sys.exit(support.failures > 0)


main()
