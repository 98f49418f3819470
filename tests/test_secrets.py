"""A token and the personal data of a pull show up nowhere, however the pull ends.

Nowhere is: no log record of any logger at DEBUG (asyncio's own debug mode included), no `repr`,
no error with its causes, contexts, tracebacks with locals and pickle, and no other server.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import pickle
import traceback
import warnings
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp
import pytest

from asyncsessions import AttributionHub, Client, Hum, Retry, SessionsError
from asyncsessions.core.http import Request, Secret
from asyncsessions.core.meter import Meter
from asyncsessions.testing import FakeAttributionHub, FakeHum, Faults
from tests.transport.wire import answer, chunked, serving

TOKEN = "canary-token-0123456789abcdef"
EMAIL = "canary.person@example.com"
STREET = "42 Invented Canary Street"
CANARIES = (TOKEN, EMAIL, STREET, "canary.person", "Canary Street")
RANGE = {"start": "2026-03-03", "end": "2026-03-31"}
QUICK = Retry(attempts=2, backoff_s=0.001, max_backoff_s=0.001)
VENDORS = ["hum", "attributionhub"]


def provider_of(vendor, base_url):
    if vendor == "hum":
        return Hum(Secret(TOKEN), base_url=base_url)
    return AttributionHub(Secret(TOKEN), base_url=base_url)


def row(vendor, minute):
    moment = f"2026-03-20T12:{minute:02d}:00Z"
    if vendor == "hum":
        return {
            "id": f"{minute:08x}-0000-4000-8000-000000000000",
            "created_at": moment,
            "address": {"street1": STREET, "city": "Canaryville", "zip": "12345"},
        }
    return {
        "timestamp": moment,
        "source": "newsletter",
        "conversion": {"email": EMAIL, "timestamp": moment},
    }


def page(vendor, rows, **envelope):
    """Return the body of a list answer."""
    if vendor == "hum":
        head = {"message": "", "request_status": "ok", "data": rows}
        meta = {"page": 1, "pages": 1, "count": len(rows)}
        return json.dumps({**head, "meta": meta, **envelope}).encode()
    pages = {"current_page": 1, "total_pages": 1, "total_records": len(rows)}
    return json.dumps({"records": rows, "pagination": pages, **envelope}).encode()


def two_rows(vendor):
    return [row(vendor, 1), row(vendor, 0)]


# ------------------------------------------------------------------ where a canary could sit


class Everything(logging.Handler):
    """Keeps all that a record says, the values of its arguments included."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.said = []

    def emit(self, record):
        self.said.append(f"{record.getMessage()} {record.__dict__!r}")
        if record.exc_info and record.exc_info[1] is not None:
            self.said += told_by(record.exc_info[1])


@contextmanager
def listening():
    """Hear every logger, asyncio's about each slow step (all of them are), and every warning."""
    handler, root = Everything(), logging.getLogger()
    level, loop = root.level, asyncio.get_running_loop()
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    loop.set_debug(True)
    loop.slow_callback_duration = 0.0
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            yield handler.said
        handler.said += [str(one.message) for one in warned]
    finally:
        loop.set_debug(False)
        root.removeHandler(handler)
        root.setLevel(level)


def told_by(error, seen=None):
    """Return all texts of an error, its causes and contexts, with the locals of our frames."""
    seen = set() if seen is None else seen
    if error is None or id(error) in seen:
        return []
    seen.add(id(error))
    told = [str(error), repr(error), repr(error.args), repr(vars(error))]
    if isinstance(error, SessionsError):
        told.append(repr(pickle.dumps(error)))
        told.append(repr(vars(pickle.loads(pickle.dumps(error)))))
    story = traceback.TracebackException.from_exception(error, capture_locals=True)
    for frame in story.stack:
        if Path(frame.filename) != Path(__file__):  # whose locals are the canaries' own
            told.append(f"{frame.filename}:{frame.lineno} {frame.locals!r}")
    return (
        told
        + told_by(error.__cause__, seen)
        + told_by(error.__context__, seen)
        + [text for one in getattr(error, "exceptions", ()) for text in told_by(one, seen)]
    )


def assert_silent(texts):
    assert texts
    for text in texts:
        for canary in CANARIES:
            # Bodies are bytes, and a repr of a repr is escaped, so the bare words are looked for.
            assert canary not in text, f"{canary!r} in {text[:2_000]}"


async def ended(task):
    """Return the error of a task as it was raised; `asyncio.gather` makes up a fresh one."""
    try:
        await task
    except (SessionsError, asyncio.CancelledError) as error:
        return error
    return None


