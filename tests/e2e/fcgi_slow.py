#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Clients that read slowly, and answers that come in steps, behind nginx that buffers.

Usage: tests/e2e/fcgi_slow.py BUILD_DIR. Prints `ok - ...` and `not ok - ...` lines.
"""
import contextlib
import os
import pathlib
import socket
import sys
import tempfile

sys.dont_write_bytecode = True
import fcgi_support as support  # noqa: E402
from fcgi_support import check, request  # noqa: E402

JOBS = 2
SERVER = """
  server {{
    listen 127.0.0.1:{port}; root {folder}/cgi;
    location / {{
      fastcgi_pass unix:{folder}/fcgi.sock; fastcgi_buffering on; fastcgi_keep_conn on;
      fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
      fastcgi_param SERVER_SOFTWARE nginx/$nginx_version;
      fastcgi_param REQUEST_METHOD $request_method; fastcgi_param REQUEST_URI $request_uri;
    }}
  }}
"""

HEAD = "printf 'Content-Type: text/plain\\n\\n'; "
PROGRAMS = {
    "large": HEAD + "exec head -c 30000000 /dev/zero",
    "late": HEAD + "read x <go; exec head -c 30000000 /dev/zero",
    "page": HEAD + "echo page",
    "stream": HEAD + "echo first; read x <go; echo second",
    "lines": HEAD + "for i in 1 2 3 4 5 6 7 8 9; do echo line; done; echo first; read x <go; "
             "echo second",
    "own": "printf 'X-Accel-Buffering: no\\nContent-Type: text/plain\\n\\nfirst\\n'; read x <go; "
           "echo second",
}


def main():
    with tempfile.TemporaryDirectory(prefix="manhattan-slow-") as name:
        with contextlib.ExitStack() as running:
            folder = pathlib.Path(name)
            services = support.Services(sys.argv[1], folder, running)
            (folder / "cgi").mkdir()
            support.write_programs(folder / "cgi", PROGRAMS)
            os.mkfifo(folder / "cgi/go")
            services.start_fcgi("fcgi", "--config", "/dev/null", "--jobs", str(JOBS))
            port = support.free_port()
            services.start_nginx(SERVER.format(port=port, folder=folder), port)
            for path in "/stream", "/lines", "/own":
                support.check_stream(port, path, folder / "cgi/go", f"{path}: ")
            got = request(port, "/page")
            check("an answer that is soon over is as it was", got[3] == b"page\n" and
                  not got[2]["X-Accel-Buffering"], got)
            for path in "/large", "/late":
                for _ in range(2 * JOBS):
                    client = running.enter_context(
                        socket.create_connection(("127.0.0.1", port), timeout=support.LIMIT_S))
                    client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                    if path == "/late":
                        (folder / "cgi/go").write_text("\n")
                    client.recv(1000)  # it has begun; and reads no more
                check(f"clients that do not read their {path} leave room for others",
                      request(port, "/page")[3] == b"page\n")
    sys.exit(support.failures > 0)


main()
