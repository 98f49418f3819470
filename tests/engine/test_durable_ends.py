"""However a durable pull is stopped: what was paid for is kept, and the store is left in peace."""

from __future__ import annotations

import asyncio
import threading

import pytest

from asyncsessions import (
    AuthenticationError,
    ConfigurationError,
    IncompleteError,
    Retry,
    ServerError,
    SinkError,
)
from asyncsessions.core.http import Response
from asyncsessions.testing import run_virtual
from tests.engine.memory_store import Disk, MemoryStore, bring_up, go
from tests.engine.vendor import HubVendor, Vendor, failing, rows, swapped

LONG = {"start": "2025-11-01", "end": "2026-03-31"}
BUSY = Response(status=503, body=b"busy")


def hub():
    """Return a vendor of three windows."""
    return HubVendor(rows(500, apart_s=4 * 3600.0))


def stopped(vendor, store, *, at_s, error=asyncio.CancelledError, client=None, **how):
    """Cancel a pull at these seconds, and return what it raised and when it had ended."""

    async def work():
        complaints = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        async with vendor.client(**({"concurrency": 3} | (client or {}))) as opened:
            task = asyncio.ensure_future(bring_up(opened, store, **how))
            for second in at_s:
                await asyncio.sleep(second - loop.time())
                task.cancel()
            with pytest.raises(error) as caught:
                await task
            ended_at = loop.time()
            await asyncio.sleep(1000)
            assert asyncio.all_tasks() == {asyncio.current_task()}
            assert (vendor.in_flight, store.running, complaints) == (0, 0, [])
        return caught.value, ended_at

    return run_virtual(work())[0]


# ---------------------------------------------------------------------- cancelled while it asks


def test_a_cancelled_pull_awaits_what_is_under_way_and_sends_nothing_any_more():
    vendor, disk = Vendor(rows(600)), Disk()
    vendor.latency_s = lambda page: 1.0 + 0.1 * page
    store = MemoryStore(disk)
    error, ended_at = stopped(vendor, store, at_s=[1.5])
    assert vendor.pages == [1, 2, 3, 4]
    assert ended_at == pytest.approx(1.1 + 1.4)
    assert sorted(event.ask.page for event in disk.answers) == [1, 2, 3, 4]
    assert store.calls[-1] == "leave"
    assert error.__notes__ == ["left"]
    assert go(vendor, MemoryStore(disk)).complete
    assert len(vendor.pages) == 12


def test_windows_that_are_finished_by_what_was_under_way_are_committed():
    vendor, disk = Vendor(rows(150)), Disk()
    vendor.latency_s = lambda _: 1.0
    store = MemoryStore(disk)
    stopped(vendor, store, at_s=[1.5])
    assert len(disk.rows) == 150
    assert store.calls[-3:] == ["commit", "forget", "leave"]
    report = go(vendor, MemoryStore(disk))
    assert (report.complete, report.requests, report.rows_before) == (True, 0, 150)


def test_a_second_cancellation_awaits_no_answer():
    vendor, disk = Vendor(rows(600)), Disk()
    vendor.latency_s = lambda page: 1.0 if page == 1 else 60.0
    store = MemoryStore(disk)
    _, ended_at = stopped(vendor, store, at_s=[1.5, 2.0])
    assert ended_at == pytest.approx(2.0)
    assert [event.ask.page for event in disk.answers] == [1]
    assert store.calls[-1] == "leave"
    assert go(vendor, MemoryStore(disk)).complete


def test_a_cancellation_after_an_error_is_what_is_raised():
    vendor, disk = Vendor(rows(600)), Disk()
    vendor.latency_s = lambda page: 9.0 if page == 2 else 1.0
    vendor.answer = lambda page: failing() if page == 3 else None
    _, ended_at = stopped(vendor, MemoryStore(disk), at_s=[4.0])
    assert ended_at == pytest.approx(10.0)
    assert sorted(event.ask.page for event in disk.answers) == [1, 2, 4]


def patient(**more):
    return {"retry": Retry(attempts=4, backoff_s=300.0, max_backoff_s=300.0), **more}


def test_a_request_that_waits_to_be_repeated_ends_at_once():
    vendor, disk = Vendor(rows(600)), Disk()
    vendor.answer = lambda page: BUSY if page == 3 else None
    _, ended_at = stopped(vendor, MemoryStore(disk), at_s=[20.0], client=patient())
    assert ended_at == pytest.approx(20.0)


