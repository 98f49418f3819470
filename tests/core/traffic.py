"""Traffic between a client that keeps a pace and a model of a vendor: arithmetic, no waiting."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any, Literal, Protocol

from attrs import define, field

from asyncsessions.core.pace import Pace, Retry, RetryBudget

Status = Literal[200, 429, 503]


class Server(Protocol):
    """Decides what a request gets, and with a 429 how long to stay away (seconds)."""

    def __call__(self, now: float, in_flight: int) -> tuple[Status, float | None]: ...


@define
class Bucket:
    """Allows ``rate`` requests a second and ``burst`` at once."""

    rate: float
    burst: float
    retry_after_s: float | None = None
    _tokens: float = field(init=False)
    _at: float = 0.0

    def __attrs_post_init__(self) -> None:
        self._tokens = self.burst

    def __call__(self, now: float, in_flight: int) -> tuple[Status, float | None]:
        self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
        self._at = now
        if self._tokens < 1:
            return 429, self.retry_after_s
        self._tokens -= 1
        return 200, None


@define
class FixedWindow:
    """Allows ``limit`` requests in every calendar second."""

    limit: int
    _second: int = -1
    _used: int = 0

    def __call__(self, now: float, in_flight: int) -> tuple[Status, float | None]:
        if int(now) != self._second:
            self._second, self._used = int(now), 0
        self._used += 1
        return (200, None) if self._used <= self.limit else (429, None)


@define
class Crowd:
    """Works on ``at_once`` requests at a time and fails with 503 what is too much."""

    at_once: float

    def __call__(self, now: float, in_flight: int) -> tuple[Status, float | None]:
        return (200, None) if in_flight <= self.at_once else (503, None)


def unlimited(now: float, in_flight: int) -> tuple[Status, float | None]:
    """Allow everything."""
    return 200, None


@define
class Line:
    """How long it takes where ``at_once`` are worked on at a time and all others wait in line."""

    at_once: int
    work_s: float = 0.05
    _ends: list[float] = field(factory=list)

    def __call__(self, now: float, in_flight: int) -> float:
        self._ends = sorted(end for end in self._ends if end > now)
        turn = len(self._ends) - self.at_once
        begins_at = self._ends[turn] if turn >= 0 else now
        self._ends.append(begins_at + self.work_s)
        return begins_at + self.work_s - now


@define
class Thrash:
    """How long it takes where all are worked on, and more than ``at_once`` hinder each other."""

    at_once: int
    work_s: float = 0.05

    def __call__(self, now: float, in_flight: int) -> float:
        return self.work_s * max(1.0, in_flight / self.at_once) ** 2


@define
class Phases:
    """A server, or its latency, with a capacity that changes every ``phase_s`` seconds."""

    of: Any
    name: str
    values: tuple[float, ...]
    phase_s: float

    def __call__(self, now: float, in_flight: int) -> Any:
        phase = min(int(now / self.phase_s), len(self.values) - 1)
        setattr(self.of, self.name, self.values[phase])
        return self.of(now, in_flight)


class Fixed(Pace):
    """The pace of a plain loop: the concurrency, whatever happens."""

    def succeeded(self, now: float, *, in_flight: int, sent_at: float | None = None) -> None:
        """Learn nothing."""

    def refused(self, now: float, *, sent_at: float, retry_after_s: float | None) -> bool:
        return True

    def overloaded(self, now: float, *, sent_at: float) -> bool:
        return True


@define
class Traffic:
    """What went on: moments in seconds."""

    sent: list[float] = field(factory=list)
    succeeded: list[float] = field(factory=list)
    refused: list[float] = field(factory=list)
    overloaded: list[float] = field(factory=list)
    given_up: int = 0
    most_in_flight: int = 0

    @property
    def duration_s(self) -> float:
        return max([*self.succeeded, *self.refused, *self.overloaded])

    def rate(self, begin_s: float, end_s: float) -> float:
        """Return the successes a second in a span of time."""
        return sum(begin_s <= at < end_s for at in self.succeeded) / (end_s - begin_s)


@define
class Flow:
    """Fetches pages as the transport does: so many tasks, first come first served, and again.

    A success takes ``latency_s`` seconds, which may depend on the moment and on the number in
    flight, and up to a fifth more (``spread``), a refusal ``refusal_s``.
    """

    server: Server
    pace: Pace
    tasks: int = 10
    latency_s: float | Callable[[float, int], float] = 0.05
    spread: float = 0.2
    refusal_s: float = 0.05
    retry: Retry = field(factory=Retry)
    chance: Random = field(factory=lambda: Random(1))
    traffic: Traffic = field(factory=Traffic, init=False)
    travels: list[tuple[float, float]] = field(factory=list, init=False)
    """When each success was sent, and when its answer arrived."""
    _events: list[tuple[float, int, str, int, float, Status, float | None]] = field(factory=list)
    _waiting: deque[int] = field(factory=deque)  # the number of the attempt
    _ticket: Iterator[int] = field(factory=count)
    _in_flight: int = 0
    _wake_at: float = -1.0

    def run(self, pages: int, *, begin_s: float = 0.0) -> Traffic:
        budget = RetryBudget(self.retry)
        left, now = pages, begin_s
        self._waiting += [1] * min(self.tasks, pages)
        left -= len(self._waiting)
        while True:
            self._send(now)
            if not self._events:
                return self.traffic
            now, _, kind, attempt, sent_at, status, retry_after_s = heappop(self._events)
            if kind == "retry":
                self._waiting.append(attempt)
            if kind != "arrive":
                continue
            is_echo = self._note(now, status, sent_at, retry_after_s)
            self._in_flight -= 1
            if status == 200:
                budget.success()
            elif attempt < self.retry.attempts and (is_echo or budget.take()):
                wait_s = self.retry.wait_s(
                    attempt, retry_after_s=retry_after_s, chance=self.chance.random()
                )
                self._later(now + wait_s, "retry", attempt + 1)
                continue
            else:
                self.traffic.given_up += 1
            if left:
                left -= 1
                self._waiting.append(1)

    def _send(self, now: float) -> None:
        while self._waiting and self._in_flight < self.pace.limit:
            if (wait_s := self.pace.wait_s(now)) > 0:
                if now + wait_s != self._wake_at:
                    self._wake_at = now + wait_s
                    self._later(self._wake_at, "wake")
                return
            self.pace.sent(now)
            self.traffic.sent.append(now)
            self._in_flight += 1
            self.traffic.most_in_flight = max(self.traffic.most_in_flight, self._in_flight)
            status, retry_after_s = self.server(now, self._in_flight)
            takes_s = self._takes_s(now) if status == 200 else self.refusal_s
            arrives_at = now + takes_s
            attempt = self._waiting.popleft()
            self._later(arrives_at, "arrive", attempt, now, status, retry_after_s)

    def _takes_s(self, now: float) -> float:
        latency_s = self.latency_s
        plain_s = latency_s if isinstance(latency_s, float) else latency_s(now, self._in_flight)
        return plain_s * self.chance.uniform(1.0, 1.0 + self.spread)

    def _note(self, now: float, status: Status, sent_at: float, retry: float | None) -> bool:
        if status == 200:
            self.traffic.succeeded.append(now)
            self.travels.append((sent_at, now))
            self.pace.succeeded(now, in_flight=self._in_flight, sent_at=sent_at)
        elif status == 429:
            self.traffic.refused.append(now)
            return not self.pace.refused(now, sent_at=sent_at, retry_after_s=retry)
        else:
            self.traffic.overloaded.append(now)
            return not self.pace.overloaded(now, sent_at=sent_at)
        return False

    def _later(
        self,
        moment: float,
        kind: str,
        attempt: int = 0,
        sent_at: float = 0.0,
        status: Status = 200,
        retry_after_s: float | None = None,
    ) -> None:
        event = (moment, next(self._ticket), kind, attempt, sent_at, status, retry_after_s)
        heappush(self._events, event)
