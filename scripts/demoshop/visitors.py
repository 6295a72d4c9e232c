# SPDX-License-Identifier: MIT
"""Visitors of the shop and the repositories: real HTTP, one thread a visitor."""
import http.client
import random
import re
from decimal import Decimal
from urllib.parse import urlencode

from .oracle import population_of

PIES = {"apple": Decimal("12.50"), "cherry": Decimal("9.99"), "pecan": Decimal("21.05")}
SPLIT, POPULATIONS = "Blue Button", ["control", "blue"]
BROWSERS = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
]
ROBOT = "ExampleBot/1.0 (+http://example.com/bot)"
PIXEL_TAG = re.compile(rb'<img[^>]*\bsrc="(/vpixel\.gif[^"]*)"')
SHOP, GIT = 1, 2  # the two sites' numbers


class Fault(Exception):
    """The web side answered what it must not."""


class Unanswered(Fault):
    """No whole answer came: what was asked may have been recorded, or not."""


class Browser:
    """One visitor's connections and cookies. `ports`: site -> port."""

    def __init__(self, ports, agent, oracle, has_cookies=True, has_images=True):
        self.connections = {site: http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                            for site, port in ports.items()}
        self.agent, self.oracle = agent, oracle
        self.has_cookies, self.has_images = has_cookies, has_images
        self.cookies = {}
        self.visitor = None  # who the request in hand is of, as far as it is known

    def close(self):
        for connection in self.connections.values():
            connection.close()

    def _request(self, site, path, form):
        headers = {"User-Agent": self.agent}
        self.visitor = self.cookies.get("manhattan", "").rpartition(".")[0] or None
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        body = None
        if form is not None:
            body = urlencode(form)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = self.connections[site]
        connection.request("GET" if form is None else "POST", path, body, headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status >= 500:
            raise Unanswered(f"{path}: {answer.status} {answer.reason}: {body[:200]!r}")
        return answer, body

    def _visitor_of(self, answer):
        """The visitor this request was: told by the cookie it came with or was given."""
        sent = self.cookies.get("manhattan")
        given = dict(c.split(";")[0].split("=", 1)
                     for c in answer.headers.get_all("Set-Cookie") or [])
        if self.has_cookies:
            self.cookies.update(given)
        cookie = given.get("manhattan") or sent
        if not cookie:
            raise Fault("an answer without a visitor's cookie")
        return cookie.rpartition(".")[0]

    def visit(self, site, path, form=None):
        """Body of a page, its pixel fetched as a browser would; the visitor's id."""
        answer, body = self._request(site, path, form)
        visitor = self.visitor = self._visitor_of(answer)
        self.oracle.add(visitor, "page", site)
        leaked = [name for name in answer.headers if name.lower().startswith("manhattan-")]
        if leaked:
            raise Fault(f"{path}: the answer still has {leaked[0]}")
        if answer.status == 303:
            return self.visit(site, answer.headers["Location"])
        if answer.status != 200:
            raise Fault(f"{path}: {answer.status} {answer.reason}: {body[:200]!r}")
        tags = PIXEL_TAG.findall(body)
        if len(tags) != 1:
            raise Unanswered(f"{path}: {len(tags)} pixel tags in the page")
        if self.has_images:
            self._fetch_pixel(site, tags[0].decode(), visitor)
        return body, visitor

    def _fetch_pixel(self, site, path, visitor):
        answer, body = self._request(site, path, None)
        if answer.status != 200 or not body.startswith(b"GIF89a"):
            raise Fault(f"{path}: {answer.status}, {body[:20]!r}")
        if self.has_cookies:
            self.oracle.add(visitor, "pixel", site)


def look_at_pie(browser, pie):
    body, visitor = browser.visit(SHOP, f"/item?pie={pie}")
    shown = re.search(rb'<button class="(\w+)">', body)[1].decode()
    due = population_of(visitor, SPLIT, POPULATIONS)
    if shown != due:
        raise Fault(f"visitor {visitor} was shown {shown}, should be {due}")
    browser.oracle.add(visitor, "split", SHOP, SPLIT, shown)
    # One more page after the split: whether a split comes before the page it is decided in must
    # not matter to what is compared.
    browser.visit(SHOP, "/")


def shop(browser, dice):
    browser.visit(SHOP, "/")
    total = Decimal(0)
    for pie in dice.sample(sorted(PIES), dice.randint(0, 3)):
        look_at_pie(browser, pie)
        if dice.random() < 0.5:
            _, visitor = browser.visit(SHOP, "/cart", {"pie": pie})
            browser.oracle.add(visitor, "goal", SHOP, "Added to Cart", PIES[pie])
            total += PIES[pie]
    if total and dice.random() < 0.6:
        _, visitor = browser.visit(SHOP, "/checkout", {})
        # Without cookies the cart is empty, and the page of thanks meets yet another visitor.
        browser.oracle.add(visitor, "goal", SHOP, "Order Placed", total)


def read_code(browser, dice):
    for path in dice.sample(["/", "/sample/", "/sample/log/", "/sample/tree/"], dice.randint(1, 4)):
        browser.visit(GIT, path)


def crawl(browser, dice):
    """What a robot without cookies fetches: each page as another visitor. A known robot is shown one
    population of a split, whoever it is, and not recorded with it."""
    for path in ["/", *(f"/item?pie={pie}" for pie in sorted(PIES))][:dice.randint(1, 4)]:
        browser.visit(SHOP, path)


def is_robot(number):
    return number % 5 == 4


def browser_of(number, seed, ports, oracle):
    dice = random.Random(f"{seed}/{number}/browser")
    robot = is_robot(number)
    return Browser(ports, ROBOT if robot else dice.choice(BROWSERS), oracle,
                   has_cookies=not robot or number % 10 == 4, has_images=not robot)


def browse(browser, dice):
    if not browser.has_cookies:
        crawl(browser, dice)
        return
    if dice.random() < 0.3:
        read_code(browser, dice)
    shop(browser, dice)
    if dice.random() < 0.2:
        read_code(browser, dice)


def drive(number, seed, ports, oracle):
    """All that visitor `number` does; the same for the same seed."""
    browser = browser_of(number, seed, ports, oracle)
    try:
        browse(browser, random.Random(f"{seed}/{number}"))
    finally:
        browser.close()
