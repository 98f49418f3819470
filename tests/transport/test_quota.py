"""The end of a quota: said at once, heard by everybody, and final; in virtual time."""

from __future__ import annotations

import asyncio
from itertools import chain, repeat

import pytest

from asyncsessions.errors import QuotaExceededError, SessionsError
from asyncsessions.testing import ScriptedTransport, run_virtual
from tests.transport.scripting import OK, quota_429, refused, sending, settled


def test_it_is_not_repeated_and_carries_the_figures():
    async def work():
        side = sending([quota_429()])
        with pytest.raises(QuotaExceededError) as caught:
            await side.fetch(page=3)
        error = caught.value
        assert (error.limit, error.used, error.domain) == (5000, 5000, "x.example")
        assert (error.provider, error.page, error.status) == ("hum", 3, 429)
        assert (side.requests, side.throttle.in_flight) == (1, 0)

    run_virtual(work)


def test_later_calls_fail_without_a_request_each_with_an_error_of_its_own():
    async def work():
        side = sending([quota_429()])
        (first,) = await settled(side.fetch(page=1))
        first.report = "of the first pull"
        found = await settled(*(side.fetch(page=page) for page in (2, 3)))
        assert [error.page for error in found] == [2, 3]
        assert [error.report for error in found] == [None, None]
        assert [error.__traceback__ is not first.__traceback__ for error in found] == [True] * 2
        assert [(e.limit, e.used, e.domain, e.status) for e in found] == (
            [(5000, 5000, "x.example", 429)] * 2
        )
        assert (side.requests, side.meter.requests) == (1, 1)

    run_virtual(work)


def test_all_who_wait_for_a_turn_or_before_a_retry_hear_of_it_at_once():
    async def work():
        script = chain([refused(503, retry_after="60"), OK, quota_429()], repeat(OK))
        side = sending(script, requests_per_second=0.5, latency_s=0.1)
        found = await settled(*(side.fetch() for _ in range(20)))
        assert [type(one) for one in found].count(dict) == 1
        assert [type(one) for one in found].count(QuotaExceededError) == 19
        assert side.requests == 3
        assert side.throttle.in_flight == 0

    _, elapsed_s = run_virtual(work)
    assert elapsed_s == pytest.approx(4.1)


def test_answers_under_way_were_paid_for_and_still_count():
    async def answer(request):
        await asyncio.sleep(5 if request.page else 1)
        return OK if request.page else quota_429()

    async def work():
        side = sending(answer)
        found = await settled(*(side.fetch(page=page) for page in (0, 1, 2)))
        assert [type(one) for one in found] == [QuotaExceededError, dict, dict]

    _, elapsed_s = run_virtual(work)
    assert elapsed_s == pytest.approx(5)


def test_requests_under_way_may_hear_it_too_and_each_has_its_own_error():
    async def work():
        side = sending(repeat(quota_429()), latency_s=1, concurrency=5)
        found = await settled(*(side.fetch() for _ in range(9)))
        assert {type(one) for one in found} == {QuotaExceededError}
        assert len({id(one) for one in found}) == 9
        assert side.requests == 5

    run_virtual(work)


def test_a_limit_that_is_no_quota_is_repeated():
    async def work():
        side = sending([refused(429), OK])
        assert await side.fetch() == {"page": 1}

    run_virtual(work)


def test_a_pause_that_is_cancelled_at_the_end_of_the_quota_is_cancelled():
    network = ScriptedTransport([refused(503, retry_after="60"), quota_429()])

    async def work():
        side = sending(network)
        waiting = asyncio.create_task(side.fetch())
        await asyncio.sleep(1)
        with pytest.raises(SessionsError):
            await side.fetch()
        waiting.cancel()  # in the same step of the loop that ends its pause
        with pytest.raises(asyncio.CancelledError):
            await waiting

    run_virtual(work)
