#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Who asks the server: gets answers to the methods that there are, changes nothing, holds up nobody.

Usage: tests/actors/who_asks.py BUILD_DIR
"""
import contextlib
import json
import os
import pathlib
import re
import socket
import sys

import zmq

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import stage as stages  # noqa: E402
from stage import check  # noqa: E402

GARBAGE = [b"", b"\0", b"x" * 60_000, os.urandom(3000), b"[", b"[" * 50_000, b'["count"', b'{"count": 1}', b"null", b'"count"',
           b"[[]]", b'["count", {"a": 1}, []]', b'["count", ["\xff\xfe"], {}]', b'["count", ["\\ud800"], {}]',
           b'["count", [' + b"9" * 5000 + b"], {}]", b'["count", [1e999], {}]', b'["count", ["g"], {"goal": "g"}]',
           b'["count", ["g"], {"site_id": -99999999999999999999}]', b'["count", ["a\\u0000b"], {}]',
           b'["results", ["t", ' + json.dumps(["g" * 100] * 500).encode() + b'], {}]',
           b'["count", ["g", ["t", "p"], "no such rollup", "b", 0], {}]', b'["count", ["\' OR 1=1; DROP TABLE x; --"], {}]']
NO_METHODS = ["", "__class__", "__init__", "answer", "open", "exec", "system", "write", "delete", "forget", "shutdown", "drop",
              "Count", "count ", "count\0", "../count", "flush", "store", "url"]
ENDED = (b"\0" * 100_000, os.urandom(100_000), b"GET / HTTP/1.0\r\n\r\n", b"\xff" + bytes(8) + b"\x7f" + b"\x03" + b"\xff" * 60,
         b"\xff\0\0\0\0\0\0\0\1\x7f\3\0NULL" + bytes(48) + b"\x04\x26\5READY\x0bSocket-Type\0\0\0\6DEALER\x08Identity"
         b"\0\0\0\0" + b"\2\xff\xff\xff\xff\xff\xff\xff\xff")


def contents(stage):
    """Of the store, all that is counted."""
    done = stage.run(stage.manhattan, "sqlite3", "-readonly", stage.store_folder / "manhattan.db",
                     ".dump conversion_counts impression_counts", ".tables", ".schema")
    return done.stdout


class Client:
    def __init__(self, context, endpoint):
        self.socket = context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.SNDHWM, 0)
        self.socket.connect(endpoint)

    def send(self, text):
        self.socket.send_multipart([b"", text])

    def answer(self):
        if not self.socket.poll(1000 * stages.LIMIT_S):
            return None
        return json.loads(self.socket.recv_multipart()[-1])

    def ask(self, text):
        self.send(text)
        return self.answer()


def speaks_garbage(stage, client):
    answers = [client.ask(text) for text in GARBAGE]
    check("garbage is answered, mostly with an error of a kind", all(
        answer and answer[0] in ("ok", "error") for answer in answers) and
        sum(answer[0] == "error" for answer in answers) > 12, answers)
    answers = [client.ask(json.dumps([name, [], {}]).encode()) for name in NO_METHODS]
    check("there are no methods but those listed", all(
        answer[0] == "error" and answer[1].startswith("MethodError") for answer in answers), answers)
    for text in ENDED:
        with socket.create_connection(("127.0.0.1", stage.ask_port), timeout=stages.LIMIT_S) as peer:
            with contextlib.suppress(OSError):
                peer.sendall(text)
                peer.shutdown(socket.SHUT_WR)
                while peer.recv(65536):
                    pass
    check("what speaks no ZeroMQ is let go", client.ask(b'["count", ["Order Placed"], {}]') == ["ok", 1])
    giant = Client(zmq.Context.instance(), stage.endpoint)
    giant.send(b'["count", ["' + b"x" * (64 << 20) + b'"], {}]')
    check("nor does a question of 64 MiB hold up others", client.ask(b'["count", ["Order Placed"], {}]') == ["ok", 1])
    giant.socket.close()


def asks_a_lot(stage, context, client):
    slow = [Client(context, stage.endpoint) for _ in range(30)]
    for each in slow:
        for _ in range(300):
            each.send(b'["series", ["viewed page"], {"rollup_key": "path"}]')
    check("9,000 long questions that nobody waits for hold up none of others",
          client.ask(b'["count", ["Order Placed"], {}]') == ["ok", 1] and stage.ask("status") is not None)
    for each in slow:
        each.socket.close()
    deaf = Client(context, stage.endpoint)  # asks, and never takes an answer in
    for _ in range(20_000):
        deaf.send(b'["all_goals", [], {}]')
    check("nor does one that takes no answer", client.ask(b'["count", ["Order Placed"], {}]') == ["ok", 1])
    deaf.socket.close()
    opened = [socket.create_connection(("127.0.0.1", stage.ask_port)) for _ in range(500)]
    check("nor do 500 connections that say nothing", client.ask(b'["count", ["Order Placed"], {}]') == ["ok", 1])
    for each in opened:
        each.close()
    check("who asks anew is answered", stages.becomes_true(lambda: stage.count("Order Placed") == 1))


def who_asks(stage):
    stage.start_server()
    pid = stage.running["server"].pid
    for words in (("pixel",), ("goal", "Order Placed"), ("page", "http://shop.example/secret-path")):
        stage.event("--visitor", "ann", *words)
    stages.becomes_true(lambda: stage.count("Order Placed") == 1)
    before, context = contents(stage), zmq.Context.instance()
    client = Client(context, stage.endpoint)
    speaks_garbage(stage, client)
    asks_a_lot(stage, context, client)
    check("what is counted is as before", before and contents(stage) == before, before, contents(stage))
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    most = int(re.search(r"VmHWM:\s*(\d+)", status)[1]) // 1024
    check("the server has been one process, of little memory", stage.is_running("server") and
          most < (1500 if os.environ.get("SAN") else 600), most, stage.said("server")[-1000:])
    client.socket.close()
    context.destroy(linger=0)


stages.play(who_asks)
