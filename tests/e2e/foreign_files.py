#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What lies beside a log under a name like an hour's, and is another program's, is never deleted,
compressed, edited, appended to or counted; and it is said once.

Usage: tests/e2e/foreign_files.py BUILD_DIR
"""
import gzip
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time

BUILD = pathlib.Path(sys.argv[1]).resolve()
PATIENCE_S = int(os.environ.get("PATIENCE_S", "60"))  # see scripts/check
NOW_HOUR = int(time.time()) // 3600 * 3600
ACCESS = '203.0.113.1 - - [28/Nov/2026:10:00:00 +0000] "GET /{} HTTP/1.1" 200 512 "-" "Mozilla/5.0"\n'
ZSTD = ["zstd", "-q", "-c"]


def verdict(sentence, is_true, detail=""):
    print(f"{'ok' if is_true else 'not ok'} - {sentence}", flush=True)
    if not is_true:
        print(f"# {detail}"[:3000], file=sys.stderr, flush=True)


def run(program, *arguments, **more):
    return subprocess.run([BUILD / f"manhattan-{program}", "--config", "/dev/null", *map(str, arguments)],
                          capture_output=True, text=True, timeout=PATIENCE_S, check=False, **more)


def pixels(count, hour, visitor="ann"):
    return "".join(f"1\tpixel\t{hour + i}\t{visitor}\t1\n" for i in range(count))


def zstd(data):
    return subprocess.run(ZSTD, input=data, capture_output=True, check=True).stdout


def old(path):
    os.utime(path, (NOW_HOUR - 90 * 86400,) * 2)


def state(folder):
    """What is there: kind, content and mode of everything, by name."""
    files = {}
    for path in folder.iterdir():
        mode = path.lstat().st_mode
        content = (os.readlink(path) if stat.S_ISLNK(mode) else
                   path.read_bytes() if stat.S_ISREG(mode) else "")
        files[path.name] = (stat.S_IFMT(mode), content)
    return files


def counted(store, name="record_pixel"):
    with sqlite3.connect(store) as connection:
        row = connection.execute("SELECT count FROM tally WHERE name = ?", (name,)).fetchone()
    return row[0] if row else 0


def serve(folder, prefix, *more):
    return run("server", "--once", "--path", folder / prefix, "--url", f"sqlite:///{folder.parent}/store.db",
               "--compress", "yes", "--keep-days", "30", *more)


def logrotate(root):
    """The smallest case: an access log, its rotated files, and a server on it by mistake."""
    folder = root / "rotated"
    folder.mkdir()
    for name in ("access.log", "access.log.1", "access.log.2", "access.log.3"):
        (folder / name).write_text(ACCESS.format(name) * 100)
        old(folder / name)
    for name in ("access.log.4.gz", "access.log.20261129.gz"):
        (folder / name).write_bytes(gzip.compress(ACCESS.format(name).encode() * 100))
    for name in ("access.log.20261129", "access.log-20261129", "access.log.-3600", "access.log.+3600",
                 "access.log.007200", "access.log.1700000000.bak", "access.log.1699999200.tmp",
                 "access.log." + "9" * 30, "access.log.36000000000000", "access.log.1700000001"):
        (folder / name).write_text(pixels(3, 0))  # even with records in them: no hour has that name
    before = state(folder)
    done = serve(folder, "access.log", "--keep-mib", "1")
    after = state(folder)
    after.pop("access.log.lock", None)
    verdict("logrotate's files beside a log are as before", after == before,
            set(before.items()) ^ set(after.items()))
    verdict("and it is said once", done.returncode == 0 and
            len(re.findall("left alone", done.stderr)) == 1 and "access.log" in done.stderr, done.stderr)
    verdict("and nothing is counted", counted(root / "store.db") == 0 and
            "skipped" not in done.stderr, done.stderr)
    (root / "store.db").unlink()


FOREIGN = {
    "other text": ACCESS.format("x").encode() * 300,
    "one line": b"hello\n",
    "a line without its end": b"hello",
    "binary": bytes(range(256)) * 300,
    "JSON": b'{"time": 1, "kind": "pixel"}\n' * 50,
    "tab-separated": b"1\tarticle\t12.5\tann\t1\n2\tarticle\t1\tbob\t1\n" * 50,
    "comments": b"####\n#\n# Version 1.0\n",
    "mostly other text": ACCESS.format("x").encode() * 10 + pixels(1, 0).encode() + ACCESS.format("y").encode() * 10,
}


def foreign_hours(root):
    """Names that are hours, in the past, with the content of others."""
    folder = root / "hours"
    folder.mkdir()
    hour = NOW_HOUR - 60 * 86400
    ours = folder / f"l.{hour}"
    ours.write_text(pixels(100, hour))
    places = {}

    def place(what, suffix=""):
        nonlocal hour
        hour += 3600
        places[what] = folder / f"l.{hour}{suffix}"
        return places[what]

    for what, content in FOREIGN.items():
        place(what).write_bytes(content)
        place(f"{what}, gzip", ".gz").write_bytes(gzip.compress(content))
        place(f"{what}, zstd", ".zst").write_bytes(zstd(content))
        place(f"{what} named .gz", ".gz").write_bytes(content)
        place(f"{what} named .zst", ".zst").write_bytes(content)
    place("an empty file").write_bytes(b"")
    place("an empty file named .gz", ".gz").write_bytes(b"")
    place("gzip of nothing", ".gz").write_bytes(gzip.compress(b""))
    place("a folder").mkdir()
    os.mkfifo(place("a fifo"))
    place("a dangling link").symlink_to("nowhere")
    elsewhere = root / "elsewhere"
    elsewhere.write_text(pixels(5, hour, "linked"))
    place("a link to records").symlink_to(elsewhere)
    place("a socket's draft", ".zst.part").write_bytes(b"half")
    place("a backup", ".bak").write_text(pixels(2, hour))
    beside = place("ours beside a foreign .gz")
    beside.write_text(pixels(7, hour))
    pathlib.Path(f"{beside}.gz").write_bytes(gzip.compress(b"somebody's\n"))
    if os.geteuid() != 0:
        place("unreadable").write_text("secret")
        places["unreadable"].chmod(0)
    future = folder / f"l.{NOW_HOUR + 3 * 365 * 86400}"
    future.write_text("from afar\n")
    newest = folder / f"l.{NOW_HOUR - 30 * 3600}"  # of a day ago: it proves that the clock is right
    newest.write_text(pixels(10, hour))
    before = state(folder)
    done = serve(folder, "l")
    after = state(folder)
    after.pop("l.lock")
    gone = set(before) - set(after)
    verdict("of all of them only our own old hour is deleted", done.returncode == 0 and gone == {ours.name} and
            {name: after.get(name) for name in before if name != ours.name} ==
            {name: content for name, content in before.items() if name != ours.name},
            (gone, [name for name in after if after[name] != before.get(name)], done.stderr))
    # 100 in our hour, 7 beside a foreign .gz, 10 in the newest; 1 in each that has a record among others.
    verdict("what is ours is counted, and nothing of others", counted(root / "store.db") == 120,
            (counted(root / "store.db"), done.stderr))
    again = serve(folder, "l")
    told = re.findall(r"'[^']*/(l\.\d+[^']*)' is left alone", again.stderr)
    verdict("each is told once, and no more than some of them", len(told) == len(set(told)) and 10 < len(told) <= 21,
            again.stderr)
    erased = run("replay", folder / "l", "--forget", "ann", "--forget", "linked", "--forget", "somebody")
    same = [name for name in before if name not in (ours.name, newest.name, beside.name)]
    after = state(folder)
    with_records = {places[what].name for what in places if what.startswith("mostly other text") and " named " not in what}
    edited = {name for name in same if after[name] != before[name]}
    verdict("forgetting edits no file of others", erased.returncode == 0 and edited <= with_records,
            (edited, erased.stderr))
    verdict("nor what a link leads to", "linked" in elsewhere.read_text())
    checked = run("replay", folder / "l", "--check")
    foreign = re.findall(r"^(\S+)\tforeign\t", checked.stdout, re.M)
    verdict("--check names them and takes none for damage of the log",
            checked.returncode == 3 and len(foreign) == 5 * len(FOREIGN) - 3 + 5 and
            not set(foreign) & {f"{folder}/{name}" for name in with_records},
            (len(foreign), checked.stdout))
    (root / "store.db").unlink()


def ring(root):
    """A drain appends to no file of others, and goes on."""
    for what, make in (("text", lambda path: path.write_text("somebody's\n")),
                       ("a folder", lambda path: path.mkdir()),
                       ("a fifo", os.mkfifo),
                       ("a link", lambda path: path.symlink_to("../elsewhere"))):
        folder = root / f"ring {what}"
        folder.mkdir()
        hour = int(time.time()) // 3600 * 3600
        for each in (hour, hour + 3600):  # should an hour begin meanwhile
            make(folder / f"l.{each}")
        before = state(folder)
        server = subprocess.Popen([BUILD / "manhattan-server", "--config", "/dev/null", "--path", folder / "l",
                                   "--ring", folder / "ring", "--ring-mib", "1", "--url", f"sqlite:///{folder}/db",
                                   "--bind", f"ipc://{folder}/ask"], stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + PATIENCE_S
        while not (folder / "ask").exists() and time.monotonic() < deadline and server.poll() is None:
            time.sleep(0.01)
        for _ in range(3):
            run("event", "--ring", folder / "ring", "--path", folder / "l", "--visitor", "ann", "pixel")
        server.send_signal(signal.SIGTERM)
        _, said = server.communicate(timeout=PATIENCE_S)
        after = state(folder)
        verdict(f"{what} in the place of the present hour is left as it is",
                server.returncode == 0 and all(after[name] == before[name] for name in before), said)
        verdict("and the records are in the log and counted", counted(folder / "db") == 3 and
                said.count("left alone") >= 1, (list(after), said))


def spill(root):
    """What is no file under the spill log's name, or the present hour's, takes no record."""
    for what, make in (("a fifo", os.mkfifo), ("a folder", lambda path: path.mkdir()),
                       ("a link", lambda path: path.symlink_to("../elsewhere"))):
        folder = root / f"spill {what}"
        folder.mkdir()
        hour = int(time.time()) // 3600 * 3600
        for name in ("l.spill", "l.spill.3", f"l.{hour}", f"l.{hour + 3600}"):
            make(folder / name)
        before = state(folder)
        spilled = run("event", "--ring", folder / "absent", "--path", folder / "l", "--visitor", "ann", "pixel")
        direct = run("event", "--ring", "none", "--path", folder / "l", "--visitor", "ann", "pixel")
        verdict(f"a record that {what} would swallow is not called kept",
                spilled.returncode == 1 and direct.returncode == 1, (spilled, direct))
        served = run("server", "--once", "--path", folder / "l", "--url", f"sqlite:///{folder}/db")
        after = state(folder)
        verdict(f"a server says {what}, leaves it and goes on", served.returncode == 0 and
                "l.spill' is no regular file" in served.stderr and
                all(after[name] == content for name, content in before.items()), served.stderr)


def main():
    root = pathlib.Path(tempfile.mkdtemp(prefix="manhattan-foreign-"))
    try:
        logrotate(root)
        foreign_hours(root)
        ring(root)
        spill(root)
    finally:
        shutil.rmtree(root)


main()
