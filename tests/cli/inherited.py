#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A wrapper that is started with a socket, as systemd and spawn-fcgi do, serves what connects there.

Usage: tests/cli/inherited.py BUILD_DIR
"""
import os
import pathlib
import socket
import struct
import subprocess
import sys

BUILD = pathlib.Path(sys.argv[1]).resolve()
PATIENCE_S = int(os.environ.get("PATIENCE_S", "60"))  # see scripts/check
SYSTEMD = 'exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"'
SPAWN_FCGI = 'exec "$@"'
failed = False


def record(kind, content):
    return struct.pack(">BBHHBB", 1, kind, 1, len(content), 0, 0) + content


def ask(address):
    """All that comes back for one GET, until the connection ends."""
    parameters = b"\x0e\x03REQUEST_METHODGET"
    with socket.create_connection(address, PATIENCE_S) as client:
        client.sendall(record(1, struct.pack(">HB5x", 1, 0)) + record(4, parameters)
                       + record(4, b"") + record(5, b""))
        answer = b""
        while piece := client.recv(4096):
            answer += piece
    return answer


def serves(script):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        program = ["/bin/sh", "-c", r'printf "Content-Type: text/plain\n\nserved <%s>" "$LISTEN_FDS"']
        wrapper = subprocess.Popen(
            ["sh", "-c", script, "sh", BUILD / "manhattan-fcgi", "--config", "/dev/null", "--ring", "none",
             "--", *program], stdin=listener)
        try:
            answer = ask(listener.getsockname())
        finally:
            wrapper.terminate()
        return b"served <>" in answer and wrapper.wait(PATIENCE_S) == 0


for way, script in (("descriptor 3 and LISTEN_FDS", SYSTEMD), ("standard input", SPAWN_FCGI)):
    is_served = serves(script)
    failed |= not is_served
    print(f"{'ok' if is_served else 'not ok'} - a socket given as {way} is served, and no program gets it")
sys.exit(failed)
