"""What is repeated, how often, how long after, and out of which budget; in virtual time."""

from __future__ import annotations

import asyncio
import traceback
from itertools import chain, pairwise, repeat
from random import Random

import pytest

from asyncsessions.core.http import Response
from asyncsessions.core.pace import Retry
from asyncsessions.errors import (
    AuthenticationError,
    ConfigurationError,
    InvalidQueryError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    TransportError,
    UnexpectedResponseError,
)
from asyncsessions.testing import run_virtual
from tests.transport.scripting import OK, refused, sending, settled

CUT = Response(status=200, body=b'{"page": ')


# ------------------------------------------------------------------ what is repeated


@pytest.mark.parametrize(
    "failure",
    [
        TransportError("dropped"),
        UnexpectedResponseError("cut", transient=True),
        CUT,
        *(refused(status) for status in (408, 429, 500, 502, 503, 504, 520)),
    ],
    ids=str,
)
def test_what_can_pass_is_repeated(failure):
    async def work():
        side = sending([failure, failure, OK])
        assert await side.fetch() == {"page": 1}
        assert (side.meter.requests, side.meter.retries) == (side.requests, 2) == (3, 2)

    run_virtual(work)


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (refused(400), InvalidQueryError),
        (refused(401), AuthenticationError),
        (refused(403), PermissionDeniedError),
        (refused(404), NotFoundError),
        (refused(422), InvalidQueryError),
        (refused(302), UnexpectedResponseError),
        (refused(418), UnexpectedResponseError),
        (refused(101), UnexpectedResponseError),
        (refused(501), ServerError),
        (refused(505), ServerError),
        (TransportError("certificate", transient=False), TransportError),
        (UnexpectedResponseError("too large"), UnexpectedResponseError),
        (ConfigurationError("closed"), ConfigurationError),
    ],
    ids=str,
)
def test_what_cannot_pass_is_sent_once_and_says_where(failure, kind):
    async def work():
        side = sending([failure])
        with pytest.raises(kind) as caught:
            await side.fetch(page=7)
        assert (side.requests, side.throttle.in_flight) == (1, 0)
        assert (caught.value.provider, caught.value.page) == ("hum", 7)
        assert caught.value.request == "GET https://api.example.com/x"
        assert "attempts" not in str(caught.value)

    run_virtual(work)


@pytest.mark.parametrize("status", [200, 204])
def test_an_answer_that_cannot_be_read_keeps_its_status(status):
    async def work():
        side = sending([Response(status=status)], retry=Retry(attempts=1))
        with pytest.raises(UnexpectedResponseError) as caught:
            await side.fetch()
        assert caught.value.status == status

    run_virtual(work)


def test_a_programming_error_in_read_is_raised_at_once_and_gives_its_place_back():
    def broken(response):
        raise TypeError("mine")

    async def work():
        side = sending(repeat(OK), concurrency=1)
        limit = side.throttle.pace.limit
        for _ in range(3):
            with pytest.raises(TypeError, match="mine"):
                await side.fetch(read=broken)
        assert (side.requests, side.meter.retries) == (3, 0)
        assert (side.throttle.in_flight, side.throttle.pace.limit) == (0, limit)
        assert await side.fetch() == {"page": 1}

    run_virtual(work)


def test_a_programming_error_of_the_network_is_raised_at_once():
    async def work():
        side = sending([KeyError("mine"), OK], concurrency=1)
        with pytest.raises(KeyError):
            await side.fetch()
        assert (side.requests, side.throttle.in_flight) == (1, 0)

    run_virtual(work)


@pytest.mark.parametrize("transient", [True, False])
def test_an_error_keeps_no_frame_and_no_cause_that_has_seen_the_answer(transient):
    def unreadable(response):
        rows = response.body
        try:
            raise KeyError(rows)
        except KeyError as cause:
            raise UnexpectedResponseError("no", transient=transient) from cause

    async def work():
        side = sending(repeat(OK), retry=Retry(attempts=3))
        with pytest.raises(UnexpectedResponseError) as caught:
            await side.fetch(read=unreadable)
        error = caught.value
        assert (error.__cause__, error.__context__) == (None, None)
        frames = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
        assert frames[-2:] == ["fetch", "_fetch"]  # the test's own, and the way out
        assert side.requests == (3 if transient else 1)

    run_virtual(work)


# ------------------------------------------------------------------ how often and how long after


def test_the_policy_bounds_the_attempts_and_the_error_counts_them():
    async def work():
        side = sending(repeat(refused(500)), retry=Retry(attempts=4))
        with pytest.raises(ServerError, match=r"the vendor's server failed \(4 attempts\)"):
            await side.fetch()
        assert side.requests == 4

    run_virtual(work)


def test_a_policy_of_one_attempt_repeats_nothing():
    async def work():
        side = sending(repeat(refused(500)), retry=Retry(attempts=1))
        with pytest.raises(ServerError) as caught:
            await side.fetch()
        assert side.requests == 1
        assert "attempts" not in str(caught.value)

    run_virtual(work)


def waits(side):
    times = side.network.sent_at_s
    return [after - before for before, after in pairwise(times)]


