# SPDX-License-Identifier: MIT
"""Everything the demo runs, in one temporary folder on free loopback ports."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SHOP = ROOT / "tests/shop"
CGIT = "/usr/lib/cgit/cgit.cgi"
READY_WITHIN_S = int(os.environ.get("PATIENCE_S", "60"))  # generous: a slow machine is no fault


class Fault(Exception):
    """A service did not start, or ended before its time."""


class Interrupt:
    """SIGINT and SIGTERM as a flag, looked at where it is safe to leave: an exception thrown from a
    signal handler may come in the middle of anything."""

    was_sent = False

    @classmethod
    def watch(cls):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, cls._note)

    @classmethod
    def _note(cls, *_):
        cls.was_sent = True

    @classmethod
    def check(cls):
        if cls.was_sent:
            raise KeyboardInterrupt


def wait_for(what, condition, alive=lambda: None):
    """Polls `condition` until it answers something true, and returns that."""
    end = time.monotonic() + READY_WITHIN_S
    while not (answer := condition()):
        Interrupt.check()
        alive()
        if time.monotonic() > end:
            raise Fault(f"{what}: not within {READY_WITHIN_S} s")
        time.sleep(0.01)  # between two looks at the real condition; nothing depends on its length
    return answer


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def accepts(address):
    family = socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX
    with socket.socket(family) as client:
        return client.connect_ex(address) == 0


class Services:
    """Processes and their folder; leaving the `with` block ends and removes all of it."""

    def __init__(self, build):
        self.build = pathlib.Path(build).resolve()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="manhattan-demo-"))
        self.running = {}
        self.env = {"PATH": f"{self._make_programs()}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
                    "HOME": str(self.folder), "LC_ALL": "C.UTF-8",
                    **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}}

    def _make_programs(self):
        """The folder of Manhattan's programs, none of which reads this machine's configuration: not
        those either that programs of the shop start."""
        folder = self.folder / "bin"
        folder.mkdir()
        for program in self.build.glob("manhattan-*"):
            if not program.is_file() or program.suffix:
                continue
            start = folder / program.name
            start.write_text(f"#!/bin/sh\nexec '{program}' --config /dev/null \"$@\"\n")
            start.chmod(0o755)
        return folder

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for name in reversed(list(self.running)):
            self.stop(name)
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return str(self.folder / name)

    def start(self, name, *command):
        """In a process group of its own, so that Ctrl-C is the demo's alone; setpriv ends it should
        the demo be killed."""
        with open(self.path(f"{name}.out"), "ab") as output:
            self.running[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--", *command], stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, env=self.env, cwd=self.folder, process_group=0)

    def check_alive(self, name):
        code = self.running[name].poll()
        if code is not None:
            raise Fault(f"{name} ended with exit code {code}:\n{self.output_of(name)}")

    def output_of(self, name, lines=20):
        text = pathlib.Path(self.path(f"{name}.out")).read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def wait_for(self, name, condition):
        wait_for(name, condition, lambda: self.check_alive(name))

    def stop(self, name):
        """SIGTERM, and SIGKILL should that not do; the exit code."""
        process = self.running.pop(name)
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        return process.wait()

    def kill(self, name):
        self.running[name].kill()
        self.running.pop(name).wait()

    def run(self, *command, **options):
        done = subprocess.run(command, capture_output=True, text=True, env=self.env,
                              cwd=self.folder, timeout=READY_WITHIN_S, **options)
        if done.returncode:
            raise Fault(f"{' '.join(map(str, command))}: exit code {done.returncode}: "
                        f"{done.stderr.strip()}")
        return done.stdout


def as_root():
    return ["--user=root"] if os.geteuid() == 0 else []


def run_mariadb(services):
    services.start("mariadbd", "mariadbd", "--no-defaults", *as_root(),
                   f"--datadir={services.path('data')}",
                   f"--socket={services.path('mariadb.sock')}",
                   f"--pid-file={services.path('mariadb.pid')}",
                   f"--tmpdir={services.path('tmp')}", "--skip-networking", "--skip-name-resolve",
                   "--character-set-server=utf8mb4", "--collation-server=utf8mb4_bin",
                   "--innodb-buffer-pool-size=64M")


def start_mariadb(services):
    """A throw-away server behind a socket; the URL of an empty database on it."""
    data, where = services.path("data"), services.path("mariadb.sock")
    services.run("mariadb-install-db", "--no-defaults", "--force", f"--datadir={data}", *as_root(),
                 "--auth-root-authentication-method=normal", "--skip-test-db",
                 "--skip-name-resolve", "--innodb-log-file-size=8M")
    os.mkdir(services.path("tmp"))
    run_mariadb(services)
    client = ["mariadb", "--no-defaults", "-uroot", "-S", where]
    services.wait_for("mariadbd", lambda: subprocess.run(
        [*client, "-e", "select 1"], capture_output=True, env=services.env).returncode == 0)
    services.run(*client, "-e", "create database manhattan")
    return f"mysql://root@localhost/manhattan?unix_socket={where}"


def make_shop(services):
    """The shop's programs, C compiled; their folder."""
    folder = services.path("shop")
    shutil.copytree(SHOP, folder)
    for source in pathlib.Path(folder).glob("*.c"):
        services.run("cc", "-O2", "-Wall", "-Werror", "-o", str(source.with_suffix("")), source)
        source.unlink()
    return folder


