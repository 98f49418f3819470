"""How many windows of a run are read at a time: enough to keep requests under way, and no more.

The longer page 1 of a window waits for its other pages, the less it proves; and what was read waits
in memory for its commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from asyncsessions.core.meter import Meter
from asyncsessions.core.walk import Walk
from asyncsessions.engine.lane import Lane, is_running_out

__all__ = ["Breadth"]

MOST_SMALL = 16
SMALL_PAGES = 100
"""So many windows are open at a time, however small they are, and more than the usual number only
while they have so few pages altogether, of what is read and not committed yet."""


class Breadth:
    """Lets the ``usual`` number of windows be read at a time, and more as long as they are small.

    ``meter`` knows whether requests wait for their turn: what waits is not awaited any sooner for
    being joined by others.  ``page_size`` is how many rows a full page has.
    """

    def __init__(self, meter: Meter, *, usual: int, concurrency: int, page_size: int) -> None:
        self._meter = meter
        self._usual = usual
        self._concurrency = concurrency
        self._most_small_rows = SMALL_PAGES * page_size
        self._left_lately = concurrency  # pages that a window had left when it was heard of
        self._more_small = 0  # windows that may be opened beside the usual ones

    def heard_of(self, walk: Walk[Any]) -> None:
        """Take notice of the first answer of a window."""
        self._left_lately = walk.pages_left
        self._more_small = 0 if self._meter.waiting else self._more_small + 2

    def readable(self, lanes: Sequence[Lane]) -> int:
        """Return how many of the open windows may be read; the others wait for a commit."""
        return len(lanes) if self._has_room(lanes) else self._usual

    def is_due(self, lanes: Sequence[Lane]) -> bool:
        """Whether another window should be opened although those open have something to ask."""
        return not self._meter.waiting and is_running_out(lanes, self._concurrency)

    def may_open(self, lanes: Sequence[Lane]) -> bool:
        """Whether another window may be opened beside these."""
        if len(lanes) < self._usual:
            return True
        return not self._meter.waiting and self._has_room(lanes) and self._are_small(lanes)

    def opens(self, lanes: Sequence[Lane]) -> None:
        """Note that another window is opened beside these."""
        self._more_small -= len(lanes) >= self._usual

    def _has_room(self, lanes: Sequence[Lane]) -> bool:
        return sum(lane.walk.received for lane in lanes) < self._most_small_rows

    def _are_small(self, lanes: Sequence[Lane]) -> bool:
        """Whether windows are so small that those open do not keep all requests busy."""
        left = sum(lane.walk.pages_left for lane in lanes)
        unheard = sum(lane.walk.tag is None for lane in lanes)
        expected = left + unheard * (1 + self._left_lately)
        return self._more_small > 0 and len(lanes) < MOST_SMALL and expected < self._concurrency