def test_a_request_that_fails_after_the_cancellation_is_not_waited_for():
    vendor, disk = Vendor(rows(600)), Disk()
    vendor.latency_s = lambda page: 5.0 if page == 3 else 1.0
    vendor.answer = lambda page: BUSY if page == 3 else None
    _, ended_at = stopped(vendor, MemoryStore(disk), at_s=[1.5], client=patient())
    assert ended_at == pytest.approx(6.0)
    assert sorted(event.ask.page for event in disk.answers) == [1, 2, 4]


def test_a_request_that_waits_for_its_turn_ends_at_once():
    vendor, disk = Vendor(rows(600)), Disk()
    slowly = {"requests_per_second": 0.01}
    _, ended_at = stopped(vendor, MemoryStore(disk), at_s=[30.0], client=slowly)
    assert ended_at == pytest.approx(30.0)
    assert vendor.pages == [1]
    assert disk.ledger == 1


def test_a_request_that_waits_for_its_turn_ends_with_the_last_one_under_way():
    vendor, disk = Vendor(rows(600)), Disk()
    vendor.latency_s = lambda page: 40.0 if page > 1 else 0.1
    slowly = {"requests_per_second": 0.1}
    _, ended_at = stopped(vendor, MemoryStore(disk), at_s=[15.0], client=slowly)
    assert ended_at == pytest.approx(50.0, abs=0.5)
    assert len(vendor.pages) == len(disk.answers) == 2


def test_an_error_ends_the_waits_of_all_others():
    vendor, disk = Vendor(rows(600)), Disk()
    vendor.latency_s = lambda page: 2.0 if page == 4 else 1.0
    vendor.answer = lambda page: BUSY if page == 3 else failing() if page == 4 else None

    async def work():
        async with vendor.client(concurrency=3, **patient()) as client:
            with pytest.raises(Exception, match="refused"):
                await bring_up(client, MemoryStore(disk))
            return asyncio.get_running_loop().time()

    assert run_virtual(work())[0] < 20


# ---------------------------------------------------------------------- cancelled in a step


class Gate:
    """Holds a step up in its thread until it is let go on; the clock stands still meanwhile."""

    def __init__(self, error=None):
        self.go_on = threading.Event()
        self._error = error
        self._reached = asyncio.Event()
        self._loop = None

    async def reached(self):
        """Wait until a step is held up."""
        self._loop = asyncio.get_running_loop()
        await self._reached.wait()

    def __call__(self):
        if not self.go_on.is_set():
            self._loop.call_soon_threadsafe(self._reached.set)
        assert self.go_on.wait(10)
        if self._error is not None:
            raise self._error


def held(vendor, store, gate, times, **how):
    """Cancel a pull so many times while a step of its store is held up; return the error."""

    async def work():
        complaints = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        async with vendor.client(concurrency=3) as client:
            task = asyncio.ensure_future(bring_up(client, store, **how))
            await gate.reached()
            for _ in range(times):
                task.cancel()
                for _ in range(5):
                    await asyncio.sleep(0)
                assert store.running == 1
                assert not task.done()
            gate.go_on.set()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            assert asyncio.all_tasks() == {asyncio.current_task()}
        assert (vendor.in_flight, store.running, complaints) == (0, 0, [])
        return caught.value

    return run_virtual(work())[0]


@pytest.mark.parametrize("error", [None, SinkError("the disk is full")])
@pytest.mark.parametrize("times", [1, 2, 5])
@pytest.mark.parametrize("step", ["open", "commit", "finish"])
def test_however_often_it_is_cancelled_a_step_of_the_store_runs_to_its_end(step, times, error):
    gate, vendor, disk = Gate(error), Vendor(rows(120)), Disk()
    store = MemoryStore(disk, at={step: gate})
    held(vendor, store, gate, times)
    is_opened = step != "open" or error is None
    assert store.calls.count("leave") == is_opened
    assert store.calls[-1] == ("leave" if is_opened else "open")
    later = MemoryStore(disk)
    assert go(vendor, later).complete
    assert sorted(disk.ids) == sorted(vendor.ids)


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("error", [None, SinkError("the disk is full")])
def test_a_pull_that_is_cancelled_while_it_is_left_is_left_all_the_same(times, error):
    gate, vendor = Gate(error), Vendor(rows(200))
    vendor.answer = lambda page: failing() if page == 2 else None
    store = MemoryStore(Disk(), at={"leave": gate})
    held(vendor, store, gate, times)
    assert store.calls.count("leave") == 1


