#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A FastCGI peer: it may connect to the wrapper's socket, and is no web server.

It runs the programs that the wrapper may run, as any visitor's address, and gets nothing else done.
Usage: tests/actors/fastcgi_peer.py BUILD_DIR
"""
import contextlib
import os
import pathlib
import re
import socket
import struct
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import stage as stages  # noqa: E402
from stage import check, record, request_bytes  # noqa: E402

CODE = {"BASH_ENV": "$(touch {0}/owned)", "ENV": "{0}/code", "PERL5LIB": "{0}", "PERL5OPT": "-Mcode",
        "PYTHONPATH": "{0}", "PYTHONSTARTUP": "{0}/code", "RUBYOPT": "-r{0}/code", "NODE_OPTIONS": "-r {0}/code",
        "LD_PRELOAD": "{0}/code.so", "LD_LIBRARY_PATH": "{0}", "GLIBC_TUNABLES": "x=y", "GCONV_PATH": "{0}",
        "IFS": "a", "PATH": "{0}", "PHP_VALUE": "auto_prepend_file={0}/code", "PHP_ADMIN_VALUE": "x=y",
        "SSL_CERT_FILE": "{0}/code", "GIT_SSH_COMMAND": "{0}/code", "TMPDIR": "{0}",
        "MANHATTAN_VISITOR": "somebody", "MANHATTAN_RING": "{0}/ring", "HTTP_PROXY": "evil:1"}


def asked(program, **more):
    return {"REQUEST_METHOD": "GET", "SCRIPT_FILENAME": str(program), "SCRIPT_NAME": "/x", "REQUEST_URI": "/x",
            "HTTP_HOST": "shop.example", "REMOTE_ADDR": "192.0.2.1", "HTTP_USER_AGENT": "Firefox", **more}


def is_served(stage):
    return b"fine" in stage.fcgi(asked(stage.cgi / "shop"))


def chooses_variables(stage):
    evil = stage.root / "evil"
    evil.mkdir(mode=0o777)
    evil.chmod(0o777)
    (evil / "code").write_text(f"touch {evil}/owned\n")
    (evil / "sh").write_text(f"#!/bin/sh\ntouch {evil}/owned\n")
    (evil / "sh").chmod(0o755)
    env = stage.program("env", "#!/bin/bash\necho Content-Type: text/plain; echo; env -0 | tr '\\0\\n' '\\n '\n")
    answer = stage.fcgi(asked(env, **{name: value.format(evil) for name, value in CODE.items()})).decode()
    seen = dict(re.findall(r"^(\w+)=(.*)$", answer, re.M))
    leaked = {name for name, value in CODE.items() if seen.get(name) == value.format(evil)}
    check("a program sees no variable that has it run other code", "REQUEST_METHOD" in seen and not leaked, answer)
    check("and runs none", not (evil / "owned").exists())
    said = stage.said("wrapper")
    check("each is named in the log, once", said.count("'BASH_ENV'") == 1, said)
    stage.fcgi([*asked(env).items(), *((f"EVIL_{i}", "x") for i in range(500))])
    check("names that a peer makes up do not fill the log", stage.said("wrapper").count("'EVIL_") <= 100)


def sends_much(stage):
    for what, parameters in (
            ("100,000 variables", [(f"HTTP_X_{i}", "y") for i in range(100_000)]),
            ("12,000 variables", [(f"HTTP_X_{i}", "y") for i in range(12_000)]),
            ("a name 12,000 times", [("HTTP_COOKIE", "a=b")] * 12_000),
            ("a variable of 3 MB", [("HTTP_X", "y" * 3_000_000)]),
            ("a name of 3 MB", [("H" * 3_000_000, "y")])):
        answer = stage.fcgi([*asked(stage.cgi / "shop").items(), *parameters])
        check(f"{what} are answered with 431", answer.startswith(b"Status: 431"), answer[:200])
    status = pathlib.Path(f"/proc/{stage.running['wrapper'].pid}/status").read_text()
    most = int(re.search(r"VmHWM:\s*(\d+)", status)[1]) // 1024
    check("and cost no memory to speak of", most < (500 if os.environ.get("SAN") else 100), most)
    check("the next request is served", is_served(stage))


def leaves_the_root(stage):
    (stage.cgi / "out").symlink_to("/bin/sh")
    (stage.cgi / "bin").symlink_to("/bin")
    (stage.cgi / "within").symlink_to("shop")
    (stage.cgi / "text").write_text("no program\n")
    os.mkfifo(stage.cgi / "fifo", 0o777)
    for path in ("/bin/sh", f"{stage.cgi}/out", f"{stage.cgi}/bin/sh", f"{stage.cgi}/../../bin/manhattan-query",
                 f"{stage.cgi}/shop/../../../bin/manhattan-query", "/proc/self/exe", f"{stage.cgi}/text",
                 f"{stage.cgi}/fifo", f"{stage.cgi}", "/dev/stdin", f"/proc/self/root{stage.cgi}/out", ""):
        answer = stage.fcgi(asked(path))
        check(f"'{path.replace(str(stage.root), '')}' does not run",
              re.match(rb"Status: (403|404)", answer), answer[:200])
    check("a link within the root does", b"fine" in stage.fcgi(asked(stage.cgi / "within")))


def swaps_a_link(stage):
    """Somebody who may write below --root helps the peer: a link changes during requests."""
    outside = stage.root / "outside"
    outside.write_text("#!/bin/sh\necho Content-Type: text/plain; echo; echo escaped\n")
    outside.chmod(0o755)
    swapped, is_ending = stage.cgi / "swapped", threading.Event()

    def swap():
        draft = stage.cgi / "draft"
        while not is_ending.is_set():
            for target in ("shop", outside):
                draft.symlink_to(target)
                draft.rename(swapped)

    swapping = threading.Thread(target=swap)
    swapping.start()
    answers = [stage.fcgi(asked(swapped)) for _ in range(300)]
    is_ending.set()
    swapping.join()
    check("a link that changes during 300 requests leads none outside",
          not any(b"escaped" in answer for answer in answers) and any(b"fine" in answer for answer in answers))


def speaks_no_fastcgi(stage):
    begin = record(1, struct.pack(">HB5x", 1, 0))
    whole = request_bytes(asked(stage.cgi / "shop"))
    for what, text in (("noise", os.urandom(100_000)), ("HTTP", b"GET / HTTP/1.0\r\n\r\n" * 100), ("zeros", bytes(70_000)),
                       ("version 9", b"\x09" + whole[1:]), ("a body before its request", record(5, b"x" * 100) + whole),
                       ("two requests in one", begin + record(1, struct.pack(">HB5x", 1, 0), 2) + whole),
                       ("a role that is none", record(1, struct.pack(">HB5x", 77, 0)) + whole),
                       ("lengths beyond the record", begin + record(4, b"\xff\xff\xff\xff\x05ab") + record(4)),
                       ("a cut request", whole[:len(whole) // 2]), ("nothing but aborts", record(2) * 1000),
                       ("unknown types", record(99, b"x" * 60_000) * 20)):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(stages.LIMIT_S)
            peer.connect(str(stage.socket))
            with contextlib.suppress(OSError):
                peer.sendall(text)
                peer.shutdown(socket.SHUT_WR)
            with contextlib.suppress(OSError):
                while peer.recv(65536):
                    pass
        check(f"{what}: the next request is served", is_served(stage))


def connect_many(stage, text):
    """Connections that send `text`, and then nothing."""
    peers = contextlib.ExitStack()
    for _ in range(900):
        peer = peers.enter_context(socket.socket(socket.AF_UNIX))
        peer.connect(str(stage.socket))
        peer.sendall(text)
    return peers


def opens_many_connections(stage):
    with connect_many(stage, b""):
        check("900 connections that ask nothing hold up nobody", is_served(stage))
    # As with programs that take their time, what is begun holds one of --jobs.
    connect_many(stage, request_bytes(asked(stage.cgi / "shop"))[:16]).close()
    check("900 requests that are begun and given up hold up nobody", is_served(stage))


def is_anybody(stage):
    stage.fcgi(asked(stage.cgi / "shop", REMOTE_ADDR="198.51.100.77"))
    check("what a peer may do: be any address", stages.becomes_true(
        lambda: any("198.51.100.77" in "\t".join(fields) for fields in stage.records())), stage.records()[-3:])
    forged = stage.fcgi(asked(stage.cgi / "shop", HTTP_COOKIE="manhattan=" + "a" * 40 + "." + "b" * 64))
    check("but no visitor of whom it has no cookie", b"Set-Cookie: manhattan=" in forged, forged)


def peer(stage):
    stage.program("shop", "#!/bin/sh\necho Content-Type: text/html; echo; echo '<html><body>fine</body></html>'\n")
    stage.start_server()
    stage.start_wrapper("--root", stage.cgi)
    check("the wrapper serves", is_served(stage))
    pid = stage.running["wrapper"].pid
    for act in (chooses_variables, sends_much, leaves_the_root, swaps_a_link, speaks_no_fastcgi,
                opens_many_connections, is_anybody):
        act(stage)
    check("the wrapper has been one process all the while", stage.is_running("wrapper") and
          stage.running["wrapper"].pid == pid, stage.said("wrapper")[-2000:])


stages.play(peer)
