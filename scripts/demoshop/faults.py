# SPDX-License-Identifier: MIT
"""What a soak does to the demo's world. Each fault is over, and all runs again, when it returns."""
import errno
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import time

from . import services

# A manhattan-event that is killed leaves a page that was answered and a split that nobody knows
# of; kill_test kills writers at every step and knows what each had done.
NOT_KILLED = ("manhattan-event", "setpriv")
RIGHT = "+0"
# Beyond a second the drain can't merge writers by time. Steps of hours move the log to other hours as
# well, and then an order of a visitor's records that others can find out is not to be had.
CLOCKS = ("-70", "-5", "+5", "+70")


def set_clock(file, offset):
    draft = file.with_suffix(".draft")
    draft.write_text(offset + "\n")
    draft.rename(file)


def processes_of(group):
    """(pid, name) of each process in the process group."""
    listed = subprocess.run(["ps", "-eo", "pid=,pgid=,comm="], capture_output=True, text=True)
    rows = (line.split(None, 2) for line in listed.stdout.splitlines())
    return [(int(pid), name) for pid, pgid, name in rows if int(pgid) == group]


class Faults:
    """Chosen by `dice`, counted by name."""

    def __init__(self, world, dice, crowd):
        self.world, self.dice, self.crowd, self.run = world, dice, crowd, world.services
        self.starts = {"manhattan-server": world.run_server,
                       "shop": lambda: world.run_wrapper("shop"),
                       "git": lambda: world.run_wrapper("git"),
                       "nginx": lambda: services.run_nginx(self.run),
                       "mariadbd": lambda: services.run_mariadb(self.run)}
        self.kinds = [self.kill_server, self.kill_server, self.kill_wrapper, self.kill_wrapper,
                      self.kill_web_server, self.kill_any, self.kill_any, self.stop_store,
                      self.fill_disk, self.step_clock]
        self.done = {}

    def strike(self):
        fault = self.dice.choice(self.kinds)
        fault()
        self.done[fault.__name__] = self.done.get(fault.__name__, 0) + 1
        self.revive()

    def revive(self):
        """What systemd does with Restart=always: also for those that ended on a full disk."""
        for name, process in list(self.run.running.items()):
            if process.poll() is not None:
                if process.returncode != -signal.SIGKILL:
                    self.done[f"{name} ended with {process.returncode}"] = 1 + self.done.get(
                        f"{name} ended with {process.returncode}", 0)
                self.kill_group(name)
                self.starts[name]()

    def kill_group(self, name):
        """All that belongs to the service, as systemd does when a main process is gone."""
        try:
            os.killpg(self.run.running[name].pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.run.running.pop(name).wait()

    def kill_server(self):
        self.run.running["manhattan-server"].kill()
        self.run.running["manhattan-server"].wait()

    def kill_wrapper(self):
        name = self.dice.choice(["shop", "git"])
        self.run.running[name].kill()
        self.run.running[name].wait()

    def kill_web_server(self):
        self.kill_group("nginx")
        self.starts["nginx"]()

    def kill_any(self):
        """One process of the wrappers' and the web server's: parent, spawner, worker, program."""
        name = self.dice.choice(["shop", "git", "nginx"])
        pids = [pid for pid, what in processes_of(self.run.running[name].pid)
                if what not in NOT_KILLED]
        try:
            os.kill(self.dice.choice(pids), signal.SIGKILL)
        except (IndexError, ProcessLookupError):
            return
        time.sleep(0.05)  # for what depends on it to fall, too; nothing is decided by its length

    def stop_store(self):
        duration = self.dice.uniform(0, 3)
        if "mariadbd" in self.run.running:
            self.kill_group("mariadbd")
            self.pause(duration)
            self.starts["mariadbd"]()
            return
        database = sqlite3.connect(self.world.disk / "manhattan.db", isolation_level=None)
        try:
            database.execute("begin exclusive")
            self.pause(duration)
            database.execute("rollback")
        finally:
            database.close()

    def fill_disk(self):
        filler = pathlib.Path(self.world.disk, "filler")
        with open(filler, "wb", buffering=0) as file:
            end = time.monotonic() + self.dice.uniform(0, 3)
            while time.monotonic() < end:
                try:
                    while file.write(bytes(1 << 12)):  # what is freed meanwhile is filled, too
                        pass
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                self.pause(0.01)
        filler.unlink()

    def step_clock(self):
        """Of the server alone. Visitors come before, while and after it is wrong, but none of them
        is there at a step: a log that goes to another hour and back has no order for them."""
        self.set_clock(self.dice.choice(CLOCKS))
        self.pause(self.dice.uniform(1, 4))
        self.set_clock(RIGHT)

    def set_clock(self, offset):
        with self.crowd.away():
            services.wait_for("an empty ring", self.is_drained, self.revive)
            set_clock(self.world.clock, offset)
            time.sleep(1.5)  # libfaketime looks at the file once a second

    def is_drained(self):
        said = self.world.query("--format", "json", "status", check=False)
        spill = self.world.disk / "log.spill"
        return (said is not None and json.loads(said)["tallies"].get("ring_used_bytes") == 0 and
                not (spill.exists() and spill.stat().st_size))

    def pause(self, seconds):
        """Now and then the server dies in the midst of it."""
        if self.dice.random() < 0.2 and seconds > 0.1:
            self.kill_server()
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.revive_others()
            time.sleep(min(left, 0.1))

    def revive_others(self):
        process = self.run.running["manhattan-server"]
        if process.poll() is not None:
            self.kill_group("manhattan-server")
            self.starts["manhattan-server"]()
