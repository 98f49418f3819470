"""How a pull treats its sink: steps in order, in a thread, and a clean end whatever happens."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime

import pytest

from asyncsessions import AttributionHub, Client, InvalidQueryError, SinkError
from asyncsessions.engine.drain import drain
from asyncsessions.testing import FakeAttributionHub
from tests.engine.vendor import WHOLE, Vendor, failing, rows

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC)


class Recorder:
    """A sink that writes down its calls; ``at`` may run something in the middle of a step."""

    def __init__(self, at=None):
        self.calls = []
        self.rows = []
        self.running = 0
        self._at = at or {}

    def _step(self, name, *args):
        self.running += 1
        try:
            self.calls.append((name, *args))
            if name in self._at:
                self._at[name]()
        finally:
            self.running -= 1

    def begin(self, plan):
        self._step("begin", len(plan.windows))

    def write(self, window, rows):
        self.rows += rows
        self._step("write", window)

    def commit(self, window, *, is_complete):
        self._step("commit", window, is_complete)

    def finish(self, report):
        self._step("finish", report.complete)
        return "finished"

    def abort(self, report):
        self._step("abort", report.rows)
        return "aborted"

    @property
    def names(self):
        return [name for name, *_ in self.calls]


async def test_the_steps_come_in_order_with_one_commit_a_window():
    sink = Recorder()
    async with FakeAttributionHub(rows=337, start=START, end=END) as fake:
        hub = AttributionHub(fake.key, base_url=fake.base_url)
        async with Client(hub) as client:
            report = await client.sessions(**WHOLE).pull(to=sink)
        assert [s.started_at for s in sink.rows] == [r.time for r in fake.listing.snapshot()]
    assert report.outcome == "finished"
    assert sink.calls[0] == ("begin", 3)
    assert sink.calls[-1] == ("finish", True)
    assert [call for call in sink.calls if call[0] == "commit"] == [
        ("commit", 0, True),
        ("commit", 1, True),
        ("commit", 2, True),
    ]
    order = [call[:2] for call in sink.calls[1:-1]]
    assert order == sorted(order, key=lambda call: call[1])


async def test_steps_run_outside_of_the_event_loops_thread():
    threads = set()
    sink = Recorder({"write": lambda: threads.add(threading.current_thread())})
    await Vendor(rows(60)).client().sessions(**WHOLE).pull(to=sink)
    assert threads
    assert threading.current_thread() not in threads


def fail():
    raise SinkError("the disk is full")


@pytest.mark.parametrize("step", ["write", "commit", "finish"])
async def test_a_sink_that_fails_is_aborted(step):
    sink = Recorder({step: fail})
    with pytest.raises(SinkError, match="the disk is full") as caught:
        await Vendor(rows(60)).client().sessions(**WHOLE).pull(to=sink)
    assert sink.names[-2:] == [step, "abort"]
    assert caught.value.__notes__ == ["aborted"]
    assert caught.value.report.outcome == "aborted"
    assert caught.value.report.provider == "hum"


async def test_a_sink_that_refuses_to_begin_costs_no_request_and_is_not_called_again():
    sink, vendor = Recorder({"begin": fail}), Vendor(rows(60))
    with pytest.raises(SinkError, match="the disk is full"):
        await vendor.client().sessions(**WHOLE).pull(to=sink)
    assert sink.names == ["begin"]
    assert vendor.pages == []


async def test_a_range_that_makes_no_sense_does_not_touch_the_sink():
    sink = Recorder()
    with pytest.raises(InvalidQueryError, match="start lies in the future"):
        await Vendor([]).client().sessions(start="9000-01-01").pull(to=sink)
    assert sink.calls == []


async def test_a_sink_that_cannot_even_stop_does_not_hide_why():
    vendor = Vendor(rows(200))
    vendor.answer = lambda page: failing() if page == 2 else None
    sink = Recorder({"abort": fail})
    with pytest.raises(InvalidQueryError) as caught:
        await vendor.client().sessions(**WHOLE).pull(to=sink)
    assert caught.value.__notes__ == ["the target could not be closed: the disk is full"]


async def test_what_is_not_ours_is_raised_as_it_is_with_a_note():
    class OwnError(Exception):
        pass

    def progress(report):
        raise OwnError

    sink = Recorder()
    query = Vendor(rows(60)).client().sessions(**WHOLE).with_options(on_progress=progress)
    with pytest.raises(OwnError) as caught:
        await query.pull(to=sink)
    assert caught.value.__notes__ == ["aborted"]
    assert sink.names[-1] == "abort"


# ---------------------------------------------------------------------- cancelled


class Gate:
    """Holds a step up in its thread until it is let go on."""

    def __init__(self):
        self.reached = threading.Event()
        self.go_on = threading.Event()

    def __call__(self):
        self.reached.set()
        assert self.go_on.wait(30)


@pytest.mark.parametrize("times", [1, 2, 5])
@pytest.mark.parametrize("step", ["begin", "write", "commit", "finish"])
async def test_however_often_it_is_cancelled_the_step_ends_and_the_sink_is_aborted(step, times):
    gate = Gate()
    sink, vendor = Recorder({step: gate}), Vendor(rows(300))
    async with vendor.client() as client:
        task = asyncio.ensure_future(client.sessions(**WHOLE).pull(to=sink))
        await asyncio.to_thread(gate.reached.wait, 30)
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
            assert sink.running == 1
        gate.go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert sink.names[-2:] == [step, "abort"]
        assert (sink.running, vendor.in_flight) == (0, 0)
        assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("times", [1, 3])
async def test_a_pull_that_is_cancelled_while_it_aborts_still_aborts_to_the_end(times):
    gate, vendor = Gate(), Vendor(rows(200))
    vendor.answer = lambda page: failing() if page == 2 else None
    sink = Recorder({"abort": gate})
    task = asyncio.ensure_future(vendor.client().sessions(**WHOLE).pull(to=sink))
    await asyncio.to_thread(gate.reached.wait, 30)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    gate.go_on.set()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert isinstance(caught.value.__context__, InvalidQueryError)
    assert sink.running == 0


async def test_a_step_that_fails_while_the_pull_is_cancelled_is_a_cancellation():
    gate = Gate()

    def fail_later():
        gate()
        fail()

    sink = Recorder({"write": fail_later})
    task = asyncio.ensure_future(Vendor(rows(60)).client().sessions(**WHOLE).pull(to=sink))
    await asyncio.to_thread(gate.reached.wait, 30)
    task.cancel()
    await asyncio.sleep(0)
    gate.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sink.names[-2:] == ["write", "abort"]


async def test_a_pull_that_is_dropped_with_its_loop_awaits_nothing_more():
    sink = Recorder()
    stream = Vendor(rows(60)).client().sessions(**WHOLE).pages()
    pulling = drain(stream, sink)
    pulling.send(None)
    pulling.close()
    assert "abort" not in sink.names
    await stream.aclose()
