#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The EXAMPLES of the man pages, run as they stand there: with the paths that they name, in
namespaces of their own (files and network), in which nothing of this machine is changed.
manhattan-query(1), the log and the config have tests of their own pages; what needs systemd runs in
packages.py.

Usage: tests/e2e/man_examples.py BUILD_DIR. Needs root, or leave to make user namespaces.
"""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE_S = int(os.environ.get("PATIENCE_S", "60"))  # see scripts/check
VISITOR = "5d2cbe9f"
ENDPOINT = ("127.0.0.1", 5555)
APACHE = """ServerRoot /usr/lib/apache2
ServerName localhost
Listen 127.0.0.1:80
PidFile /mnt/apache.pid
ErrorLog /mnt/apache.log
LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule proxy_module modules/mod_proxy.so
LoadModule proxy_fcgi_module modules/mod_proxy_fcgi.so
"""
failures = 0


def check(sentence, is_so, *details):
    global failures
    failures += not is_so
    print(("ok - " if is_so else "not ok - ") + sentence, *(() if is_so else details), flush=True)


def examples(page):
    """Each display of the page's EXAMPLES, as a shell or a config file has it."""
    section = re.split(r"\n\.Sh EXAMPLES?\n", (ROOT / "man" / page).read_text())[1].split("\n.Sh ")[0]
    found = re.findall(r"^\.Bd -literal[^\n]*\n(.*?)\n\.Ed$|^\.Dl (.*?)$", section, re.M | re.S)
    for block, line in found:
        text = (block or line).replace("\\e", "\\").replace("\\&", "").replace("\\(aq", "'")
        yield text


def becomes_true(is_so):
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def accepts(address):
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family) as probe:
        probe.connect(address)
        return True
    return False


def run(text):
    done = subprocess.run(["bash", "-ec", text], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=PATIENCE_S)
    return done.returncode, done.stdout, done.stderr


