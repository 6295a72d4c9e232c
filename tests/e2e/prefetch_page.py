#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Pages that Chromium fetches, or renders, before anybody asks for them, behind nginx.

Usage: tests/e2e/prefetch_page.py BUILD_DIR. Prints `ok - ...` and `not ok - ...` lines.
"""
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import browser  # noqa: E402
import fcgi_support as support  # noqa: E402
from fcgi_support import becomes_true, check  # noqa: E402

NGINX = """
  server {{
    listen 127.0.0.1:{port};
    location / {{
      root {folder}/www;
      include {root}/etc/nginx-manhattan.conf;
      fastcgi_pass unix:{folder}/fcgi.sock;
    }}
  }}
"""

# Not over the debugging pipe: Chromium renders no page ahead while somebody debugs it.
COMMAND = [word for word in browser.COMMAND if word != "--remote-debugging-pipe"] + [
    "--remote-debugging-port=0", "--disable-features=Prerender2MemoryControls"]

# Follows its link once `wait` is answered; HEAD, for that is no page.
GO = "<script>fetch('/wait', {method: 'HEAD'}).then(() => document.querySelector('a').click())</script>"
RULES = "<script type=speculationrules>{\"%s\": [{\"urls\": [\"/next\"], \"eagerness\": \"immediate\"}]}</script>"
AHEAD = {"prefetch": RULES.replace("%s", "prefetch"), "prerender": RULES.replace("%s", "prerender"),
         "link": "<link rel=prefetch href=/next>"}

NEXT = """echo "$HTTP_SEC_PURPOSE" >>asked
manhattan_event split Shape round square >shape
printf 'Manhattan-Goal: Told; value=2\\nContent-Type: text/html\\nCache-Control: max-age=60\\n'
printf "Content-Security-Policy: default-src 'self'\\n\\n"
echo '<!DOCTYPE html><html><head><title>next</title></head><body>next<p>long</p></body></html>'"""
PROGRAMS = {
    "next": NEXT,
    "wait": "read x <go; printf 'Content-Type: text/plain\\n\\n'",
    "favicon.ico": "printf 'Status: 404 None\\n\\n'",
}


class World:
    def __init__(self, build, folder, running):
        self.folder, self.www = folder, folder / "www"
        self.services = support.Services(build, folder, running)
        self.www.mkdir()
        event = f"{self.services.build}/manhattan-event --config /dev/null"
        support.write_programs(self.www, {
            **{name: text.replace("manhattan_event", event) for name, text in PROGRAMS.items()},
            **{name: "printf 'Content-Type: text/html\\n\\n'\ncat <<'END'\n<!DOCTYPE html><html><head>"
                     f"<title>start</title>{ahead}</head><body><a href=/next>next</a>{GO}</body></html>\nEND"
               for name, ahead in AHEAD.items()}})
        os.mkfifo(self.www / "go")
        self.services.start_fcgi("fcgi", "--config", "/dev/null", "--path", folder / "log",
                                 "--secret-file", self.services.secret,
                                 "--goal", "Ruled; path=/next",
                                 "--split", "Colour; path=/next; population=red; population=blue")
        self.port = support.free_port()
        self.services.start_nginx(NGINX.format(folder=folder, port=self.port, root=support.ROOT),
                                  self.port)

    def records(self):
        """Of pages that were looked at, not of the favicon."""
        return [record for record in self.services.records()
                if record[1] != "page" or not record[7].endswith("favicon.ico")]

    def asked(self):
        with contextlib.suppress(FileNotFoundError):
            return (self.www / "asked").read_text().splitlines()
        return []

    @contextlib.contextmanager
    def chromium(self, how):
        """Shows the start page until the end of the block, and forgets what was before."""
        (self.www / "asked").unlink(missing_ok=True)
        for segment in self.folder.glob("log.*"):
            segment.unlink()
        with tempfile.TemporaryDirectory(prefix="manhattan-chromium-",
                                         ignore_cleanup_errors=True) as profile:
            with subprocess.Popen([*COMMAND, f"--user-data-dir={profile}",
                                   f"http://127.0.0.1:{self.port}/{how}"], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  start_new_session=True) as process:
                try:
                    yield
                finally:
                    os.killpg(process.pid, signal.SIGKILL)

    def let_go(self):
        (self.www / "go").write_text("\n")


def kinds_of(records):
    return [" ".join([record[1], *record[5:6]]) if record[1] in ("goal", "split")
            else " ".join([record[1], *(record[7].rpartition("/")[2:] if record[1] == "page" else ())])
            for record in records]


def check_ahead(world, how, purpose):
    with world.chromium(how):
        check(f"{how}: Chromium fetches the page ahead",
              becomes_true(lambda: purpose in world.asked() and len(world.records()) >= 2), world.asked())
        before = kinds_of(world.records())
        check(f"{how}: nobody has looked at it, and nothing of it is recorded",
              before == [f"page {how}", "pixel"], before)
        world.let_go()
        becomes_true(lambda: len(world.records()) >= 7)
    records = world.records()
    check(f"{how}: shown, it is one view with one pixel, its splits and goals",
          kinds_of(records)[2:] == ["page next", "split Colour", "goal Told", "goal Ruled", "pixel"],
          kinds_of(records))
    check(f"{how}: all of one visitor, who came from the start page",
          len({record[3] for record in records}) == 1 and
          any(record[1] == "page" and record[9].endswith(f"/{how}") for record in records), records)
    check(f"{how}: and it was asked for once", world.asked() == [purpose], world.asked())


def check_never_shown(world, how, purpose):
    with world.chromium(how):
        becomes_true(lambda: purpose in world.asked() and len(world.records()) >= 2)
    check(f"{how}: never shown, it is never recorded",
          kinds_of(world.records()) == [f"page {how}", "pixel"], kinds_of(world.records()))
    with contextlib.suppress(OSError):  # the program waits for that, or is gone with its client
        os.close(os.open(world.www / "go", os.O_WRONLY | os.O_NONBLOCK))


def main():
    with tempfile.TemporaryDirectory(prefix="manhattan-prefetch-") as folder:
        with contextlib.ExitStack() as running:
            world = World(sys.argv[1], pathlib.Path(folder), running)
            for how, purpose in (("prefetch", "prefetch"), ("prerender", "prefetch;prerender"),
                                 ("link", "prefetch")):
                check_ahead(world, how, purpose)
                check_never_shown(world, how, purpose)
            if support.failures:
                print(world.services.said("fcgi")[-2000:])
    sys.exit(support.failures > 0)


main()
