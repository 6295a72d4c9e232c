# SPDX-License-Identifier: MIT
"""The demo's services, wired up."""
import os
import pathlib

from . import services, visitors

PROGRAMS = {"shop": (visitors.SHOP, []), "git": (visitors.GIT, ["--", services.CGIT])}


class World:
    """The demo's services, started in the order in which they need each other."""

    def __init__(self, running, store, disk=None, ring_mib=64, server_options=(), clock=None):
        """`disk`: the folder of ring, log and an SQLite store. `clock`: a file whose content, such as +2h,
        is what the server's clock is wrong by."""
        self.services = running
        self.disk, self.ring_mib = pathlib.Path(disk or running.folder), ring_mib
        self.server_options, self.clock = server_options, clock
        self.endpoint = f"ipc://{running.path('query.ipc')}"
        self.url = (services.start_mariadb(running) if store == "mysql"
                    else f"sqlite:///{self.disk / 'manhattan.db'}")
        self.start_server()
        self._make_programs()
        for name in PROGRAMS:
            self.start_wrapper(name)
        shop_port, git_port = services.start_nginx(running)
        self.ports = {visitors.SHOP: shop_port, visitors.GIT: git_port}

    def run_server(self):
        self.services.start("manhattan-server", *self._wrong_clock(), "manhattan-server", "--ring",
                            self.disk / "ring", "--path", self.disk / "log", "--url", self.url, "--bind",
                            self.endpoint, "--ring-mib", str(self.ring_mib), *self.server_options)

    def _wrong_clock(self):
        if self.clock is None:
            return []
        library = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        return ["env", f"LD_PRELOAD={library}", f"FAKETIME_TIMESTAMP_FILE={self.clock}",
                "FAKETIME_CACHE_DURATION=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"]

    def start_server(self):
        self.run_server()
        self.wait_for_server()

    def wait_for_server(self):
        self.services.wait_for("manhattan-server",
                               lambda: self.query("status", check=False) is not None)

    def _make_programs(self):
        secret = pathlib.Path(self.services.path("secret"))
        secret.touch(mode=0o600)
        secret.write_text(os.urandom(32).hex() + "\n")
        services.make_shop(self.services)
        services.make_repository(self.services)

    def run_wrapper(self, name):
        run, (site, program) = self.services, PROGRAMS[name]
        run.start(name, "manhattan-fcgi", "--socket", run.path(f"{name}.sock"),
                  "--ring", self.disk / "ring", "--path", self.disk / "log",
                  "--secret-file", run.path("secret"), "--site", f"127.0.0.1={site}", *program)

    def start_wrapper(self, name):
        self.run_wrapper(name)
        self.wait_for_wrapper(name)

    def wait_for_wrapper(self, name):
        self.services.wait_for(name, lambda: services.accepts(self.services.path(f"{name}.sock")))

    def kill_server(self):
        self.services.kill("manhattan-server")
        self.start_server()

    def query(self, *arguments, check=True):
        """What manhattan-query prints; None where it fails and need not succeed."""
        try:
            return self.services.run("manhattan-query", "--connect", self.endpoint, *arguments)
        except services.Fault:
            if check:
                raise
            return None

    def check_alive(self):
        for name in self.services.running:
            self.services.check_alive(name)

    def stop(self, *names):
        """Programs end by themselves with 0 when asked to."""
        for name in names or ("nginx", "shop", "git", "manhattan-server"):
            code = self.services.stop(name)
            if code:
                raise services.Fault(f"{name} ended with exit code {code}:\n"
                                     f"{self.services.output_of(name)}")
