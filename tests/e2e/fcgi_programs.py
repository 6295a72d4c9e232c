#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Programs that nobody here wrote, behind nginx and manhattan-fcgi with the rules that
manhattan.conf(5) gives for them: git-http-backend, cgit, gitweb, php-cgi, awstats.

Usage: tests/e2e/fcgi_programs.py BUILD_DIR. Prints `ok - ...` and `not ok - ...` lines.
"""
import contextlib
import gzip
import hashlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import fcgi_support as support  # noqa: E402
from fcgi_support import check, request  # noqa: E402

SERVER = """
  server {{
    listen 127.0.0.1:{port}; root {folder};
    include {root}/etc/nginx-manhattan-server.conf; set $manhattan_socket unix:{folder}/{socket}.sock;
    location /git/ {{
      fastcgi_split_path_info ^(/git)(/.*)$;
      auth_basic "Committers"; auth_basic_user_file {folder}/htpasswd;
      include {root}/etc/nginx-manhattan.conf; fastcgi_pass $manhattan_socket;
      fastcgi_request_buffering off;
      fastcgi_param SCRIPT_FILENAME /usr/lib/git-core/git-http-backend;
      fastcgi_param GIT_PROJECT_ROOT {folder}/repos; fastcgi_param GIT_HTTP_EXPORT_ALL 1;
      fastcgi_param REMOTE_USER $remote_user;
    }}
    location /cgit/ {{
      fastcgi_split_path_info ^(/cgit)(/.*)$;
      include {root}/etc/nginx-manhattan.conf; fastcgi_pass $manhattan_socket;
      fastcgi_param SCRIPT_FILENAME /usr/lib/cgit/cgit.cgi;
      fastcgi_param CGIT_CONFIG {folder}/cgitrc;
    }}
    location /gitweb/ {{
      include {root}/etc/nginx-manhattan.conf; fastcgi_pass $manhattan_socket;
      fastcgi_param SCRIPT_FILENAME /usr/share/gitweb/gitweb.cgi;
      fastcgi_param SCRIPT_NAME /gitweb/; fastcgi_param GITWEB_CONFIG {folder}/gitweb.conf;
    }}
    location /awstats {{
      include {root}/etc/nginx-manhattan.conf; fastcgi_pass $manhattan_socket;
      fastcgi_param SCRIPT_FILENAME /usr/lib/cgi-bin/awstats.pl;
      fastcgi_param AWSTATS_FORCE_CONFIG pies; fastcgi_param AWSTATS_ENABLE_CONFIG_DIR {folder};
      fastcgi_param PERL_HASH_SEED 0;
    }}
    location /php/ {{
      include {root}/etc/nginx-manhattan.conf; fastcgi_pass $manhattan_socket;
      fastcgi_param SCRIPT_FILENAME {folder}/pie.php;
    }}
  }}
"""

# Variables of awstats, which no other program knows.
PASSED = "--pass", "AWSTATS_*", "--pass", "PERL_HASH_SEED"

PHP = """#!/usr/bin/php-cgi
<?php
http_response_code(418);
header('Manhattan-Goal: Filled In');
echo '<html><body>', htmlspecialchars($_POST['pie'] ?? ''), ' ', $_GET['size'] ?? '', ' ',
  isset($_FILES['photo']) ? hash_file('sha256', $_FILES['photo']['tmp_name']) : 'no photo',
  '</body></html>';
