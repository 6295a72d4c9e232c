# SPDX-License-Identifier: MIT
"""What the tests of manhattan-fcgi behind web servers share."""
import contextlib
import glob
import http.client
import os
import pathlib
import random
import re
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMIT_S = int(os.environ.get("PATIENCE_S", "60"))  # see scripts/check
failures = 0

NGINX = """
{user} daemon off; pid nginx.pid; error_log nginx.log warn; worker_processes 1;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_max_body_size 0;
  client_body_temp_path body; fastcgi_temp_path fastcgi; proxy_temp_path proxy;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
{servers}
}}
"""


def check(sentence, is_so, *details):
    global failures
    print(("ok - " if is_so else "not ok - ") + sentence, flush=True)
    if not is_so:
        failures += 1
        print(*(f"  | {detail!r}" for detail in details), sep="\n", flush=True)


def becomes_true(is_so):
    deadline = time.monotonic() + LIMIT_S
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def is_alive(pid):
    with contextlib.suppress(OSError):
        return ") Z " not in pathlib.Path(f"/proc/{pid}/stat").read_text()
    return False


def check_memory(sentence, pid, most_mib):
    """What the process ever had in memory at once."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    peak_mib = int(re.search(r"VmHWM:\s*(\d+)", status)[1]) / 1024
    # Sanitizers keep what was freed for a while, up to 256 MB of it.
    check(sentence, peak_mib < most_mib + (320 if os.environ.get("SAN") else 0), peak_mib)


def free_port():
    """Below those that the kernel gives to connections, one of which might take it meanwhile."""
    given = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text()
    while True:
        port = random.randrange(1024, max(int(given.split()[0]), 2048))
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def accepts(address):
    """Whether somebody listens on a port, or at the path of a UNIX socket."""
    is_port = isinstance(address, int)
    with contextlib.suppress(OSError), socket.socket(
            socket.AF_INET if is_port else socket.AF_UNIX) as probe:
        probe.connect(("127.0.0.1", address) if is_port else str(address))
        return True
    return False


def write_programs(folder, scripts):
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (folder / name).chmod(0o755)


def write_to_pipe(path):
    """A line into a named pipe once somebody reads it; gives up where nobody ever does."""
    pipes = []

    def opens():
        with contextlib.suppress(OSError):
            pipes.append(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
        return pipes

    if becomes_true(opens):
        os.write(pipes[0], b"\n")
        os.close(pipes[0])


def receive_until(client, end):
    """What comes up to and with `end`, or to the end of all."""
    got = b""
    while end not in got and (piece := client.recv(65536)):
        got += piece
    return got


def check_stream(port, path, go, who=""):
    """Of a program that says `first`, and `second` once the pipe `go` is written to."""
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        got = receive_until(client, b"first")
        check(f"{who}what is written is passed on at once",
              b"first" in got and b"second" not in got, got)
        go.write_text("\n")
        got = receive_until(client, b"second")
        check(f"{who}and the rest when it comes", b"second" in got, got)


class Services:
    """Programs that run in `folder` until the test ends."""

    def __init__(self, build, folder, running):
        self.build, self.folder, self.running = pathlib.Path(build).resolve(), folder, running
        self.secret = folder / "secret"
        self.secret.touch(0o600)
        self.secret.write_text("a secret of the tests\n")

    def start(self, name, command):
        output = self.running.enter_context(open(self.folder / f"{name}.out", "wb"))
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        self.running.callback(child.wait)
        self.running.callback(child.terminate)
        return child

    def start_server(self, name, command, *addresses):
        """The same, once it listens there."""
        child = self.start(name, command)
        for address in addresses:
            if not becomes_true(lambda: child.poll() is not None or accepts(address)) or (
                    child.poll() is not None):
                sys.exit(f"{name} does not start: " + self.said(name))
        return child

    def start_fcgi(self, name, *options):
        """manhattan-fcgi on `<name>.sock`, with no ring; its process."""
        path = self.folder / f"{name}.sock"
        return self.start_server(name, [self.build / "manhattan-fcgi", "--ring", "none",
                                        "--socket", path, *options], path)

    def start_nginx(self, servers, *ports):
        user = "user root;" if os.geteuid() == 0 else ""
        config = self.folder / "nginx.conf"
        config.write_text(NGINX.format(user=user, servers=servers))
        return self.start_server("nginx", ["nginx", "-p", self.folder, "-c", config], *ports)

    def records(self):
        lines = []
        for segment in sorted(glob.glob(str(self.folder / "log.*"))):
            lines += pathlib.Path(segment).read_text().splitlines()
        return [line.split("\t") for line in lines]

    def said(self, name):
        return (self.folder / f"{name}.out").read_text(errors="replace")


def request(port, path, method="GET", body=None, headers=None):
    """(status, reason, headers, body); the body is None where it broke off."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    with contextlib.closing(connection):
        connection.request(method, path, body, headers or {})
        try:
            answer = connection.getresponse()
        except http.client.RemoteDisconnected:
            return 0, "", {}, None
        try:
            return answer.status, answer.reason, answer.headers, answer.read()
        except http.client.IncompleteRead:
            return answer.status, answer.reason, answer.headers, None
