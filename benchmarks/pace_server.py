"""A server with a capacity: each of four kinds, real, on loopback, and it keeps the books.

    python -m benchmarks.pace_server KIND --at-once 10 --phase 2 1 0.5 1 2

All kinds can answer ``at_once / LATENCY_S`` requests a second.  ``bucket`` counts requests a second
and answers 429 to more; ``crowd`` counts those at work and answers 503 to more; ``knee`` works on so
many at a time and lets all others wait in line; ``thrash`` works on all of them, and the slower the
more they are.  The numbers at the end say how the capacity changes: after each phase, so many
seconds after the first request, it is so many times ``at_once``.

Prints its port, and, when its standard input ends, as JSON what it has seen: for each request when
it came, when it was answered (seconds since the first request) and the status.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import deque
from collections.abc import Callable
from functools import partial

from attrs import define, field

LATENCY_S = 0.05
BURST_S = 0.05  # what a bucket has saved up at most
BODY = b'{"page": 1}'
ANSWERS = {
    status: b"HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
    % (status, phrase, len(BODY), BODY)
    for status, phrase in (
        (200, b"OK"),
        (429, b"Too Many Requests"),
        (503, b"Service Unavailable"),
    )
}

Answer = Callable[[int], None]


@define
class Course:
    """How the capacity goes."""

    at_once: int
    phase_s: float
    factors: tuple[float, ...]
    begun_at: float | None = None

    def at(self, now: float) -> float:
        """Return how many requests may be at work, at a moment of the loop's clock."""
        self.begun_at = now if self.begun_at is None else self.begun_at
        phase = int((now - self.begun_at) / self.phase_s)
        return self.at_once * self.factors[min(phase, len(self.factors) - 1)]


@define
class Limits:
    """Decides when a request is answered, and with which status."""

    kind: str
    course: Course
    _at_work: int = 0
    _waiting: deque[Answer] = field(factory=deque[Answer])
    _tokens: float = 0.0
    _counted_at: float = 0.0

    def ask(self, answer: Answer) -> None:
        """Take a request; ``answer`` is called with its status, now or later."""
        now = asyncio.get_running_loop().time()
        capacity = self.course.at(now)
        if self.kind == "bucket" and not self._take(now, capacity / LATENCY_S):
            answer(429)
        elif self.kind == "crowd" and self._at_work >= capacity:
            answer(503)
        elif self.kind == "knee" and self._at_work >= capacity:
            self._waiting.append(answer)
        else:
            self._work(answer, capacity)

    def _take(self, now: float, rate: float) -> bool:
        burst = max(1.0, BURST_S * rate)
        if not self._counted_at:
            self._tokens, self._counted_at = burst, now
        self._tokens = min(burst, self._tokens + (now - self._counted_at) * rate)
        self._counted_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _work(self, answer: Answer, capacity: float) -> None:
        self._at_work += 1
        crowding = max(1.0, self._at_work / capacity) if self.kind == "thrash" else 1.0
        loop = asyncio.get_running_loop()
        loop.call_later(LATENCY_S * crowding**2, self._done, answer)

    def _done(self, answer: Answer) -> None:
        self._at_work -= 1
        answer(200)
        capacity = self.course.at(asyncio.get_running_loop().time())
        while self._waiting and self._at_work < capacity:
            self._work(self._waiting.popleft(), capacity)


@define(eq=False)
class Connection(asyncio.Protocol):
    """Requests without a body in, one at a time; answers out."""

    limits: Limits
    seen: list[tuple[float, float, int]]
    _transport: asyncio.WriteTransport | None = None
    _buffer: bytes = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Ask for every request that is whole."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            self._buffer = self._buffer[end + 4 :]
            came_at = asyncio.get_running_loop().time()
            self.limits.ask(partial(self._answer, came_at))

    def _answer(self, came_at: float, status: int) -> None:
        assert self._transport is not None
        self._transport.write(ANSWERS[status])
        begun_at = self.limits.course.begun_at or came_at
        now = asyncio.get_running_loop().time()
        self.seen.append((came_at - begun_at, now - begun_at, status))


async def serve(kind: str, course: Course) -> None:
    limits, seen = Limits(kind, course), list[tuple[float, float, int]]()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(limits, seen), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()
    print(json.dumps(seen), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve on loopback, up to a capacity.")
    parser.add_argument("kind", choices=["bucket", "crowd", "knee", "thrash"])
    parser.add_argument("--at-once", type=int, default=10)
    parser.add_argument("--phase", type=float, default=2.0, help="seconds")
    parser.add_argument("factors", type=float, nargs="+")
    args = parser.parse_args()
    asyncio.run(serve(args.kind, Course(args.at_once, args.phase, tuple(args.factors))))


if __name__ == "__main__":
    main()
