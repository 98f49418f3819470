"""Simulates a month of syncs: how fresh the rows are, against what that costs.

A vendor gets sessions at an even rate.  A share of them changes later, at ages drawn from the
vendor's life: orders within hours and installations within weeks (Hum), exits and conversions
within hours, a few within days (AttributionHub).  Syncs come at even intervals; each reads what
:mod:`asyncsessions.core.syncing` decides, at a request for each page.  A change is *seen* when its
session is read for the first time after it.  The month is counted after the vendor's whole
lookback has gone by, so that nothing of the beginning is in the figures.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, takewhile
from random import Random
from statistics import mean, quantiles

from attrs import evolve, frozen

from asyncsessions.core.books import StoredWindow, cut_out
from asyncsessions.core.syncing import sync_windows
from asyncsessions.core.tiles import Span
from asyncsessions.core.windows import TimeRange, Window, to_micros

__all__ = ["BEGIN", "DAY", "DAY_US", "Outcome", "Vendor", "played", "simulate", "table"]

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
DAY_US = 86_400_000_000
PAGE = 50


@frozen
class Vendor:
    """How much there is, and for how long it changes: shares of sessions and mean ages."""

    name: str
    sessions_a_day: int
    changes: tuple[tuple[float, timedelta], ...]
    longest: timedelta | None


HUM = Vendor("Hum", 500, ((0.4, 2 * HOUR), (0.25, 12 * DAY), (0.05, 30 * DAY)), None)
ATTRIBUTIONHUB = Vendor(
    "AttributionHub", 500, ((0.6, HOUR / 2), (0.12, 6 * HOUR), (0.02, 3 * DAY)), 30 * DAY
)


@frozen
class Outcome:
    """A month: requests, the delays until changes were seen in hours, and how many never were."""

    requests: int
    mean_h: float
    slow_h: float
    unseen: float


def played(
    *, every: timedelta, lookback: timedelta, revisit: float, longest: timedelta | None
) -> Iterator[tuple[datetime, Sequence[Window]]]:
    """Yield when each sync since ``BEGIN`` comes, and what it reads; they never end."""
    stored: list[StoredWindow] = []
    for number in count(1):
        now = BEGIN + number * every
        pinned = TimeRange(BEGIN, now - SECOND, closed=True)  # as a pull pins its end
        windows = sync_windows(stored, pinned, lookback=lookback, revisit=revisit, longest=longest)
        for window in windows:
            stored = [evolve(each, owned=rest) for each, rest in cut_out(stored, window.owned)]
            stored.append(_read(window.owned, now))
        yield now, windows


def _read(owned: Span, now: datetime) -> StoredWindow:
    return StoredWindow(
        owned=owned,
        rows=0,
        complete=True,
        digest="",
        as_of=(now, now),
        committed_at=now,
        run="",
    )


def simulate(
    vendor: Vendor, *, lookback: timedelta, revisit: float, every: timedelta, seed: int = 1
) -> Outcome:
    """Run syncs for the lookback and thirty days more, and count the last thirty."""
    chance = Random(seed)  # noqa: S311 - seeded
    days = lookback.days + 30 + 90
    step = DAY_US // vendor.sessions_a_day
    starts = [n * step + chance.randrange(step) for n in range(days * vendor.sessions_a_day)]
    begin_us = to_micros(BEGIN)
    starts = [begin_us + start for start in starts]
    reads: list[tuple[int, list[Span]]] = []
    counted_from = BEGIN + (days - 30 - 45) * DAY
    counted_to = counted_from + 30 * DAY
    requests = 0
    syncs = played(every=every, lookback=lookback, revisit=revisit, longest=vendor.longest)
    for now, windows in takewhile(lambda sync: sync[0] <= BEGIN + days * DAY, syncs):
        for window in windows:
            rows = bisect_left(starts, window.owned.hi) - bisect_left(starts, window.owned.lo)
            requests += max(1, -(-rows // PAGE)) * (counted_from <= now < counted_to)
        reads.append((to_micros(now), [window.owned for window in windows]))
    counted = Span(to_micros(counted_from), to_micros(counted_to))
    return _outcome(requests, _delays(vendor, starts, reads, chance, counted=counted))


def _delays(
    vendor: Vendor,
    starts: list[int],
    reads: list[tuple[int, list[Span]]],
    chance: Random,
    *,
    counted: Span,
) -> list[float | None]:
    """Return for each change of the month how long it took to be seen, in hours."""
    moments = [moment for moment, _ in reads]
    delays: list[float | None] = []
    for start in starts:
        for share, age in vendor.changes:
            if chance.random() >= share:
                continue
            changed = start + round(chance.expovariate(1 / (age / timedelta(microseconds=1))))
            if not counted.holds(changed):
                continue
            seen = next(
                (
                    moment
                    for moment, spans in reads[bisect_left(moments, changed) :]
                    if any(span.holds(start) for span in spans)
                ),
                None,
            )
            delays.append(None if seen is None else (seen - changed) / 3_600_000_000)
    return delays


def _outcome(requests: int, delays: list[float | None]) -> Outcome:
    seen = [delay for delay in delays if delay is not None]
    return Outcome(requests, mean(seen), quantiles(seen, n=20)[-1], 1 - len(seen) / len(delays))


CELLS = [
    (HUM, 60, 0.0, 24),
    (HUM, 60, 0.1, 24),
    (HUM, 60, 0.5, 24),
    (HUM, 60, 0.5, 6),
    (HUM, 60, 1.0, 24),
    (HUM, 30, 0.0, 24),
    (HUM, 30, 0.5, 24),
    (HUM, 14, 0.0, 24),
    (ATTRIBUTIONHUB, 7, 0.0, 24),
    (ATTRIBUTIONHUB, 7, 0.0, 6),
    (ATTRIBUTIONHUB, 7, 0.5, 24),
    (ATTRIBUTIONHUB, 7, 0.5, 6),
    (ATTRIBUTIONHUB, 3, 0.0, 24),
    (ATTRIBUTIONHUB, 30, 0.0, 24),
    (ATTRIBUTIONHUB, 30, 0.5, 24),
]


def table() -> str:
    """Return the table of the documents."""
    head = ["vendor", "`--lookback`", "`--revisit`", "a sync every", "requests a month"]
    head += ["a change is seen after", "95 % within", "never seen"]
    lines = [_line(head), _line(["---"] * len(head))]
    for vendor, days, revisit, hours in CELLS:
        found = simulate(vendor, lookback=days * DAY, revisit=revisit, every=timedelta(hours=hours))
        lines.append(
            _line(
                [
                    vendor.name,
                    f"{days}d",
                    f"{revisit:g}",
                    f"{hours} h",
                    f"{found.requests:,}",
                    f"{found.mean_h:.0f} h",
                    f"{found.slow_h:.0f} h",
                    f"{found.unseen:.1%}",
                ]
            )
        )
    return "\n".join(lines)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