def make_repository(services):
    """A bare git repository with two commits, and cgit's config for it."""
    work, bare = services.path("work"), services.path("sample.git")
    git = ["git", "-C", work, "-c", "user.name=Piet", "-c", "user.email=piet@example.com",
           "-c", "commit.gpgsign=false"]
    services.run("git", "init", "-q", "-b", "main", work)
    for number, text in enumerate(("flour\n", "flour\nbutter\n"), 1):
        pathlib.Path(work, "recipe").write_text(text)
        services.run(*git, "add", "recipe")
        services.run(*git, "commit", "-q", "-m", f"Recipe, step {number}")
    services.run("git", "clone", "-q", "--bare", work, bare)
    config = pathlib.Path(services.path("cgitrc"))
    config.write_text(f"virtual-root=/\nenable-index-owner=0\nrepo.url=sample\nrepo.path={bare}\n"
                      "repo.desc=A sample\n")
    return str(config)


NGINX = """daemon off;
{user}error_log stderr;
pid {folder}/nginx.pid;
worker_processes 2;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{shop_port};
    root {folder}/shop;
    include {etc}/nginx-manhattan-server.conf; set $manhattan_socket unix:{folder}/shop.sock;
    location / {{ fastcgi_pass $manhattan_socket; fastcgi_index front; }}
  }}
  server {{
    listen 127.0.0.1:{git_port};
    root /usr/share/cgit;
    include {etc}/nginx-manhattan-server.conf; set $manhattan_socket unix:{folder}/git.sock;
    location = /cgit.css {{ }}
    location = /cgit.png {{ }}
    location / {{
      include {etc}/nginx-manhattan.conf;
      fastcgi_param CGIT_CONFIG {folder}/cgitrc;
      fastcgi_pass $manhattan_socket;
    }}
  }}
}}
"""


def run_nginx(services):
    services.start("nginx", "nginx", "-c", services.path("nginx.conf"), "-p", str(services.folder),
                   "-e", "stderr")


def start_nginx(services):
    """Ports of the shop and of the repositories."""
    for _ in range(5):  # another program may take a port between our look and nginx's bind
        ports = free_ports(2)
        pathlib.Path(services.path("nginx.conf")).write_text(NGINX.format(
            folder=services.folder, shop_port=ports[0], git_port=ports[1],
            etc=ROOT / "etc",
            user="user root;\n" if os.geteuid() == 0 else ""))
        run_nginx(services)
        try:
            for port in ports:
                services.wait_for("nginx", lambda: accepts(("127.0.0.1", port)))
            services.check_alive("nginx")
            return ports
        except Fault:
            services.stop("nginx")
            if "already in use" not in services.output_of("nginx"):
                raise
    raise Fault("nginx found no free port")
