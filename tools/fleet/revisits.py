"""What syncs with ``--revisit`` read, played night by night with the package's own choice of windows."""

from __future__ import annotations

from functools import cache
from itertools import takewhile

from tools.freshness import BEGIN, DAY, DAY_US, played

__all__ = ["read_days"]

COUNTED = 30  # days
SETTLING = 15  # days, until windows fall due in turn


@cache
def read_days(
    *, lookback_days: float, every_days: float, revisit: float, longest_days: float | None
) -> tuple[tuple[float, ...], ...]:
    """Return for each sync of a month how long its windows are, in days, long after the first."""
    longest = None if longest_days is None else longest_days * DAY
    settled = BEGIN + (lookback_days + SETTLING + every_days) * DAY
    syncs = played(
        every=every_days * DAY, lookback=lookback_days * DAY, revisit=revisit, longest=longest
    )
    return tuple(
        tuple((window.owned.hi - window.owned.lo) / DAY_US for window in windows)
        for now, windows in takewhile(lambda sync: sync[0] < settled + COUNTED * DAY, syncs)
        if now >= settled
    )
