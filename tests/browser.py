"""A headless Chromium, spoken to over a pipe (Chrome DevTools Protocol), for tests of HTML reports."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_SECONDS = 90


class Browser:
    """One page in one browser. ``said`` is what its console was told, ``asked`` every address it wanted."""

    def __init__(self, program: str, profile: Path) -> None:
        down, self._out = os.pipe()
        self._in, up = os.pipe()
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"]
        command = [program, *options, f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank"]
        # The browser reads 3 and writes 4. Numbers from 20 on are in nobody's way.
        ends = [fcntl.fcntl(each, fcntl.F_DUPFD, 20) for each in (down, up)]
        placed = f'exec "$@" 3<&{ends[0]} 4>&{ends[1]}'
        self._process = subprocess.Popen(
            ["bash", "-c", placed, "bash", *command],
            pass_fds=ends,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for each in (down, up, *ends):
            os.close(each)
        self._number = 0
        self._buffer = b""
        self._session = ""
        self.said: list[str] = []
        self.asked: list[str] = []

    def __enter__(self) -> Self:
        targets = self._call("Target.getTargets")["targetInfos"]
        page = next(each["targetId"] for each in targets if each["type"] == "page")
        attached = self._call("Target.attachToTarget", targetId=page, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._call(f"{domain}.enable")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._out)
        os.close(self._in)

    def open(self, page: Path, *, width: int = 1280, dark: bool = False, media: str = "") -> None:
        """Open a file at that width, in that scheme, on that medium."""
        self._call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self._call("Page.navigate", url=page.as_uri())
        end = time.monotonic() + _SECONDS
        while self.value("document.readyState + location.protocol") != "completefile:":
            assert time.monotonic() < end, "the page was not loaded"

    def value(self, script: str) -> Any:
        """What ``script`` comes to in the page."""
        done = self._call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def picture(self, file: Path) -> None:
        """The whole page as PNG."""
        done = self._call("Page.captureScreenshot", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(done["data"]))

    def paper(self) -> bytes:
        """The page as PDF."""
        return base64.b64decode(self._call("Page.printToPDF")["data"])

    def _call(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + _SECONDS
        while True:
            answer = self._read(end)
            self._note(answer)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return answer["result"]

    def _note(self, answer: dict[str, Any]) -> None:
        method, parameters = answer.get("method"), answer.get("params", {})
        if method == "Network.requestWillBeSent":
            self.asked.append(parameters["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.said.append(parameters["exceptionDetails"]["text"])
        elif method == "Log.entryAdded":
            self.said.append(parameters["entry"]["text"])
        elif method == "Runtime.consoleAPICalled":
            self.said.append(str(parameters["args"]))

    def _read(self, end: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(end - time.monotonic(), 0))
            assert ready, "the browser does not answer"
            self._buffer += os.read(self._in, 1 << 20)
        text, _, self._buffer = self._buffer.partition(b"\0")
        found: dict[str, Any] = json.loads(text)
        return found
