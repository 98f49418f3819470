"""Whoever watches a pull sees all of it begin and end, and can end it."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from asyncsessions import (
    AttemptEnded,
    ConfigurationError,
    IncompleteError,
    Retry,
    ServerError,
    SinkError,
)
from asyncsessions.core.events import (
    AttemptStarted,
    PageReceived,
    PullEnded,
    PullStarted,
    RequestEnded,
    RequestStarted,
    Waiting,
)
from asyncsessions.testing import run_virtual
from tests.engine.memory_store import Disk, MemoryStore, go
from tests.engine.vendor import WHOLE, Vendor, failing, rows, swapped

BEGINS = {AttemptEnded: "attempt", RequestEnded: "request", PullEnded: "pull"}


TOKEN_ID = "5f0c3a52-1a0e-4c27-9f0f-0123456789ab"


class OwnError(Exception):
    """What a callback of the caller's raises."""


def fail(*_):
    raise SinkError("no")


class Watcher:
    """Keeps every event, and checks that what ends had begun and ends once."""

    def __init__(self):
        self.events = []
        self.under_way = set()

    def __call__(self, event):
        self.events.append(event)
        if isinstance(event, PullStarted | RequestStarted | AttemptStarted):
            self.under_way.add(event)
        if (begun := BEGINS.get(type(event))) is not None:
            self.under_way.remove(getattr(event, begun))

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def pull(self):
        """How the only pull ended."""
        (ended,) = self.of(PullEnded)
        return ended


def watched(vendor, work, **client):
    """Run some work with a watched client in virtual time; nothing is left under way."""
    watcher = Watcher()

    async def run():
        async with vendor.client(observers=[watcher], **client) as opened:
            return await work(opened)

    outcome = None
    try:
        outcome = run_virtual(run())[0]
    finally:
        assert watcher.under_way == set()
    return watcher, outcome


def once(page, response):
    """Answer the first request for a page with this, the others honestly."""
    left = [response]
    return lambda asked: left.pop() if asked == page and left else None


# ------------------------------------------------------------------ what is told


def test_each_request_attempt_and_page_of_a_pull_is_told_in_its_place():
    vendor = Vendor(rows(130))
    vendor.answer = once(2, failing(503))

    async def work(client):
        return (await client.sessions(**WHOLE).collect()).report

    watcher, report = watched(vendor, work, retry=Retry(backoff_s=0.1))
    (started,) = watcher.of(PullStarted)
    assert (started.operation, started.provider) == ("pull", "hum")
    assert watcher.events[0] is started
    assert watcher.events[-1] is watcher.pull
    requests = watcher.of(RequestStarted)
    assert [request.page for request in requests] == [1, 2, 3]
    assert all(request.pull is started for request in requests)
    attempts = watcher.of(AttemptEnded)
    assert sorted((a.page, a.number, a.status, a.error, a.transient) for a in attempts) == [
        (1, 1, 200, None, False),
        (2, 1, 503, "ServerError", True),
        (2, 2, 200, None, False),
        (3, 1, 200, None, False),
    ]
    assert [attempt.sent for attempt in attempts] == [1, 3, 3, 4]
    (wait,) = watcher.of(Waiting)
    assert (wait.request, wait.number, wait.error) == (requests[1], 1, "ServerError")
    assert wait.wait_s == report.waited_s
    ends = {end.request.page: (end.attempts, end.error) for end in watcher.of(RequestEnded)}
    assert ends == {1: (1, None), 2: (2, None), 3: (1, None)}
    pages = sorted((page.page, page.rows, page.total) for page in watcher.of(PageReceived))
    assert pages == [(1, 50, 130), (2, 50, 130), (3, 30, 130)]
    assert (watcher.pull.report, watcher.pull.error) == (report, None)


def test_an_error_is_told_by_its_name_at_every_level():
    vendor = Vendor(rows(130))
    vendor.answer = lambda page: failing(500) if page == 3 else None

    async def work(client):
        with pytest.raises(ServerError):
            await client.sessions(**WHOLE).collect()

    watcher, _ = watched(vendor, work, retry=Retry(attempts=2))
    assert [e.error for e in watcher.of(RequestEnded) if e.request.page == 3] == ["ServerError"]
    assert watcher.pull.error == "ServerError"
    assert watcher.pull.report.rows == 100


def test_a_limit_that_is_reached_is_no_error_and_what_is_given_up_ends():
    vendor = Vendor(rows(400))
    vendor.latency_s = lambda page: 0.1 if page < 3 else 9.0

    async def work(client):
        async for _ in client.sessions(**WHOLE):
            break

    watcher, _ = watched(vendor, work)
    assert watcher.pull.error is None
    assert not watcher.pull.report.complete