async def told_by_pull(client, *, cancel_after=None):
    """Return all texts of a pull and of what it used, whatever becomes of it."""
    query = client.sessions(**RANGE).with_options(raw=True)
    stream = query.stream()
    told, sessions = [], []

    async def consume():
        async for session in stream:
            sessions.append(session)

    task = asyncio.create_task(consume())
    if cancel_after is not None:
        await cancel_after()
        task.cancel()
    error = await ended(task)
    told += told_by(error)
    told += [repr(one) for one in (client, query, stream, stream.report, client.provider)]
    told += [repr(session) for session in sessions] + [repr(stream.report.to_dict())]
    told += [f"{vars(client)!r}", repr(vars(client._fetcher)), repr(vars(client._transport))]
    return told, error, sessions


@asynccontextmanager
async def client_of(vendor, base_url, **options):
    async with Client(provider_of(vendor, base_url), **{"retry": QUICK, **options}) as client:
        yield client


# ------------------------------------------------------------------ how a pull can end

ECHO = json.dumps({"error": f"no key {TOKEN} for {EMAIL}", "message": f"{EMAIL}: {TOKEN}"}).encode()


def cut(raw, *, after):
    """Send so much of the answer and close the connection."""

    async def script(exchange):
        await exchange.send(raw[:after])
        exchange.hang_up()

    return script


def broken(vendor, change):
    """Return a page with a record that is not what is documented, and its data in it."""
    rows = two_rows(vendor)
    change(rows[1])
    return answer(page(vendor, rows))


ENDINGS = {
    "success": lambda v: answer(page(v, two_rows(v))),
    "a warning": lambda v: answer(
        page(v, two_rows(v), request_status="warning", message=f"{TOKEN} {EMAIL}")
    ),
    "an error in a 200": lambda v: answer(
        page(v, [], request_status="error", message=f"{TOKEN} {EMAIL}", error=TOKEN)
    ),
    "an unknown status in a 200": lambda v: answer(page(v, two_rows(v), request_status=TOKEN)),
    "a message alone": lambda v: answer(ECHO),
    **{
        f"{status} with an echo": lambda v, status=status: answer(ECHO, status=f"{status} {TOKEN}")
        for status in (400, 401, 403, 404, 418, 422, 429, 500, 501, 503)
    },
    "the quota": lambda v: answer(
        json.dumps(
            {"error": f"Monthly quota {TOKEN} {EMAIL}", "limit": 5, "used": 5, "domain": EMAIL}
        ).encode(),
        status="429 No",
    ),
    "echoes in headers": lambda v: answer(
        b"{}", status="429 No", Retry_After=TOKEN, Date=EMAIL, X_Key=TOKEN, Set_Cookie=TOKEN
    ),
    "an unknown coding": lambda v: answer(ECHO, Content_Encoding=TOKEN),
    "junk that claims to be packed": lambda v: answer(ECHO, Content_Encoding="gzip"),
    "half a packed body": lambda v: answer(
        gzip.compress(page(v, two_rows(v)), mtime=0)[:-8], Content_Encoding="gzip"
    ),
    "a wrong length": lambda v: cut(answer(page(v, two_rows(v))), after=-1),
    "half a header": lambda v: cut(f"HTTP/1.1 200 OK\r\nX: {TOKEN}".encode(), after=99),
    "a bad header": lambda v: f"HTTP/1.1 200 OK\r\n{TOKEN} {EMAIL}\r\n\r\n".encode(),
    "a bad status line": lambda v: f"HTTP/1.1 {TOKEN} {EMAIL}\r\n\r\n".encode(),
    "a bad chunk": lambda v: chunked()[0] + f"{TOKEN}\r\n{EMAIL}\r\n".encode(),
    "cut JSON": lambda v: answer(page(v, two_rows(v))[:-9]),
    "no JSON": lambda v: answer(f"<html>{TOKEN} {EMAIL} {STREET}</html>".encode()),
    "no UTF-8": lambda v: answer(page(v, two_rows(v)).replace(b"Z", b"\xff")),
    "another shape": lambda v: answer(json.dumps([TOKEN, EMAIL, STREET]).encode()),
    "a record with a wrong time": lambda v: broken(
        v, lambda r: r.update(created_at=EMAIL, timestamp=STREET)
    ),
    "a record with a wrong part": lambda v: broken(
        v, lambda r: r.update(address=[STREET], conversion=EMAIL, exit=TOKEN)
    ),
    "unknown fields": lambda v: broken(v, lambda r: r.update(extra={"email": EMAIL})),
    "another page": lambda v: answer(
        page(v, two_rows(v), meta={"page": 7, "count": 2}).replace(b'_page": 1', b'_page": 7')
    ),
    "times without an order": lambda v: answer(page(v, [row(v, 0), row(v, 1), row(v, 0)])),
}


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_canary_shows_up_nowhere(vendor, ending):
    async with serving(ENDINGS[ending](vendor)) as wire:
        with listening() as said:
            async with client_of(vendor, wire.base_url) as client:
                told, error, sessions = await told_by_pull(client)
        assert wire.header("Authorization" if vendor == "hum" else "Authentication") == (
            [f"Bearer {TOKEN}" if vendor == "hum" else TOKEN]
        )
    if ending == "success":
        assert error is None
        assert len(sessions) == 2
    assert any("asyncsessions" in text or "Executing" in text for text in said)
    assert_silent(told + said)