"""


AWSTATS = """
LogFile="{folder}/access.log"
LogFormat=1
SiteDomain="pies.example"
DirData="{folder}"
DirLang="/usr/share/awstats/lang"
DNSLookup=0
"""


def git(*arguments, cwd=None):
    environment = dict(os.environ, HOME="/nonexistent", GIT_CONFIG_NOSYSTEM="1",
                       GIT_TERMINAL_PROMPT="0",
                       GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@example.com",
                       GIT_COMMITTER_NAME="a", GIT_COMMITTER_EMAIL="a@example.com")
    done = subprocess.run(["git", "-c", "gc.auto=0", *map(str, arguments)], cwd=cwd,
                          env=environment, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


def rules_of_page(folder):
    """The rules that manhattan.conf(5) shows, with its paths made ours."""
    page = (support.ROOT / "man/manhattan.conf.5").read_text().partition(".Sh EXAMPLES")[2]
    rules = [line for line in page.splitlines() if re.match(r"(goal|split) = ", line)]
    return "\n".join(rules).replace("/usr/local/lib/", f"{folder}/")


def make_repository(folder):
    """`repos/pies`, of some megabytes and two commits, and a working copy of it."""
    work = folder / "work"
    git("init", "-q", "-b", "main", work)
    for number in range(2):
        (work / f"blob{number}").write_bytes(os.urandom(3_000_000))
        (work / "pie.txt").write_text(f"pie {number}\n" * 500)
        git("add", ".", cwd=work)
        git("commit", "-q", "-m", f"apple {number}", cwd=work)
    git("tag", "v1", cwd=work)
    git("clone", "-q", "--bare", work, folder / "repos/pies")
    git("config", "http.receivepack", "true", cwd=folder / "repos/pies")


class World:
    def __init__(self, build, folder, running):
        self.folder = folder
        self.services = support.Services(build, folder, running)
        make_repository(folder)
        self.write_configs()
        self.fcgi = self.services.start_fcgi("rules", "--config", folder / "manhattan.conf",
                                             "--path", folder / "log",
                                             "--secret-file", self.services.secret, *PASSED)
        self.services.start_fcgi("plain", "--config", "/dev/null", *PASSED)
        self.port, self.plain = support.free_port(), support.free_port()
        self.services.start_nginx("".join(
            SERVER.format(port=port, root=support.ROOT, folder=folder, socket=socket)
            for port, socket in ((self.port, "rules"), (self.plain, "plain"))),
            self.port, self.plain)

    def write_configs(self):
        (self.folder / "htpasswd").write_text("committer:{PLAIN}word\n")
        for name, title in (("cgitrc", "Old Style"), ("cgitrc-new", "New Style")):
            (self.folder / name).write_text(
                f"root-title={title}\nsnapshots=tar.gz\nenable-http-clone=0\n"
                f"repo.url=pies\nrepo.path={self.folder}/repos/pies\n")
        new = self.folder / "cgit-new"
        new.write_text(f"#!/bin/sh\nCGIT_CONFIG={self.folder}/cgitrc-new exec "
                       "/usr/lib/cgit/cgit.cgi\n")
        new.chmod(0o755)
        (self.folder / "pie.php").write_text(PHP)
        (self.folder / "pie.php").chmod(0o755)
        (self.folder / "gitweb.conf").write_text(f"$projectroot = '{self.folder}/repos';\n")
        (self.folder / "awstats.pies.conf").write_text(AWSTATS.format(folder=self.folder))
        (self.folder / "access.log").write_text("".join(
            f'192.0.2.{i} - - [21/Nov/2026:10:00:00 +0000] "GET /apple{i} HTTP/1.1" 200 100 "-" '
            '"Mozilla/5.0 (X11; Linux x86_64) Firefox/120.0"\n' for i in range(1, 6) for _ in range(i)))
        # The split by style is for cgit alone here, where one wrapper runs three programs.
        rules = rules_of_page(self.folder).replace("New Style;", "New Style; path=/cgit/*;")
        (self.folder / "manhattan.conf").write_text(f"[manhattan-fcgi]\n{rules}\n")

    def get(self, path, port=None, **headers):
        return request(port or self.port, path, headers=headers)

    def told(self, kind):
        return [record[5:] for record in self.services.records() if record[1] == kind]

    def goals(self):
        return [fields[0] for fields in self.told("goal")]


def check_git(world):
    url, copy = f"http://committer:word@127.0.0.1:{world.port}/git/pies", world.folder / "copy"
    code, said = git("clone", "-q", url, copy)
    check("git clones a repository of 6 MB", code == 0, said)
    if code:
        return
    check("which is whole", git("fsck", "--full", cwd=copy)[0] == 0 and
          all((copy / f"blob{i}").read_bytes() == (world.folder / f"work/blob{i}").read_bytes()
              for i in range(2)))
    code, said = git("clone", "-q", "--depth", "1", url, world.folder / "shallow")
    check("and shallowly", code == 0 and
          git("rev-list", "--count", "HEAD", cwd=world.folder / "shallow")[1] == "1\n", said)
    for name, buffer in (("in chunks", "1m"), ("in one piece", "100m")):
        (copy / "large").write_bytes(os.urandom(20_000_000))
        git("add", ".", cwd=copy)
        git("commit", "-q", "-m", name, cwd=copy)
        code, said = git("-c", f"http.postBuffer={buffer}", "push", "-q", "origin", "main", cwd=copy)
        there = git("rev-parse", "main", cwd=world.folder / "repos/pies")[1]
        check(f"and pushes 20 MB {name}",
              code == 0 and there == git("rev-parse", "HEAD", cwd=copy)[1], said)
    check("what was pushed is whole",
          git("fsck", "--full", cwd=world.folder / "repos/pies")[0] == 0)
    check("clones and pushes are goals by rule",
          world.goals().count("Cloned") >= 2 and world.goals().count("Pushed") >= 2, world.goals())


def check_cgit(world):
    before = len(world.goals())
    status, _, headers, page = world.get("/cgit/pies/log/?qt=grep&q=apple")
    check("cgit's log is served with one pixel",
          status == 200 and b"apple 1" in page and page.count(b"/vpixel.gif") == 1, status, page)
    cookie = headers["Set-Cookie"].partition(";")[0]
    _, _, headers, archive = world.get("/cgit/pies/snapshot/pies-1.tar.gz", Cookie=cookie)
    plain = world.get("/cgit/pies/snapshot/pies-1.tar.gz", world.plain)[3]
    check("its snapshot is byte for byte what it is without us",
          archive == plain and len(gzip.decompress(archive)) > 6_000_000, len(archive), len(plain))
    check("an unknown repository is its 404", world.get("/cgit/cakes/", Cookie=cookie)[0] == 404)
    check("searching, fetching and missing are goals by rule",
          world.goals()[before:] == ["Searched", "Fetched Release", "Lost"], world.goals())


def check_split(world):
    seen = {}
    for _ in range(200):
        _, _, headers, page = world.get("/cgit/")
        style = re.search(rb"(Old|New) Style", page)[0].decode()
        selected = world.told("split")[-1]
        check_once(seen, style, selected)
        cookie = headers["Set-Cookie"].partition(";")[0]
        again = world.get("/cgit/", Cookie=cookie)[3]
        if style.encode() not in again:
            seen["the same again"] = style
        if len(seen) == 2:
            break
    check("a split runs another cgit for every second visitor, and records which",
          seen == {"New Style": ["New Style", "True"], "Old Style": ["New Style", "False"]}, seen)


def check_once(seen, style, selected):
    if seen.setdefault(style, selected) != selected:
        seen["contradiction"] = (style, selected)


def check_gitweb(world):
    cookie = world.get("/cgit/")[2]["Set-Cookie"].partition(";")[0]
    query = "/gitweb/?p=pies;a=log"
    status, _, headers, page = world.get(query, Cookie=cookie)
    plain = world.get(query, world.plain)
    without = re.sub(rb'<img src="/vpixel.gif"[^>]*>', b"", page)
    check("gitweb's log is served with one pixel and no other change",
          status == 200 and page.count(b"/vpixel.gif") == 1 and b"apple 1" in page and
          timeless(without) == timeless(plain[3]), status, page[-2000:])


def check_php(world):
    photo = os.urandom(300_000)
    parts = ('--x\r\nContent-Disposition: form-data; name="pie"\r\n\r\n<apple>\r\n--x\r\n'
             'Content-Disposition: form-data; name="photo"; filename="p"\r\n\r\n').encode()
    status, _, headers, page = request(
        world.port, "/php/?size=9", "POST", parts + photo + b"\r\n--x--\r\n",
        {"Content-Type": "multipart/form-data; boundary=x"})
    check("php-cgi reads a form with a file, answers 418, gets the pixel and reports a goal",
          status == 418 and not headers["Manhattan-Goal"] and page.count(b"/vpixel.gif") == 1 and
          f"&lt;apple&gt; 9 {hashlib.sha256(photo).hexdigest()}<img".encode() in page and
          world.goals()[-1] == "Filled In", status, page, world.goals()[-1])
    plain = request(world.plain, "/php/?size=9")
    check("and answers without a form", plain[3].endswith(b" 9 no photo</body></html>"), plain)


def check_awstats(world):
    program = ["/usr/lib/cgi-bin/awstats.pl", "-config=pies", f"-configdir={world.folder}"]
    done = subprocess.run([*program, "-update"], capture_output=True, text=True)
    check("awstats reads a log", done.returncode == 0, done)
    query = f"/awstats?configdir={world.folder}&month=11&year=2026&framename=mainright"
    cookie = world.get("/cgit/")[2]["Set-Cookie"].partition(";")[0]
    status, _, _, page = world.get(query, Cookie=cookie)
    plain = world.get(query, world.plain)
    without = re.sub(rb'<img src="/vpixel.gif"[^>]*>', b"", page)
    check("its page is served with one pixel and no other change",
          status == 200 and b"/apple5" in page and page.count(b"/vpixel.gif") == 1 and
          without == plain[3], status, page[-2000:], plain[3][-2000:])


def check_reload(world):
    config = world.folder / "manhattan.conf"
    old = config.read_text()
    config.write_text("[manhattan-fcgi]\ngoal = Reloaded; path=/cgit/\n")
    world.fcgi.send_signal(signal.SIGHUP)

    def is_reloaded():
        world.get("/cgit/")
        return world.goals()[-1] == "Reloaded"

    check("SIGHUP brings the rules of a changed config file", support.becomes_true(is_reloaded))
    config.write_text(old + "gaol = Wrong\n")
    world.fcgi.send_signal(signal.SIGHUP)
    check("a config file that is wrong is named", support.becomes_true(
        lambda: "gaol" in world.services.said("rules")), world.services.said("rules")[-500:])
    check("and the old rules stay", is_reloaded())


def timeless(page):
    """Without what gitweb says of the time it took and how long ago things were."""
    return re.sub(rb"\d+(\.\d+)? (sec|seconds|min)( ago)?| right now", b"", page)


def main():
    with tempfile.TemporaryDirectory(prefix="manhattan-programs-") as folder:
        with contextlib.ExitStack() as running:
            world = World(sys.argv[1], pathlib.Path(folder), running)
            for part in (check_git, check_cgit, check_split, check_gitweb, check_php, check_awstats,
                         check_reload):
                part(world)
                if support.failures:
                    print(world.services.said("rules")[-3000:])
                    break
    sys.exit(support.failures > 0)


main()
