"""The whole way out against vendors that limit: what they allow is used, and little is refused.

In virtual time, over a network that counts as the vendors do.
"""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from asyncsessions.core.pace import Retry
from asyncsessions.testing import ScriptedTransport, run_virtual
from asyncsessions.testing.limits import TokenBucket
from tests.transport.scripting import OK, refused, sending


class Limited:
    """Refuses what comes too fast or too much at once; admits ``rate_per_s`` and ``at_once``."""

    def __init__(
        self,
        *,
        rate_per_s=None,
        burst=1,
        at_once=1_000,
        in_line=1_000,
        retry_after=None,
        jitter_s=None,
        seed=1,
    ):
        self.bucket = TokenBucket(rate_per_s, burst)
        self.at_once = at_once
        self.line = asyncio.Semaphore(in_line)
        self.headers = {} if retry_after is None else {"retry_after": retry_after}
        self.jitter_s = jitter_s
        self.chance = Random(seed)
        self.network = ScriptedTransport(self.answer)
        self.served_at_s, self.in_flight, self.refused = [], [], 0

    async def answer(self, request):
        loop = asyncio.get_running_loop()
        if self.jitter_s is not None:
            await asyncio.sleep(self.chance.expovariate(1 / self.jitter_s))
        if not self.bucket.take(loop.time()):
            return self.refuse(429)
        if self.network.in_flight > self.at_once:
            return self.refuse(503)
        self.in_flight.append(self.network.in_flight)
        async with self.line:
            await asyncio.sleep(self.chance.uniform(0.05, 0.07))
        self.served_at_s.append(loop.time())
        return OK

    def refuse(self, status):
        self.refused += 1
        return refused(status, **self.headers)


def pull(limited, *, pages=300, concurrency=10, **options):
    """Fetch so many pages as a stream does, first one, then the others; return the seconds."""

    async def work():
        side = sending(limited.network, concurrency=concurrency, retry=Retry(), **options)
        left = iter(range(pages))
        await side.fetch(page=next(left))

        async def worker():
            for page in left:
                await side.fetch(page=page)

        await asyncio.gather(*(worker() for _ in range(concurrency)))
        assert side.throttle.in_flight == 0

    _, elapsed_s = run_virtual(work)
    assert len(limited.served_at_s) == pages
    return elapsed_s


@pytest.mark.parametrize("retry_after", [None, "0", "1"])
@pytest.mark.parametrize("burst", [1, 40])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_of_40_requests_a_second_most_are_used_and_few_are_refused(retry_after, burst, seed):
    limited = Limited(rate_per_s=40, burst=burst, retry_after=retry_after, seed=seed)
    elapsed_s = pull(limited, seed=seed)
    assert 300 / elapsed_s >= 0.8 * 40
    assert limited.refused <= 60


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("burst", [1, 5, 40])
def test_requests_that_arrive_unevenly_are_no_reason_to_crawl(burst, seed):
    limited = Limited(rate_per_s=40, burst=burst, seed=seed, jitter_s=0.001)
    elapsed_s = pull(limited, seed=seed)
    assert 300 / elapsed_s >= 0.75 * 40
    assert limited.refused <= 60


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_vendor_that_counts_by_the_second_is_used_well_too(seed):
    limited = Limited(seed=seed)
    limited.bucket = SlidingSecond(40)
    elapsed_s = pull(limited, seed=seed)
    assert 300 / elapsed_s >= 0.7 * 40
    assert limited.refused <= 75


class SlidingSecond:
    """Takes so many requests in any second."""

    def __init__(self, most):
        self.most, self.taken_at_s = most, []

    def take(self, now_s):
        self.taken_at_s = [at_s for at_s in self.taken_at_s if at_s > now_s - 1]
        if len(self.taken_at_s) >= self.most:
            return False
        self.taken_at_s.append(now_s)
        return True


@pytest.mark.parametrize("rate", [5, 20, 100])
def test_other_rates_are_found_too(rate):
    limited = Limited(rate_per_s=rate)
    elapsed_s = pull(limited)
    assert 300 / elapsed_s >= 0.8 * rate
    assert limited.refused <= 60


@pytest.mark.parametrize("rate", [7.5, 30])
def test_the_callers_own_rate_avoids_every_refusal(rate):
    limited = Limited(rate_per_s=rate * 1.001)
    elapsed_s = pull(limited, requests_per_second=rate, pages=150)
    assert limited.refused == 0
    assert 150 / elapsed_s >= 0.95 * rate


@pytest.mark.parametrize("at_once", [1, 3, 6])
def test_a_vendor_that_takes_fewer_at_once_is_asked_by_fewer_at_once(at_once):
    limited = Limited(at_once=at_once)
    elapsed_s = pull(limited)
    ideal_s = 300 * 0.06 / at_once
    assert limited.refused <= 60
    assert elapsed_s <= 1.2 * ideal_s


@pytest.mark.parametrize("at_once", [4, 10])
def test_a_crowd_at_the_start_costs_no_page(at_once):
    limited = Limited(at_once=at_once)
    elapsed_s = pull(limited, concurrency=32)
    assert limited.refused <= 32 + 30
    assert elapsed_s <= 1.3 * 300 * 0.06 / at_once


def test_a_vendor_that_works_on_few_at_a_time_is_not_sent_more_than_it_works_on():
    limited = Limited(in_line=6)
    elapsed_s = pull(limited, concurrency=32, pages=1000)
    assert elapsed_s <= 1.05 * 1000 * 0.06 / 6
    assert sum(limited.in_flight[500:]) / 500 <= 12


def test_a_vendor_without_limits_is_never_slowed_down():
    limited = Limited()
    elapsed_s = pull(limited)
    assert limited.network.max_in_flight == 10
    assert elapsed_s <= 1.1 * 300 * 0.06 / 10


def test_a_vendor_that_is_shut_for_a_while_is_probed_and_not_stormed():
    limited = Limited(retry_after="5")
    limited.bucket = ShutUntil(30)
    elapsed_s = pull(limited, pages=100)
    assert limited.refused <= 10 + 7
    assert elapsed_s <= 45


class ShutUntil:
    """Takes nothing before a moment, everything afterwards."""

    def __init__(self, moment_s):
        self.moment_s = moment_s

    def take(self, now_s):
        return now_s >= self.moment_s
