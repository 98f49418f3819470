"""Deliver portions newest first, whatever the order in which they become known."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Generic, TypeVar

from asyncsessions.core.answer import Portion

__all__ = ["InOrder"]

T = TypeVar("T")


class InOrder(Generic[T]):
    """Hold portions back until everything newer has been delivered.

    The *cursor* is the instant down to which all is delivered.  Portions tile the time, so the
    next one is the portion that ends at the cursor; what ends above it comes late and goes out at
    once, counted in ``late_rows``.
    """

    def __init__(self, cursor: int) -> None:
        self._cursor = cursor
        self._held: list[tuple[int, int, Portion[T]]] = []
        self._arrivals = 0
        self.late_rows = 0

    def put(self, portion: Portion[T]) -> list[Portion[T]]:
        """Take one portion and return all that can be delivered now, in order."""
        span, held = portion.span, self._held
        if span.hi < self._cursor:
            self._arrivals += 1
            heappush(held, (-span.hi, self._arrivals, portion))
            return []
        # Whatever is held back ends below the cursor, so this one comes first.
        if span.hi > self._cursor:
            self.late_rows += len(portion.rows)
        self._cursor = cursor = min(self._cursor, span.lo)
        ready = [portion]
        while held and -held[0][0] >= cursor:
            portion = heappop(held)[2]
            self._cursor = cursor = portion.span.lo
            ready.append(portion)
        return ready

    def discard(self, below: int) -> None:
        """Drop what is held back of the instants before one: nothing will come before it."""
        kept = [entry for entry in self._held if -entry[0] > below]
        self._held = sorted(kept)

    def flush(self) -> list[Portion[T]]:
        """Return all that is held back, newest first: what should come before it never will."""
        held, self._held = sorted(self._held), []
        return [portion for _, _, portion in held]
