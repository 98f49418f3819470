"""Which stretches of time a sync reads again.

A vendor does not say what changed, and a total says nothing of a row that was edited: the only
proof that a stretch is as it was is to read it again, at a request for each page of rows.  So a sync
decides by age.  What is older than the *lookback* is taken to be settled and costs nothing.
What is younger is read at every sync (``revisit=0``), or only when it is *due*: a stretch that was
so old when it was read last is read again after ``revisit`` times that age.  Changes grow rarer
with age (an order comes within hours, its installation within weeks), so that this spends
requests where they are likely.

What was never read, or not proven, is due at any age.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise

from asyncsessions.core.books import StoredWindow, covered
from asyncsessions.core.tiles import Span, Tiles
from asyncsessions.core.windows import (
    MICROSECOND,
    SECOND,
    TimeRange,
    Window,
    split,
    to_datetime,
    to_micros,
)

__all__ = ["due_spans", "sync_windows"]

FIRST_AGE = timedelta(days=1)
"""With ``revisit``, what is read is cut at this age, and at each double of it."""


def due_spans(
    stored: Iterable[StoredWindow],
    pinned: TimeRange,
    *,
    lookback: timedelta,
    revisit: float = 0.0,
) -> list[Span]:
    """Return what is to be read of a range, newest first, as far apart as it can be."""
    windows = list(stored)
    whole = pinned.span
    due = Tiles()
    for gap in covered(windows).gaps(whole):
        due.claim(gap)
    # In whole microseconds: the calendar begins with year 1, a lookback may begin before.
    recent = Span(to_micros(pinned.end) - lookback // MICROSECOND, whole.hi) & whole
    for window in windows:
        if _is_due(window, pinned.end, revisit):
            due.claim(window.owned & recent)
    return due.spans()[::-1]


def _is_due(window: StoredWindow, now: datetime, revisit: float) -> bool:
    read_at = window.as_of[0]
    age = read_at - to_datetime(window.owned.hi)
    return not revisit or (now - read_at) / SECOND >= revisit * (age / SECOND)


def sync_windows(
    stored: Iterable[StoredWindow],
    pinned: TimeRange,
    *,
    lookback: timedelta,
    revisit: float = 0.0,
    longest: timedelta | None = None,
) -> list[Window]:
    """Return the windows that a sync reads, newest first, none longer than the vendor allows."""
    windows: list[Window] = []
    for span in due_spans(stored, pinned, lookback=lookback, revisit=revisit):
        for part in _by_age(span, pinned) if revisit else [span]:
            last = to_datetime(part.hi - 1)
            windows += split(TimeRange(to_datetime(part.lo), last, closed=True), longest)
    return windows


def _by_age(span: Span, pinned: TimeRange) -> list[Span]:
    """Cut a span at ages that double, so that its parts can fall due at different times."""
    borders = [span.hi]
    now, age = to_micros(pinned.end.replace(microsecond=0)), FIRST_AGE // MICROSECOND
    while (border := now - age) > span.lo:
        if border < span.hi:
            borders.append(border)
        age *= 2
    borders.append(span.lo)
    return [Span(lo, hi) for hi, lo in pairwise(borders)]
