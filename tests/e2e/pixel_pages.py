#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Pages through manhattan-fcgi, as parsers that are not ours read them: html5lib and lxml.

Usage: tests/e2e/pixel_pages.py BUILD_DIR. Prints `ok - ...` and `not ok - ...` lines. With the pixel a
page must have one image more, in its body, and be the same document otherwise; without it, byte for byte
what the program wrote. The pages: those of tests/data/pages, made to be hard; documentation of Debian
packages, as far as it is installed; cgit's; and made ones, of pieces and of damaged pages, cut
where it hurts. SEED=N repeats a run.
"""
import contextlib
import http.client
import os
import pathlib
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import warnings

import html5lib
import lxml.etree

sys.dont_write_bytecode = True
import fcgi_support as support  # noqa: E402
from fcgi_support import check  # noqa: E402

warnings.simplefilter("ignore")  # html5lib's, of odd characters
DATA = support.ROOT / "tests/data"
PIXEL = re.compile(rb'<img src="/vpixel\.gif"[^>]*>')
HTML = "{http://www.w3.org/1999/xhtml}"
FORMATTING = {HTML + name for name in ("a b big code em font i nobr s small strike strong tt u").split()}
SERVER = """
  server {{
    listen 127.0.0.1:{port}; root {folder}; include {root}/etc/nginx-manhattan.conf;
    location / {{ fastcgi_pass unix:{folder}/pages.sock; }}
  }}
"""
DOCUMENTS = "/usr/share/doc/*/**/*.html", "/usr/share/nginx/html/*.html", "/usr/share/awstats/**/*.html"
MOST_DOCUMENTS, MOST_BYTES = 150, 60_000

# What pages are made of, and what may be said of tags in them.
PIECES = """<!doctype html>|<html>|<head>|</head>|<body>|</body>|</html>|<p>|</p>|text|<script>|</script>|<!--|-->
--!>|--|>|<|"|'|=|<a href=|<a href="|<a title='|">|'>|<style>|</style>|<title>|</title>|<textarea>|</textarea>|<svg>
</svg>|<math>|</math>|<![CDATA[|]]>|<b>|</b>|<foreignObject>|</foreignObject>|<desc>|</desc>|<mi>|</mi>
<iframe srcdoc="<body></body>">|</iframe>|<noframes>|</noframes>|<xmp>|</xmp>|</body >|</BODY\n>|</body/>|</body x="
</bo|dy>|\0|<!|<?php |?>|</|/|<svg/>|<br/>|<table>|<tr>|<td>|</table>|<img alt=">">|<script>"<!--<script>|</script x>
<!-->|<!--->|<plaintext>|<style/>| |\n|<div>|</div>|<g>|</g>|var h="<body>a</body>";|x=y|<a b=c"x d="e>|<a b="x="|\r
<noscript>|</noscript>|<noembed>|</noembed>|don't|<a-name-that-is-longer-than-others>|</a-name-that-is-longer>"""
PIECES = [piece.replace("\\n", "\n").replace("\\r", "\r").replace("\\0", "\0")
          for line in PIECES.split("\n") for piece in line.split("|")]


class Pages:
    """A program that serves FastCGI: answers each request with `head` and `page`, in records of the
    sizes that `cuts` draws."""

    def __init__(self, path):
        self.head, self.page, self.cuts = b"", b"", lambda: 8000
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(path))
        listening.listen()
        threading.Thread(target=self.serve, args=(listening,), daemon=True).start()

    def serve(self, listening):
        while True:
            connection = listening.accept()[0]
            with connection, contextlib.suppress(OSError), connection.makefile("rb") as asked:
                while self.take(asked):
                    connection.sendall(self.answer())

    def take(self, asked):
        """One request, to the end of its body."""
        while len(head := asked.read(8)) == 8:
            size = head[4] * 256 + head[5]
            asked.read(size + head[6])
            if head[1] == 5 and size == 0:
                return True
        return False

    def answer(self):
        records, left = b"", self.head + self.page
        while left:
            piece, left = left[:(size := self.cuts())], left[size:]
            records += bytes([1, 6, 0, 1, len(piece) >> 8, len(piece) & 255, 0, 0]) + piece
        return records + bytes([1, 3, 0, 1, 0, 8, 0, 0]) + bytes(8)


