# SPDX-License-Identifier: MIT
"""What the tests of actors share: Manhattan as the packages set it up, in a root folder of its own.

Users and folders are made by sysusers.d and tmpfiles.d, options are those of etc/manhattan.conf, and
each program runs as its unit's user, groups and umask have it. Only root can be others.
"""
import contextlib
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMIT_S = int(os.environ.get("PATIENCE_S", "60"))  # see scripts/check
PROGRAMS = ("event", "fcgi", "log", "query", "replay", "report", "server")
failures = 0

NGINX = """
user www-data; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; worker_processes 1;
events {{ worker_connections 4096; }}
http {{
  access_log off; large_client_header_buffers 8 64k;
  client_body_temp_path {folder}/body; fastcgi_temp_path {folder}/fastcgi; proxy_temp_path {folder}/proxy;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port}; root {folder}/srv;
    include {etc}/nginx-manhattan-server.conf; set $manhattan_socket unix:{folder}/run/manhattan/fcgi.sock;
    location /cgi-bin/ {{ fastcgi_pass $manhattan_socket; }}
  }}
}}
"""


def check(sentence, is_so, *details):
    global failures
    print(("ok - " if is_so else "not ok - ") + sentence, flush=True)
    if not is_so:
        failures += 1
        print(*(f"  | {str(detail)[:2000]}" for detail in details), sep="\n", flush=True)
    return is_so


def becomes_true(is_so):
    deadline = time.monotonic() + LIMIT_S
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def free_port():
    """Below those that the kernel gives to connections, one of which might take it meanwhile."""
    given = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text()
    while True:
        port = random.randrange(1024, max(int(given.split()[0]), 2048))
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


class User:
    """Who a process is: numbers, for the user may be known in the stage's root only."""

    def __init__(self, stage, name, *groups):
        def number(file, key, column):
            for line in (stage.root / "etc" / file).read_text().splitlines():
                if line.startswith(f"{key}:"):
                    return int(line.split(":")[column])
            raise KeyError(key)

        self.name, self.uid, self.gid = name, number("passwd", name, 2), number("passwd", name, 3)
        self.groups = [number("group", group, 2) for group in groups]

    def prefix(self):
        groups = ["--groups", ",".join(map(str, self.groups))] if self.groups else ["--clear-groups"]
        return ["setpriv", "--reuid", str(self.uid), "--regid", str(self.gid), *groups,
                "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--pdeathsig", "TERM"]