@pytest.mark.parametrize("times", [1, 3])
def test_an_unproven_pull_that_is_cancelled_while_it_is_left_is_left_once(times):
    gate, vendor = Gate(), Vendor(swapped(rows(70)))
    store = MemoryStore(Disk(), at={"leave": gate})
    held(vendor, store, gate, times, on_incomplete="warn")
    assert store.calls.count("leave") == 1


def test_a_store_that_was_opened_for_a_cancelled_pull_and_cannot_be_left_complains_to_nobody():
    gate, vendor = Gate(), Vendor(rows(70))
    store = MemoryStore(Disk(), at={"open": gate, "leave": fail})
    held(vendor, store, gate, 1)
    assert store.calls == ["open", "leave"]


def test_no_commit_begins_after_the_second_cancellation():
    gate, vendor, disk = Gate(), hub(), Disk()
    vendor.latency_s = lambda _: 0
    store = MemoryStore(disk, at={"commit": gate})

    async def work():
        async with vendor.client(concurrency=8) as client:
            task = asyncio.ensure_future(bring_up(client, store))
            await gate.reached()
            sent = None
            while sent != len(vendor.pages):  # the second window is read to its end meanwhile
                sent = len(vendor.pages)
                for _ in range(50):
                    await asyncio.sleep(0)
            for _ in range(2):
                task.cancel()
                await asyncio.sleep(0)
            gate.go_on.set()
            with pytest.raises(asyncio.CancelledError):
                await task

    run_virtual(work())
    assert store.calls.count("commit") == len(disk.windows) == 1
    assert store.calls[-1] == "leave"
    sent = len(vendor.pages)
    report = go(vendor, MemoryStore(disk), concurrency=8)
    assert report.complete
    assert report.requests == len(vendor.pages) - sent < sent


def test_closing_the_client_under_a_pull_is_an_error_of_the_pull():
    vendor, disk = Vendor(rows(600)), Disk()
    store = MemoryStore(disk)

    async def work():
        client = vendor.client(concurrency=2)
        task = asyncio.ensure_future(bring_up(client, store))
        await asyncio.sleep(0.12)
        await client.aclose()
        with pytest.raises(ConfigurationError, match="closed"):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtual(work())
    assert store.calls[-1] == "leave"
    assert go(vendor, MemoryStore(disk)).complete


# ---------------------------------------------------------------------- errors of steps


def fail():
    raise SinkError("the disk is full")


def test_a_store_that_cannot_be_opened_costs_no_request_and_is_not_called_again():
    vendor, store = Vendor(rows(70)), MemoryStore(Disk(), at={"open": fail})
    with pytest.raises(SinkError, match="the disk is full"):
        go(vendor, store)
    assert store.calls == ["open"]
    assert vendor.pages == []


@pytest.mark.parametrize("is_finished", [False, True])
def test_a_store_that_cannot_finish_is_left(is_finished):
    vendor, disk = Vendor(rows(70)), Disk()
    if is_finished:
        go(vendor, MemoryStore(disk))
    store = MemoryStore(disk, at={"finish": fail})
    with pytest.raises(SinkError, match="the disk is full") as caught:
        go(vendor, store)
    assert store.calls[-2:] == ["finish", "leave"]
    assert caught.value.__notes__ == ["left"]
    assert caught.value.report.outcome == "left"
    report = go(vendor, MemoryStore(disk))
    assert (report.complete, report.requests) == (True, 0)


def test_a_store_that_cannot_even_be_left_does_not_hide_why():
    vendor, store = Vendor(rows(200)), MemoryStore(Disk(), at={"leave": fail})
    vendor.answer = lambda page: Response(status=500) if page == 2 else None
    with pytest.raises(ServerError) as caught:
        go(vendor, store)
    assert caught.value.__notes__ == ["the target could not be closed: the disk is full"]


@pytest.mark.parametrize("on_incomplete", ["raise", "warn"])
def test_a_store_that_cannot_be_left_after_an_unproven_pull_is_told(on_incomplete):
    vendor, store = Vendor(swapped(rows(70))), MemoryStore(Disk(), at={"leave": fail})
    error = IncompleteError if on_incomplete == "raise" else SinkError
    with pytest.raises(error):
        go(vendor, store, on_incomplete=on_incomplete)
    assert store.calls.count("leave") == 1