class World:
    def __init__(self, build, folder, running):
        services = support.Services(build, folder, running)
        self.pages = Pages(folder / "program.sock")
        services.start_fcgi("pages", "--config", "/dev/null", "--path", folder / "log", "--secret-file",
                            services.secret, "--upstream", f"unix:{folder}/program.sock")
        port = support.free_port()
        services.start_nginx(SERVER.format(port=port, root=support.ROOT, folder=folder), port)
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=support.LIMIT_S)
        running.callback(self.connection.close)

    def show(self, page, kind="text/html", cuts=lambda: 8000, head=b"", **headers):
        """`page` as a browser gets it."""
        self.pages.head = f"Content-Type: {kind}\r\n".encode() + head + b"\r\n"
        self.pages.page, self.pages.cuts = page, cuts
        self.connection.request("GET", "/page", headers={
            name.replace("_", "-"): value for name, value in headers.items()})
        answer = self.connection.getresponse()
        shown = answer.read()
        return shown if answer.status == 200 else f"status {answer.status}".encode()


def parsed(page, is_xml):
    if is_xml:
        return lxml.etree.fromstring(page, lxml.etree.XMLParser(load_dtd=False, no_network=True))
    # latin-1: the same characters wherever a page says what it is written in.
    return html5lib.parse(page.decode("latin-1"), treebuilder="etree", scripting=True)


def is_pixel(element):
    return element.tag == HTML + "img" and element.get("src") == "/vpixel.gif"


def content_of(element, content):
    """All of the tree but the pixel, in a list. Blanks count for nothing: those before an image in a table
    stay in it, while those before other text leave it with that."""
    content.append((str(element.tag), sorted(element.items())) if isinstance(element.tag, str)
                   else ("comment", element.text))
    content.append("".join((element.text or "").split()))
    for child in element:
        if not is_pixel(child):
            content_of(child, content)
        content.append("".join((child.tail or "").split()))
    content.append(None)
    return content


def document_of(tree):
    """Content without formatting that has none: an image after `<p><b></p>` has a `<b>` of its own."""
    joined = []
    for part in content_of(tree, []):
        if part is None and isinstance(joined[-1], tuple) and joined[-1][0] in FORMATTING:
            joined.pop()
        elif isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif part != "":
            joined.append(part)
    return joined


def pixels_of(element, above=()):
    """Of each pixel the names of the elements it is in."""
    for child in element:
        if is_pixel(child):
            yield [*above, element.tag]
        yield from pixels_of(child, [*above, element.tag])


def what_is_wrong(page, shown, kind):
    """Empty: nothing. The page is the same but for one image in its body, or unchanged."""
    if shown == page:
        return ""
    if len(PIXEL.findall(shown)) != 1 or PIXEL.sub(b"", shown) != page:
        return "more than an image has changed"
    is_xml = kind != "text/html"
    try:
        with_pixel, without = parsed(shown, is_xml), parsed(page, is_xml)
    except lxml.etree.XMLSyntaxError as error:
        return str(error)
    places = list(pixels_of(with_pixel))
    if len(places) != 1:
        return f"{len(places)} images"
    if HTML + "body" not in places[0] and not is_xml:
        return f"the image is in {places[0]}"
    if document_of(with_pixel) != document_of(without):
        return "the document has changed"
    return ""


def kind_of(path):
    return "application/xhtml+xml" if path.suffix == ".xhtml" else "text/html"


def check_hard_pages(world):
    for path in sorted((DATA / "pages").iterdir()):
        page = path.read_bytes()
        whole = world.show(page, kind_of(path))
        wrong = what_is_wrong(page, whole, kind_of(path))
        check(f"{path.name} has its pixel", whole != page and not wrong, wrong, whole)
        cut = [world.show(page, kind_of(path), lambda: size) for size in (1, 2, 3, 7)]
        check("and the same however it is cut", all(shown == whole for shown in cut), cut)
    for path in sorted((DATA / "no-pages").iterdir()):
        page = path.read_bytes()
        check(f"{path.name} stays as it is", world.show(page, kind_of(path)) == page)


