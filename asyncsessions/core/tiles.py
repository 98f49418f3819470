"""Time as tiles: which instants are covered, and by whom.

Time is counted in whole microseconds, so an instant is an integer and every set of instants that
we ever need is a union of half-open intervals ``[lo, hi)``: the open interval between two
instants ``a < b`` is ``[a + 1, b)``, the instant ``a`` alone is ``[a, a + 1)``.  No case
distinction between open and closed ends is left.

A *tile* is such an interval together with the answer whose rows are the truth for it.  Tiles
never overlap: an instant belongs to the first answer that covers it, and a later answer is
clipped to what is still free (:meth:`Tiles.claim`).  Hence no row can be delivered twice, whatever
the vendor sends; a row is missing only where no tile lies (:meth:`Tiles.gaps`), and that is said.
There is no set of identities, so twins and edited rows need no thought.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import msgspec

__all__ = ["Span", "Tiles"]


class Span(msgspec.Struct, frozen=True, order=True, gc=False):
    """The instants ``lo <= t < hi`` in microseconds since 1970 UTC; empty unless ``lo < hi``."""

    lo: int
    hi: int

    def __bool__(self) -> bool:
        return self.lo < self.hi

    def __and__(self, other: Span) -> Span:
        return Span(max(self.lo, other.lo), min(self.hi, other.hi))

    def holds(self, instant: int) -> bool:
        """Whether the instant lies in the span."""
        return self.lo <= instant < self.hi


class Tiles:
    """The covered part of time: disjoint spans in ascending order, neighbours melted together.

    Claims cost O(log n + k) for n separate stretches and k of them touched; a listing that is
    read from one end is a single stretch.
    """

    __slots__ = ("_his", "_los")

    def __init__(self) -> None:
        self._los: list[int] = []
        self._his: list[int] = []

    def claim(self, span: Span) -> list[Span]:
        """Cover the span and return those parts of it that nobody had covered, ascending."""
        lo, hi, los, his = span.lo, span.hi, self._los, self._his
        if lo >= hi:
            return []
        # Everything from the first stretch that ends at or after lo to the last that begins at or
        # before hi melts into one.
        first, beyond = bisect_left(his, lo), bisect_right(los, hi)
        if first == beyond:
            los.insert(first, lo)
            his.insert(first, hi)
            return [span]
        # Most often what is touched adjoins on either side, and nothing lies in between.
        inside = first + (his[first] <= lo)
        outside = beyond - (los[beyond - 1] >= hi)
        free = [span] if inside >= outside else self.gaps(span)
        melted_lo, melted_hi = min(lo, los[first]), max(hi, his[beyond - 1])
        los[first:beyond] = [melted_lo]
        his[first:beyond] = [melted_hi]
        return free

    def gaps(self, span: Span) -> list[Span]:
        """Return the parts of the span that are not covered, ascending."""
        free: list[Span] = []
        lo = span.lo
        for index in range(bisect_right(self._his, span.lo), len(self._los)):
            if self._los[index] >= span.hi:
                break
            if lo < self._los[index]:
                free.append(Span(lo, self._los[index]))
            lo = self._his[index]
        if lo < span.hi:
            free.append(Span(lo, span.hi))
        return free

    def spans(self) -> list[Span]:
        """Return the covered stretches, ascending."""
        return [Span(lo, hi) for lo, hi in zip(self._los, self._his, strict=True)]
