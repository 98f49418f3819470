"""Gate and pace together in an event loop, in virtual time, before servers of a known capacity."""

from __future__ import annotations

import asyncio
from statistics import mean

import pytest

from asyncsessions.core.pace import Pace
from asyncsessions.testing import run_virtual
from asyncsessions.testing.limits import TokenBucket
from asyncsessions.transport.throttle import Throttle

pytestmark = pytest.mark.slow

WORK_S = 0.05
SECONDS = 20.0


class Server:
    """Answers with a status after a while, and keeps the books."""

    def __init__(self, kind, at_once):
        self.kind, self.at_once = kind, at_once
        self.bucket = TokenBucket(at_once / WORK_S if kind == "bucket" else None, at_once)
        self.line = asyncio.Semaphore(at_once if kind == "line" else 1_000)
        self.in_flight = 0
        self.done_s, self.took_s, self.refused = [], [], 0

    async def answer(self):
        now = asyncio.get_running_loop().time
        came_s = now()
        is_crowded = self.kind == "crowd" and self.in_flight >= self.at_once
        if is_crowded or not self.bucket.take(came_s):
            self.refused += 1
            await asyncio.sleep(0.001)
            return 503 if is_crowded else 429
        self.in_flight += 1
        async with self.line:
            hindrance = self.in_flight / self.at_once if self.kind == "thrash" else 1
            await asyncio.sleep(WORK_S * max(1, hindrance) ** 2)
        self.in_flight -= 1
        self.done_s.append(now())
        self.took_s.append(now() - came_s)
        return 200


async def visit(throttle, server):
    """Send one request as the transport does, until it is answered."""
    pace, now = throttle.pace, asyncio.get_running_loop().time
    while True:
        sent_at = await throttle.enter()
        status = await server.answer()
        if status == 200:
            pace.succeeded(now(), in_flight=throttle.in_flight, sent_at=sent_at)
        elif status == 429:
            pace.refused(now(), sent_at=sent_at, retry_after_s=None)
        else:
            pace.overloaded(now(), sent_at=sent_at)
        throttle.leave()
        if status == 200:
            return


def asked(kind, *, at_once, concurrency, tasks):
    """Ask for so many seconds; each task is a new one, as in the engine."""

    async def work():
        server, throttle = Server(kind, at_once), Throttle(Pace(concurrency))
        await visit(throttle, server)

        async def lane():
            while True:
                await asyncio.create_task(visit(throttle, server))

        lanes = [asyncio.create_task(lane()) for _ in range(tasks)]
        await asyncio.wait(lanes, timeout=SECONDS)
        for one in lanes:
            one.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)
        return server, throttle

    return run_virtual(work)[0]


@pytest.mark.slow
@pytest.mark.parametrize("tasks", [32, 40])
@pytest.mark.parametrize(
    ("kind", "least", "most_refused"),
    [("bucket", 0.95, 0.03), ("crowd", 0.9, 0.03), ("line", 0.97, 0.0), ("thrash", 0.6, 0.0)],
)
def test_most_of_the_capacity_is_used_and_little_is_refused(kind, least, most_refused, tasks):
    server, throttle = asked(kind, at_once=10, concurrency=32, tasks=tasks)
    assert len(server.done_s) >= least * SECONDS * 10 / WORK_S
    assert server.refused <= most_refused * len(server.done_s)
    late_s = server.took_s[len(server.took_s) // 2 :]
    assert mean(late_s) <= 2.5 * WORK_S
    assert throttle.pace.limit <= 32


@pytest.mark.slow
@pytest.mark.parametrize("concurrency", [8, 16, pytest.param(64, marks=pytest.mark.nightly)])
def test_where_there_is_no_limit_all_of_the_concurrency_is_used_all_of_the_time(concurrency):
    server, throttle = asked("none", at_once=1, concurrency=concurrency, tasks=concurrency)
    assert throttle.pace.limit == concurrency
    assert len(server.done_s) >= 0.99 * SECONDS * concurrency / WORK_S


def test_few_tasks_find_the_whole_concurrency_when_more_come():
    server, throttle = asked("line", at_once=64, concurrency=64, tasks=4)
    assert throttle.pace.limit == 64
    assert len(server.done_s) >= 0.99 * SECONDS * 4 / WORK_S
