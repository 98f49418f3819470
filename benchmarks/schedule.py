"""How close the engine comes to the best schedule by itself: ``python -m benchmarks.schedule``.

Over a real network that question drowns in the timers, queues and neighbours of the machine.  Here
the network is a timer of exactly 50 ms, and the loop's clock is the process's own CPU time plus what
was waited for: everything that the package computes delays the next request, and nothing else does.
Sending and receiving are given the CPU time that they take over loopback.
"""

from __future__ import annotations

import argparse
import asyncio
import selectors
import statistics
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import frozen

from asyncsessions import Client, Hum, Sessions
from asyncsessions.core.http import Request, Response
from benchmarks import listing
from benchmarks.storing import RESULTS, store

__all__ = ["measure", "shares"]

LATENCY_S = 0.05
SENDING_S = RECEIVING_S = 0.00005
"""CPU time of either half of a request: together what our transport takes of `make bench`."""
LANES = (8, 16, 32, 64)
STEPS = 20
"""Every lane asks for so many pages after the first."""


class _Waits(selectors.DefaultSelector):
    """Lets time pass where a selector would wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waited_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is not None:
            self.waited_s += max(timeout, 0.0)
        return ready


class ComputingClock(asyncio.SelectorEventLoop):
    """A loop whose time is what its process computes, and what its timers wait for."""

    def __init__(self) -> None:
        self._waits = _Waits()
        super().__init__(self._waits)

    def time(self) -> float:
        return self._waits.waited_s + time.process_time()


@frozen
class Exact:
    """A network that answers each page, from memory, after exactly so many seconds."""

    bodies: list[bytes]
    latency_s: float

    async def send(self, request: Request, *, timeout_s: float) -> Response:  # noqa: ARG002 - never
        loop = asyncio.get_running_loop()
        _compute(SENDING_S)
        arrival: asyncio.Future[None] = loop.create_future()
        loop.call_later(self.latency_s, _arrive, arrival)
        await arrival
        assert request.page is not None
        return Response(status=200, body=self.bodies[request.page - 1])


def _arrive(arrival: asyncio.Future[None]) -> None:
    _compute(RECEIVING_S)
    if not arrival.done():
        arrival.set_result(None)


def _compute(duration_s: float) -> None:
    end = time.process_time() + duration_s
    while time.process_time() < end:
        pass


async def _pages(sessions: Sessions) -> int:
    return sum([len(page) async for page in sessions.pages()])


async def _items(sessions: Sessions) -> int:
    return sum([1 async for _ in sessions])


async def _unordered(sessions: Sessions) -> int:
    return await _pages(sessions.with_options(ordered=False))


READERS: dict[str, Callable[[Sessions], Awaitable[int]]] = {
    "pages()": _pages,
    "unordered": _unordered,
    "items": _items,
}


def pages_for(lanes: int) -> int:
    """Return how many pages keep so many lanes busy to the end."""
    return 1 + lanes * STEPS


IDEAL_S = (1 + STEPS) * LATENCY_S
"""What the best schedule takes: page 1 alone, then all lanes full."""


@contextmanager
def _computing_clock() -> Generator[ComputingClock]:
    loop = ComputingClock()
    try:
        yield loop
    finally:
        loop.close()


def _took_s(read: Callable[[Sessions], Awaitable[int]], bodies: list[bytes], lanes: int) -> float:
    async def pull() -> int:
        vendor = Hum("invented", base_url="http://127.0.0.1")
        network = Exact(bodies, LATENCY_S)
        async with Client(vendor, concurrency=lanes, transport=network) as client:
            return await read(client.sessions(start="2026-01-01", end="2026-03-30"))

    with _computing_clock() as loop:
        began_at = loop.time()
        rows = loop.run_until_complete(pull())
        took_s = loop.time() - began_at
    assert rows == len(bodies) * listing.PAGE
    return took_s


def shares(lanes: int, rounds: int) -> dict[str, list[float]]:
    """Return which share of the best schedule's speed each way of reading reached, by round."""
    span = (0, pages_for(lanes) * listing.PAGE)
    vendor = listing.hum()
    bodies = [b"".join(vendor.body(page, span)) for page in range(1, pages_for(lanes) + 1)]
    found: dict[str, list[float]] = {name: [] for name in READERS}
    for _ in range(rounds):
        for name, read in READERS.items():
            found[name].append(IDEAL_S / _took_s(read, bodies, lanes))
    return found


def measure(rounds: int) -> list[dict[str, Any]]:
    """Return the figures of every number of lanes; the first round only warms up."""
    rows: list[dict[str, Any]] = []
    for lanes in LANES:
        for name, each in shares(lanes, rounds + 1).items():
            share = statistics.median(each[1:])
            print(f"{lanes:>3} at a time, {name:<10} {share:.3f} of the ideal")
            rows.append({"name": name, "group": "schedule", "concurrency": lanes, "share": share})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--write", type=Path, default=RESULTS / "schedule.json")
    args = parser.parse_args()
    store(args.write, {"rounds": args.rounds, "latency_s": LATENCY_S}, measure(args.rounds))


if __name__ == "__main__":
    main()
