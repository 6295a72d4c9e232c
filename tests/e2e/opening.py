#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a wrapped program's user lays out in a log's folder that its group may write, with real users:
the server reads, fills, replaces and believes none of it, and goes on.

Usage: tests/e2e/opening.py BUILD_DIR. As root, for it takes two users.
"""
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

BUILD = pathlib.Path(sys.argv[1]).resolve()
PATIENCE_S = int(os.environ.get("PATIENCE_S", "60"))  # see scripts/check
SERVER, PROGRAM = 61001, 61002  # users, and groups of the same numbers
HOUR = int(time.time()) // 3600 * 3600
OLD = HOUR - 50 * 3600
NOW_HOURS = (HOUR, HOUR + 3600)  # should an hour begin meanwhile


def verdict(sentence, is_true, detail=""):
    print(f"{'ok' if is_true else 'not ok'} - {sentence}", flush=True)
    if not is_true:
        print(f"# {detail}"[:3000], file=sys.stderr, flush=True)


def as_user(user, *command, groups=(), **more):
    listed = ",".join(map(str, (user, *groups)))
    return subprocess.run(["setpriv", f"--reuid={user}", f"--regid={user}", f"--groups={listed}", *map(str, command)],
                          capture_output=True, text=True, errors="replace", timeout=PATIENCE_S, check=False, **more)


def program(script):
    """What the wrapped program does: a script of the shell, as its user."""
    return as_user(PROGRAM, "sh", "-ec", f"umask 0; {script}", groups=(SERVER,))


def plant(script):
    """The same. Where the kernel lets users make no hard links to others' files
    (fs.protected_hardlinks), root makes them in their place."""
    if program(script).returncode != 0:
        subprocess.run(["sh", "-ec", script], check=True)


def pixels(count, hour, visitor="ann"):
    return "".join(f"1\tpixel\t{hour + i}\t{visitor}\t1\n" for i in range(count))


class Site:
    """The folders as a package made them, the log's for the whole group to write."""

    def __init__(self, root, name):
        self.root = root / name
        self.log, self.own = self.root / "log", self.root / "own"
        for folder, mode in ((self.root, 0o755), (self.log, 0o2770), (self.own, 0o755)):
            folder.mkdir()
            os.chown(folder, SERVER, SERVER)
            folder.chmod(mode)
        self.put(self.log / f"l.{OLD}", pixels(10, OLD))
        self.put(self.log / f"l.{HOUR - 40 * 3600}", pixels(10, HOUR - 40 * 3600))
        self.secret = self.put(self.own / "secret", "1\tpixel\t1\tpassword-of-the-server\t1\n" * 3, 0o600)
        self.store = self.own / "store.db"

    @staticmethod
    def put(path, text, mode=0o640):
        path.write_text(text)
        os.chown(path, SERVER, SERVER)
        path.chmod(mode)
        return path

    def arguments(self, *more):
        return [BUILD / "manhattan-server", "--config", "/dev/null", "--path", self.log / "l",
                "--url", f"sqlite:///{self.store}", *more]

    def once(self, *more):
        return as_user(SERVER, *self.arguments("--once", "--compress", "yes", *more))

    def counted(self):
        with sqlite3.connect(f"file:{self.store}?mode=ro", uri=True) as store:
            row = store.execute("SELECT count FROM tally WHERE name = 'record_pixel'").fetchone()
        return row[0] if row else 0

    def readable(self):
        """All that the program can read in the log's folder, compressed files in plain."""
        return program(f"cd {self.log}; for f in *; do timeout 5 cat $f || :; timeout 5 zstdcat -q $f || :; done").stdout


def planted_hours(root):
    for what, link in (("a link", "ln -s"), ("a hard link", "ln")):
        site = Site(root, what.replace(" ", "-"))
        plant(f"{link} {site.secret} {site.log}/l.{OLD + 3600}")
        served = site.once()
        verdict(f"{what} to the server's secret is no hour of the log, and is said",
                served.returncode == 0 and site.counted() == 20 and f"l.{OLD + 3600}" in served.stderr,
                (served.stderr, site.store.exists() and site.counted()))
        verdict(f"and the program can read it nowhere: {what}", "password" not in site.readable() and
                "password" in site.secret.read_text(), site.readable())


def drafts(root):
    site = Site(root, "drafts")
    program(f"cd {site.log}; : > l.{OLD}.zst.part; : > l.{OLD + 7200}.zst.part; ln -s {site.secret} l.{OLD - 3600}.zst")
    site.put(site.log / f"l.{OLD - 3600}", pixels(5, OLD))
    served = site.once()
    packed = site.log / f"l.{OLD}.zst"
    verdict("a draft that another laid out is made anew, ours and not for all to read",
            packed.exists() and packed.stat().st_uid == SERVER and packed.stat().st_mode & 0o7777 == 0o640,
            (served.stderr, packed.exists() and oct(packed.stat().st_mode)))
    verdict("no link is replaced, nor what it leads to", "password" in site.secret.read_text() and
            site.secret.stat().st_mode & 0o777 == 0o600 and (site.log / f"l.{OLD - 3600}").exists(), served.stderr)