@pytest.mark.parametrize("times", [1, 3])
def test_a_cancelled_pull_ends_with_all_of_its_requests(times):
    vendor = Vendor(rows(400))
    vendor.latency_s = lambda page: 0.1 if page == 1 else 9.0

    async def work(client):
        task = asyncio.ensure_future(client.sessions(**WHOLE).collect())
        await asyncio.sleep(0.5)
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task

    watcher, _ = watched(vendor, work)
    assert [a.error for a in watcher.of(AttemptEnded)] == [None] + 7 * ["CancelledError"]
    assert watcher.pull.error == "CancelledError"


def test_a_stream_that_is_dropped_without_being_closed_ends_as_well():
    vendor = Vendor(rows(400))

    async def work(client):
        stream = client.sessions(**WHOLE).pages()
        await anext(stream)
        del stream
        gc.collect()
        await asyncio.sleep(1)

    watcher, _ = watched(vendor, work)
    assert (watcher.pull.report, watcher.pull.error) == (None, None)


def test_a_stream_that_was_closed_is_kept_alive_by_no_callback():
    async def read_to_the_end(client):
        known = []  # to the callback, and it knows the stream
        query = client.sessions(**WHOLE).with_options(on_attempt=lambda _: known)
        known.append(query.pages())
        assert len([page async for page in known[0]]) == 2
        return weakref.ref(known[0])

    async def pull():
        async with Vendor(rows(60)).client() as client:
            stream = await read_to_the_end(client)
            gc.collect()
            assert stream() is None

    run_virtual(pull())


def test_a_stream_of_which_nothing_was_asked_is_not_told():
    async def work(client):
        await client.sessions(**WHOLE).pages().aclose()

    watcher, _ = watched(Vendor(rows(1)), work)
    assert watcher.events == []


def test_whatever_is_called_is_told_by_its_name(tmp_path):
    vendor = Vendor(rows(60))

    async def work(client):
        query = client.sessions(**WHOLE)
        await query.count()
        await query.estimate()
        await query.estimate(tmp_path / "x.jsonl")
        await query.pull(tmp_path / "x.jsonl")
        await query.pull(tmp_path / "y.csv")

    watcher, _ = watched(vendor, work)
    began = watcher.of(PullStarted)
    names = [pull.operation for pull in began]
    assert names == ["count", "estimate", "estimate", "pull", "pull"]
    ids = [pull.id for pull in began]
    assert ids == list(range(ids[0], ids[0] + 5))
    reports = [end.report for end in watcher.of(PullEnded)]
    assert [report and report.complete for report in reports] == [None, None, None, True, True]


def test_a_sink_that_fails_ends_the_pull_with_its_error(tmp_path):
    class Full:
        def begin(self, plan):
            pass

        def write(self, window, rows):
            raise SinkError("the disk is full")

        def commit(self, window, *, is_complete):
            pass

        def finish(self, report):
            return ""

        def abort(self, report):
            return "nothing written"

    async def work(client):
        with pytest.raises(SinkError):
            await client.sessions(**WHOLE).pull(Full())

    watcher, _ = watched(Vendor(rows(60)), work)
    assert watcher.pull.error == "SinkError"
    assert watcher.pull.report.outcome == "nothing written"


def test_what_is_not_proven_is_told_by_the_report():
    async def work(client):
        with pytest.raises(IncompleteError):
            await client.sessions(**WHOLE).collect()

    watcher, _ = watched(Vendor(swapped(rows(70))), work)
    assert watcher.pull.error == "IncompleteError"
    assert watcher.pull.report.unproven


def test_no_value_of_a_filter_is_told_but_the_page_and_the_range():
    vendor = Vendor(rows(1))

    async def work(client):
        await client.sessions(start="2026-03-31", end="2026-03-31", token_ids=[TOKEN_ID]).count()

    watcher, _ = watched(vendor, work)
    (request,) = watcher.of(RequestStarted)
    assert request.url == (
        "https://api-sandbox.letshum.com/analytics/sessions?page=1"
        "&start_date=2026-03-31T00:00:00Z&end_date=2026-04-01T00:00:00Z&token_ids%5B%5D=REDACTED"
    )
    assert (request.server_address, request.server_port) == ("api-sandbox.letshum.com", 443)
    assert request.method == "GET"


async def never_awaited(event):
    raise AssertionError


def test_what_is_no_plain_function_is_refused():
    for observers in ([5], [print, None], [never_awaited]):
        with pytest.raises(ConfigurationError, match="each observer must be"):
            Vendor(rows(1)).client(observers=observers)
    query = Vendor(rows(1)).client().sessions(**WHOLE)
    for name in ("on_attempt", "on_page", "on_progress"):
        for value in (5, never_awaited):
            with pytest.raises(ConfigurationError, match=f"{name} must be a function"):
                query.with_options(**{name: value})


# ------------------------------------------------------------------ callbacks