@pytest.mark.slow
def test_waits_are_drawn_evenly_from_zero_to_a_doubling_ceiling():
    retry = Retry(attempts=8, backoff_s=0.25, max_backoff_s=10, budget=1e6)

    async def work():
        drawn = []
        for seed in range(200):
            side = sending(repeat(TransportError("dropped")), retry=retry, seed=seed)
            with pytest.raises(TransportError):
                await side.fetch()
            drawn.append(waits(side))
            assert side.meter.waited_s == pytest.approx(sum(drawn[-1]))
        return drawn

    drawn, _ = run_virtual(work)
    for number, ceiling in enumerate([0.25, 0.5, 1, 2, 4, 8, 10]):
        column = sorted(row[number] for row in drawn)
        assert 0 <= column[0] < 0.1 * ceiling
        assert 0.9 * ceiling < column[-1] <= ceiling
        assert 0.4 * ceiling < sum(column) / len(column) < 0.6 * ceiling


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_waited_for_and_the_jitter_comes_on_top(status):
    async def work():
        side = sending([refused(status, retry_after="7"), OK])
        await side.fetch()
        assert 7.0 < waits(side)[0] <= 7.25 + 8.0  # a rate limit adds its own spacing

    run_virtual(work)


def test_a_retry_after_beyond_the_cap_is_not_waited_for():
    async def work():
        side = sending([refused(429, retry_after="121")], retry=Retry(max_retry_after_s=120))
        with pytest.raises(RateLimitError) as caught:
            await side.fetch()
        assert caught.value.retry_after_s == 121

    _, elapsed_s = run_virtual(work)
    assert elapsed_s == 0


@pytest.mark.parametrize("value", ["", "soon", "-5", "1e400", "nan", "inf", "\udcff", "Thu, 99"])
def test_a_retry_after_that_makes_no_sense_is_no_reason_to_fail(value):
    async def work():
        side = sending([refused(503, retry_after=value), OK])
        await side.fetch()
        assert waits(side)[0] <= 0.25

    run_virtual(work)


def test_fifty_requests_refused_at_once_come_back_at_different_moments():
    async def work():
        side = sending(
            chain(repeat(refused(429, retry_after="7"), 50), repeat(OK)),
            concurrency=50,
            latency_s=0.05,
            retry=Retry(budget=10),  # the echoes of one refusal cost nothing
        )
        assert await settled(*(side.fetch() for _ in range(50))) == [{"page": 1}] * 50
        return side.network.sent_at_s[50:]

    again, _ = run_virtual(work)
    assert len(again) >= 50
    assert len({round(moment, 3) for moment in again}) >= 45
    assert min(again) >= 7.0


# ------------------------------------------------------------------ the shared budget


@pytest.mark.slow
def test_an_outage_costs_each_request_once_and_a_handful_of_retries():
    async def work():
        side = sending(
            repeat(refused(500)), concurrency=50, latency_s=0.05, retry=Retry(attempts=8, budget=10)
        )
        found = await settled(*(side.fetch() for _ in range(1000)))
        assert {type(error) for error in found} == {ServerError}
        return side.requests

    requests, _ = run_virtual(work)
    assert requests == 1010


def test_successes_pay_the_budget_back_but_never_above_its_size():
    async def work():
        retry = Retry(attempts=2, budget=2, refill=0.5)
        script = [OK] * 20 + [refused(500)] * 4 + [OK] * 4 + [refused(500)] * 4
        side = sending(script, retry=retry)
        for _ in range(20):
            await side.fetch()
        found = []
        for _ in range(2 + 4 + 2):
            found += await settled(side.fetch())
        assert [type(one) for one in found] == [ServerError] * 2 + [dict] * 4 + [ServerError] * 2

    run_virtual(work)


@pytest.mark.parametrize("concurrency", [1, 4, 16])
@pytest.mark.parametrize("retry_after", [None, "1"])
def test_a_server_that_only_limits_gets_a_bounded_number_of_requests(concurrency, retry_after):
    headers = {} if retry_after is None else {"retry_after": retry_after}

    async def work():
        side = sending(
            repeat(refused(429, **headers)),
            concurrency=concurrency,
            latency_s=0.05,
            retry=Retry(),
        )
        found = await settled(*(side.fetch() for _ in range(concurrency)))
        assert {type(error) for error in found} == {RateLimitError}
        return side.requests

    requests, _ = run_virtual(work)
    # Each once, each echo of the first refusal once more for free, and what the budget pays for.
    assert requests <= 2 * concurrency + 10


@pytest.mark.slow
def test_a_fifth_of_all_answers_failing_in_every_way_always_passes():
    for seed in range(3):
        chance = Random(seed)
        kinds = [
            *(refused(status) for status in (500, 502, 503)),
            refused(429, retry_after="0"),
            TransportError("reset"),
            TransportError("cut short"),
            CUT,
            Response(status=200, body=b"<html>"),
            Response(status=200),
        ]

        def answer(request, chance=chance, kinds=kinds):
            return chance.choice(kinds) if chance.random() < 0.2 else OK

        async def work(answer=answer, seed=seed):
            side = sending(answer, latency_s=0.06, retry=Retry(), seed=seed, concurrency=8)
            pages = iter(range(1000))

            async def worker():
                for page in pages:
                    assert await side.fetch(page=page) == {"page": 1}

            await asyncio.gather(*(worker() for _ in range(8)))
            assert (side.meter.requests, side.throttle.in_flight) == (side.requests, 0)
            return side.requests

        requests, _ = run_virtual(work)
        assert requests <= 1600
