"""An app behind a real uvicorn on loopback, and how its streams are read."""

import json
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import httpx
import uvicorn

from asyncsessions import AttributionHub, Hum, Retry
from asyncsessions.integrations.fastapi import Upstream
from asyncsessions.testing import HUM_TOKEN

ALL = {"start": "2026-01-01", "end": "2026-03-31"}
KEY = "an-invented-key-of-the-app"
KEYED = {"X-API-Key": KEY}
ONE_TRY = Retry(attempts=1)
PATIENCE_S = 20


@contextmanager
def running(app, *, send_buffer=None):
    """Serve an app from a thread with a loop of its own and return its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    if send_buffer is not None:  # else the system buffers megabytes for a reader that is slow
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    # By itself an older uvicorn makes uvloop the loop of the whole process, also of other tests.
    config = uvicorn.Config(app, loop="asyncio", log_config=None, timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        await_truth(lambda: server.started or not thread.is_alive())
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)
        listening.close()
        assert not thread.is_alive()


VENDOR = """
import sys
from asyncsessions.testing import FakeHum
with FakeHum(rows=3000, latency_s=float(sys.argv[1])).in_thread() as fake:
    print(fake.base_url, flush=True)
    sys.stdin.read()
"""


@contextmanager
def vendor_process(latency_s):
    """Run a vendor with 3,000 sessions that can be killed; yield it and an upstream's provider."""
    with subprocess.Popen(
        [sys.executable, "-c", VENDOR, str(latency_s)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process, Hum(HUM_TOKEN, base_url=process.stdout.readline().strip())
        finally:
            process.kill()


def await_truth(condition, *, within_s=PATIENCE_S):
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it never became true"
        time.sleep(0.005)


def hum_upstream(fake, **how):
    return Upstream(Hum(fake.token, base_url=fake.base_url), **how)


def hub_upstream(fake, **how):
    return Upstream(AttributionHub(fake.key, base_url=fake.base_url), **how)


def client_of(base_url, **how):
    return httpx.Client(base_url=base_url, timeout=PATIENCE_S, trust_env=False, **how)


def records_of(text):
    """Return the sessions of a stream, and its ending: ``None`` if it was cut."""
    lines = [json.loads(line) for line in text.splitlines()]
    if lines and lines[-1].get("_end"):
        return lines[:-1], lines[-1]
    return lines, None
