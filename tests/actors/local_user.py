#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A user of the machine who is in no group of Manhattan's: reaches nothing but answers to questions.

Usage: tests/actors/local_user.py BUILD_DIR
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import stage as stages  # noqa: E402
from stage import check  # noqa: E402

# Says what it could do of what its arguments ask; in a process of the other user's own.
TRY = """
import os, socket, sys
for word in sys.argv[1:]:
    what, _, path = word.partition("=")
    try:
        if what == "read": open(path, "rb").read(1)
        if what == "write": os.close(os.open(path, os.O_WRONLY))
        if what == "make": open(os.path.join(path, "planted"), "x")
        if what == "list": os.listdir(path)
        if what == "remove": os.rename(path, path + "x")
        if what == "connect": socket.socket(socket.AF_UNIX).connect(path)
        if what == "kill": os.kill(int(path), 0)
        if what == "trace": open(f"/proc/{path}/mem", "rb").close()
        if what == "environ": open(f"/proc/{path}/environ", "rb").close()
        print(word)
    except PermissionError:
        pass
"""


def user(stage):
    stage.program("shop", "#!/bin/sh\necho Content-Type: text/html; echo; echo '<html><body>x</body></html>'\n")
    stage.start_server()
    stage.start_wrapper()
    stage.event("--visitor", "ann", "goal", "Order Placed")
    stage.event("--visitor", "ann", "pixel")
    stage.event("--ring", stage.run_folder / "absent", "--visitor", "bob", "pixel")
    check("records are there to be read", stages.becomes_true(
        lambda: stage.count("Order Placed") == 1 and len(stage.records()) >= 3), stage.said("server"))
    hour = next(path for path in stage.log_folder.glob("log.*") if path.name[4:].isdigit())
    store = stage.store_folder / "manhattan.db"
    check("the store and its lock are there", store.exists() and pathlib.Path(f"{store}-lock").exists())
    tries = [f"{what}={path}" for what, paths in {
        "read": [stage.ring, hour, store, stage.secret, stage.credential, f"{store}-wal", f"{stage.prefix}.lock"],
        "write": [stage.ring, hour, store, stage.config, f"{store}-lock"],
        "make": [stage.run_folder, stage.log_folder, stage.spill_prefix.parent, stage.store_folder, stage.config.parent],
        "list": [stage.log_folder, stage.spill_prefix.parent, stage.store_folder],
        "remove": [stage.ring, hour, store, stage.socket, stage.config],
        "connect": [stage.socket],
        "kill": [stage.running["server"].pid, stage.running["wrapper"].pid],
        "trace": [stage.running["server"].pid, stage.running["wrapper"].pid],
        "environ": [stage.running["server"].pid, stage.running["wrapper"].pid]}.items() for path in paths]
    done = stage.run(stage.stranger, "/usr/bin/python3", "-c", TRY, *tries)
    check("a user outside of the group reads, writes, makes, removes, connects, kills and traces nothing",
          done.returncode == 0 and done.stdout == "", done.stdout, done.stderr)
    harmless = [each for each in tries if each.split("=")[0] in ("read", "write", "list", "environ")]
    mine = stage.run(stage.manhattan, "/usr/bin/python3", "-c", TRY, *harmless)
    check("of which the server's own user can do most that harms nobody", mine.returncode == 0 and
          2 * len(mine.stdout.splitlines()) > len(harmless), mine.stdout, mine.stderr)
    known = stage.secret.read_bytes().strip()
    lines = [pathlib.Path(f"/proc/{stage.running[name].pid}/{file}").read_bytes()
             for name in ("server", "wrapper") for file in ("cmdline", "environ")]
    check("no secret is on a command line or in an environment", not any(known in line for line in lines))
    refused = stage.event("--visitor", "ann", "goal", "Order Placed", user=stage.stranger)
    check("it records nothing, and is told which group may", refused.returncode == 1 and
          "permission denied" in refused.stderr and "join group" in refused.stderr, refused)
    check("nor watches the ring", stage.run(stage.stranger, *stage.command("log")).returncode == 1)
    check("what it may do: ask", stage.count("Order Placed") == 1)
    everything = "".join(stage.ask(*question) or "" for question in
                         (("status",), ("goals",), ("tests",), ("report",), ("series", "Order Placed")))
    check("and no answer names a visitor", "ann" not in everything.split() and "192.0.2" not in everything, everything)


stages.play(user)
