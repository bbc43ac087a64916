"""A headless Chromium, driven over its own pipe: no port, no WebSocket, nothing to install.

Chromium reads commands of the DevTools protocol from descriptor 3 and writes replies and events to
descriptor 4, each a JSON object that ends with a zero byte (`--remote-debugging-pipe`).
"""

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Of one step: a page, an answer. A cold start of a function is among them.
TIMEOUT_S = 30.0
FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-sync",
    "--hide-scrollbars",
    # Containers often have 64 MB there.
    "--disable-dev-shm-usage",
)
# Puts the pipes where Chromium looks for them; until the exec, Python's own may lie there.
TRAMPOLINE = """
import os, sys
read, write = (os.dup(int(number)) for number in sys.argv[1:3])
read, write = os.dup2(read, 90), os.dup2(write, 91)
os.dup2(read, 3), os.dup2(write, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
KEYS = {"Tab": (9, ""), "Enter": (13, "\r"), " ": (32, " ")}


class Unexpected(Exception):
    """What the browser showed is not what was expected."""


class Gone(Unexpected):
    """The page went away before it answered."""


def executable() -> str:
    """The browser of this machine; `MCPDEPLOY_CHROMIUM` names another."""
    given = os.environ.get("MCPDEPLOY_CHROMIUM")
    names = (given,) if given else NAMES
    found = next((path for name in names if (path := shutil.which(name))), None)
    if not found:
        raise Unexpected(f"no browser here ({', '.join(names)}); MCPDEPLOY_CHROMIUM may name one")
    return found


class Chromium:
    """A browser with one page, and a profile that is gone afterwards."""

    def __init__(self) -> None:
        self._profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        root = ["--no-sandbox"] if os.geteuid() == 0 else []
        place = f"--user-data-dir={self._profile.name}"
        self._process = subprocess.Popen(
            [sys.executable, "-c", TRAMPOLINE, str(to_read), str(to_write)]
            + [executable(), *FLAGS, *root, place, "about:blank"],
            pass_fds=(to_read, to_write),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self._buffer = b""
        self._last = 0
        self._replies: dict[int, dict] = {}
        self._session: str | None = None
        self._context: str | None = None
        # How many pages have come, and why the last one did not.
        self.loads = 0
        self.network_error = ""
        # Told of each event, and may call.
        self.listen = lambda _method, _params: None
        try:
            self.forget()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Chromium":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def forget(self) -> None:
        """A new page in a browser that was never anywhere: no cookies, no history."""
        self._session, before = None, self._context
        self.listen = lambda _method, _params: None
        if before:
            self.call("Target.disposeBrowserContext", browserContextId=before)
        self._context = self.call("Target.createBrowserContext")["browserContextId"]
        page = {"url": "about:blank", "browserContextId": self._context}
        target = self.call("Target.createTarget", **page)["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime"):
            self.call(f"{domain}.enable")
        # Focus works as in a window that has it.
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)

    def close(self) -> None:
        """Ends the browser and removes its profile."""
        # It ends when its pipe does.
        os.close(self._write)
        os.close(self._read)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._profile.cleanup()

    def send(self, method: str, **params: object) -> int:
        """Asks without waiting for the answer, as events must that answer others."""
        self._last += 1
        message: dict = {"id": self._last, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._write, data) :]
        return self._last

    def call(self, method: str, **params: object) -> dict:
        """Asks, and returns the answer."""
        number = self.send(method, **params)
        self._pump(lambda: number in self._replies, method)
        reply = self._replies.pop(number)
        if "error" in reply:
            why = reply["error"]["message"]
            # "Cannot find context with specified id", "Inspected target navigated or closed", …
            gone = "context" in why or "navigated" in why
            raise (Gone if gone else Unexpected)(f"{method}: {why}")
        return reply["result"]

    def _pump(self, done, what: str) -> None:
        """Takes what the browser says until `done`."""
        until = time.monotonic() + TIMEOUT_S
        while not done():
            end = self._buffer.find(b"\0")
            if end >= 0:
                message = json.loads(self._buffer[:end])
                self._buffer = self._buffer[end + 1 :]
                self._take(message)
                continue
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._read], [], [], left)[0]:
                raise Unexpected(f"nothing came of {what} within {TIMEOUT_S:.0f} s")
            data = os.read(self._read, 1 << 20)
            if not data:
                raise Unexpected(f"the browser ended during {what}")
            self._buffer += data

    def _take(self, message: dict) -> None:
        if "id" in message:
            self._replies[message["id"]] = message
            return
        method, params = message["method"], message.get("params", {})
        if message.get("sessionId") != self._session:
            return
        if method == "Page.loadEventFired":
            self.loads += 1
        elif method == "Network.loadingFailed" and params.get("type") == "Document":
            self.network_error = params.get("errorText", "")
        self.listen(method, params)

    def until(self, done, what: str) -> None:
        """Waits until `done`, which is asked again after each event."""
        self._pump(done, what)

    def evaluate(self, expression: str) -> object:
        """The value of JavaScript in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise Unexpected(f"{expression}: {answer['exceptionDetails']['text']}")
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """Presses a key and lets it go."""
        code, text = KEYS.get(key, (0, key))
        known = {"windowsVirtualKeyCode": code, "code": key} if code else {}
        down = "keyDown" if text else "rawKeyDown"
        self.call("Input.dispatchKeyEvent", type=down, key=key, text=text, **known)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, **known)

    def click(self, x: float, y: float) -> None:
        """Presses the mouse's button at a place."""
        for kind in ("mousePressed", "mouseReleased"):
            self.call(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
            )

    def look(self, width: int, scheme: str) -> None:
        """Shows pages at this width, light or dark."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=844 if width < 600 else 800,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", features=[feature])

    def look_as_before(self) -> None:
        """Undoes `look`."""
        self.call("Emulation.clearDeviceMetricsOverride")
        self.call("Emulation.setEmulatedMedia", features=[])
