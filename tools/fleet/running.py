"""Plays a fleet through in virtual time: what the formulas of :mod:`tools.fleet.model` leave out.

Each tenant is read as a pull reads it, with the package's own decisions: windows
(:mod:`asyncsessions.core.windows`), slices (:mod:`asyncsessions.core.slices`), at most two of them
open at a time, page 1 before the others, a pace that learns of a limit by being refused
(:mod:`asyncsessions.core.pace`), retries with jitter.  The vendor answers after a latency that
varies, refuses what is faster than its token bucket allows, and everything once the quota of a month
is spent; then the tenant waits for the next month, as a job does that is run again.  Answers are read
one after the other by the process that their tenant belongs to.

What is not played: rows that move (tools/completeness.py does that), outages, and machines that die.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from heapq import heappop, heappush
from math import exp
from random import Random

from attrs import Factory, define, field, frozen

from asyncsessions.core.pace import Pace, Retry, RetryBudget
from asyncsessions.core.slices import Cuts
from asyncsessions.core.windows import TimeRange, Window, split, to_micros
from asyncsessions.engine.pull import MOST_OPEN
from asyncsessions.testing.limits import TokenBucket
from tools.fleet.model import Tenant, busiest

__all__ = ["Asked", "Outcome", "run"]

END = datetime(2026, 3, 1, tzinfo=UTC)
DAY_US = 86_400_000_000

REFUSAL_S = 0.02
TINY_S = 1e-6  # a month that began is not missed by rounding
RETRY = Retry()


@frozen(kw_only=True)
class Asked:
    """What is read for one tenant: the last so many days.

    ``quota`` are the requests that are answered in each ``month_s``.  ``is_told``: the pace is given
    the rate and need not learn it.  ``spread`` is that of the latency (log-normal, its mean kept).
    """

    tenant: Tenant
    days: float
    quota: int | None = None
    month_s: float = 0.0
    is_told: bool = False
    spread: float = 0.25


@frozen(kw_only=True)
class Outcome:
    """How it went.  ``requests`` were sent, ``refused`` of them in vain; ``given_up`` too often."""

    wall_s: float
    requests: int
    refused: int
    given_up: int
    rows: int
    cpu_s: float


@cache
def _starts(sessions_a_day: float, days: float, seed: int) -> tuple[int, ...]:
    """Return when sessions started, in microseconds, drawn evenly: a Poisson process."""
    chance = Random(seed)  # noqa: S311 - seeded
    first, count = to_micros(END) - round(days * DAY_US), round(sessions_a_day * days)
    return tuple(sorted(first + chance.randrange(round(days * DAY_US)) for _ in range(count)))


@frozen
class Page:
    """A page to be asked for, and for the how-manieth time."""

    window: Window
    number: int
    attempt: int = 1


class Clock:
    """What happens when; a process works at one thing at a time."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def at(self, moment: float, what: Callable[[], None]) -> None:
        """Let something happen later."""
        self._count += 1
        heappush(self._events, (moment, self._count, what))

    def run(self) -> None:
        """Let everything happen."""
        while self._events:
            self.now, _, what = heappop(self._events)
            what()


@define
class Process:
    """One core: until when it is busy, and how much it has worked."""

    free_at: float = 0.0
    cpu_s: float = 0.0

    def work(self, now: float, cost_s: float) -> float:
        """Return when work that arrives now will be done."""
        self.free_at = max(self.free_at, now) + cost_s
        self.cpu_s += cost_s
        return self.free_at


