#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""manhattan-log(5) says all that a reader needs: log_reader.py, written from that page alone, and
manhattan-replay read the same logs and agree on each record, and on why each other line is none.

Usage: tests/e2e/log_page.py BUILD_DIR. SEED= repeats a run's random lines.
"""
import gzip
import json
import os
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal

import log_reader
from log_lines import BAD, GOOD, random_line

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(sys.argv[1]).resolve()
PATIENCE_S = int(os.environ.get("PATIENCE_S", "60"))  # see scripts/check
SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(10**9)))
failures = 0


def equal(sentence, got, due):
    global failures
    failures += got != due
    print(f"{'ok' if got == due else 'not ok'} - {sentence}", flush=True)
    if got != due:
        unlike = [pair for pair in zip(got, due) if pair[0] != pair[1]] if len(due) > 3 else (got, due)
        print(f"#   {len(got)} and {len(due)}: {str(unlike[:3])[:2000]}", file=sys.stderr)


def run(program, *arguments, exits=(0,), **environment):
    done = subprocess.run([BUILD / f"manhattan-{program}", *arguments], capture_output=True,
                          timeout=PATIENCE_S, check=False, env={**os.environ, **environment})
    if done.returncode not in exits:
        raise RuntimeError(f"manhattan-{program} {arguments}: {done.returncode}, {done.stderr}")
    return done.stdout.decode()


def json_of(record):
    """A record of log_reader.py as manhattan-replay(1) prints it."""
    ten_thousandths = int(record["time"].scaleb(4).to_integral_value(ROUND_FLOOR))
    seconds, places = divmod(ten_thousandths, 10000)
    at = datetime(1970, 1, 1) + timedelta(seconds=seconds)
    return {**record, "time": f"{at:%Y-%m-%dT%H:%M:%S}.{places:04}Z"}


def read_by_page(prefix):
    """(records, lines that are none, how many are forgotten) as the independent reader says."""
    records, damaged, forgotten = [], [], 0
    for path, offset, length, what in log_reader.records(prefix):
        plain = str(path).removesuffix(".gz").removesuffix(".zst")
        if isinstance(what, dict):
            records.append(json_of(what))
        elif what == "forgotten":
            forgotten += 1
        else:
            damaged.append((plain, what, offset, length))
    return records, damaged, forgotten


def printed(prefix, exits=(0,)):
    lines = run("replay", prefix, "--format", "json", "--config", "/dev/null", exits=exits)
    return [json.loads(line, parse_float=Decimal) for line in lines.split("\n") if line]


def read_by_us(prefix):
    """The same as manhattan-replay says."""
    damaged, forgotten = [], 0
    for line in run("replay", prefix, "--check", "--config", "/dev/null", exits=(0, 3)).splitlines():
        path, verdict, offset, length, detail = line.split("\t")
        if verdict in ("damaged", "torn"):
            damaged.append((path, detail if verdict == "damaged" else verdict, int(offset), int(length)))
        forgotten += int((re.search(r"(\d+) forgotten", detail) or [0, 0])[1])
    return printed(prefix), damaged, forgotten


def agree(prefix, sentence):
    """All three parts are alike; returns them."""
    ours, theirs = read_by_us(prefix), read_by_page(prefix)
    for part, got, due in zip(("each record", "each line that is none, and why"), ours, theirs):
        equal(f"{sentence}: {part}", got, due)
    equal(f"{sentence}: how many are forgotten", ours[2:], theirs[2:])
    return theirs


def blocks(section):
    """The literal blocks of a section of the page, as it is shown."""
    text = (ROOT / "man/manhattan-log.5").read_text().split(f"\n.Sh {section}\n")[1].split("\n.Sh ")[0]
    for block in re.findall(r"\n\.Bd -literal\n(.*?)\n\.Ed", text, re.DOTALL):
        for roff, plain in (("\\('e", "é"), ("\\[u2603]", "☃"), ("\\e", "\\")):
            block = block.replace(roff, plain)
        yield block + "\n"


def check_examples(folder):
    log, as_json, bad = blocks("EXAMPLE")
    (folder / "log.0").write_text(log)
    due = [json.loads(line, parse_float=Decimal) for line in as_json.splitlines()]
    equal("the page's example is decoded to the JSON that it shows", read_by_page(folder / "log")[0], due)
    reasons, lines = zip(*(line.split(" ", 1) for line in bad.splitlines()))
    said = [what for _, _, what in log_reader.lines("".join(f"{line}\n" for line in lines).encode())]
    equal("its lines that are none have the reasons it says", said, list(reasons))
    forgotten = [line.replace("VISITOR", "###") for line in blocks("LAYOUT") if "\t0\tVISITOR\t0" in line]
    equal("its forgotten line is one", [what for _, _, what in log_reader.lines("".join(forgotten).encode())],
          ["forgotten"])


def check_lines(folder):
    (folder / "log.0").write_bytes(b"".join(line + b"\n" for line in GOOD))
    (folder / "log.3600").write_bytes(b"".join(line + b"\n" for line in [*BAD, GOOD[0]]) + b"1\tpixel\t1\ttorn\t1")
    records, damaged, forgotten = agree(folder / "log", "lines with all that the page names")
    equal("all that should be records are", len(records), len(GOOD) + 1)
    page = (ROOT / "man/manhattan-log.5").read_text().split("\n.Sh VALIDITY\n")[1].split("\n.Sh ")[0]
    named = set(re.findall(r"^\.It Li (\w+)$", page, re.MULTILINE)) | {"torn"}
    seen = {reason for _, reason, _, _ in damaged} | ({"forgotten"} if forgotten else set())
    equal("every reason of the page is met", seen, named)


def check_random(folder):
    print(f"# SEED={SEED}")
    source = random.Random(SEED)
    (folder / "log.0").write_bytes(b"\n".join(random_line(source) for _ in range(3000)) + b"\n")
    agree(folder / "log", "random lines")


def check_names(folder):
    """Which files are read, and in which order."""
    def line(visitor):
        return f"1\tpixel\t1\t{visitor}\t1\n".encode()
    (folder / "log.36000").write_bytes(line("third"))
    (folder / "log.7200.gz").write_bytes(gzip.compress(line("second")) + gzip.compress(line("member")))
    (folder / "log.0").write_bytes(line("first"))
    (folder / "log.43200").write_bytes(line("plain"))
    (folder / "log.43200.gz").write_bytes(b"is not read")
    (folder / "log.46800.gz").write_bytes(gzip.compress(line("gz")))
    (folder / "log.46800.zst").write_bytes(b"is not read")
    (folder / "frames").write_bytes(line("zst"))
    packed = subprocess.run(["zstd", "-qc", folder / "frames"], stdout=subprocess.PIPE, check=True).stdout
    (folder / "log.50400.zst").write_bytes(packed + packed)
    for name in ("log", "log.spill", "log.spill.7", "log.lock", "log.forgotten", "log.3600.part", "log.x1",
                 "log.1e4", "log.", "logs.3600", "dialog.3600", "log.3600.bz2", "log.1", "log.-3600",
                 "log.+3600", "log.03600", "log.00", "log.9000003600", "log.3601", "log.10800.gz"):
        (folder / name).write_bytes(line("nobody"))
    (folder / "log.54000").write_bytes(b"somebody else's\n" * 3)
    (folder / "log.57600").symlink_to("log.36000")
    (folder / "log.61200").mkdir()
    (folder / "log.64800.gz").write_bytes(gzip.compress(b"somebody else's\n"))
    records, _, _ = agree(folder / "log", "files of every name")
    equal("the page's files are read, in their order", [record["visitor"] for record in records],
          ["first", "second", "member", "third", "plain", "gz", "zst", "zst"])


def check_cut_archive(folder):
    content = b"".join(f"1\tpixel\t{i}.5\t{i * 2654435761 % 2**32:08x}\t1\n".encode() for i in range(20000))
    packed = gzip.compress(content)
    (folder / "log.0.gz").write_bytes(packed[:len(packed) // 2])
    ours = printed(folder / "log", exits=(0, 3))
    equal("of a compressed file that is cut short both read the same beginning",
          ours, read_by_page(folder / "log")[0][:len(ours)])
    equal("which is more than a quarter of it", [len(ours) > 5000], [True])


def check_unsettled(folder):
    """PREFIX.lock as the page has it: a batch that is begun may be taken back."""
    for hour in (0, 3600, 7200):
        (folder / f"log.{hour}").write_text("".join(f"1\tpixel\t{hour}\tv{i}\t1\n" for i in range(5)))
    begins = len("1\tpixel\t3600\tv0\t1\n") * 2
    for done, begun, due in ((6, 6, 15), (7, 8, 7), (8, 9, 7)):
        lock = bytearray(8192)
        struct.pack_into("=8sQQ", lock, 0, b"MTHJRNL1", done, begun)
        struct.pack_into("=qQ", lock, 1720 if begun % 2 else 856, 3600, begins)
        (folder / "log.lock").write_bytes(lock)
        theirs = read_by_page(folder / "log")[0]
        equal(f"with {done} batches done and {begun} begun, {due} records are settled", len(theirs), due)
        equal(f"and after batch {begun} we print these", printed(folder / "log"), theirs)
    with open(folder / "log.3600", "ab") as log:
        log.write(b"1\tpixel")
    checked = run("replay", folder / "log", "--check", "--config", "/dev/null").splitlines()
    equal("the end that is cut in it is the server's to settle, and no damage",
          [line.split("\t")[1:4] for line in checked if "unsettled" in line],
          [["unsettled", str(5 * len("1\tpixel\t3600\tv0\t1\n")), "7"]])


def cut(name):
    """A name as the page says that it is written."""
    text = name.encode()
    number = 0xCBF29CE484222325
    for byte in text:
        number = (number ^ byte) * 0x100000001B3 % 2**64
    return name if len(text) <= 1000 else text[:983].decode(errors="ignore") + f"~{number:016x}"


def written_records(folder):
    """What programs record through a ring, and a server writes: returns what must be in the log."""
    log, ring = ["--path", folder / "log"], ["--ring", folder / "ring"]
    serve = [*log, *ring, "--url", f"sqlite:///{folder}/store.db", "--once", "--config", "/dev/null"]
    run("server", *serve, "--ring-mib", "1")
    names = ["plain", "tab\tnew\nline\rback\\slash", "blank ", "naïve 🎯 目標", "\x01\x7f\x85'\"", "🎯" * 300, "é" * 500]
    due = []
    for visitor in ("ann", names[3], "long" * 400):
        event = [*log, *ring, "--visitor", visitor, "--config", "/dev/null"]
        head = {"visitor": cut(visitor), "site": 0}
        run("event", *event, "page", REMOTE_ADDR="::1", REQUEST_METHOD="GET", HTTP_HOST="x", REQUEST_SCHEME="https",
            REQUEST_URI="/ü?🎯", HTTP_USER_AGENT="a" * 2000, HTTP_REFERER="")
        due.append({"kind": "page", **head, "ip": "::1", "method": "GET", "url": "https://x/ü?🎯",
                    "user_agent": "a" * 1000})
        run("event", *event, "pixel")
        due.append({"kind": "pixel", **head})
        for name, value, letter, shown in zip(names, ("1", "-2.5", "1e3", "0", "0.0000000015"), "RASIS", "NCPNC"):
            run("event", *event, "goal", name, "--value", value, "--type", letter, "--format", shown)
            value = {"0.0000000015": "0.000000002"}.get(value, value)
            due.append({"kind": "goal", **head, "name": name, "value": Decimal(value), "type": letter, "format": shown})
        for name in names:
            run("event", *event, "split", name, f"{name[::-1]}")
            due.append({"kind": "split", **head, "name": cut(name), "population": cut(name[::-1])})
    run("server", *serve)
    return due


def check_written(folder):
    due = written_records(folder)
    records, damaged, _ = agree(folder / "log", "what our programs wrote")
    equal("it is what was recorded", [{k: v for k, v in record.items() if k != "time"} for record in records], due)
    equal("and no line of it is damaged", damaged, [])


def check_forgotten(folder):
    """An hour that the server compressed, and a visitor who is then forgotten in it."""
    lines = [f"1\tgoal\t{i}.0000\t{'ann' if i % 3 else 'bob'}\t1\tpie\n" for i in range(300)]
    (folder / "log.0").write_text("".join(lines) + "1\tpage\t9\tann\t1\n1\tpage\tx\tann\t1\n1\tpage\t9\ta\t1\n")
    size = (folder / "log.0").stat().st_size
    (folder / "log.3600").write_text("1\tpixel\t3600\tann\t1\n")
    run("server", "--path", folder / "log", "--url", f"sqlite:///{folder}/store.db", "--once", "--compress", "yes",
        "--config", "/dev/null")
    equal("the server has compressed the hour", log_reader.segments(folder / "log")[0][1].name, "log.0.zst")
    equal("the compressed hour says how large it was", log_reader.said_size(folder / "log.0.zst"), size)
    agree(folder / "log", "an hour that the server compressed")
    run("replay", folder / "log", "--forget", "ann", "--config", "/dev/null")
    records, _, forgotten = agree(folder / "log", "a log of which a visitor was forgotten")
    equal("nothing is left of who was forgotten", (len(records), forgotten), (101, 203))
    equal("and the hour is as large as before", log_reader.said_size(folder / "log.0.zst"), size)


def main():
    for check in (check_examples, check_lines, check_random, check_names, check_cut_archive, check_unsettled,
                  check_written, check_forgotten):
        with tempfile.TemporaryDirectory() as folder:
            check(pathlib.Path(folder))
    for case in sorted((ROOT / "tests/data/cases").iterdir()):
        agree(case / "log", f"the original's log {case.name}")
    return failures > 0


if __name__ == "__main__":
    sys.exit(main())
