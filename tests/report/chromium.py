"""A page in headless Chromium, driven over its DevTools protocol."""

import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import websocket

START_S = 60
ANSWER_S = 60
DOMAINS = ("Page", "Runtime", "Network", "Log")


def find_chromium() -> str:
    """The program, or the test is skipped."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium here (on Debian and Ubuntu: apt install chromium)")
    return found


class Page:
    """One page; what it asks of the network and what it complains about is kept.

    Attributes:
        requests: addresses that were asked for, but those that hold their data in them.
        complaints: messages of errors and warnings in the console, and exceptions nobody caught.
    """

    def __init__(self, address: str) -> None:
        self._socket = websocket.create_connection(address, timeout=ANSWER_S, suppress_origin=True)
        self._number = 0
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._loaded = False
        for domain in DOMAINS:
            self.call(f"{domain}.enable")

    def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": arguments}))
        while (message := self._receive()).get("id") != self._number:
            pass
        assert "error" not in message, f"{method}: {message['error']}"
        return message["result"]

    def open(self, path: Path, width: int, height: int = 900) -> None:
        """Load a file into a window of a size, anew, and wait until it is loaded."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        self._loaded = False
        self.call("Page.navigate", url=path.as_uri())
        while not self._loaded:
            self._receive()

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression; a promise is waited for."""
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def _receive(self) -> dict[str, Any]:
        message = json.loads(self._socket.recv())
        method, details = message.get("method"), message.get("params", {})
        if method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Network.requestWillBeSent":
            if not details["request"]["url"].startswith("data:"):
                self.requests.append(details["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(details["exceptionDetails"]["text"])
        elif method == "Log.entryAdded" and details["entry"]["level"] in ("error", "warning"):
            self.complaints.append(details["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and details["type"] in ("error", "warning", "assert"):
            self.complaints.append(str(details["args"]))
        return message


@contextmanager
def opened_page(program: str, profile: Path) -> Iterator[Page]:
    """Start Chromium with a new profile, which can reach nothing, and give its only page."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    offline = ["--proxy-server=127.0.0.1:9", "--disable-background-networking", "--disable-component-update"]
    command = [program, *options, *offline, f"--user-data-dir={profile}", "--remote-debugging-port=0"]
    process = subprocess.Popen(
        [*command, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield Page(_address(profile / "DevToolsActivePort", process))
    finally:
        process.terminate()
        process.wait(START_S)


def _address(port_file: Path, process: subprocess.Popen[bytes]) -> str:
    """The socket of the page, once the browser has told its port."""
    until = time.monotonic() + START_S
    while not (port_file.exists() and port_file.read_text()):
        assert process.poll() is None, f"Chromium ended with {process.returncode}"
        assert time.monotonic() < until, "Chromium does not start"
        time.sleep(0.1)
    port = port_file.read_text().split()[0]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=ANSWER_S) as answer:
        targets = json.load(answer)
    return next(target["webSocketDebuggerUrl"] for target in targets if target["type"] == "page")
