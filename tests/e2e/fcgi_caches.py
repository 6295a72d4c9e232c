#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""manhattan-fcgi behind caches that many visitors share: Apache's mod_cache, nginx's fastcgi_cache.

Usage: tests/e2e/fcgi_caches.py BUILD_DIR. Prints `ok - ...` and `not ok - ...` lines.
"""
import contextlib
import os
import pathlib
import re
import sys
import tempfile

sys.dont_write_bytecode = True
import fcgi_support as support  # noqa: E402
from fcgi_support import check, request  # noqa: E402

NGINX = """
  fastcgi_cache_path {folder}/kept keys_zone=kept:1m;
  server {{
    listen 127.0.0.1:{port};
    root {folder}/www;
    include {root}/etc/nginx-manhattan.conf;
    location /cgi/ {{
      fastcgi_pass unix:{folder}/fcgi.sock;
      # nginx keeps nothing that it does not buffer, nor what sets a cookie; here it does: what the
      # answer says of itself must be enough.
      fastcgi_buffering on;
      fastcgi_ignore_headers {ignored};
      fastcgi_cache kept;
      fastcgi_cache_key $request_uri;
      fastcgi_cache_valid any 10m;
    }}
  }}
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
CacheRoot {folder}/apache-kept
CacheEnable disk /
CacheDefaultExpire 600
CacheIgnoreNoLastMod On
CacheQuickHandler on
"""
MODULES = "mpm_event authz_core authn_core unixd proxy proxy_fcgi cache cache_disk"
MODULE_FOLDER = pathlib.Path("/usr/lib/apache2/modules")

# Each answer tells who asked: a body that another visitor gets shows that it was kept. Kept by any
# shared cache, as a rule, are those that let it: hence all the ways of saying so.
WHO = "echo $MANHATTAN_VISITOR $MANHATTAN_SPLIT_COLOUR; date +%s%N"
SAYS = {
    "age": "Cache-Control: max-age=600",
    "public": "Cache-Control: public, s-maxage=600",
    "fields": "Cache-Control: private=\"Set-Cookie\", max-age=600",
    "two": "Cache-Control: max-age=600\\nCache-Control: s-maxage=600",
    "understood": "Cache-Control: must-understand, max-age=600",
    "expires": "Expires: Thu, 01 Jan 2099 00:00:00 GMT",
    "accel": "X-Accel-Expires: 600",
    "surrogate": "Surrogate-Control: max-age=600\\nCache-Control: max-age=600",
    "moved": "Status: 301 Moved\\nLocation: https://example.com/\\nCache-Control: max-age=600",
    "missing": "Status: 404 Not Found\\nCache-Control: max-age=600",
    "gone": "Status: 410 Gone\\nCache-Control: max-age=600",
    "silent": "X-Nothing: said",
}
PROGRAMS = {name: f"printf '{says}\\nContent-Type: text/plain\\n\\n'; {WHO}"
            for name, says in SAYS.items()}
# With an entity tag, so that a cache asks whether its copy is still good.
PROGRAMS["asked"] = """
if [ "$HTTP_IF_NONE_MATCH" = '"a"' ]; then
  printf 'Status: 304 Not Modified\\nETag: "a"\\nCache-Control: max-age=0, public\\n\\n'
else
  printf 'ETag: "a"\\nCache-Control: max-age=0, public\\nContent-Type: text/plain\\n\\n'; date +%s%N