def test_on_attempt_is_told_of_every_request_that_is_sent_and_on_page_of_every_page():
    vendor = Vendor(rows(130))
    vendor.answer = once(1, failing(429))
    attempts, pages = [], []

    async def pull():
        async with vendor.client(retry=Retry(backoff_s=0.1)) as client:
            query = client.sessions(**WHOLE).with_options(
                on_attempt=attempts.append, on_page=pages.append, max_requests=9
            )
            return (await query.collect()).report

    report, _ = run_virtual(pull())
    assert [attempt.status for attempt in attempts] == [429, 200, 200, 200]
    assert len(attempts) == report.requests
    assert {attempt.max_requests for attempt in attempts} == {9}
    assert sum(page.rows for page in pages) == report.rows
    assert {page.provider for page in pages} == {"hum"}
    assert all(page.start < page.end for page in pages)


def stumbling_at(page):
    def callback(event):
        if event.page == page:
            raise OwnError

    return callback


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("name", ["on_attempt", "on_page"])
def test_a_callback_that_raises_ends_a_stream_at_once_with_its_own_exception(name, ordered):
    vendor = Vendor(rows(1_000))
    vendor.latency_s = lambda page: 9.0 if page == 2 else 0.05

    async def pull():
        options = {name: stumbling_at(3), "ordered": ordered}
        async with vendor.client() as client:
            with pytest.raises(OwnError) as caught:
                await client.sessions(**WHOLE).with_options(**options).collect()
            assert asyncio.all_tasks() == {asyncio.current_task()}
            return caught.value

    error, took_s = run_virtual(pull())
    assert error.__cause__ is None
    assert took_s < 1
    assert len(vendor.pages) <= 10


@pytest.mark.parametrize("name", ["on_attempt", "on_page"])
def test_a_callback_that_raises_ends_a_durable_pull_which_keeps_what_was_paid_for(name):
    vendor, disk = Vendor(rows(600)), Disk()
    vendor.latency_s = lambda page: 1.0 + 0.1 * page
    store = MemoryStore(disk)
    with pytest.raises(OwnError) as caught:
        go(vendor, store, **{name: stumbling_at(2)})
    assert caught.value.__notes__ == ["left"]
    assert vendor.pages == [1, 2, 3, 4]
    assert len(disk.answers) == 4
    assert not store.reports[-1].complete


def test_a_callback_that_raises_waits_for_no_backoff():
    vendor = Vendor(rows(60))
    vendor.answer = lambda _: failing(503)

    async def count():
        async with vendor.client(retry=Retry(backoff_s=60, max_backoff_s=60)) as client:
            query = client.sessions(**WHOLE).with_options(on_attempt=stumbling_at(1))
            with pytest.raises(OwnError):
                await query.count()

    _, took_s = run_virtual(count())
    assert took_s == pytest.approx(0.05)
    assert vendor.pages == [1]


def test_it_comes_before_the_error_of_the_request():
    vendor = Vendor(rows(60))
    vendor.answer = lambda _: failing(400)

    async def count():
        async with vendor.client() as client:
            query = client.sessions(**WHOLE).with_options(on_attempt=stumbling_at(1))
            with pytest.raises(OwnError):
                await query.count()

    run_virtual(count())


def test_of_a_request_that_was_called_off_it_ends_the_pull_too():
    vendor = Vendor(rows(120), total=1_000)  # the pages behind an empty one are called off
    vendor.latency_s = lambda page: 9.0 if page > 4 else 0.05

    def callback(event):
        if event.error == "CancelledError":
            raise OwnError

    async def pull():
        async with vendor.client() as client:
            query = client.sessions(**WHOLE).with_options(
                on_attempt=callback, ordered=False, on_incomplete="warn"
            )
            with pytest.raises(OwnError):
                await query.collect()

    run_virtual(pull())


def test_an_observer_that_raises_at_the_very_end_is_heard_where_something_is_awaited(tmp_path):
    def observe(event):
        if isinstance(event, PullEnded):
            raise OwnError

    async def pull():
        async with Vendor(rows(60)).client(observers=[observe]) as client:
            query = client.sessions(**WHOLE)
            with pytest.raises(OwnError):
                await query.count()
            with pytest.raises(OwnError):
                await query.pull(tmp_path / "x.jsonl")
            assert len(await query.collect()) == 60  # nothing was left to be ended

    run_virtual(pull())


def test_what_stops_a_pull_that_is_held_from_outside_comes_first():
    watcher = Watcher()

    def observe(event):
        watcher(event)
        if isinstance(event, PullEnded):
            raise OwnError

    async def pull():
        vendor = Vendor(rows(60))
        vendor.latency_s = lambda _: 9.0
        async with vendor.client(observers=[observe]) as client:
            task = asyncio.ensure_future(client.sessions(**WHOLE).count())
            await asyncio.sleep(1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    run_virtual(pull())
    assert watcher.under_way == set()


def test_a_store_that_cannot_be_opened_ends_the_pull_that_was_told():
    watcher = Watcher()
    vendor, store = Vendor(rows(60)), MemoryStore(Disk(), at={"open": fail})

    async def pull():
        async with vendor.client(observers=[watcher]) as client:
            with pytest.raises(SinkError):
                await client.sessions(**WHOLE).pull(store)

    run_virtual(pull())
    assert watcher.pull.error == "SinkError"
