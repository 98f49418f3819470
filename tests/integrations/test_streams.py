"""What happens to a stream when either end of it fails: each with its outcome."""

import asyncio
import socket
import time
from contextlib import contextmanager

import aiohttp
import pytest
from fastapi import FastAPI

from asyncsessions import Hum, Retry
from asyncsessions.integrations.fastapi import Upstream, sessions_router
from asyncsessions.testing import FakeHum
from tests.integrations.serving import (
    ALL,
    PATIENCE_S,
    await_truth,
    client_of,
    hum_upstream,
    records_of,
    running,
    vendor_process,
)

pytestmark = pytest.mark.slow
TWO_TRIES = Retry(attempts=2, backoff_s=0.01)
QUERY = "start=2026-01-01&end=2026-03-31"
SMALL = 16_384
PATHS = ("sessions", "sessions/count", "sessions/summary", "sessions/events")
ONE = "sessions/00000000-0000-4000-8000-000000000001"


@contextmanager
def serving(fake, *, send_buffer=None, **how):
    app = FastAPI()
    app.include_router(sessions_router(hum_upstream(fake, **how), redact=False))
    with running(app, send_buffer=send_buffer) as url:
        yield url


def request_for(path, *more):
    lines = (f"GET /{path}?{QUERY} HTTP/1.1", "Host: localhost", *more, "", "")
    return "\r\n".join(lines).encode()


def answered(fake):
    return sum(request.answered_s is not None for request in fake.requests)


def test_the_first_bytes_come_after_one_page_of_the_vendors():
    with (
        FakeHum(rows=500, latency_s=0.3).in_thread() as fake,
        serving(fake, concurrency=1) as url,
        client_of(url) as http,
        http.stream("GET", "/sessions", params=ALL) as answer,
    ):
        first = next(answer.iter_raw())
        pages = answered(fake)
    assert pages == 1
    assert 40 <= first.count(b"\n") <= 50


def test_a_vendor_that_is_killed_mid_stream_leaves_an_ending_that_says_so():
    with vendor_process(0.03) as (vendor, provider):
        app = FastAPI()
        upstream = Upstream(provider, concurrency=2, retry=TWO_TRIES)
        app.include_router(sessions_router(upstream, redact=False))
        with (
            running(app) as url,
            client_of(url) as http,
            http.stream("GET", "/sessions", params=ALL) as answer,
        ):
            pieces = answer.iter_text()
            text = next(pieces)
            vendor.kill()
            text += "".join(pieces)
    sessions, ending = records_of(text)
    assert answer.status_code == 200
    assert 0 < len(sessions) < 3000
    assert ending["count"] == len(sessions)
    assert (ending["complete"], ending["reason"]) == (False, "upstream_unreachable")


def test_a_reader_that_is_slow_holds_the_vendor_back_and_still_gets_everything():
    with FakeHum(rows=5000).in_thread() as fake, serving(fake, send_buffer=SMALL) as url:
        port = int(url.rpartition(":")[2])
        with socket.socket() as reader:
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
            reader.connect(("127.0.0.1", port))
            reader.sendall(request_for("sessions", "Connection: close"))
            await_truth(lambda: answered(fake) > 2)
            time.sleep(0.7)
            ahead = answered(fake)
            with reader.makefile("rb") as file:
                whole = file.read()
        assert ahead < 40  # of 100
    assert whole.count(b'"started_at"') == 5000
    assert b'"count":5000,"complete":true' in whole


@pytest.mark.parametrize("path", ["sessions", "sessions/summary", "sessions/events"])
def test_a_reader_that_vanishes_stops_the_requests_within_a_page(path):
    with (
        FakeHum(rows=3000, latency_s=0.1).in_thread() as fake,
        serving(fake, concurrency=1) as url,
    ):
        port = int(url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as reader:
            reader.sendall(request_for(path))
            await_truth(lambda: answered(fake) >= 3)
        seen = len(fake.requests)
        time.sleep(0.5)  # five pages
        assert len(fake.requests) <= seen + 1
        assert fake.in_flight == 0
        with client_of(url) as http:  # and the server lives on
            assert http.get("/healthz").status_code == 200


class Hanging:
    """A network on which no answer ever comes."""

    def __init__(self):
        self.waiting = self.cancelled = 0

    async def send(self, request, *, timeout_s):
        self.waiting += 1
        try:
            await asyncio.sleep(PATIENCE_S)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


def test_a_reader_that_vanishes_before_the_first_page_is_noticed_too():
    network = Hanging()
    app = FastAPI()
    upstream = Upstream(Hum("invented", environment="sandbox"), transport=network)
    app.include_router(sessions_router(upstream, redact=False))
    with running(app) as url:
        port = int(url.rpartition(":")[2])
        for number, path in enumerate((*PATHS, ONE), start=1):
            with socket.create_connection(("127.0.0.1", port)) as reader:
                reader.sendall(request_for(path))
                await_truth(lambda: network.waiting == number)  # noqa: B023 - called here
            await_truth(lambda: network.cancelled == number, within_s=3)  # noqa: B023 - the same


async def test_fifty_readers_at_once_share_one_limit_of_the_vendors():
    with (
        FakeHum(rows=120, latency_s=0.01, max_concurrency=4).in_thread() as fake,
        serving(fake, concurrency=4) as url,
    ):
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:

            async def read():
                async with http.get(f"{url}/sessions?{QUERY}") as answer:
                    return answer.status, records_of(await answer.text())

            answers = await asyncio.gather(*(read() for _ in range(50)))
    assert {status for status, _ in answers} == {200}
    assert {(len(sessions), ending["complete"]) for _, (sessions, ending) in answers} == {
        (120, True)
    }
    assert {request.status for request in fake.requests} == {200}  # nobody was refused
    assert len(fake.requests) == 50 * 3
    assert fake.max_in_flight <= 4


async def test_fifty_readers_get_the_same_refusal_once_the_vendor_is_down():
    fake = FakeHum(rows=120)
    with fake.in_thread():
        pass
    with serving(fake, retry=TWO_TRIES) as url:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:

            async def read():
                async with http.get(f"{url}/sessions?{QUERY}") as answer:
                    return answer.status, (await answer.json())["reason"]

            answers = await asyncio.gather(*(read() for _ in range(50)))
    assert set(answers) == {(502, "upstream_unreachable")}