@define(eq=False)
class Reader:
    """The pull of one tenant."""

    asked: Asked
    clock: Clock
    process: Process
    chance: Random
    starts: Sequence[int]
    requests: int = 0
    refused: int = 0
    given_up: int = 0
    rows: int = 0
    done_at: float = 0.0
    pace: Pace = field(init=False)
    _budget: RetryBudget = Factory(lambda: RetryBudget(RETRY))
    _bucket: TokenBucket = field(init=False)
    _cuts: Cuts = field(init=False)
    _windows: deque[Window] = field(init=False)
    _pages: deque[Page] = Factory(deque[Page])
    _left: dict[Window, int] = Factory(dict[Window, int])
    _in_flight: int = 0
    _month: int = -1
    _spent: int = 0
    _wakes_at: float = -1.0

    def __attrs_post_init__(self) -> None:
        """Plan, and start once the process has come to it."""
        tenant, vendor = self.asked.tenant, self.asked.tenant.vendor
        rate = tenant.rate_per_s
        self.pace = Pace(tenant.concurrency, rate if self.asked.is_told else None)
        self._bucket = TokenBucket(rate, max(1, int(rate or 1)))
        self._cuts = Cuts(vendor.page_size)
        longest = None if vendor.longest_days is None else timedelta(days=vendor.longest_days)
        pinned = TimeRange(END - timedelta(days=self.asked.days), END, closed=True)
        self._windows = deque(split(pinned, longest))
        self.clock.at(self.process.work(0.0, vendor.start_cpu_s), self._send)

    def _next(self) -> Page | None:
        """Return the page to ask for now; a window is opened if fewer than two are."""
        if not self._pages and self._windows and len(self._left) < MOST_OPEN:
            window = self._windows.popleft()
            self._left[window] = 1
            self._pages.append(Page(window, 1))
        return self._pages[0] if self._pages else None

    def _send(self) -> None:
        now = self.clock.now
        while self._in_flight < self.pace.limit and (page := self._next()) is not None:
            wait_s = self.pace.wait_s(now)
            if wait_s > 0:
                if now + wait_s != self._wakes_at:
                    self._wakes_at = now + wait_s
                    self.clock.at(self._wakes_at, self._send)
                return
            if not self._may_ask(now):
                return
            self._pages.popleft()
            self.pace.sent(now)
            self.requests += 1
            self._in_flight += 1
            if self._bucket.take(now):
                self._answer_later(page, now)
            else:
                self.clock.at(now + REFUSAL_S, partial(self._refused, page, now))

    def _answer_later(self, page: Page, sent_at: float) -> None:
        spread = self.asked.spread
        factor = exp(spread * self.chance.gauss(0.0, 1.0) - spread**2 / 2)
        latency_s = self.asked.tenant.latency_s * factor
        self.clock.at(sent_at + latency_s, partial(self._arrived, page, sent_at))

    def _may_ask(self, now: float) -> bool:
        """Count against the month's quota; once it is refused, go on in the next month."""
        quota, month_s = self.asked.quota, self.asked.month_s
        if quota is None:
            return True
        month = int((now + TINY_S) / month_s)
        if month != self._month:
            self._month, self._spent = month, 0
        self._spent += 1
        if self._spent <= quota:
            return True
        if self._spent == quota + 1:  # one request finds it out, and stops the client
            self.requests += 1
            self.refused += 1
            self.clock.at((self._month + 1) * month_s, self._send)
        return False

    def _rows_of(self, window: Window) -> int:
        owned = window.owned
        return bisect_left(self.starts, owned.hi) - bisect_left(self.starts, owned.lo)

    def _arrived(self, page: Page, sent_at: float) -> None:
        """Read the page as soon as the process comes to it."""
        vendor = self.asked.tenant.vendor
        before = (page.number - 1) * vendor.page_size
        rows = max(0, min(vendor.page_size, self._rows_of(page.window) - before))
        done_at = self.process.work(self.clock.now, rows * vendor.cpu_s)
        self.clock.at(done_at, partial(self._read, page, sent_at, rows))

    def _read(self, page: Page, sent_at: float, rows: int) -> None:
        now = self.clock.now
        self.pace.succeeded(now, in_flight=self._in_flight, sent_at=sent_at)
        self._budget.success()
        self._in_flight -= 1
        window = page.window
        self._left[window] -= 1
        is_kept = page.number > 1 or self._is_opened(window)
        self.rows += rows * is_kept
        if not self._left[window]:
            del self._left[window]
        self.done_at = now
        self._send()

    def _is_opened(self, window: Window) -> bool:
        """Take what page 1 tells: ask for the other pages, or cut the window and drop page 1."""
        total = self._rows_of(window)
        parts = self._cuts.cut(window, total)
        if len(parts) > 1:
            self._windows.extendleft(reversed(parts))
            return False
        last = -(-total // self.asked.tenant.vendor.page_size)
        self._pages.extend(Page(window, number) for number in range(2, last + 1))
        self._left[window] += max(0, last - 1)
        return True

    def _refused(self, page: Page, sent_at: float) -> None:
        now = self.clock.now
        self.refused += 1
        self._in_flight -= 1
        is_echo = not self.pace.refused(now, sent_at=sent_at, retry_after_s=None)
        if page.attempt < RETRY.attempts and (is_echo or self._budget.take()):
            again, failures = Page(page.window, page.number, page.attempt + 1), page.attempt
        else:  # the run fails, and is run again
            again, failures = Page(page.window, page.number), 1
            self.given_up += 1
        wait_s = RETRY.wait_s(failures, retry_after_s=None, chance=self.chance.random())
        self.clock.at(now + wait_s, partial(self._again, again))
        self._send()

    def _again(self, page: Page) -> None:
        self._pages.appendleft(page)
        self._send()


def placed(costs: Sequence[float], processes: int) -> list[int]:
    """Return the process of each job, the costliest placed first, as :func:`model.busiest` does."""
    loads = [0.0] * processes
    places = [0] * len(costs)
    for index in sorted(range(len(costs)), key=lambda index: -costs[index]):
        places[index] = place = min(range(processes), key=loads.__getitem__)
        loads[place] += costs[index]
    assert abs(max(loads) - busiest(costs, processes)) < 1e-6 * (1 + max(loads))
    return places


def run(fleet: Sequence[Asked], *, processes: int = 1, seed: int = 1) -> Outcome:
    """Read everything for all tenants, which begin together."""
    clock, cores = Clock(), [Process() for _ in range(processes)]
    vendors = [asked.tenant.vendor for asked in fleet]
    costs = [
        vendor.start_cpu_s + asked.tenant.sessions_a_day * asked.days * vendor.cpu_s
        for asked, vendor in zip(fleet, vendors, strict=True)
    ]
    readers = [
        Reader(
            *(asked, clock, cores[place]),
            chance=Random(f"{seed} {number}"),  # noqa: S311 - seeded
            starts=_starts(asked.tenant.sessions_a_day, asked.days, seed),
        )
        for number, (asked, place) in enumerate(zip(fleet, placed(costs, processes), strict=True))
    ]
    clock.run()
    return Outcome(
        wall_s=max(reader.done_at for reader in readers),
        requests=sum(reader.requests for reader in readers),
        refused=sum(reader.refused for reader in readers),
        given_up=sum(reader.given_up for reader in readers),
        rows=sum(reader.rows for reader in readers),
        cpu_s=sum(core.cpu_s for core in cores),
    )
