#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The programs of tests/examples, built with what libmanhattan installs, behind nginx: a C program
under manhattan-fcgi, and a C++ program that serves FastCGI itself.

Usage: tests/e2e/fcgi_examples.py BUILD_DIR. Prints `ok - ...` and `not ok - ...` lines.
"""
import contextlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import fcgi_support as support  # noqa: E402
from fcgi_support import check, request  # noqa: E402

SERVERS = """
  server {{
    listen 127.0.0.1:{port}; root {folder};
    include {root}/etc/nginx-manhattan-server.conf; set $manhattan_socket unix:{folder}/pies.sock;
    location / {{ fastcgi_pass $manhattan_socket; }}
    location /pie {{ fastcgi_pass unix:{folder}/wrapped.sock; }}
  }}
"""


def build_examples(build, folder):
    """Compiles as a C and a C++ programmer would; what was said."""
    library = pathlib.Path(build).resolve() / "libmanhattan.so.1"
    sanitizers = [f"-fsanitize={os.environ['SAN']}"] if os.environ.get("SAN") else []
    said = ""
    for name, compiler, more in (("pie.c", ["cc", "-std=c99", "-Wpedantic"], []),
                                 ("pies.cc", ["c++", "-std=c++20"], ["-lfcgi"])):
        done = subprocess.run([*compiler, *sanitizers, "-Wall", "-Wextra", "-Werror",
                               f"-I{support.ROOT}/lib", "-o", folder / name.partition(".")[0],
                               support.ROOT / "tests/examples" / name, library,
                               f"-Wl,-rpath,{library.parent}", *more],
                              capture_output=True, text=True)
        said += done.stderr
    return said


class World:
    def __init__(self, build, folder, running):
        self.services = support.Services(build, folder, running)
        said = build_examples(build, folder)
        check("the examples compile without a warning", not said, said)
        self.services.start_fcgi("wrapped", "--config", "/dev/null", "--path", folder / "log",
                                 "--secret-file", self.services.secret)
        # No ring here: its records go where manhattan-server would take them in.
        self.services.start_server(
            "pies", [folder / "pies", folder / "pies.sock", self.services.secret,
                     folder / "no-ring", folder / "pies-log"], folder / "pies.sock")
        self.port = support.free_port()
        self.services.start_nginx(
            SERVERS.format(port=self.port, root=support.ROOT, folder=folder), self.port)

    def spilled(self):
        """Fields of each record of the spill log, from their kind on, without visitor and time."""
        text = b"".join(path.read_bytes()
                        for path in sorted(self.services.folder.glob("pies-log.spill*")))
        lines = re.findall(rb"1\t(page|pixel|goal|split)\t[^\n]*", text)
        return [line.decode() for line in lines]


def check_c(world):
    status, _, headers, page = request(world.port, "/pie")
    visitor = headers["Set-Cookie"][10:50]
    crust = re.search(rb"A pie, (thin|thick)", page)
    records = [record[3:] for record in world.services.records()]
    check("a C program's goals and splits are recorded for its visitor",
          status == 200 and crust and
          [record[2:] for record in records[1:]] == [
              ["Crust", crust[1].decode()], ["pie accomplished", "", "", ""],
              ["pie sold", "12.5", "S", "C"]] and
          {record[0] for record in records} == {visitor}, page, records)
    alone = subprocess.run([world.services.folder / "pie"], env={}, capture_output=True, text=True)
    check("with nobody around it, it works as before",
          alone.returncode == 0 and alone.stdout.endswith("A pie, thin.</body></html>\n"), alone)


def check_fast_cgi(world):
    status, _, headers, page = request(world.port, "/")
    check("a FastCGI program sets the cookie and puts in the pixel by itself",
          status == 200 and page.count(b"/vpixel.gif") == 1 and
          headers["Set-Cookie"].startswith("manhattan="), headers.items(), page)
    cookie = {"Cookie": headers["Set-Cookie"].partition(";")[0]}
    status, _, headers, pixel = request(world.port, "/vpixel.gif", headers=cookie)
    check("and answers it", len(pixel) == 43 and headers["Content-Type"] == "image/gif", pixel)
    status, _, headers, _ = request(world.port, "/order", headers=cookie)
    check("and redirects", status == 303 and not headers["Set-Cookie"], headers.items())
    check("and says what is not there", request(world.port, "/cake", headers=cookie)[0] == 404)
    kinds = world.spilled()
    check("page, split, pixel and goal are recorded in their order",
          kinds == ["page", "split", "pixel", "page", "goal", "page"], kinds)


def main():
    with tempfile.TemporaryDirectory(prefix="manhattan-examples-") as folder:
        with contextlib.ExitStack() as running:
            world = World(sys.argv[1], pathlib.Path(folder), running)
            for part in check_c, check_fast_cgi:
                part(world)
            if support.failures:
                print(world.services.said("wrapped")[-3000:], world.services.said("pies")[-3000:])
    sys.exit(support.failures > 0)


main()