def test_an_error_in_on_progress_ends_the_pull_and_keeps_what_was_paid_for():
    class OwnError(Exception):
        pass

    def progress(report):
        if report.pages == 2:
            raise OwnError

    vendor, disk = Vendor(rows(600)), Disk()
    vendor.latency_s = lambda page: 1.0 + 0.1 * page
    store = MemoryStore(disk)
    with pytest.raises(OwnError) as caught:
        go(vendor, store, on_progress=progress)
    assert caught.value.__notes__ == ["left"]
    assert vendor.pages == [1, 2, 3, 4]
    assert len(disk.answers) == 4
    assert not store.reports[-1].complete
    assert len(store.reports[-1].unproven) == 1


@pytest.mark.parametrize("page", [1, 2, 5, 12])
def test_who_cancels_the_task_that_tells_it_of_progress_ends_the_pull(page):
    """That may be the task of a page, which nobody outside knows."""

    def progress(report):
        if report.pages == page:
            asyncio.current_task().cancel()

    vendor, disk = Vendor(rows(600)), Disk()
    vendor.latency_s = lambda number: 1.0 + 0.1 * number
    with pytest.raises(asyncio.CancelledError) as caught:
        go(vendor, MemoryStore(disk), on_progress=progress)
    assert caught.value.__notes__ == ["left"]
    assert len(vendor.pages) <= page + 3
    if page < 12:
        assert sorted(event.ask.page for event in disk.answers) == sorted(vendor.pages)
    assert go(vendor, MemoryStore(disk)).complete
    assert len(vendor.pages) == 12
    assert sorted(disk.ids) == sorted(vendor.ids)


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize("page", [1, 5])
def test_a_program_that_ends_out_of_its_progress_keeps_what_was_paid_for(error, page):
    def progress(report):
        if report.pages == page:
            raise error

    vendor, store = Vendor(rows(600)), MemoryStore(Disk())
    vendor.latency_s = lambda number: 1.0 + 0.1 * number
    with pytest.raises(error) as caught:
        go(vendor, store, on_progress=progress)
    assert caught.value.__notes__ == ["left"]
    assert len(vendor.pages) <= page + 3


@pytest.mark.parametrize("concurrency", [8, 24])
@pytest.mark.parametrize("wrong", [3, 5, 9, 14])
@pytest.mark.parametrize("apart_s", [4 * 3600.0, 600.0])
def test_after_an_error_was_read_nothing_is_sent(concurrency, wrong, apart_s):
    """The answers of a round come in one turn of the loop."""
    vendor, sent = HubVendor(rows(int(150 * 86_400 / apart_s), apart_s=apart_s)), []

    def answer(page):
        sent.append(len(vendor.pages))
        return failing(401) if len(sent) == wrong else None

    vendor.answer = answer
    with pytest.raises(AuthenticationError):
        go(vendor, MemoryStore(Disk()), concurrency=concurrency, bounds=LONG)
    assert len(vendor.pages) == sent[wrong - 1]


def test_a_next_window_that_cannot_be_opened_ends_the_pull_and_keeps_what_was_paid_for():
    vendor, disk = HubVendor(rows(1000, apart_s=3600.0)), Disk()
    store, opened = MemoryStore(disk), []
    honest = store.story

    def story(window, setting):
        opened.append(window)
        if len(opened) == 3:
            raise SinkError("the disk is full")
        return honest(window, setting)

    store.story = story
    with pytest.raises(SinkError, match="the disk is full"):
        go(vendor, store, concurrency=8)
    assert len(vendor.pages) > 10
    report = go(vendor, MemoryStore(disk))
    assert (report.complete, len(disk.ids)) == (True, 1000)
    assert len(vendor.pages) == 22


def test_an_error_of_the_caller_while_it_is_planned_leaves_the_store():
    def choose(standing):
        raise LookupError("no such window")

    vendor, store = Vendor(rows(60)), MemoryStore(Disk())
    with pytest.raises(LookupError) as caught:
        go(vendor, store, choose=choose)
    assert caught.value.__notes__ == ["left"]
    assert vendor.pages == []
    assert not store.reports[-1].complete


async def test_a_pull_that_is_dropped_with_its_loop_awaits_nothing_more():
    vendor, store = Vendor(rows(60)), MemoryStore(Disk())
    pulling = bring_up(vendor.client(), store)
    opening = pulling.send(None)
    while not opening.done():  # noqa: ASYNC110 - it is stepped by hand
        await asyncio.sleep(0)
    pulling.send(None)
    pulling.close()
    await asyncio.sleep(0)
    assert "leave" not in store.calls
