"""How a range of time is cut into shorter ones, in whole seconds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from asyncsessions.core.tiles import Span
from asyncsessions.core.windows import Window, to_datetime, to_micros

__all__ = ["asked_range", "cut", "cut_by_samples", "split_around", "split_bottom", "split_top"]

SECOND_US = 1_000_000
KNOT = 20
"""So many times make one stretch of even density."""


def asked_range(span: Span) -> Window:
    """Return the closed range of whole seconds that has to be asked for a span."""
    return Window(span, to_datetime(_floor(span.lo)), to_datetime(_ceil(span.hi - 1)))


def split_top(span: Span) -> tuple[Span, Span]:
    """Return the newest second of a span, up to its last instant, and what lies below."""
    border = max(span.lo, _ceil(span.hi - 1) - SECOND_US)
    return Span(border, span.hi), Span(span.lo, border)


def split_bottom(span: Span) -> tuple[Span, Span]:
    """Return the oldest second of a span, and what lies above."""
    border = min(span.hi, _floor(span.lo) + SECOND_US + 1)
    return Span(span.lo, border), Span(border, span.hi)


def split_around(span: Span, instant: int) -> tuple[Span, Span, Span]:
    """Return what is newer than the seconds that meet in an instant, these, and what is older."""
    hi = min(span.hi, _floor(instant) + SECOND_US + 1)
    lo = max(span.lo, _ceil(instant) - SECOND_US)
    return Span(hi, span.hi), Span(lo, hi), Span(span.lo, lo)


def cut(span: Span, pieces: int, *, extent: int, is_from_top: bool) -> list[Span]:
    """Cut a span into pieces of equal length, newest first; a rest makes one more.

    ``extent``: the pieces are to reach so far from the end where reading begins (microseconds).
    """
    reach = min(extent, span.hi - span.lo)
    steps = [reach * number // pieces for number in range(1, pieces + 1)]
    return _cut_at(span, [span.hi - step if is_from_top else span.lo + step for step in steps])


def cut_by_samples(span: Span, times: Sequence[datetime], pieces: int) -> list[Span]:
    """Cut a span into at most so many pieces that hold about as many rows each, newest first.

    ``times`` are those of some of the rows, in any order.  As many again are spread evenly, since
    some rows are no fair sample if the list has an order that is not known.
    """
    inside = [micros for micros in map(to_micros, times) if span.holds(micros)]
    length, evenly = span.hi - span.lo, len(inside) + 1
    inside += [span.lo + length * number // evenly for number in range(1, evenly)]
    inside.sort()
    even = max(1, len(inside) // KNOT)
    inner = [inside[number * len(inside) // even] for number in range(1, even)]
    knots = sorted({span.lo, *inner, span.hi})
    stretches = list(pairwise(knots))
    borders: list[int] = []
    for number in range(1, pieces):
        index, rest = divmod(number * len(stretches), pieces)
        lo, hi = stretches[index]
        borders.append(lo + (hi - lo) * rest // pieces)
    return _cut_at(span, borders)


def _cut_at(span: Span, borders: Sequence[int]) -> list[Span]:
    inner = {border for border in map(_floor, borders) if span.lo < border < span.hi}
    return [Span(lo, hi) for lo, hi in pairwise(sorted({span.lo, span.hi} | inner))][::-1]


def _floor(micros: int) -> int:
    return micros // SECOND_US * SECOND_US


def _ceil(micros: int) -> int:
    return -(-micros // SECOND_US) * SECOND_US
