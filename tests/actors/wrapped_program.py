#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A wrapped program that was taken over: it runs as the wrapper's user, who may record.

It can spoil what is recorded, reads no store and nothing that is root's, and has the server read or
write nothing in its place. Usage: tests/actors/wrapped_program.py BUILD_DIR
"""
import gzip
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import stage as stages  # noqa: E402
from stage import check  # noqa: E402

# Runs what the request's header names; so all it does is done by a program under the wrapper.
ACT = "#!/bin/sh\necho Content-Type: text/plain; echo; eval \"$HTTP_X_ACT\" 2>&1; echo \"=$?\"\n"
PASSWORD = "root:$6$a-password-of-somebody:19000:0:99999:7:::"


def act(stage, script):
    """What it says, and its exit code behind the last `=`."""
    answer = stage.fcgi({"REQUEST_METHOD": "POST", "SCRIPT_FILENAME": str(stage.cgi / "act"), "SCRIPT_NAME": "/act",
                         "HTTP_HOST": "x", "REMOTE_ADDR": "192.0.2.1", "HTTP_X_ACT": script})
    text = answer.decode(errors="replace").partition("\r\n\r\n")[2]
    said, _, code = text.rpartition("=")
    return int(code) if code.strip().isdigit() else -1, said


def cannot(stage, sentence, *scripts):
    done = [(script, *act(stage, script)) for script in scripts]
    failed = [each for each in done if each[1] == 0]
    check(sentence, not failed, failed)


def reaches_nothing(stage):
    code, who = act(stage, "id -u; id -G")
    check("it runs as the wrapper's user, in the group", code == 0 and who.split() == [
        str(stage.wrapper.uid), str(stage.wrapper.gid), str(stage.manhattan.gid)], who)
    store = stage.store_folder / "manhattan.db"
    server = stage.running["server"].pid
    cannot(stage, "it can't read the store", f"head -c1 {store}", f"head -c1 {store}-wal", f"ls {stage.store_folder}",
           f"head -c1 {store}-lock")
    cannot(stage, "nor write or remove it", f"echo x >>{store}", f"rm -f {store}", f"mv {stage.store_folder} x",
           f"touch {stage.store_folder}/x")
    cannot(stage, "nor read the secret's own file, nor change it or the options", f"head -c1 {stage.secret}",
           f"echo x >>{stage.secret}", f"echo x >>{stage.config}", f"rm {stage.config}", f"touch {stage.config.parent}/x")
    cannot(stage, "nor end, trace or look into the server", f"kill {server}", f"kill -STOP {server}", f"head -c1 /proc/{server}/mem",
           f"cat /proc/{server}/environ", f"ls /proc/{server}/fd")
    cannot(stage, "nor remove the ring, or the socket, or make another", f"rm -f {stage.ring}", f"mv {stage.ring} {stage.ring}x",
           f"rm -f {stage.socket}", f"touch {stage.run_folder}/x", f"ln -s /x {stage.run_folder}/y")
    cannot(stage, "nor write an hour of the log", *(f"echo x >>{path}" for path in stage.log_folder.glob("log.*")))
    code, said = act(stage, f"cat {stage.credential}; cat /proc/self/environ /proc/self/cmdline | tr '\\0' '\\n'")
    check("it can read the copy of the secret that its unit got, for it is the same user",
          stage.secret.read_text().strip() in said.partition("MANHATTAN_")[0])
    check("but no variable of it has it", stage.secret.read_text().strip() not in act(stage, "env")[1])


def plants(stage):
    """In every folder where it may make files, under every name that the log's files have."""
    victim = stage.root / "shadow"
    victim.write_text(PASSWORD + "\n")
    os.chown(victim, stage.manhattan.uid, stage.manhattan.gid)
    victim.chmod(0o600)
    store = stage.store_folder / "manhattan.db"
    inode = (victim.stat().st_ino, victim.stat().st_mtime_ns)
    old = int(time.time()) // 3600 * 3600 - 5 * 3600
    later = old + 6 * 3600
    folders = {stage.log_folder, stage.spill_prefix.parent}
    for folder in folders:
        name = f"{folder}/log"
        act(stage, f"""
            ln -s {victim} {name}.{old}; ln -s {store} {name}.{old + 3600}; mkfifo {name}.{old + 7200}
            ln -s {victim} {name}.{old + 10800}.zst; ln -s {victim} {name}.{old + 14400}.zst.part; mkdir {name}.{old + 18000}.gz
            ln -s {store} {name}.{later}; ln -s {store} {name}.{later + 3600}
            ln -s {victim} {name}.spill.3; mkfifo {name}.spill.5; mkdir {name}.spill.0; mkdir {name}.spill.1
            touch {name}.spill.18446744073709551615; ln -s {victim} {name}.spill.07; ln {victim} {name}.spill.9
            for i in $(seq 2000); do : >{name}.$((3600 * i)); done; :""")
    planted = {path: path.lstat().st_mode for folder in folders for path in folder.glob("log.*")
               if path.is_symlink() or not path.is_file()}
    check("it plants links, folders and fifos where it may spill", len(planted) > 5, planted)
    stage.event("--visitor", "between", "goal", "Before the restart")
    stopped = stage.stop("server")
    # What is spilled while the server is away has to find its way through what was planted.
    kept = stage.event("--ring", stage.run_folder / "absent", "--visitor", "between", "pixel").returncode
    stage.start_server()
    check("the server starts and stops through what is planted", stopped == 0, stage.said("server")[-3000:])
    check("and no record is lost that was called kept", kept != 0 or stages.becomes_true(
        lambda: stage.count("Before the restart") == 1), kept, stage.tallies(), stage.said("server")[-3000:])
    compressed = stage.run(stage.manhattan, *stage.command("server", "--once", "--compress", "yes", "--dry-run"))
    stage.stop("server")
    once = stage.run(stage.manhattan, *stage.command("server", "--once", "--compress", "yes", "--keep-mib", "1"))
    check("nor does it hang, compress or delete through a link", once.returncode == 0, compressed, once)
    check("what links lead to is as it was", victim.read_text() == PASSWORD + "\n" and
          (victim.stat().st_ino, victim.stat().st_mtime_ns) == inode)
    readable = []
    for folder in folders:
        for path in folder.iterdir():
            if path.is_file() and not path.is_symlink() and path.stat().st_ino != inode[0]:
                text = path.read_bytes()
                readable += [path] if PASSWORD.encode() in text or text[:2] == b"\x1f\x8b" and PASSWORD.encode() in gzip.decompress(text) else []
    check("and its content went nowhere", not readable and "a-password" not in stage.said("server"), readable)
    dump = stage.run(stage.manhattan, "sqlite3", "-readonly", store, "pragma integrity_check")
    check("nor is the store spoilt", dump.stdout.strip() == "ok", dump)
    stage.start_server()


