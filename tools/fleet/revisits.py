"""What syncs with ``--revisit`` read, played night by night with the package's own choice of windows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

from attrs import evolve

from asyncsessions.core.books import StoredWindow, cut_out
from asyncsessions.core.syncing import sync_windows
from asyncsessions.core.tiles import Span
from asyncsessions.core.windows import TimeRange

__all__ = ["read_days"]

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
DAY_US = 86_400_000_000
SECOND = timedelta(seconds=1)
COUNTED = 30  # days
SETTLING = 15  # days, until windows fall due in turn


@cache
def read_days(
    *, lookback_days: float, every_days: float, revisit: float, longest_days: float | None
) -> tuple[tuple[float, ...], ...]:
    """Return for each sync of a month how long its windows are, in days, long after the first."""
    longest = None if longest_days is None else longest_days * DAY
    settled = BEGIN + (lookback_days + SETTLING + every_days) * DAY
    stored: list[StoredWindow] = []
    found: list[tuple[float, ...]] = []
    now = BEGIN + every_days * DAY
    while now < settled + COUNTED * DAY:
        pinned = TimeRange(BEGIN, now - SECOND, closed=True)  # as a pull pins its end
        windows = sync_windows(
            *(stored, pinned),
            lookback=lookback_days * DAY,
            revisit=revisit,
            longest=longest,
        )
        for window in windows:
            stored = [evolve(each, owned=rest) for each, rest in cut_out(stored, window.owned)]
            stored.append(_read(window.owned, now))
        if now >= settled:
            found.append(tuple((w.owned.hi - w.owned.lo) / DAY_US for w in windows))
        now += every_days * DAY
    return tuple(found)


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
