"""Rows on their way to the consumer: windows in turn, in pieces of about a page."""

from __future__ import annotations

from collections import deque

import msgspec

from asyncsessions.core.answer import Ask
from asyncsessions.core.records import Session
from asyncsessions.engine.lane import Lane

__all__ = ["Batch", "Outbox"]


class Batch(msgspec.Struct, frozen=True):
    """Rows of one window, by its index (0 = newest); ``is_last`` if no more of it will come."""

    window: int
    rows: list[Session]
    is_last: bool = False

    def __repr__(self) -> str:
        return f"Batch({self.window}, {len(self.rows)} rows, is_last={self.is_last})"


class Outbox:
    """The open windows of a stream, and what of them is ``ready``.

    ``ordered``: a window's rows wait until all newer windows are out; else they go at once.
    """

    def __init__(self, *, ordered: bool, page_size: int) -> None:
        self._ordered = ordered
        self._page_size = page_size
        self._waiting: dict[int, list[Session]] = {}
        self.ready: deque[Batch] = deque()
        self.lanes: deque[Lane] = deque()
        self.ready_rows = 0

    @property
    def held_rows(self) -> int:
        """How many rows wait for others that come before them."""
        if len(self.lanes) == 1:
            return self.lanes[0].held_rows  # nothing waits behind the only window
        return sum(lane.held_rows for lane in self.lanes) + sum(map(len, self._waiting.values()))

    @property
    def pages_ahead(self) -> int:
        """How many pages were asked for from the first on that has not come, of each window."""
        return sum(lane.walk.pages_ahead for lane in self.lanes)

    @property
    def seam_rows(self) -> int:
        """How many rows wait to be joined with those of a neighbouring page."""
        return sum(lane.walk.seam_rows for lane in self.lanes)

    def take(self, most: float) -> Batch:
        """Return the next batch, with ``most`` so many rows."""
        batch = self.ready.popleft()
        count = len(batch.rows)
        self.ready_rows -= count
        if count <= most:
            return batch
        return Batch(batch.window, batch.rows[: int(most)], batch.is_last)

    def put(self, lane: Lane, rows: list[Session]) -> None:
        """Take what a window set free, and close the window if that was all."""
        if not self._ordered:
            self._make_ready(lane, rows)
            if lane.walk.is_finished:
                self.lanes.remove(lane)
            return
        if lane is not self.lanes[0]:
            self._waiting.setdefault(lane.index, []).extend(rows)
            return
        self._make_ready(lane, rows)
        while self.lanes and self.lanes[0].walk.is_finished:
            self.lanes.popleft()
            if self.lanes:
                self._make_ready(self.lanes[0], self._waiting.pop(self.lanes[0].index, []))

    def give_up(self, *, before: tuple[int, Ask] | None = None) -> None:
        """Close all windows: let out what waits for answers that will not come.

        With ``before``, a window's index and a request of it, only what comes before its answer.
        """
        for lane in self.lanes:
            if before is not None and lane.index > before[0]:
                break
            ask = before[1] if before is not None and lane.index == before[0] else None
            rows = self._waiting.pop(lane.index, []) + lane.give_up(before=ask)
            self._make_ready(lane, rows)
        self.lanes.clear()
        self._waiting.clear()

    def _make_ready(self, lane: Lane, rows: list[Session]) -> None:
        size, count = self._page_size, len(rows)
        self.ready_rows += count
        if count > 2 * size:  # a straggler set many pages free
            pieces = [rows[i : i + size] for i in range(0, count, size)]
            self.ready.extend(Batch(lane.index, piece) for piece in pieces)
        elif count:
            self.ready.append(Batch(lane.index, rows))
        if lane.walk.is_finished:
            self.ready.append(Batch(lane.index, [], is_last=True))
