#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Who may write the ring and the spill log: claims records of anybody, and can do no more than that.

Usage: tests/actors/ring_writer.py BUILD_DIR
"""
import os
import pathlib
import random
import re
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import stage as stages  # noqa: E402
from stage import check, spilled  # noqa: E402

CELLS_AT = 4096 + 64 * 256  # manhattan-ring(5)
# Lines whose checksum holds and whose record does not, and some with what a terminal would obey.
NO_RECORDS = [b"\n", b"1\n", b"1\tpage\n", b"2\tpixel\t1\tann\t0\n", b"1\tnothing\t1.0\tann\t0\n", b"\xff\xfe\n", b"1\tpixel\t-5\tann\t0\n",
              b"1\tpixel\t99999999999999999999\tann\t0\n", b"1\tpixel\tNaN\tann\t0\n", b"1\tgoal\t1.0\tann\t0\tg\tinf\t\t\n",
              b"1\tpixel\t1.0\tann\t99999999999\n", b"1\tpixel\t1.0\t\t0\n", b"1\tgoal\t1.0\tann\t0\t\\x\t\t\t\n",
              b"1\tpixel\t1.0\tann\t0\textra\textra\textra\textra\textra\textra\textra\n", b"1\tpixel\t1.0\tann\x1b[2J\t0\n",
              b"1\tpixel\t1.0\tann\0\t0\n", b"1\tpixel\t1.0\tann\t0\r\n", b"\t" * 1000 + b"\n", b"a" * 200_000 + b"\n"]



def is_recording(stage, number):
    """A record goes its way from a writer to the store."""
    kept = [stage.event("--visitor", f"honest{number}", *words).returncode
            for words in (("pixel",), ("goal", f"Honest {number}"))]
    return kept == [0, 0] and stages.becomes_true(lambda: stage.count(f"Honest {number}") == 1)


def claims(stage):
    stage.event("--visitor", "victim", "pixel")
    stage.event("--visitor", "victim", "goal", "Order Placed", "--value", "1000000")
    check("what who writes the ring may do: record goals and values of any visitor",
          stages.becomes_true(lambda: stage.count("Order Placed") == 1))


def breaks_the_codec(stage):
    spill = pathlib.Path(f"{stage.spill_prefix}.spill")
    good = next("\t".join(fields) for fields in stage.records() if fields[1] == "pixel").encode() + b"\n"
    before = stage.tallies()
    text = b"".join(spilled(line, time.time_ns()) for line in [*NO_RECORDS, good.replace(b"\tvictim\t", b"\tdave\t")])
    text += b"\n0123 not a record\n" + os.urandom(5000)
    draft = stage.root / "draft"
    draft.write_bytes(text)
    draft.chmod(0o644)
    # In one step, as writers hold a lock that has the server wait for what follows.
    done = stage.run(stage.wrapper, "sh", "-c", 'cat "$1" >"$2.draft" && mv "$2.draft" "$2"', "sh", draft, spill, umask=0o007)
    check("it may write the spill log", done.returncode == 0, done.stderr)
    check("lines are taken in whose checksum holds, if they are one line each", stages.becomes_true(
        lambda: any("dave" in fields for fields in stage.records())), stage.said("server"))

    def skipped():
        return {name: value - before.get(name, 0) for name, value in stage.tallies().items()
                if value > before.get(name, 0) and ("skipped" in name or "torn" in name or "corrupt" in name)}

    check("what is no record is skipped and counted", stages.becomes_true(
        lambda: sum(skipped().values()) >= len(NO_RECORDS) - 6), skipped(), stage.tallies(), stage.said("server")[-2000:])
    raw = "".join(stage.ask(*question) or "" for question in (("status",), ("goals",)))
    check("and no answer has what a terminal would obey", all(ch >= " " or ch in "\t\n" for ch in raw), raw)
    check("counting goes on", is_recording(stage, 1))


def spoils(stage):
    dice = random.Random(int(os.environ.get("SEED", "1")))
    size = stage.ring.stat().st_size
    pid = stage.running["server"].pid
    os.kill(pid, signal.SIGSTOP)  # so that records lie in the ring when they are spoilt
    for i in range(50):
        stage.event("--visitor", "v" * (i + 1), "goal", f"Spoilt {i}")
    with open(stage.ring, "r+b") as ring:
        found = re.search(rb"Spoilt \d", ring.read())
        check("records of others lie in the ring to be spoilt", found)
        ring.seek(found.start())
        ring.write(b"Spoilt X")
    os.kill(pid, signal.SIGCONT)
    check("one that was changed is not counted, but tallied", stages.becomes_true(
        lambda: stage.tallies().get("drain_corrupt", 0) >= 1), stage.tallies())
    check("and others are as they were", stages.becomes_true(lambda: stage.tallies().get("record_goal", 0) >= 51))
    for _ in range(20):
        with open(stage.ring, "r+b") as ring:
            for _ in range(200):
                ring.seek(dice.randrange(CELLS_AT, size - 64))
                ring.write(dice.randbytes(dice.randrange(1, 64)))
    check("noise all over the cells stops no counting", is_recording(stage, 2), stage.tallies(), stage.said("server")[-2000:])
    with open(stage.ring, "r+b") as ring:
        for _ in range(200):
            ring.seek(dice.randrange(64, CELLS_AT))
            ring.write(dice.randbytes(8))
    check("nor does noise in the control lines", is_recording(stage, 3), stage.tallies(), stage.said("server")[-2000:])
    with open(stage.ring, "r+b") as ring:
        ring.write(bytes(64))
    check("nor does an identity that is wiped out", is_recording(stage, 4), stage.tallies(), stage.said("server")[-2000:])
    os.truncate(stage.ring, 100)
    # What is written at that very moment is lost with the ring, which the server says.
    stage.event("--visitor", "unlucky", "pixel")
    check("a ring that is cut short is made anew", stages.becomes_true(
        lambda: stage.ring.exists() and stage.ring.stat().st_size > 100 and stage.tallies().get("ring_lost", 0) >= 1))
    check("and counting goes on", is_recording(stage, 5), stage.tallies(), stage.said("server")[-2000:])
    check("the server has been one process", stage.is_running("server") and stage.running["server"].pid == pid,
          stage.said("server")[-2000:])


def writer(stage):
    stage.start_server()
    for act in (claims, breaks_the_codec, spoils):
        act(stage)
    check("and ends by itself", stage.stop("server") == 0, stage.said("server")[-2000:])


stages.play(writer)
