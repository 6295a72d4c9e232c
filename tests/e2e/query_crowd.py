#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A thousand clients at once, over tcp and ipc, with malformed, huge, slow and half requests among them;
and a client in another language.

Usage: tests/e2e/query_crowd.py BUILD_DIR. Prints `ok - ...` or `not ok - ...` for each claim.
"""
import contextlib
import json
import os
import pathlib
import resource
import socket
import struct
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import fcgi_support as support  # noqa: E402
import python_client as client  # noqa: E402

zmq = client.zmq
CLIENTS, ROUNDS, VISITORS = 1000, 3, 20
GOALS = [f"goal {i} 🎯" for i in range(VISITORS)]
GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(16) + bytes(1) + bytes(31)
READY = b"\x05READY\x0bSocket-Type" + struct.pack(">I", 3) + b"REQ" + b"\x08Identity" + bytes(4)


def clickstream():
    """Goal i was reached by i + 1 visitors, so that no two answers are alike."""
    log = client.LogWriter()
    for i in range(VISITORS):
        visitor = f"{i:040x}"
        log.page(visitor)
        log.add("pixel", visitor, 0)
        for name in GOALS[i:]:
            log.goal(visitor, name)
    return log


class Hall:
    """A server, and all who talk to it."""

    def __init__(self, build, folder, running):
        self.build, log = pathlib.Path(build).resolve(), clickstream()
        pathlib.Path(f"{folder}/log.{client.HOUR}").write_text(log.text())
        self.ipc_path, self.port = f"{folder}/socket", client.free_port()
        self.endpoints = (f"tcp://127.0.0.1:{self.port}", f"ipc://{self.ipc_path}")
        self.server = support.Services(build, pathlib.Path(folder), running).start("server", [
            self.build / "manhattan-server", "--config", "/dev/null", f"--path={folder}/log", "--ring", "none",
            f"--url=sqlite:///{folder}/test.db", *(f"--bind={endpoint}" for endpoint in self.endpoints)])
        self.context = zmq.Context()
        self.context.set(zmq.MAX_SOCKETS, 4 * CLIENTS)
        running.callback(self.context.destroy, linger=0)
        self.running = running
        self.asker = client.Client(self.context, self.endpoints[0])
        client.wait_until_counted(self.asker, len(log.lines), self.server)

    def raw(self, over):
        """A plain connection, that speaks no ZeroMQ by itself."""
        family, address = ((socket.AF_INET, ("127.0.0.1", self.port)) if over == 0 else
                           (socket.AF_UNIX, self.ipc_path))
        connection = socket.socket(family)
        self.running.callback(connection.close)
        connection.settimeout(client.PATIENCE_S)
        connection.connect(address)
        return connection

    def dealer(self, over):
        dealer = self.context.socket(zmq.DEALER)
        dealer.setsockopt(zmq.LINGER, 0)
        dealer.connect(self.endpoints[over])
        return dealer

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.server.pid}/fd"))


def frame(flags, content):
    """A frame of ZMTP; 4: a command, 1: more follow."""
    long = len(content) > 255
    return struct.pack(">BQ" if long else ">BB", flags | (2 if long else 0), len(content)) + content


def request_bytes(goal):
    return frame(1, b"") + frame(0, json.dumps(["count", [goal], {}]).encode())


def trouble(hall):
    """Who does what nobody should, and stays; those of them who are owed an answer, as (socket, due)."""
    owed = []
    for i in range(240):
        over, kind = i % 2, i // 2 % 6
        if kind == 0:
            hall.raw(over).sendall(b"GET / HTTP/1.1\r\n\r\n" * (1 + i))  # no ZeroMQ at all
        elif kind == 1:
            hall.raw(over).sendall(GREETING[:i % 64])  # half a greeting
        elif kind == 2:
            connection = hall.raw(over)
            shake_hands(connection, connection.sendall)
            connection.sendall(request_bytes(GOALS[0])[:i % 30])  # half a request
        elif kind == 3:
            dealer = hall.dealer(over)
            dealer.send(b"[" * i)
            owed.append((dealer, "RequestError"))
        elif kind == 4:
            dealer = hall.dealer(over)
            dealer.send(b" " * 65_537)
            owed.append((dealer, "longer than 65536 bytes"))
        else:
            hall.dealer(over).send(bytes(1_100_000))  # ends its connection
    return owed


def receive_until(connection, due):
    got = b""
    while due not in got:
        piece = connection.recv(4096)
        if not piece:
            break
        got += piece
    return got


def shake_hands(connection, send):
    """As a REQ socket does; libzmq drops who asks before its own READY came."""
    send(GREETING + frame(4, READY))
    receive_until(connection, b"ROUTER\x08Identity" + bytes(4))


def never_reads(hall):
    """Asks and asks, and takes nothing in."""
    for over in (0, 1):
        connection = hall.raw(over)
        shake_hands(connection, connection.sendall)
        connection.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            for _ in range(30_000):
                connection.sendall(request_bytes(GOALS[0]))


def spells(hall, over):
    """A client that sends byte by byte; what came."""
    connection = hall.raw(over)

    def send(data):
        for byte in data:
            connection.sendall(bytes([byte]))
    shake_hands(connection, send)
    send(request_bytes(GOALS[4]))
    return receive_until(connection, b"]")


def honest(hall):
    crowd = [hall.context.socket(zmq.REQ) for _ in range(CLIENTS)]
    for i, each in enumerate(crowd):
        each.setsockopt(zmq.LINGER, 0)
        each.setsockopt(zmq.RCVTIMEO, client.PATIENCE_S * 1000)
        each.connect(hall.endpoints[i % 2])
    return crowd


def check_crowd(hall):
    before = hall.descriptors()
    crowd = honest(hall)
    owed = trouble(hall)
    never_reads(hall)
    wrong = []
    for turn in range(ROUNDS):
        for i, each in enumerate(crowd):
            each.send_json(["count", [GOALS[(i + turn) % VISITORS]], {}])
        for i, each in enumerate(crowd):
            answer, due = each.recv_json(), ["ok", (i + turn) % VISITORS + 1]
            wrong += [] if answer == due else [(i, answer, due)]
    client.equal(f"{CLIENTS} clients at once get {ROUNDS} answers each, their own", wrong, [])
    client.claim("all of them were there at the same time", hall.descriptors() > before + CLIENTS)
    for dealer, due in owed:
        answer = dealer.recv_json() if dealer.poll(client.PATIENCE_S * 1000) else None
        if not answer or answer[0] != "error" or due not in answer[1]:
            wrong.append((answer, due))
    client.equal("what is malformed or huge is answered with an error", wrong, [])
    for over, name in enumerate(("tcp", "ipc")):
        client.equal(f"over {name}, a request that comes byte by byte is answered", spells(hall, over)[-8:], b'["ok",5]')
    tallies = hall.asker.status()["tallies"]
    client.claim("the tallies say so", tallies["query_answered"] >= CLIENTS * ROUNDS and
                 tallies["query_refused"] >= len(owed), tallies)
    for each in crowd:
        each.close()
    for dealer, _ in owed:
        dealer.close()
    client.claim("those who leave are forgotten",
                 support.becomes_true(lambda: hall.descriptors() < before + 250), hall.descriptors())


def check_perl(hall):
    script = pathlib.Path(__file__).with_name("perl_client.pl")
    for endpoint in hall.endpoints:
        done = subprocess.run(["perl", script, endpoint, "count", json.dumps([GOALS[6]]), "{}",
                               "goal_value", json.dumps([GOALS[2]]), '{"exact": true}',
                               "nonsense", "[]", "{}", "all_goals", "[]", "{}"],
                              capture_output=True, text=True, timeout=client.PATIENCE_S)
        answers = [json.loads(line) for line in done.stdout.splitlines()] if not done.returncode else done.stderr
        client.equal(f"a client in Perl is answered over {endpoint[:3]}", answers,
                     [["ok", 7], ["ok", "3"], ["error", 'MethodError: no method "nonsense"'],
                      ["ok", [[name, "", ""] for name in sorted([*GOALS, "viewed page"])]]])


def main():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    with tempfile.TemporaryDirectory(prefix="manhattan-crowd-") as folder, contextlib.ExitStack() as running:
        hall = Hall(sys.argv[1], folder, running)  # with the usual limit: it has to help itself
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        check_perl(hall)
        check_crowd(hall)
    sys.exit(client.failures != 0)


main()