def spoils(stage):
    dice = "import os, random; r = random.Random(1); f = open(os.sys.argv[1], 'r+b'); n = os.fstat(f.fileno()).st_size\n" \
           "for _ in range(3000): f.seek(r.randrange(64, n - 64)); f.write(r.randbytes(50))"
    script = stage.root / "noise.py"
    script.write_text(dice)
    script.chmod(0o644)
    code, said = act(stage, f"/usr/bin/python3 {script} {stage.ring}")
    check("it may write the ring, garbage too", code == 0, said)
    check("whose page is served all the same", act(stage, "echo served") == (0, "served\n"))
    code, said = act(stage, f"dd if=/dev/zero of={stage.ring} bs=100 count=1")
    check("or cut it short", code == 0, said)
    check("pages are served still", act(stage, "echo served") == (0, "served\n"))
    check("and the server answers", stage.ask("status") is not None and stage.is_running("server"),
          stage.said("server")[-2000:])
    number = iter(range(1000))

    def is_recording():
        name = f"again{next(number)}"
        for words in (("pixel",), ("goal", name)):
            stage.event("--visitor", name, *words)
        return stages.becomes_true(lambda: stage.count(name) == 1)

    check("and goes on counting", is_recording() or is_recording(), stage.tallies(), stage.said("server")[-2000:])


def kills(stage):
    wrapper = stage.running["wrapper"]
    code, _ = act(stage, "echo; sleep 60 & kill -9 $$")
    check("its own death costs its own answer", code == -1 and act(stage, "echo served") == (0, "served\n"))
    act(stage, f"kill -9 {wrapper.pid}")
    check("it may end the wrapper, which is the same user; systemd then starts it again",
          stages.becomes_true(lambda: wrapper.poll() is not None))
    check("but not the server", stage.is_running("server"))


def program(stage):
    stage.program("act", ACT)
    stage.start_server()
    stage.start_wrapper()
    stage.event("--visitor", "ann", "pixel")
    stage.event("--visitor", "ann", "goal", "Order Placed")
    check("there is a log", stages.becomes_true(lambda: stage.count("Order Placed") == 1))
    for each in (reaches_nothing, plants, spoils, kills):
        each(stage)


stages.play(program)