def believed(root):
    site = Site(root, "believed")
    program(f"printf 'forgotten until 4000000000000000000\\nann\\n' > {site.log}/l.forgotten")
    served = site.once()
    verdict("a list of forgotten visitors is not believed from another", served.returncode != 0 and
            "l.forgotten" in served.stderr and "belongs to user" in served.stderr, served.stderr)
    site = Site(root, "locked")
    program(f"head -c 8192 /dev/zero > {site.log}/l.lock")
    served = site.once()
    verdict("nor a journal", served.returncode != 0 and "l.lock" in served.stderr and
            "belongs to user" in served.stderr, served.stderr)
    site = Site(root, "message")
    program(f"ln -s {site.secret} {site.log}/messages")
    served = site.once("--log", site.log / "messages")
    verdict("the server's messages go into nothing that a link leads to", served.returncode != 0 and
            "messages" in served.stderr and len(site.secret.read_text().splitlines()) == 3, served.stderr)


def drained(root):
    for what, command in (("a link to the store", "ln -s {store} {hour}"), ("a hard link to the store", "ln {store} {hour}"),
                        ("the program's own file", ": > {hour}"), ("a fifo", "mkfifo {hour}")):
        site = Site(root, "drain-" + what.replace(" ", "-").replace("'", ""))
        site.once()
        before = site.store.stat().st_ino
        plant("; ".join(command.format(store=site.store, hour=f"{site.log}/l.{hour}") for hour in NOW_HOURS))
        server = subprocess.Popen(["setpriv", f"--reuid={SERVER}", f"--regid={SERVER}", "--clear-groups", *map(str, site.arguments(
            "--ring", site.own / "ring", "--ring-mib", "1", "--bind", f"ipc://{site.own}/ask"))],
            stderr=subprocess.PIPE, text=True)
        try:
            end = time.monotonic() + PATIENCE_S
            recorded = None
            while time.monotonic() < end and server.poll() is None:
                recorded = as_user(PROGRAM, BUILD / "manhattan-event", "--config", "/dev/null", "--ring", site.own / "ring",
                                   "--path", site.log / "l", "--visitor", "bob", "pixel", groups=(SERVER,))
                if recorded.returncode == 0:
                    break
            while time.monotonic() < end and server.poll() is None and site.counted() < 21:
                os.sched_yield()
        finally:
            server.send_signal(signal.SIGTERM)
            said = server.communicate(timeout=PATIENCE_S)[1]
        foreign = "".join(path.read_text() for hour in NOW_HOURS
                          if (path := site.log / f"l.{hour}").is_file() and path.stat().st_uid == PROGRAM)
        verdict(f"the drain writes past {what}, and all is counted", site.counted() == 21 and not foreign and
                site.store.stat().st_ino == before and server.returncode == 0, (said, recorded))
        with sqlite3.connect(site.store) as store:
            whole = store.execute("PRAGMA integrity_check").fetchall()
        verdict(f"and the store is whole: {what}", whole == [("ok",)], whole)


def spilled(root):
    site = Site(root, "spill")
    done = as_user(PROGRAM, BUILD / "manhattan-event", "--config", "/dev/null", "--ring", site.own / "no-ring",
                   "--path", site.log / "l", "--visitor", "bob", "pixel", groups=(SERVER,))
    served = site.once()
    verdict("a spill file that the program made is taken in", done.returncode == 0 and site.counted() == 21,
            (done.stderr, served.stderr))
    for link in ("ln -s", "ln"):
        plant(f"rm -f {site.log}/l.spill; {link} {site.secret} {site.log}/l.spill")
        done = as_user(SERVER, BUILD / "manhattan-event", "--config", "/dev/null", "--ring", site.own / "no-ring",
                       "--path", site.log / "l", "--visitor", "bob", "pixel")
        served = site.once()
        verdict(f"nothing is spilled into the secret, nor taken in from it ({link})", done.returncode != 0 and
                len(site.secret.read_text().splitlines()) == 3 and site.counted() == 21 and "l.spill" in served.stderr,
                (done.stderr, served.stderr, site.secret.read_text()))


def administrators(root):
    site = Site(root, "administrators")
    (site.root / "linked").symlink_to(site.log)
    site.own.chmod(0o755)
    (site.own / "db").symlink_to(site.own / "real.db")
    served = as_user(SERVER, BUILD / "manhattan-server", "--config", "/dev/null", "--once", "--path", site.root / "linked/l",
                     "--url", f"sqlite:///{site.own}/db")
    verdict("a link to the log's folder, and one to the store in a folder of the server's own, are followed",
            served.returncode == 0 and (site.own / "real.db").exists(), served.stderr)
    program(f"ln -s {site.own}/real.db {site.log}/db")
    served = as_user(SERVER, BUILD / "manhattan-server", "--config", "/dev/null", "--once", "--path", site.log / "l",
                     "--url", f"sqlite:///{site.log}/db")
    verdict("one to the store in a folder that others write is not", served.returncode != 0 and "it is a link" in served.stderr,
            served.stderr)


def main():
    if os.geteuid() != 0:
        print("ok - needs root for two users # skip")
        return
    root = pathlib.Path(tempfile.mkdtemp(prefix="manhattan-opening-"))
    root.chmod(0o755)
    try:
        for test in (planted_hours, drafts, believed, drained, spilled, administrators):
            test(root)
    finally:
        shutil.rmtree(root)


main()