@pytest.mark.parametrize("vendor", VENDORS)
async def test_nor_with_a_fake_that_fails_in_every_way(vendor):
    rows = [row(vendor, minute) for minute in range(59, -1, -1)]
    make = FakeHum if vendor == "hum" else FakeAttributionHub
    secret = {"token" if vendor == "hum" else "key": TOKEN}
    fake = make(rows=rows, faults=Faults(rate=0.3, slow_s=0.01), **secret)
    with fake.in_thread(), listening() as said:
        async with client_of(vendor, fake.base_url, retry=Retry(backoff_s=0.001)) as client:
            told, error, sessions = await told_by_pull(client)
    assert error is None
    assert len(sessions) == 60
    assert_silent(told + said)


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("status", ["302 Found", "307 Temporary", "308 Permanent"])
async def test_the_target_of_a_redirect_hears_nothing(vendor, status):
    async with serving(answer()) as target:
        location = f"{target.base_url}/?{TOKEN}"
        async with serving(answer(ECHO, status=status, Location=location)) as wire:
            with listening() as said:
                async with client_of(vendor, wire.base_url) as client:
                    told, error, _ = await told_by_pull(client)
        assert isinstance(error, SessionsError)
        assert (len(wire.heads), target.connections) == (1, 0)
    assert_silent(told + said)


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_refused_connection_gives_nothing_away(vendor):
    async with serving(answer()) as wire:
        pass
    with listening() as said:
        async with client_of(vendor, wire.base_url) as client:
            told, error, _ = await told_by_pull(client)
    assert isinstance(error, SessionsError)
    assert_silent(told + said)


async def held_in_the_head(exchange):
    await asyncio.sleep(60)


def held_in_the_body(vendor, *, is_packed):
    body = page(vendor, two_rows(vendor))
    raw = answer(gzip.compress(body), Content_Encoding="gzip") if is_packed else answer(body)

    async def script(exchange):
        await exchange.send(raw[:-1], apart_s=60)

    return script


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("where", ["head", "body", "packed body"])
@pytest.mark.parametrize("ends_by", ["cancellation", "timeout"])
async def test_what_is_stopped_in_the_middle_gives_nothing_away(vendor, where, ends_by):
    script = (
        held_in_the_head
        if where == "head"
        else held_in_the_body(vendor, is_packed=where == "packed body")
    )
    asked = asyncio.Event()

    async def noted(exchange):
        asked.set()
        await script(exchange)

    async def arrived():
        await asked.wait()
        asked.clear()
        await asyncio.sleep(0.05)  # for what is sent of the answer

    async with serving(noted) as wire:
        with listening() as said:
            timeout_s = 60 if ends_by == "cancellation" else 0.05
            async with client_of(vendor, wire.base_url, timeout_s=timeout_s) as client:
                told, error, _ = await told_by_pull(
                    client, cancel_after=arrived if ends_by == "cancellation" else None
                )
                # Without a stream in between the same task waits on the socket.
                headers = client.provider._headers
                request = Request(method="GET", url=wire.base_url + "/x", headers=headers)
                task = asyncio.create_task(client.fetch(request, repr, Meter()))
                await arrived()
                if ends_by == "cancellation":
                    task.cancel()
                bare = await ended(task)
    kind = asyncio.CancelledError if ends_by == "cancellation" else SessionsError
    assert isinstance(error, kind)
    assert isinstance(bare, kind)
    assert_silent(told + told_by(bare) + said + [repr(request)])


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_session_of_the_callers_gives_nothing_away_either(vendor):
    async def own(request, handler):
        said_by_middleware.append(repr(request.headers))
        return await handler(request)

    said_by_middleware = []
    async with (
        serving(answer(page(vendor, two_rows(vendor)))) as wire,
        aiohttp.ClientSession(middlewares=(own,)) as http,
    ):
        with listening() as said:
            async with client_of(vendor, wire.base_url, http=http) as client:
                told, error, sessions = await told_by_pull(client)
    assert error is None
    assert len(sessions) == 2
    assert_silent(told + said + said_by_middleware)


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("spoilt", [f"{TOKEN}\n", f"{TOKEN} ", f"Bearer {TOKEN}", f"{TOKEN}é"])
def test_a_token_that_cannot_be_right_is_not_repeated_in_the_complaint(vendor, spoilt):
    make = Hum if vendor == "hum" else AttributionHub
    with pytest.raises(SessionsError) as caught:
        make(spoilt, base_url="https://api.example.com")
    assert_silent(told_by(caught.value))


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_base_url_that_holds_a_password_is_not_repeated_in_the_complaint(vendor):
    make = Hum if vendor == "hum" else AttributionHub
    with pytest.raises(SessionsError) as caught:
        make("fine", base_url=f"https://user:{TOKEN}@api.example.com")
    assert_silent(told_by(caught.value))