@contextlib.contextmanager
def running(text):
    """Runs `text` in the background, and ends it by SIGTERM to its last process."""
    child = subprocess.Popen(["bash", "-c", "exec " + text], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield child
    finally:
        child.terminate()
        child.wait(PATIENCE_S)


def check_serves(text, address):
    with running(text) as child:
        is_up = becomes_true(lambda: accepts(address) or child.poll() is not None)
    check(f"serves: {text.splitlines()[0][:70]}", is_up and child.returncode == 0,
          child.returncode, child.stdout.read())


def check_prints(text, due):
    code, said, faults = run(text)
    check(f"runs: {text.splitlines()[0][:70]}", code == 0 and re.search(due, said, re.M),
          code, said, faults)


def check_nginx(locations):
    config = pathlib.Path("/etc/nginx/example.conf")
    config.write_text("user root; pid /mnt/nginx.pid; events {} http { server { listen 127.0.0.1:80; "
                      + locations + " } }")
    code, said, faults = run("nginx -t -c /etc/nginx/example.conf -e /mnt/nginx.log")
    check(f"nginx takes: {locations.splitlines()[0]}", code == 0, said, faults)


def check_log():
    orders, one_visitor = examples("manhattan-log.1")
    for text, due in (orders, "Order Placed"), (one_visitor, f'"visitor": ?"{VISITOR}"'):
        child = subprocess.Popen(["bash", "-c", text], stdout=subprocess.PIPE, text=True,
                                 start_new_session=True)

        def observer():
            """The manhattan-log that has mapped the ring."""
            for path in pathlib.Path("/proc").glob("[0-9]*/maps"):
                with contextlib.suppress(OSError):
                    if (os.getpgid(int(path.parts[2])) == child.pid and
                            "/run/manhattan/ring" in path.read_text()):
                        return int(path.parts[2])
            return None

        becomes_true(observer)
        run("manhattan-event goal 'Order Placed'; manhattan-event goal 'The End'")
        # It sees records in less than its nap; its end flushes what stands before a pipe's buffer.
        time_of = becomes_true(lambda: count("The End"))
        os.kill(observer(), signal.SIGINT)
        check(f"watches: {text}", time_of and re.search(due, child.communicate(timeout=PATIENCE_S)[0]))


def count(goal):
    code, said, _ = run(f"manhattan-query count '{goal}'")
    return int(said) if code == 0 else 0


def check_event():
    colour, page, order = examples("manhattan-event.1")
    check_prints(colour + '; echo "$colour"', "^(control|blue)$")
    check_prints(page + '; echo "$page"', "^(old|new)$")
    check_prints(order, "")
    proof = run("manhattan-event pixel")
    check("and is counted", becomes_true(lambda: count("Order Placed") == 1), proof,
          run("manhattan-query status"))


def check_questions():
    request, answer, python = examples("manhattan-query.5")
    bytes_of = [b"".join(bytes.fromhex(line[10:58]) for line in text.splitlines())
                for text in (request, answer)]
    check("manhattan-query(5) shows a request and an answer",
          bytes_of == [b'["count",["pie accomplished"],{"site_id":1}]', b'["ok",5]'], bytes_of)
    pathlib.Path("/mnt/example.py").write_text(python + "\nprint(status, value)\n")
    check_prints("/usr/bin/python3 /mnt/example.py", "^ok 0$")


def check_with_server():
    """What speaks with the server of the second example."""
    _, drains, _ = examples("manhattan-server.8")
    with running(drains) as child:
        becomes_true(lambda: run("manhattan-query status")[0] == 0 or child.poll() is not None)
        check_event()
        check_log()
        check_questions()
        cgi, serves, location = examples("manhattan-report.8")
        check_prints(cgi, "<title>.*The shop")
        check_serves(serves, "/run/manhattan/report.sock")
        check_nginx(location)
    check(f"serves: {drains.splitlines()[0]}", child.returncode == 0, child.stdout.read())


def check_servers():
    counts, _, in_mariadb = examples("manhattan-server.8")
    check_serves(counts, ENDPOINT)
    check_prints(in_mariadb + " --check-config", "^complex = abandoned cart")
    count_again, as_server, as_json, forget = examples("manhattan-replay.1")
    check_prints(count_again, "")
    config = pathlib.Path("/etc/manhattan/manhattan.conf")
    shutil.copy(ROOT / "etc/manhattan.conf", config)
    os.remove("/var/lib/manhattan/new.db")
    check_prints(as_server.replace("runuser -u manhattan --", ""), "")
    config.unlink()
    check_prints(as_json.replace("ann", VISITOR), '"name": "Order Placed"')
    # The store that the example names is the one that the page's server would have: here store.db.
    os.rename("/var/lib/manhattan/store.db", "/var/lib/manhattan/manhattan.db")
    check_prints(forget.replace("ann", VISITOR), "")
    check("and then is forgotten", VISITOR not in run(as_json.replace("ann", VISITOR))[1])


def check_wrappers():
    folder, cgit, shop, php, plain, nginx, locked, lighttpd, apache = examples("manhattan-fcgi.8")
    check_serves(folder, "/run/manhattan/fcgi.sock")
    check_serves(cgit, ("127.0.0.1", 9000))
    check_serves(shop, "/run/shop.sock")
    check_serves(php, "/run/manhattan/php.sock")
    check_serves(plain, "/run/cgi.sock")
    check_nginx(nginx)
    check_nginx(locked)
    pathlib.Path("/mnt/lighttpd.conf").write_text(
        'server.document-root = "/srv"\nserver.modules = ("mod_fastcgi")\n' + lighttpd)
    check_prints("lighttpd -tt -f /mnt/lighttpd.conf # in lighttpd", "")
    pathlib.Path("/mnt/apache.conf").write_text(APACHE + apache)
    check_prints("apache2 -t -f /mnt/apache.conf 2>&1 # in Apache", "Syntax OK")
    pathlib.Path("/mnt/apache.conf").write_text(APACHE + apache.splitlines()[-1])
    check_prints("apache2 -t -f /mnt/apache.conf 2>&1 # in Apache, the last line alone", "Syntax OK")


def furnish(build):
    """Empty folders where the examples have files, and what an administrator has put there."""
    run("ip link set lo up; mount -t tmpfs tmpfs /mnt")
    for path in "/tmp", "/run", "/var/log", "/var/lib", "/srv", "/etc":
        changes = pathlib.Path("/mnt/changes") / path.replace("/", "_")
        for name in "upper", "work":
            (changes / name).mkdir(parents=True)
        code, _, faults = run(f"mount -t overlay overlay -o lowerdir={path},upperdir={changes}/upper,"
                              f"workdir={changes}/work {path}")
        if code:
            sys.exit(f"man_examples: {faults}")
    for path in "/run/manhattan", "/var/log/manhattan", "/var/lib/manhattan", "/etc/manhattan":
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(path)
    for name in "secret", "password":
        run(f"umask 077; echo a secret of the tests > /etc/manhattan/{name}")
    for snippet in (ROOT / "etc").glob("*-manhattan*.conf"):
        shutil.copy(snippet, "/etc/manhattan/")
    for name in "shop", "shop-new":
        pathlib.Path("/srv", name).write_text("#!/bin/sh\necho; echo a shop\n")
        os.chmod(f"/srv/{name}", 0o755)
    os.environ.update({"PATH": f"{build}:{os.environ['PATH']}", "MANHATTAN_VISITOR": VISITOR,
                       "MANHATTAN_SITE": "0"})
    os.chdir("/mnt")


def main():
    build = pathlib.Path(sys.argv[-1]).resolve()
    if sys.argv[1] != "--inside":
        own_user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        os.execvp("unshare", ["unshare", *own_user, "--mount", "--net", "--propagation", "private",
                              "/usr/bin/python3", __file__, "--inside", str(build)])
    furnish(build)
    check_with_server()
    check_servers()
    check_wrappers()
    sys.exit(failures > 0)


main()
