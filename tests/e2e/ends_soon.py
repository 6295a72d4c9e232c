#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A server and a replay that are ended wherever they are, while they catch up with a long log of which
a few visitors have most: SIGTERM does not wait for the work's end, and SIGKILL for nothing. What is
counted in the end is what an undisturbed replay counts. Usage: ends_soon.py BUILD_DIR."""
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

BUILD = pathlib.Path(sys.argv[1]).resolve()
PATIENCE_S = int(os.environ.get("PATIENCE_S", 60))
SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
RECORDS, LIGHT, ENDS = 100_000, 5_000, 6
HOURS = 5
ROLLUPS = ["--rollup", "path", "--rollup", "hour", "--visitor-buckets", "2000", "--visitor-variants", "4"]
TABLES = {
    "counter": "SELECT coalesce(g.name, ''), coalesce(s.name, ''), coalesce(p.name, ''), r.name, b.name,"
               " c.site, c.count, c.value + 0 FROM counter c LEFT JOIN name g ON g.id = c.goal"
               " LEFT JOIN name s ON s.id = c.split LEFT JOIN name p ON p.id = c.population"
               " JOIN name r ON r.id = c.rollup JOIN name b ON b.id = c.bucket",
    "tally": "SELECT name, count FROM tally WHERE name <> 'visitor_aged'",
    "square": "SELECT count(*), sum(total + 0) FROM square",
}
failures = 0


def check(says, is_so, why=""):
    global failures
    failures += not is_so
    print(f"{'ok' if is_so else 'not ok'} - {says}" + ("" if is_so else f": {why}"), flush=True)


def write_log(prefix, chance):
    heavy = [f"{i:040x}" for i in range(3)]
    waiting = [f"{i:040x}" for i in range(100, 110)]  # no pixel ever comes
    light = [f"{i:040x}" for i in range(1000, 1000 + LIGHT)]
    met, path = set(), 0
    for hour in range(HOURS):
        start = 1_760_000_400 + 3600 * hour
        with open(f"{prefix}.{start}", "w", encoding="ascii") as segment:
            for i in range(RECORDS // HOURS):
                dice = chance.random()
                visitor = chance.choice(heavy if dice < 0.5 else waiting if dice < 0.6 else light)
                head = f"{start + i * 3600 // (RECORDS // HOURS)}.5\t{visitor}\t1"
                if visitor not in met and visitor not in waiting:
                    met.add(visitor)
                    segment.write(f"1\tpixel\t{head}\n")
                path += 1
                kind = chance.random()
                if kind < 0.8:
                    own = path if visitor in heavy else path % 500
                    end = "x" * 3000 if visitor in waiting else ""
                    segment.write(f"1\tpage\t{head}\t192.0.2.1\tGET\thttps://a.example/{own}{end}\tagent\t\n")
                elif kind < 0.9:
                    segment.write(f"1\tsplit\t{head}\ts{path % 6}\tp\n")
                else:
                    segment.write(f"1\tgoal\t{head}\tg{path % 40}\t2.5\tS\t\n")


class Sqlite:
    def __init__(self, folder):
        self.folder = folder

    def url(self, name):
        return f"sqlite:///{self.folder}/{name}.db"

    def rows(self, name, sql):
        with sqlite3.connect(f"{self.folder}/{name}.db") as database:
            return sorted(map(str, database.execute(sql)))

    def pointer(self, name):
        if not os.path.exists(f"{self.folder}/{name}.db"):
            return ""
        try:
            rows = self.rows(name, "SELECT CAST(value AS TEXT) FROM meta WHERE name = 'pointer'")
        except sqlite3.OperationalError:  # there is no table yet
            return ""
        return rows[0] if rows else ""

    def close(self):
        pass


class MariaDb(Sqlite):
    def __init__(self, folder):
        super().__init__(folder)
        user = subprocess.check_output(["id", "-un"], text=True).strip()
        subprocess.run(["mariadb-install-db", "--no-defaults", "--force", f"--datadir={folder}/data",
                        "--skip-test-db", "--skip-name-resolve", f"--user={user}",
                        "--auth-root-authentication-method=normal"], check=True, capture_output=True)
        self.server = subprocess.Popen(
            ["mariadbd", "--no-defaults", f"--datadir={folder}/data", f"--socket={folder}/s",
             "--skip-networking", f"--user={user}", f"--log-error={folder}/mariadb.log"],
            stderr=subprocess.DEVNULL)
        while subprocess.run(["mariadb-admin", "--no-defaults", "-uroot", "-S", f"{folder}/s", "ping"],
                             capture_output=True, check=False).returncode:
            assert self.server.poll() is None
        for name in ("ended", "whole", "replayed"):
            self.ask(None, f"CREATE DATABASE `{name}`")

    def ask(self, name, sql):
        return subprocess.check_output(
            ["mariadb", "--no-defaults", "-uroot", "-S", f"{self.folder}/s", "-N", "-B", "-e", sql,
             *([name] if name else [])], text=True).splitlines()

    def url(self, name):
        return f"mysql://root@localhost/{name}?unix_socket={self.folder}/s"

    def rows(self, name, sql):
        return sorted(self.ask(name, sql))

    def pointer(self, name):
        try:
            rows = self.ask(name, "SELECT value FROM meta WHERE name = 'pointer'")
        except subprocess.CalledProcessError:
            return ""
        return rows[0] if rows else ""

    def close(self):
        self.server.terminate()
        self.server.wait()


def ended_at_random(kind, command, store, name, chance):
    """Starts the command again and again, and ends it in the middle. How often SIGTERM came in the
    middle of the log, how long the slowest end took, and what was wrong."""
    in_the_middle, slowest, wrong = 0, 0.0, []
    for number in range(ENDS):
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        time.sleep(chance.random())  # not for anything: the end may come at any moment
        by = signal.SIGKILL if number % 3 == 2 else signal.SIGTERM
        process.send_signal(by)
        begun = time.monotonic()
        try:
            said = process.communicate(timeout=PATIENCE_S)[1]
        except subprocess.TimeoutExpired:
            process.kill()
            wrong.append(f"{by.name} was not obeyed")
            continue
        if by == signal.SIGKILL:
            continue
        slowest = max(slowest, time.monotonic() - begun)
        expected = (0, -signal.SIGTERM) if kind == "server" else (0, 1, -signal.SIGTERM)
        if process.returncode not in expected:
            wrong.append(f"exit code {process.returncode}: {said}")
        in_the_middle += store.pointer(name) != END
    return in_the_middle, slowest, wrong


def play(store, folder, prefix, kind, chance):
    name = f"{type(store).__name__}, {kind}"
    programs = {
        "server": (BUILD / "manhattan-server", ["--path", prefix, "--bind", f"ipc://{folder}/socket"]),
        "replay": (BUILD / "manhattan-replay", [prefix]),
    }
    program, operands = programs[kind]
    database = "ended" if kind == "server" else "replayed"
    options = ["--url", store.url(database), *ROLLUPS, "--flush-every", str(chance.choice([3000, 30_000]))]
    command = [program, *operands, *options]
    in_the_middle, slowest, wrong = ended_at_random(kind, command, store, database, chance)
    print(f"# {name}: {in_the_middle} ends in the middle, the slowest took {slowest:.2f} s")
    check(f"{name}: ends wherever it is told to", not wrong, wrong)
    finish = [*command, "--once"] if kind == "server" else command
    subprocess.run(finish, check=True, stderr=subprocess.DEVNULL)
    for table, sql in TABLES.items():
        found, due = store.rows(database, sql), store.rows("whole", sql)
        check(f"{name}: {table} is as counted at once", found == due,
              sorted(set(found) ^ set(due))[:5])


def main():
    global END
    print(f"# SEED={SEED}")
    chance = random.Random(SEED)
    with tempfile.TemporaryDirectory() as folder:
        prefix = f"{folder}/log"
        write_log(prefix, chance)
        last = f"{prefix}.{1_760_000_400 + 3600 * (HOURS - 1)}"
        for kind in (Sqlite, MariaDb):
            store = kind(folder)
            try:
                end = f"{last}:{os.path.getsize(last)}"
                END = end if kind is MariaDb else str((end,))
                subprocess.run([BUILD / "manhattan-replay", prefix, "--url", store.url("whole"), *ROLLUPS,
                                "--threads", "2"], check=True, stderr=subprocess.DEVNULL)
                for program in ("server", "replay"):
                    play(store, folder, prefix, program, chance)
            finally:
                store.close()
    return failures > 0


sys.exit(main())
