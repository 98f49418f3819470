"""The caller's own limits and cancellation end everything in time; in virtual time."""

from __future__ import annotations

import asyncio
from itertools import chain, repeat
from random import Random

import pytest

from asyncsessions.core.meter import Meter
from asyncsessions.core.pace import Retry
from asyncsessions.errors import (
    BudgetExceededError,
)
from asyncsessions.testing import run_virtual
from tests.transport.scripting import OK, refused, sending, settled

# ------------------------------------------------------------------ the caller's own limits


def test_the_deadline_bounds_a_server_that_never_answers():
    async def work():
        side = sending(repeat(OK), latency_s=1e6, timeout_s=30, deadline_s=50)
        with pytest.raises(BudgetExceededError, match="deadline_s=50 does not suffice"):
            await side.fetch()
        assert side.network.timeouts_s[0] == 30
        assert side.network.timeouts_s[1] < 20

    _, elapsed_s = run_virtual(work)
    assert elapsed_s == pytest.approx(50)


def test_a_request_that_the_deadline_cuts_off_blames_the_deadline():
    async def work():
        side = sending(repeat(OK), latency_s=1e6, deadline_s=5, retry=Retry(attempts=1))
        with pytest.raises(BudgetExceededError, match="deadline_s=5 does not suffice: go on later"):
            await side.fetch()
        assert side.network.timeouts_s == [5]

    _, elapsed_s = run_virtual(work)
    assert elapsed_s == pytest.approx(5)


def test_the_deadline_bounds_the_wait_for_a_turn():
    async def work():
        side = sending(repeat(OK), latency_s=1e3, timeout_s=1e4, concurrency=1)
        hog = asyncio.create_task(side.fetch())
        await asyncio.sleep(0)
        hurried = Meter(deadline_s=5, deadline=5)
        with pytest.raises(BudgetExceededError, match="deadline_s=5"):
            await side.fetch(meter=hurried)
        assert asyncio.get_running_loop().time() == pytest.approx(5)
        assert (hurried.requests, side.requests) == (0, 1)
        await hog
        assert side.throttle.in_flight == 0

    run_virtual(work)


def test_a_wait_that_would_pass_the_deadline_is_not_begun_and_the_error_says_why():
    async def work():
        side = sending([refused(503, retry_after="10")], deadline_s=5)
        with pytest.raises(
            BudgetExceededError, match=r"repeated, because the vendor's server failed"
        ):
            await side.fetch()

    _, elapsed_s = run_virtual(work)
    assert elapsed_s == 0


def test_nothing_is_sent_after_the_deadline():
    async def work():
        side = sending([OK], deadline_s=0)
        with pytest.raises(BudgetExceededError, match="deadline_s=0"):
            await side.fetch()
        assert (side.requests, side.meter.requests, side.throttle.in_flight) == (0, 0, 0)

    run_virtual(work)


def test_however_requests_fail_the_deadline_holds():
    def answer(request):
        return OK if next(coins) < 0.3 else refused(503, retry_after="0.5")

    for seed in range(20):
        coins = iter(Random(seed).random, 2)

        async def work(seed=seed):
            side = sending(
                answer, latency_s=0.3, concurrency=3, requests_per_second=5, deadline_s=4, seed=seed
            )
            found = await settled(*(side.fetch() for _ in range(60)))
            assert {type(one) for one in found} <= {dict, BudgetExceededError}
            assert side.throttle.in_flight == 0
            return found

        found, elapsed_s = run_virtual(work)
        assert elapsed_s <= 4 + 1e-6
        assert {type(one) for one in found} == {dict, BudgetExceededError}


def test_max_requests_bounds_retries_too():
    async def work():
        side = sending(repeat(refused(500)), max_requests=3)
        with pytest.raises(BudgetExceededError, match="max_requests=3 is used up"):
            await side.fetch()
        assert (side.requests, side.meter.left) == (3, 0)

    run_virtual(work)


def test_without_a_request_left_nobody_waits_for_a_turn():
    async def work():
        side = sending(repeat(OK), requests_per_second=0.001, max_requests=1)
        await side.fetch()
        with pytest.raises(BudgetExceededError, match="max_requests=1"):
            await side.fetch()

    _, elapsed_s = run_virtual(work)
    assert elapsed_s == 0


def test_requests_that_wait_when_the_last_one_is_spent_are_refused_in_their_turn():
    async def work():
        side = sending(repeat(OK), concurrency=1, latency_s=1, max_requests=2)
        found = await settled(*(side.fetch() for _ in range(5)))
        assert [type(one) for one in found] == [dict] * 2 + [BudgetExceededError] * 3
        assert (side.requests, side.throttle.in_flight) == (2, 0)

    run_virtual(work)


# ------------------------------------------------------------------ cancellation


@pytest.mark.parametrize("moment_s", [0.0, 0.02, 0.06, 1.0, 5.0])
def test_a_cancellation_passes_through_at_any_moment(moment_s):
    script = chain([refused(503, retry_after="3")], repeat(OK))

    async def work():
        side = sending(script, latency_s=0.05, requests_per_second=0.4)
        tasks = [asyncio.create_task(side.fetch()) for _ in range(3)]
        await asyncio.sleep(moment_s)
        for task in tasks:
            task.cancel()
        found = await settled(*tasks)
        assert side.throttle.in_flight == side.network.in_flight == 0
        return [type(one) for one in found]

    found, elapsed_s = run_virtual(work)
    assert asyncio.CancelledError in found
    assert set(found) <= {asyncio.CancelledError, dict}
    assert elapsed_s == pytest.approx(moment_s)


def test_a_cancellation_says_nothing_about_the_pace():
    async def work():
        side = sending(repeat(OK), latency_s=1, concurrency=4)
        told = []
        pace = side.throttle.pace
        pace.succeeded = lambda *_, **__: told.append("succeeded")
        pace.failed = lambda *_, **__: told.append("failed")
        task = asyncio.create_task(side.fetch())
        await asyncio.sleep(0.5)
        task.cancel()
        await settled(task)
        return told

    assert run_virtual(work)[0] == []


def test_the_usual_case_does_not_touch_the_retries(monkeypatch):
    monkeypatch.setattr("asyncsessions.transport.retry.AsyncRetrying", None)

    async def work():
        assert await sending([OK]).fetch() == {"page": 1}

    run_virtual(work)
