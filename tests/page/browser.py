# SPDX-License-Identifier: GPL-2.0-only
"""Chromium without a window, told what to do over a pipe (the DevTools protocol), and a server that
serves the page at / with answers that a test makes up."""

import base64
import http.server
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
# As src/serve/web.c sends it; tests/live/page.sh holds the daemon's against it.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run
    --disable-background-networking --disable-component-update --disable-sync --no-proxy-server
    --hide-scrollbars --force-color-profile=srgb --lang=en-GB --remote-debugging-pipe""".split()
KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "End": 35, "Home": 36, "ArrowUp": 38, "ArrowDown": 40}


class Browser:
    """One page of one browser; use it with `with`."""

    def __init__(self, patience=60):
        self.patience = patience
        self.next_id = 0
        self.session = None
        self.console = []  # what it complained of
        self.rest = b""

    def __enter__(self):
        self.profile = tempfile.TemporaryDirectory(prefix="faultmap-page.", ignore_cleanup_errors=True)
        to_read, self.to = os.pipe()
        self.source, to_write = os.pipe()

        def place():  # chromium reads 3 and writes 4
            high = os.dup(to_read), os.dup(to_write)
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self.process = subprocess.Popen(
            ["chromium", *FLAGS, "--user-data-dir=" + self.profile.name, "about:blank"],
            preexec_fn=place, pass_fds=(3, 4), close_fds=True, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        target = next(t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in "Page", "Runtime", "Log":
            self.call(domain + ".enable")
        return self

    def __exit__(self, *_):
        try:
            self.session = None
            self.call("Browser.close")
            self.process.wait(20)
        except (OSError, TimeoutError, RuntimeError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        os.close(self.to)
        os.close(self.source)
        self.profile.cleanup()

    def read(self):
        while b"\0" not in self.rest:
            more = os.read(self.source, 1 << 20)
            if not more:
                raise RuntimeError("chromium has ended")
            self.rest += more
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def note(self, message):
        method, parameters = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.console.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Log.entryAdded" and parameters["entry"]["source"] != "network":
            self.console.append(parameters["entry"]["text"])

    def call(self, method, **parameters):
        self.next_id += 1
        message = {"id": self.next_id, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read()
            if answer.get("id") != self.next_id:
                self.note(answer)
                continue
            if "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']}")
            return answer["result"]

    def ask(self, expression):
        """The value of a JavaScript expression; promises are awaited."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"].get("exception", {}).get("description"))
        return answer["result"].get("value")

    def wait(self, expression, wanted=True):
        """Until the expression has this value; what it has in the end."""
        end = time.monotonic() + self.patience
        while True:
            try:
                value = self.ask(expression)
            except RuntimeError as error:  # the page is on its way
                value = str(error)
            if value == wanted or time.monotonic() > end:
                return value
            time.sleep(0.05)

    def open(self, url, ready="typeof answers !== 'undefined' && (answers !== null || failures > 0)"):
        """A new page, not only another fragment; until there are figures, or it says why not."""
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=url)
        self.wait(ready)

    def press(self, key, times=1):
        for _ in range(times):
            event = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
            if key == "Enter":
                event["text"] = "\r"
            self.call("Input.dispatchKeyEvent", type="keyDown", **event)
            self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    def click(self, selector):
        where = self.ask(f"""(() => {{
            const element = document.querySelector({json.dumps(selector)});
            element.scrollIntoView({{ block: "center", inline: "center" }});
            const box = element.getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2];
        }})()""")
        for kind in "mousePressed", "mouseReleased":
            self.call("Input.dispatchMouseEvent", type=kind, x=where[0], y=where[1], button="left", clickCount=1)

    def type(self, text):
        self.call("Input.insertText", text=text)

    def look(self, width, height, theme):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])

    def shoot(self, path):
        picture = self.call("Page.captureScreenshot")["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(picture))


class Site(http.server.ThreadingHTTPServer):
    """The page's own files, and what answer(path, arguments) says beside them: an object, or the
    number of an error."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, answer, port=0):
        self.answer = answer
        super().__init__(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    FILES = {"/": ("page.html", "text/html"), "/page.css": ("page.css", "text/css"),
             "/page.js": ("page.js", "text/javascript")}

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        if url.path in self.FILES:
            name, kind = self.FILES[url.path]
            self.send(200, kind + "; charset=utf-8", (ROOT / "src/serve" / name).read_bytes())
            return
        said = self.server.answer(url.path, dict(urllib.parse.parse_qsl(url.query)))
        if isinstance(said, int):
            self.send(said, "text/plain", b"no\n")
        elif isinstance(said, str):  # a page that brings its own policy
            self.send(200, "text/html; charset=utf-8", said.encode(), "frame-ancestors 'self'")
        else:
            self.send(200, "application/json", json.dumps(said).encode())

    def send(self, status, kind, body, policy=POLICY):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", policy)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
