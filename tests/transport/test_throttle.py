"""The gate: first come first served, never too many, and no place is ever lost; virtual time."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncsessions.core.pace import Pace
from asyncsessions.testing import run_virtual
from asyncsessions.transport.throttle import Throttle


def test_requests_enter_in_the_order_in_which_they_came():
    async def work():
        throttle, order = Throttle(Pace(2)), []

        async def visitor(number):
            await throttle.enter()
            order.append(number)
            await asyncio.sleep(1)
            throttle.leave()

        await asyncio.gather(*(visitor(number) for number in range(7)))
        return order

    order, elapsed_s = run_virtual(work)
    assert order == list(range(7))
    assert elapsed_s == pytest.approx(4)


def test_a_newcomer_does_not_pass_those_who_wait():
    async def work():
        throttle, order = Throttle(Pace(1, requests_per_second=1)), []
        await throttle.enter()
        throttle.leave()

        async def visitor(number):
            await throttle.enter()
            order.append(number)
            throttle.leave()

        first = asyncio.create_task(visitor(1))
        await asyncio.sleep(0.5)
        await visitor(2)
        await first
        return order

    assert run_virtual(work)[0] == [1, 2]


def test_entering_reports_the_moment_of_permission():
    async def work():
        throttle = Throttle(Pace(5, requests_per_second=4))
        return [await throttle.enter() for _ in range(4)]

    moments, _ = run_virtual(work)
    assert [after - before for before, after in pairwise(moments)] == pytest.approx([0.25] * 3)


@pytest.mark.parametrize("rate", [0.5, 40, 3_000])
def test_the_rate_of_the_caller_is_kept_and_used(rate):
    async def work():
        throttle = Throttle(Pace(100, requests_per_second=rate))

        async def visitor():
            at_s = await throttle.enter()
            throttle.leave()
            return at_s

        return await asyncio.gather(*(visitor() for _ in range(200)))

    moments, _ = run_virtual(work)
    assert all(after - before >= 1 / rate - 1e-9 for before, after in pairwise(moments))
    assert moments[-1] == pytest.approx(199 / rate, rel=0.01)


def test_somebody_cancelled_while_waiting_is_passed_over():
    async def work():
        throttle = Throttle(Pace(1))
        await throttle.enter()
        waiting = [asyncio.create_task(throttle.enter()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        throttle.leave()  # before the cancelled one has noticed anything
        await asyncio.sleep(0)
        assert [task.cancelled() for task in waiting] == [True, False, False]
        assert [task.done() for task in waiting] == [True, True, False]
        throttle.leave()
        await waiting[2]
        assert throttle.in_flight == 1

    run_virtual(work)


def test_somebody_cancelled_in_the_moment_of_entering_passes_the_place_on():
    async def work():
        throttle = Throttle(Pace(1))
        await throttle.enter()
        first, second = (asyncio.create_task(throttle.enter()) for _ in range(2))
        await asyncio.sleep(0)
        throttle.leave()
        first.cancel()
        await asyncio.sleep(0)
        assert first.cancelled()
        await second
        assert throttle.in_flight == 1

    run_virtual(work)


def test_the_next_one_enters_in_time_when_the_first_in_the_queue_is_cancelled():
    async def work():
        throttle = Throttle(Pace(5, requests_per_second=1))
        await throttle.enter()
        first, second = (asyncio.create_task(throttle.enter()) for _ in range(2))
        await asyncio.sleep(0.5)
        first.cancel()
        assert await second == pytest.approx(1)

    run_virtual(work)


def test_an_opened_gate_lets_everybody_through_at_once():
    async def work():
        throttle = Throttle(Pace(1, requests_per_second=0.01))
        await throttle.enter()
        waiting = [asyncio.create_task(throttle.enter()) for _ in range(5)]
        await asyncio.sleep(1)
        throttle.open()
        await asyncio.gather(*waiting)
        await throttle.enter()
        for _ in range(7):
            throttle.leave()
        assert throttle.in_flight == 0

    _, elapsed_s = run_virtual(work)
    assert elapsed_s == pytest.approx(1)


visits = st.tuples(
    st.integers(0, 8),  # when it comes
    st.integers(0, 6),  # how long it stays
    st.none() | st.integers(0, 12),  # when it is cancelled
    st.sampled_from(["passed", "refused", "overloaded", "failed", "silent"]),
)


@given(
    st.lists(visits, max_size=25),
    st.integers(1, 4),
    st.none() | st.sampled_from([0.7, 3.0, 50.0]),
)
def test_whatever_happens_the_gate_is_never_too_full_and_everybody_is_served(
    schedule, concurrency, rate
):
    async def work():
        loop = asyncio.get_running_loop()
        throttle = Throttle(Pace(concurrency, rate))
        served = set()

        async def visitor(number, stays, result):
            sent_at = await throttle.enter()
            try:
                assert 1 <= throttle.in_flight <= concurrency
                served.add(number)
                await asyncio.sleep(stays)
                now = loop.time()
                if result == "passed":
                    throttle.pace.succeeded(now, in_flight=throttle.in_flight)
                elif result == "refused":
                    throttle.pace.refused(now, sent_at=sent_at, retry_after_s=2.0)
                elif result == "overloaded":
                    throttle.pace.overloaded(now, sent_at=sent_at)
                elif result == "failed":
                    throttle.pace.failed()
            finally:
                throttle.leave()

        async def arrive(number, comes, stays, cancelled_at, result):
            await asyncio.sleep(comes)
            task = asyncio.create_task(visitor(number, stays, result))
            if cancelled_at is not None:
                loop.call_later(cancelled_at, task.cancel)
            return task

        tasks = await asyncio.gather(*(arrive(n, *visit) for n, visit in enumerate(schedule)))
        found = await asyncio.gather(*tasks, return_exceptions=True)
        cancelled = {n for n, one in enumerate(found) if isinstance(one, asyncio.CancelledError)}
        assert served | cancelled == set(range(len(schedule)))
        assert [one for one in found if isinstance(one, Exception)] == []
        assert throttle.in_flight == 0
        await throttle.enter()  # and it still opens

    _, elapsed_s = run_virtual(work)
    assert elapsed_s < 1e4