def check_who_asks(world):
    page = (DATA / "pages/script.html").read_bytes()
    piece = (DATA / "no-pages/piece.html").read_bytes()
    check("a script's request changes nothing",
          world.show(page, Sec_Fetch_Dest="empty") == page ==
          world.show(page, X_Requested_With="XMLHttpRequest"))
    check("a window's does", world.show(page, Sec_Fetch_Dest="document") != page !=
          world.show(page, Sec_Fetch_Dest="iframe"))
    shown = world.show(piece, Sec_Fetch_Dest="document")
    check("a piece that a window shows is a page", shown != piece and
          not what_is_wrong(piece, shown, "text/html"), shown)
    for head in (b"Cache-Control: no-transform\r\n", b"Content-Disposition: attachment\r\n",
                 b"Content-Security-Policy: default-src 'none'\r\n", b"Content-Encoding: br\r\n"):
        check(f"{head.decode().strip()} changes nothing", world.show(page, head=head) == page)
    check("nor does UTF-16", world.show(page, "text/html; charset=utf-16") == page)


def real_pages(folder):
    """(name, page) of what real programs and people have written."""
    found = [path for pattern in DOCUMENTS for path in pathlib.Path("/").glob(pattern[1:])
             if path.is_file() and path.stat().st_size < MOST_BYTES]
    for path in random.sample(sorted(found), min(len(found), MOST_DOCUMENTS)):
        yield str(path), path.read_bytes()
    subprocess.run(["git", "init", "-q", "--bare", folder / "pies"], check=True)
    (folder / "cgitrc").write_text(f"root-title=Pies\nrepo.url=pies\nrepo.path={folder}/pies\n")
    for query in "", "url=pies", "url=pies/log/", "url=pies/refs/", "url=missing":
        output = subprocess.run(["/usr/lib/cgit/cgit.cgi"], capture_output=True, check=False, env={
            "CGIT_CONFIG": f"{folder}/cgitrc", "QUERY_STRING": query, "REQUEST_METHOD": "GET"}).stdout
        yield f"cgit.cgi?{query}", output.partition(b"\n\n")[2]


def check_real_pages(world, pages):
    faults, shown_pages = [], 0
    for name, page in pages:
        shown = world.show(page, cuts=lambda: random.randrange(1, 5000))
        shown_pages += shown != page
        faults += [(name, wrong) for wrong in [what_is_wrong(page, shown, "text/html")] if wrong]
    check("pages of real programs and documents are the same but for the pixel", not faults, *faults)
    check("and most have it", shown_pages > len(pages) * .9, shown_pages, len(pages))


def made_page():
    page = "".join(random.choices(PIECES, k=random.randrange(14)))
    if random.random() < .8:
        page = random.choice(["<!doctype html>", "<html>", "<html><head></head><body>"]) + page
    return (page + random.choice(["", "</body></html>"])).encode("latin-1")


def damaged(page):
    """With pieces put in, and parts left out."""
    for _ in range(random.randrange(1, 6)):
        at = random.randrange(len(page) + 1)
        piece = random.choice(PIECES).encode("latin-1")
        page = page[:at] + piece + page[at + random.choice([0, 0, 1, 5, 100]):]
    return page


def check_made_pages(world, sentence, make, count):
    faults, shown_pages = [], 0
    for _ in range(count):
        page = make()
        if b"<template" in page.lower():
            continue  # html5lib knows none: a <b> within a template goes on behind it there
        headers = random.choice([{}, {"Sec_Fetch_Dest": "document"}])
        shown = world.show(page, cuts=lambda: random.choice([1, 2, 3, 7, 20, 8000]), **headers)
        shown_pages += shown != page
        faults += [(page, shown, wrong) for wrong in [what_is_wrong(page, shown, "text/html")] if wrong]
    check(sentence, not faults, *faults[:5])
    check("and many have the pixel", shown_pages > count * .2, shown_pages)


def main():
    seed = int(os.environ.get("SEED", "1"))
    print(f"SEED={seed}", flush=True)
    random.seed(seed)
    with contextlib.ExitStack() as running:
        folder = pathlib.Path(running.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        world = World(sys.argv[1], folder, running)
        check_hard_pages(world)
        check_who_asks(world)
        pages = list(real_pages(folder))
        check_real_pages(world, pages)
        random.seed(seed)  # anew: what came before depends on the documents of this machine
        check_made_pages(world, "so are pages of odd pieces", made_page, 1500)
        hard = [path.read_bytes() for path in sorted((DATA / "pages").glob("*.html"))]
        check_made_pages(world, "and damaged ones", lambda: damaged(random.choice(hard)), 500)
    sys.exit(support.failures > 0)


main()