fi"""


class World:
    def __init__(self, build, folder, running):
        self.folder = folder
        self.services = support.Services(build, folder, running)
        for where in "cgi", "cgi/split":
            (folder / "www" / where).mkdir(parents=True)
            support.write_programs(folder / "www" / where, PROGRAMS)
        (folder / "apache-kept").mkdir()
        (folder / "apache-kept").chmod(0o777)
        for path in folder, folder / "www", folder / "www/cgi", folder / "www/cgi/split":
            path.chmod(0o755)
        self.services.start_fcgi("fcgi", "--config", "/dev/null", "--path", folder / "log",
                                 "--secret-file", self.services.secret, "--socket-mode", "0666",
                                 "--split", "Colour; path=/cgi/split/*; population=red;"
                                            "population=blue")
        self.ports = {"nginx": self.start_nginx(), "Apache": self.start_apache()}

    def start_nginx(self):
        """Two servers: one as it is, one told not to look at Set-Cookie and Vary."""
        port, lax = support.free_port(), support.free_port()
        servers = "".join(
            NGINX.format(folder=self.folder, port=number, root=support.ROOT, ignored=ignored)
            .replace("kept", name) for number, ignored, name in (
                (port, "X-Accel-Charset", "kept"), (lax, "Set-Cookie Vary", "lax")))
        self.services.start_nginx(servers, port, lax)
        self.lax = lax
        return port

    def start_apache(self):
        port = support.free_port()
        modules = "\n".join(f"LoadModule {name}_module {MODULE_FOLDER}/mod_{name}.so"
                            for name in MODULES.split()
                            if (MODULE_FOLDER / f"mod_{name}.so").exists())
        user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
        config = self.folder / "apache.conf"
        config.write_text(APACHE.format(folder=self.folder, port=port, root=support.ROOT,
                                        modules=modules, user=user))
        self.services.start_server("apache", ["apache2", "-X", "-f", config], port)
        return port


def cookies_of(answer):
    return [cookie for cookie in answer[2].get_all("Set-Cookie") or []
            if cookie.startswith("manhattan=")]


def check_strangers(server, port):
    """Of visitors without a cookie, each gets one of his own, and a page of his own."""
    for name in SAYS:
        answers = [request(port, f"/cgi/{name}") for _ in range(3)]
        cookies = [cookie for answer in answers for cookie in cookies_of(answer)]
        check(f"{server}: three strangers get three cookies, {name}",
              len(set(cookies)) == 3 and len({answer[3] for answer in answers}) == 3,
              [(answer[0], answer[2].items(), answer[3]) for answer in answers])


def check_known(server, port):
    """What carries nothing of a visitor is kept as ever."""
    cookies = [cookies_of(request(port, "/cgi/silent"))[0].partition(";")[0] for _ in range(2)]
    ways = ("age", "public", "missing") + (("accel",) if server.startswith("nginx") else ())
    for name in ways:
        answers = [request(port, f"/cgi/{name}?known", headers={"Cookie": cookie})
                   for cookie in cookies]
        check(f"{server}: known visitors share what is kept, {name}",
              answers[0][3] == answers[1][3] and not any(map(cookies_of, answers)), answers)
        stranger = request(port, f"/cgi/{name}?known")
        check(f"{server}: and so does a stranger, with nobody's cookie, {name}",
              stranger[3] == answers[0][3] and not cookies_of(stranger), stranger)


def check_splits(server, port):
    """Who is known gets no cookie, but the answer of his own population."""
    visitors = {}
    for _ in range(20):
        cookie = cookies_of(request(port, "/cgi/silent"))[0].partition(";")[0]
        visitors[cookie] = request(port, "/cgi/split/age?one", headers={"Cookie": cookie})[3].split()
    check(f"{server}: visitors are shown both populations",
          {words[1] for words in visitors.values()} == {b"red", b"blue"}, visitors)
    for name in SAYS:
        shown = {cookie: request(port, f"/cgi/split/{name}", headers={"Cookie": cookie})[3].split()
                 for cookie in visitors}
        check(f"{server}: a visitor is shown his own population, {name}",
              all(shown[cookie][:2] == visitors[cookie][:2] for cookie in visitors), shown)


def check_asked(server, port):
    """A copy that a stranger has asked about stays as it was, for all."""
    cookie = cookies_of(request(port, "/cgi/silent"))[0].partition(";")[0]
    first = request(port, "/cgi/asked", headers={"Cookie": cookie})
    strangers = [request(port, "/cgi/asked", headers=headers)
                 for headers in ({}, {"If-None-Match": '"a"'}, {})]
    check(f"{server}: a copy gets no cookie when it is found to be good",
          first[0] == 200 and len({cookie for answer in strangers
                                   for cookie in cookies_of(answer)}) ==
          sum(len(cookies_of(answer)) for answer in strangers), first, strangers)
    check(f"{server}: and nobody gets an empty page", all(
        answer[0] in (200, 304) and (answer[0] == 304 or re.fullmatch(rb"\d+\n", answer[3]))
        for answer in [first, *strangers]), first, strangers)


def main():
    with tempfile.TemporaryDirectory(prefix="manhattan-caches-") as folder:
        with contextlib.ExitStack() as running:
            world = World(sys.argv[1], pathlib.Path(folder), running)
            ports = {**world.ports, "nginx that ignores cookies": world.lax}
            for server, port in ports.items():
                for part in check_strangers, check_known, check_splits, check_asked:
                    part(server, port)
            if support.failures:
                print((world.folder / "apache.log").read_text()[-2000:])
                print(world.services.said("fcgi")[-2000:])
    sys.exit(support.failures > 0)


main()
