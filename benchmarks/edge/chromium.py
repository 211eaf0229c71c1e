"""Headless Chromium, spoken to over the DevTools protocol on two pipes, and folders served to it.

A page's script is told nothing of it: keys, files and drops come as the browser's own events.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PATIENCE = 60.0
"""Seconds that a page may take for anything."""

_FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-sandbox",  # which the root of a container may not use
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--use-fake-device-for-media-stream",
)

_KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32}


def chromium() -> str | None:
    """The program, where there is one."""
    return shutil.which("chromium") or shutil.which("google-chrome")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder, served as `python -m http.server` does."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Tab:
    """One page. `width` and `height` are CSS pixels."""

    def __init__(self, profile: Path, *flags: str, width: int = 1200, height: int = 900) -> None:
        program = chromium()
        assert program is not None
        (theirs, self._out), (self._in, back) = os.pipe(), os.pipe()
        # Chromium reads its orders from 3 and answers on 4.
        script = f'exec "$@" 3<&{theirs} 4>&{back}'
        command = [program, *_FLAGS, *flags, f"--user-data-dir={profile}", "about:blank"]
        self._process = subprocess.Popen(
            ["bash", "-c", script, "bash", *command],
            pass_fds=(theirs, back),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs)
        os.close(back)
        self._bytes = b""
        self._count = 0
        self._session = ""
        self.events: list[dict[str, Any]] = []
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(each["targetId"] for each in targets if each["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=page, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call(
            "Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=True, flatten=True
        )
        self.screen(width, height)

    def close(self) -> None:
        """Ends the browser."""
        try:
            self.call("Browser.close")
            self._process.wait(10)
        except (EOFError, OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def __enter__(self) -> Tab:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One order and its answer; AssertionError where the browser refuses it."""
        number = self._send(method, parameters, self._session)
        while True:
            said = self._receive()
            if said.get("id") == number:
                assert "error" not in said, f"{method}: {said['error']}"
                return dict(said["result"])

    def _send(self, method: str, parameters: dict[str, Any], session: str) -> int:
        self._count += 1
        order = {"id": self._count, "method": method, "params": parameters}
        text = json.dumps(order | ({"sessionId": session} if session else {})).encode() + b"\0"
        while text:
            text = text[os.write(self._out, text) :]
        return self._count

    def _receive(self) -> dict[str, Any]:
        """The next message. A worker that starts is watched, too."""
        while b"\0" not in self._bytes:
            if not select.select([self._in], [], [], PATIENCE)[0]:
                raise TimeoutError(f"Chromium said nothing for {PATIENCE:.0f} seconds")
            some = os.read(self._in, 1 << 20)
            if not some:
                raise EOFError("Chromium has ended")
            self._bytes += some
        text, _, self._bytes = self._bytes.partition(b"\0")
        said: dict[str, Any] = json.loads(text)
        if "method" in said:
            self.events.append(said)
        if said.get("method") == "Target.attachedToTarget" and self._session:
            for method in ("Network.enable", "Runtime.enable", "Runtime.runIfWaitingForDebugger"):
                self._send(method, {}, said["params"]["sessionId"])
        return said

    def open(self, address: str) -> None:
        """Goes to a page; its scripts may still be at work."""
        self.events.clear()
        self.call("Page.navigate", url=address)
        self.wait("document.readyState !== 'loading'")

    def run(self, script: str) -> Any:
        """The value of an expression in the page; a promise is awaited."""
        done = self.call(
            "Runtime.evaluate",
            expression=script,
            returnByValue=True,
            awaitPromise=True,
            userGesture=True,
        )
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def wait(self, script: str) -> Any:
        """The value of an expression as soon as it is true."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if value := self.run(script):
                return value
            time.sleep(0.02)
        text = self.run("document.body.innerText")
        raise AssertionError(f"never true: {script}\n{self.problems()}\n{text}")

    def until(self, method: str) -> None:
        """Waits for an event that is still to come."""
        while self._receive().get("method") != method:
            pass

    def text(self, selector: str) -> str:
        """What an element shows; AssertionError where there is none."""
        return str(self.run(f"document.querySelector({json.dumps(selector)}).innerText"))

    def press(self, key: str) -> None:
        """One key, down and up."""
        text = {"Enter": "\r", " ": " "}.get(key)
        keys = {"key": key, "code": "Space" if key == " " else key}
        keys |= {"windowsVirtualKeyCode": _KEYS[key]} | ({"text": text} if text else {})
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **keys)
        self.call("Input.dispatchKeyEvent", type="keyUp", **keys)

    def drop(self, file: Path, selector: str) -> None:
        """Drags a file onto the middle of an element."""
        script = "scrollIntoView({block: 'center'})"
        self.run(f"document.querySelector({json.dumps(selector)}).{script}")
        box = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()"
        x, y = self.run(f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])({box})")
        data = {"items": [], "files": [str(file)], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.call("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)

    def choose(self, file: Path, press: str) -> None:
        """Answers the file picker that a key opens."""
        self.call("Page.setInterceptFileChooserDialog", enabled=True)
        self.press(press)
        self.wait("true")  # the event comes before a later answer
        opened = [each for each in self.events if each["method"] == "Page.fileChooserOpened"]
        node = opened[-1]["params"]["backendNodeId"]
        self.call("DOM.setFileInputFiles", files=[str(file)], backendNodeId=node)

    def screen(self, width: int, height: int, dark: bool = False, still: bool = False) -> None:
        """The size of the window in CSS pixels, and what the person prefers."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        wishes = {
            "prefers-color-scheme": "dark" if dark else "light",
            "prefers-reduced-motion": "reduce" if still else "no-preference",
        }
        features = [{"name": name, "value": value} for name, value in wishes.items()]
        self.call("Emulation.setEmulatedMedia", features=features)

    def picture(self) -> bytes:
        """What the window shows, as a PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot")["data"])

    def requests(self) -> list[str]:
        """Every address that the page and its workers have asked for."""
        sent = [each for each in self.events if each["method"] == "Network.requestWillBeSent"]
        return [each["params"]["request"]["url"] for each in sent]

    def problems(self) -> list[str]:
        """Exceptions that nothing caught, and errors that the browser has logged."""
        found = []
        for each in self.events:
            if each["method"] == "Runtime.exceptionThrown":
                found.append(json.dumps(each["params"]["exceptionDetails"]))
            elif each["method"] == "Log.entryAdded" and each["params"]["entry"]["level"] == "error":
                found.append(each["params"]["entry"]["text"])
        return found