class Stage:
    """Ends and removes all of it when the `with` block is left."""

    def __init__(self, build):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="manhattan-actors-"))
        self.root.chmod(0o755)
        self.running = {}
        self._copy_programs(pathlib.Path(build).resolve())
        self._make_users()
        self.port, self.ask_port = free_port(), free_port()
        self.run_folder, self.log_folder, self.store_folder = (
            self.root / name for name in ("run/manhattan", "var/log/manhattan", "var/lib/manhattan"))
        self.ring = self.run_folder / "ring"
        self.socket = self.run_folder / "fcgi.sock"
        self.endpoint = f"tcp://127.0.0.1:{self.ask_port}"
        self._configure()
        self.cgi = self.root / "srv/cgi-bin"
        self.cgi.mkdir(parents=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for name in list(self.running):
            self.stop(name)
        shutil.rmtree(self.root, ignore_errors=True)

    def _copy_programs(self, build):
        """Where every user reaches them."""
        (self.root / "bin").mkdir()
        for name in PROGRAMS:
            shutil.copy(build / f"manhattan-{name}", self.root / "bin")

    def _make_users(self):
        etc = self.root / "etc"
        etc.mkdir()
        for name in ("passwd", "group"):
            shutil.copy(f"/etc/{name}", etc)
        for tool, folder in (("sysusers", "sysusers.d"), ("tmpfiles", "tmpfiles.d")):
            more = ["--create"] if tool == "tmpfiles" else []
            subprocess.run([f"systemd-{tool}", f"--root={self.root}", *more,
                            ROOT / "etc" / folder / "manhattan.conf"], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.manhattan = User(self, "manhattan")
        self.wrapper = User(self, "www-data", "manhattan")
        self.web_server = User(self, "www-data")
        self.stranger = User(self, "nobody")

    def _configure(self):
        folder = self.root / "etc/manhattan"
        folder.mkdir()
        text = (ROOT / "etc/manhattan.conf").read_text()
        for path in ("/run/manhattan", "/var/log/manhattan", "/var/lib/manhattan"):
            text = re.sub(rf"(?<=[ /=]){path}", f"{self.root}{path}", text.replace("////", "///"))
        # The defaults that are shown are of the places of the real packages.
        text = re.sub("^# (?=(bind|connect|ring|path) = )", "", text, flags=re.M)
        text = text.replace("tcp://127.0.0.1:5555", self.endpoint).replace(
            "[manhattan-server]\n", "[manhattan-server]\nring-mib = 4\n")
        self.config = folder / "manhattan.conf"
        self.config.write_text(text)
        self.prefix = self.log_folder / "log"
        spill = re.search(r"\[manhattan-fcgi\].*?^path = (\S+)", text, re.S | re.M)[1]
        self.spill_prefix = pathlib.Path(spill)
        # /etc/manhattan/secret is root's; systemd hands the unit a copy that its user can read.
        secret = folder / "secret"
        secret.touch(0o600)
        secret.write_text(os.urandom(32).hex() + "\n")
        self.secret = secret
        credentials = self.root / "run/credentials"
        credentials.mkdir(parents=True)
        credentials.chmod(0o500)
        self.credential = credentials / "secret"
        shutil.copy(secret, self.credential)
        self.credential.chmod(0o400)
        for path in (credentials, self.credential):
            os.chown(path, self.wrapper.uid, self.wrapper.gid)

    def option(self, section, line):
        """Adds to the configuration."""
        text = self.config.read_text()
        self.config.write_text(text.replace(f"[{section}]\n", f"[{section}]\n{line}\n", 1))

    def program(self, name, text):
        path = self.cgi / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def command(self, program, *arguments):
        return [str(self.root / "bin" / f"manhattan-{program}"), "--config", str(self.config),
                *map(str, arguments)]

    def start(self, name, user, command, **more):
        with open(self.root / f"{name}.out", "ab") as output:
            self.running[name] = subprocess.Popen(
                [*user.prefix(), *map(str, command)], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                cwd="/", umask=0o007, start_new_session=True, **more)
        return self.running[name]

    def start_server(self):
        self.start("server", self.manhattan, self.command("server"))
        if not becomes_true(lambda: self.ask("status") is not None):
            sys.exit("manhattan-server does not start: " + self.said("server"))

    def start_wrapper(self, *options):
        """On a socket that is handed over, as systemd does it."""
        with socket.socket(socket.AF_UNIX) as listening:
            self.socket.unlink(missing_ok=True)
            listening.bind(str(self.socket))
            os.chown(self.socket, self.web_server.uid, self.web_server.gid)
            self.socket.chmod(0o660)
            listening.listen(4096)

            def hand_over():
                os.dup2(listening.fileno(), 3)
                os.set_inheritable(3, True)  # it may be 3 already

            self.start("wrapper", self.wrapper,
                       ["sh", "-c", 'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@"', "sh",
                        *self.command("fcgi", "--secret-file", self.credential, *options)],
                       close_fds=False, preexec_fn=hand_over)
        # The socket is there already: the first request waits until the wrapper has started.
        if self.fcgi({"REQUEST_METHOD": "GET"})[:6] != b"Status":
            sys.exit("manhattan-fcgi does not start: " + self.said("wrapper"))

    def start_nginx(self):
        config = self.root / "nginx.conf"
        config.write_text(NGINX.format(folder=self.root, port=self.port, etc=ROOT / "etc"))
        with open(self.root / "nginx.out", "wb") as output:
            self.running["nginx"] = subprocess.Popen(
                ["nginx", "-p", self.root, "-c", config, "-e", self.root / "nginx.log"],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)

        def accepts():
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return True

        if not becomes_true(accepts):
            sys.exit("nginx does not start: " + self.said("nginx"))

    def stop(self, name):
        process = self.running.pop(name)
        process.terminate()
        try:
            return process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return process.wait()

    def said(self, name):
        return (self.root / f"{name}.out").read_text(errors="replace")

    def is_running(self, name):
        return self.running[name].poll() is None

    def run(self, user, *command, **more):
        """Exit code, standard output and standard error of what `user` does."""
        return subprocess.run([*user.prefix(), *map(str, command)], stdin=subprocess.DEVNULL, text=True,
                              errors="replace", capture_output=True, cwd="/", timeout=LIMIT_S, **more)

    def ask(self, *question):
        """What manhattan-query prints, whom anybody on the machine may run; None where nobody answers."""
        done = self.run(self.stranger, *self.command("query", "--format", "tsv", *question))
        return done.stdout if done.returncode == 0 else None

    def count(self, *question):
        return int((self.ask("count", *question) or "-1").split()[-1])

    def tallies(self):
        """By name."""
        return {name: int(value) for name, value in
                re.findall(r"^(\w+)\t(-?\d+)$", self.ask("status") or "", re.M)}

    def event(self, *arguments, user=None):
        return self.run(user or self.wrapper, *self.command("event", *arguments), umask=0o007)

    def records(self):
        """Fields of each line of the log."""
        hours = [path for path in self.log_folder.glob("log.*") if path.name[4:].isdigit()]
        return [line.split("\t") for path in sorted(hours) for line in path.read_text(errors="replace").split("\n")]

    def fcgi(self, parameters, body=b"", user=None):
        """The answer of one FastCGI request of a web server."""
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(LIMIT_S)
            peer.connect(str(self.socket))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                peer.sendall(request_bytes(parameters, body))
            return read_answer(peer)

    def http(self, request):
        """Raw bytes to nginx, and all that comes back."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT_S) as client:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                client.sendall(request)
            answer = b""
            with contextlib.suppress(ConnectionResetError):
                while piece := client.recv(65536):
                    answer += piece
            return answer

    def get(self, path, *headers):
        """(status, headers and body as bytes)"""
        lines = [b"GET " + as_bytes(path) + b" HTTP/1.1", b"Host: shop.example", b"Connection: close",
                 *map(as_bytes, headers)]
        answer = self.http(b"\r\n".join(lines) + b"\r\n\r\n")
        return int(answer[9:12] or 0) if answer.startswith(b"HTTP/1.1 ") else 0, answer


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode()


def cookie_in(answer):
    found = re.search(rb"Set-Cookie: manhattan=([^;\r]+)", answer)
    return found[1].decode() if found else None


def record(kind, content=b"", request=1):
    return struct.pack(">BBHHBB", 1, kind, request, len(content), 0, 0) + content


def pair(name, value):
    def size(text):
        return bytes([len(text)]) if len(text) < 128 else struct.pack(">I", len(text) | 1 << 31)

    name, value = as_bytes(name), as_bytes(value)
    return size(name) + size(value) + name + value


def request_bytes(parameters, body=b""):
    pairs = parameters.items() if isinstance(parameters, dict) else parameters
    block = b"".join(pair(name, value) for name, value in pairs)
    pieces = [record(4, block[at:at + 65000]) for at in range(0, len(block), 65000)]
    stdin = [record(5, body[at:at + 65000]) for at in range(0, len(body), 65000)]
    return b"".join([record(1, struct.pack(">HB5x", 1, 0)), *pieces, record(4), *stdin, record(5)])


def read_answer(peer):
    """What the program said on standard output; None where the connection broke off."""
    data, said = b"", b""
    with contextlib.suppress(ConnectionResetError):
        while piece := peer.recv(65536):
            data += piece
    while len(data) >= 8:
        kind, length, padding = struct.unpack(">xBxxHBx", data[:8])
        if kind == 6:
            said += data[8:8 + length]
        data = data[8 + length + padding:]
    return said


def _stir(lane, word):
    lane = (lane ^ word) * 0x9e3779b97f4a7c15 & (1 << 64) - 1
    return (lane << 29 | lane >> 35) & (1 << 64) - 1


def spilled(line, at_ns):
    """A line of the spill log with a checksum that holds: who may write there needs no tool of ours."""
    lanes, at, size = [0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89], 0, len(line)
    words = [int.from_bytes(line[i:i + 8], "little") for i in range(0, size // 8 * 8, 8)]
    whole = len(words) // 4 * 4
    for at in range(whole):
        lanes[at % 4] = _stir(lanes[at % 4], words[at])
    for word in words[whole:]:
        lanes[0] = _stir(lanes[0], word)
    lanes[1] = _stir(lanes[1], int.from_bytes(line[size // 8 * 8:], "little"))
    digest = lanes[0]
    for word in (*lanes[1:], size, 0, at_ns, 0):
        digest = _stir(digest, word)
    return b"\n%016x %016x " % (at_ns, digest ^ digest >> 32) + line


def play(actor):
    """Runs `actor(stage)`; where this is not root there is nobody to play."""
    if os.geteuid() != 0:
        print("ok - # skip: only root can be other users")
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    with Stage(sys.argv[1]) as stage:
        actor(stage)
    sys.exit(failures > 0)
