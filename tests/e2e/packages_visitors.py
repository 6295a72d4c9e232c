#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Visitors who come without a pause, until SIGTERM: each asks for a page, then for the pixel with the
cookie that came with it.

Usage: packages_visitors.py BEGUN URL... BEGUN is a file that is made when ten visitors were there. Ends
with the line `N visitors, N failures`, after one line for each of the first failures.
"""
import http.client
import itertools
import pathlib
import signal
import sys
import threading
import urllib.parse

AT_ONCE = 4
begun, urls = pathlib.Path(sys.argv[1]), [urllib.parse.urlsplit(url) for url in sys.argv[2:]]
is_over = threading.Event()
lock = threading.Lock()
visitors, failures = 0, []


def ask(host, method, path, cookie=""):
    """The answer's body and its cookie. Every request comes over a connection of its own."""
    connection = http.client.HTTPConnection(host, timeout=60)
    body = "a=b" if method == "POST" else None
    connection.request(method, path, body=body, headers={"Cookie": cookie} if cookie else {})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    if answer.status != 200:
        raise OSError(f"{method} {path}: {answer.status}")
    return text, (answer.getheader("Set-Cookie") or "").partition(";")[0]


def visit(url, method):
    page, cookie = ask(url.netloc, method, url.path)
    if b"</html>" not in page or not cookie:
        raise OSError(f"{method} {url.path}: not a whole page with a cookie: {page!r}")
    pixel, _ = ask(url.netloc, "GET", "/vpixel.gif", cookie)
    if not pixel.startswith(b"GIF"):
        raise OSError(f"no pixel: {pixel!r}")


def come():
    global visitors
    for number in itertools.count():
        if is_over.is_set():
            return
        try:
            visit(urls[number % len(urls)], "POST" if number // len(urls) % 3 == 2 else "GET")
        except (OSError, http.client.HTTPException) as error:
            with lock:
                failures.append(repr(error))
        with lock:
            visitors += 1
            if visitors == 10:
                begun.touch()


signal.signal(signal.SIGTERM, lambda *_: is_over.set())
threads = [threading.Thread(target=come) for _ in range(AT_ONCE)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(*failures[:20], f"{visitors} visitors, {len(failures)} failures", sep="\n", flush=True)
