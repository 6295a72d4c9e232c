#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Pages with the pixel in Chromium, behind nginx and manhattan-fcgi: it is fetched, and nothing else is
different from the same page without.

Usage: tests/e2e/pixel_browser.py BUILD_DIR. Prints `ok - ...` and `not ok - ...` lines.
"""
import contextlib
import pathlib
import sys
import tempfile

sys.dont_write_bytecode = True
import fcgi_support as support  # noqa: E402
from browser import Browser  # noqa: E402
from fcgi_support import becomes_true, check  # noqa: E402

SERVER = """
  server {{
    listen 127.0.0.1:{port}; root {folder}; include {root}/etc/nginx-manhattan.conf;
    location / {{ fastcgi_pass unix:{folder}/{name}.sock; }}
  }}
"""
STYLES = {
    "": "no style",
    "body { display: flex; gap: 20px }": "a body that is flex",
    "body { display: grid; gap: 20px; min-height: 100vh }": "a body that is a grid",
    "img { display: block }": "images that are blocks",
    "img { display: block; max-width: 100%; height: auto }": "a usual reset",
    "img { width: 100%; height: auto }": "images as wide as the page",
    "img { border: 3px solid; margin: 10px }": "images with borders and margins",
    "* { margin: 0; padding: 0; box-sizing: border-box }": "a reset of everything",
    "* { display: block }": "everything a block",
    "body { display: flex } img { display: block }": "blocks in a flex",
}
BOXES = """[document.documentElement, ...document.querySelectorAll('body, body > :not([hidden])')].map(e => {
  const box = e.getBoundingClientRect(); return [e.tagName, box.x, box.y, box.width, box.height].join(' ') })
  .concat(document.documentElement.scrollHeight)"""
IMAGES = "document.images.length"
HTML = ("Content-Type: text/html\r\n{head}\r\n<!DOCTYPE html><html><head><title>Pies</title>"
        "<link rel='stylesheet' href='/style.css?{style}'></head><body><h1>Pies</h1>"
        "<p>All we have.</p><p>And more.</p></body></html>\n")
XHTML = ("Content-Type: application/xhtml+xml\r\n\r\n<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'>"
         "<head><title>Pies</title></head><body><p>&lt;/body></p></body></html>\n")


class World:
    def __init__(self, build, folder, running):
        self.folder = folder
        self.services = support.Services(build, folder, running)
        recorded = ("--config", "/dev/null", "--path", folder / "log", "--secret-file", self.services.secret)
        self.services.start_fcgi("with", *recorded)
        self.services.start_fcgi("without", *recorded, "--pixel", "none")
        self.ports = {name: support.free_port() for name in ("with", "without")}
        self.services.start_nginx("".join(
            SERVER.format(port=port, name=name, root=support.ROOT, folder=folder)
            for name, port in self.ports.items()), *self.ports.values())
        for number, style in enumerate(STYLES):
            self.put(f"styled{number}", HTML.format(head="", style=number))
            self.put(f"style{number}", f"Content-Type: text/css\r\n\r\n{style}\n")
        support.write_programs(folder, {
            "style.css": "exec ./style$QUERY_STRING",
            "favicon.ico": "printf 'Content-Type: image/x-icon\\n\\n'"})
        self.browser = Browser(folder)
        running.callback(self.browser.close)

    def put(self, name, answer):
        (self.folder / f"{name}.answer").write_bytes(answer.encode())
        support.write_programs(self.folder, {name: f"exec cat {self.folder}/{name}.answer"})

    def show(self, name, path):
        """Whether the pixel is asked for."""
        browser = self.browser
        browser.requests.clear()
        browser.complaints.clear()
        browser.show(f"http://127.0.0.1:{self.ports[name]}/{path}", 800)
        return any(url.endswith("/vpixel.gif") for url in browser.requests)

    def pixels(self):
        return sum(record[1] == "pixel" for record in self.services.records())


def check_styles(world):
    browser = world.browser
    for number, says in enumerate(STYLES.values()):
        was_fetched = world.show("without", f"styled{number}")
        boxes = browser.value(BOXES)
        is_fetched = world.show("with", f"styled{number}")
        moved = [(before, after) for before, after in zip(boxes, browser.value(BOXES)) if before != after]
        check(f"with {says} the pixel is fetched and moves nothing",
              is_fetched and not was_fetched and not moved and not browser.complaints,
              is_fetched, moved, browser.complaints)
    tree = browser.call("Accessibility.getFullAXTree")["nodes"]
    roles = [node["role"]["value"] for node in tree if not node["ignored"]]
    check("who listens to a page hears of no image", "image" not in roles and "heading" in roles, roles)


def check_policies(world):
    for policy, is_due in {"default-src 'self'": True, "default-src 'none'; style-src 'self'; img-src 'self'": True,
                           "img-src 'none'": False, "default-src 'none'": False}.items():
        world.put("policy", HTML.format(head=f"Content-Security-Policy: {policy}\r\n", style=0)
                  .replace("<link rel='stylesheet' href='/style.css?0'>", ""))
        is_fetched = world.show("with", "policy")
        complaints = world.browser.complaints
        check(f"{policy}: {'fetched' if is_due else 'no pixel'}, and no complaint",
              is_fetched == is_due == (world.browser.value(IMAGES) == 1) and not complaints, complaints)


def check_xhtml(world):
    world.put("xhtml", XHTML)
    is_fetched = world.show("with", "xhtml")
    check("XHTML is still well-formed", is_fetched and world.browser.value(
        "document.querySelector('body > p').textContent === '</body>' && document.images.length === 1 && "
        "document.images[0].parentNode === document.body"))


def check_hidden_tab(world):
    before = world.pixels()
    world.browser.call("Target.createTarget", background=True,
                       url=f"http://127.0.0.1:{world.ports['with']}/styled0")
    check("a tab in the background fetches it, too", becomes_true(lambda: world.pixels() > before))


def main():
    with contextlib.ExitStack() as running:
        folder = pathlib.Path(running.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        world = World(sys.argv[1], folder, running)
        check_styles(world)
        check_policies(world)
        check_xhtml(world)
        check_hidden_tab(world)
    sys.exit(support.failures > 0)


main()
