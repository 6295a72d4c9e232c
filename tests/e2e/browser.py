# SPDX-License-Identifier: MIT
"""Chromium, driven over its debugging pipe: what a page looks like, asks for and complains of."""
import base64
import json
import os
import select
import subprocess
import time

LIMIT_S = int(os.environ.get("PATIENCE_S", "60"))  # see scripts/check
COMMAND = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
           "--disable-background-networking", "--disable-component-update", "--disable-sync",
           "--disable-extensions", "--disable-dev-shm-usage", "--remote-debugging-pipe"]

# Of each text and each drawing: how far its colour is from what is behind it, as WCAG 2 counts that.
# Gives those that are too near, as `ratio text`.
CONTRAST = """(() => {
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  const over = (front, back) => { const a = front.length > 3 ? front[3] : 1;
    return [0, 1, 2].map(i => front[i] * a + back[i] * (1 - a)); };
  const behind = element => { if (!element) return [255, 255, 255];
    const colour = parts(getComputedStyle(element).backgroundColor);
    return colour[3] === 0 ? behind(element.parentElement) : over(colour, behind(element.parentElement)); };
  const light = colour => colour.map(c => c / 255).map(c => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
  const ratio = (a, b) => { const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
    return (high + .05) / (low + .05); };
  const bad = [];
  const judge = (element, what, due) => { const back = behind(element);
    const found = ratio(over(parts(getComputedStyle(element).color), back), back);
    if (found < due) bad.push(found.toFixed(2) + ' ' + what); };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) { const text = texts.currentNode.data.trim(), element = texts.currentNode.parentElement;
    if (!text || !element.getClientRects().length) continue;
    const style = getComputedStyle(element), size = parseFloat(style.fontSize);
    judge(element, text, size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5); }
  for (const drawing of document.querySelectorAll('svg')) judge(drawing, drawing.getAttribute('aria-label'), 3);
  return bad; })()"""

# Elements that reach beyond the window, but for those that scroll in a box of their own. A phone's
# window (innerWidth) grows with what is in it: so WIDTH is what was asked for.
OUTSIDE = """[...document.querySelectorAll('body *')].filter(e => { const box = e.getBoundingClientRect();
  return box.width && !e.closest('.scroll') && (box.left < -1 || box.right > WIDTH + 1); })
  .map(e => e.tagName + ' ' + e.textContent.slice(0, 40))"""
# What a phone would have to push aside to read.
SCROLLS = "[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth + 1)" \
          ".map(e => e.textContent.slice(0, 60))"

# Intervals of a split test that leave half of their card empty: on a phone they have a line to themselves.
NARROW = "[...document.querySelectorAll('.arms td.drawn svg')].filter(e =>" \
         "e.clientWidth < e.closest('.scroll').clientWidth * .8).length"


class Browser:
    """One tab. `requests` are addresses it asked for, `complaints` what its console says."""

    def __init__(self, folder):
        their_read, self.to = os.pipe()
        self.source, their_write = os.pipe()
        redirect = f'exec "$@" 3<&{their_read} 4>&{their_write}'
        self.process = subprocess.Popen(
            ["bash", "-c", redirect, "bash", *COMMAND, f"--user-data-dir={folder}/browser"],
            pass_fds=(their_read, their_write), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(their_read)
        os.close(their_write)
        self.buffer, self.sent, self.session, self.width = b"", 0, None, 0
        self.events, self.requests, self.complaints = [], [], []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def close(self):
        os.close(self.to)
        os.close(self.source)
        self.process.terminate()
        self.process.wait(LIMIT_S)

    def read(self, deadline):
        while b"\0" not in self.buffer:
            if not select.select([self.source], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError("Chromium does not answer")
            piece = os.read(self.source, 1 << 20)
            if not piece:
                raise EOFError("Chromium is gone")
            self.buffer += piece
        message, _, self.buffer = self.buffer.partition(b"\0")
        message = json.loads(message)
        self.note(message.get("method"), message.get("params", {}))
        return message

    def note(self, method, params):
        self.events.append(method)
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Log.entryAdded":
            self.complaints.append(params["entry"]["text"])
        elif method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
            self.complaints.append(json.dumps(params)[:300])

    def call(self, method, **params):
        self.sent += 1
        message = {"id": self.sent, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + LIMIT_S
        while True:
            answer = self.read(deadline)
            if answer.get("id") == self.sent:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def show(self, address, width, scheme="light", media="screen", has_script=True):
        """Loads `address` in a window of that width."""
        self.width = width
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1,
                  mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", media=media,
                  features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Emulation.setScriptExecutionDisabled", value=not has_script)
        self.events.clear()
        self.call("Page.navigate", url=address)
        self.wait_for("Page.loadEventFired")

    def wait_for(self, event):
        deadline = time.monotonic() + LIMIT_S
        while event not in self.events:
            self.read(deadline)

    def value(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(str(result["exceptionDetails"])[:500])
        return result["result"].get("value")

    def outside(self):
        """What is wider than the window."""
        found = self.value(OUTSIDE.replace("WIDTH", str(self.width)))
        return found or ["the page"] * (self.value("document.documentElement.scrollWidth") > self.width)

    def picture(self):
        """The whole page as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"])

    def pages_on_paper(self):
        pdf = base64.b64decode(self.call("Page.printToPDF", printBackground=False)["data"])
        return pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page/")
