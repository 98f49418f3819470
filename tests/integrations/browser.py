"""Debian's Chromium, headless, driven over its own debugging protocol; aiohttp has the WebSocket."""

import asyncio
import base64
import itertools
import shutil
import subprocess
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium"
)
SWITCHES = (
    "--headless",
    "--no-sandbox",  # CI runs as root, where there is none
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # nothing from elsewhere
    "--remote-debugging-port=0",
)
PATIENCE_S = 20


class Page:
    """One tab: what it shows, and what a person does to it."""

    def __init__(self, socket):
        self._socket = socket
        self._numbers = itertools.count(1)
        self.urls = []
        self.problems = []

    async def call(self, method, **params):
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        while True:
            message = await self._socket.receive_json(timeout=PATIENCE_S)
            if message.get("id") == number:
                assert "error" not in message, message["error"]
                return message["result"]
            self._note(message["method"], message["params"])

    def _note(self, event, params):
        if event == "Network.requestWillBeSent":
            self.urls.append(params["request"]["url"])
        elif event == "Runtime.exceptionThrown":
            self.problems.append(params["exceptionDetails"]["text"])
        elif event == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.problems.append(params["entry"]["text"])

    async def open(self, url):
        for domain in ("Page", "Runtime", "Network", "Log", "Accessibility"):
            await self.call(f"{domain}.enable")
        await self.call("Page.navigate", url=url)
        await self.until("location.href !== 'about:blank' && document.readyState === 'complete'")

    async def ask(self, expression):
        """Return the value of some JavaScript."""
        found = await self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    async def until(self, expression):
        """Wait until some JavaScript is true."""
        deadline = time.monotonic() + PATIENCE_S
        while not await self.ask(expression):
            assert time.monotonic() < deadline, (
                f"never true: {expression}; the page shows {await self.text('body')!r}; "
                f"problems: {self.problems}"
            )
            await asyncio.sleep(0.02)

    async def text(self, selector):
        return await self.ask(f"document.querySelector({selector!r}).innerText")

    async def press(self, key, code=None):
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        for kind in ("keyDown", "keyUp"):
            how = {"type": kind, "key": key, "code": code or key}
            if text and kind == "keyDown":
                how["text"] = text
            if key in {"Tab", "Enter"}:
                how["windowsVirtualKeyCode"] = {"Tab": 9, "Enter": 13}[key]
            await self.call("Input.dispatchKeyEvent", **how)

    async def type(self, text):
        await self.call("Input.insertText", text=text)

    async def tree(self):
        """Return (role, name, value) of everything that a screen reader is told of."""
        nodes = (await self.call("Accessibility.getFullAXTree"))["nodes"]
        return [
            tuple(node.get(part, {}).get("value") for part in ("role", "name", "value"))
            for node in nodes
            if not node["ignored"]
        ]

    async def prefer(self, scheme):
        await self.call(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )

    async def screenshot(self, path, *, width=1200, height=1500):
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        shot = await self.call("Page.captureScreenshot", captureBeyondViewport=True)
        Path(path).write_bytes(base64.b64decode(shot["data"]))  # noqa: ASYNC240 - a test


@asynccontextmanager
async def opened(url):
    """Open Chromium at an address, in a profile of its own."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(  # noqa: ASYNC220 - a test
            [CHROMIUM, *SWITCHES, f"--user-data-dir={profile}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            port = await _port_of(Path(profile) / "DevToolsActivePort")
            async with aiohttp.ClientSession() as http:
                async with http.get(f"http://127.0.0.1:{port}/json/list") as answer:
                    tabs = await answer.json()
                tab = next(tab for tab in tabs if tab["type"] == "page")
                async with http.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                    page = Page(socket)
                    await page.open(url)
                    yield page
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


async def _port_of(file):
    deadline = time.monotonic() + PATIENCE_S
    while not (file.exists() and file.read_text()):
        assert time.monotonic() < deadline, "Chromium does not start"
        await asyncio.sleep(0.02)
    return int(file.read_text().splitlines()[0])
