"""What one request is and what one answer says, as the walk sees them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Generic, Literal, TypeVar

import msgspec
from attrs import field, frozen

from asyncsessions.core.tags import Reading
from asyncsessions.core.tiles import Span
from asyncsessions.core.windows import Window, to_micros

__all__ = ["NOWHERE", "Answer", "Ask", "PlacedPage", "Portion", "TimeOrder", "place", "time_order"]

T = TypeVar("T")
TimeOrder = Literal["newest first", "oldest first", "none"]

NOWHERE = Span(0, 0)
"""No instants."""


class Ask(msgspec.Struct, frozen=True):
    """One request of a pull: page ``page`` (from 1) of a window, or of a range inside of it.

    ``serial`` tells the requests for ranges apart; 0 = a page of the whole window.  ``place`` is
    the number of the page below which the range lies.
    """

    window: Window
    page: int
    serial: int = 0
    place: int = 0

    @property
    def position(self) -> tuple[int, int]:
        """Where in the list the answer belongs: the page, then the end of the range, reversed."""
        place = self.place if self.serial else self.page
        return place, -to_micros(self.window.asked_end)


@frozen
class Answer(Generic[T]):
    """One atomic read of rows, in the vendor's order, with the total that came along (its *tag*).

    ``times`` holds the start of each row.  ``total=None``: the answer carried no total, as
    AttributionHub's "nothing found" does.  ``warning`` is the vendor's own word beside the data.
    """

    rows: Sequence[T] = field(repr=False)
    times: Sequence[datetime] = field(repr=False)
    total: int | None
    warning: str | None = None


class Portion(msgspec.Struct, Generic[T], frozen=True):
    """Rows that may be delivered, and the instants of which they are all the rows there are.

    A portion never tears an instant apart.  In a list that is not in time order there are no such
    instants: ``span`` then counts places in the list, downwards from 0, and ``timed`` is false.
    """

    span: Span
    rows: Sequence[T]
    timed: bool = True

    def __repr__(self) -> str:
        return f"Portion({self.span}, {len(self.rows)} rows)"


class PlacedPage(msgspec.Struct, Generic[T], frozen=True):
    """An answered page, cut by time: rows of its first instant, between, and of its last instant.

    Of its first and last instant the neighbours may hold further rows; the ``inner`` span is what
    the page covers on its own.  A page that spans no time (one instant, no rows, or rows that are
    not in time order) has no inner span and keeps all of its rows in ``tail``.  ``reading`` is what
    its answer told of the list, ``None`` for a page that did not come.
    """

    first: int
    last: int
    count: int
    inner: Span
    head: Sequence[T]
    body: Sequence[T]
    tail: Sequence[T]
    reading: Reading | None = None

    def __repr__(self) -> str:
        return f"PlacedPage({self.inner}, {self.count} rows)"

    @property
    def rows(self) -> Sequence[T]:
        """All rows of the page, in its order."""
        return [*self.head, *self.body, *self.tail]

    @property
    def is_solid(self) -> bool:
        """Whether the page covers any time on its own."""
        return self.first > self.last

    def lies_in(self, span: Span) -> bool:
        """Whether all instants of the page's rows lie in the span (true without rows)."""
        return not self.count or (span.holds(self.first) and span.holds(self.last))


def is_newest_first(times: Sequence[datetime]) -> bool:
    """Whether no row is newer than the one before it."""
    # Sorting what is sorted takes one comparison a row, and none of them in Python.
    return list(times) == sorted(times, reverse=True)


def time_order(times: Sequence[datetime]) -> TimeOrder | None:
    """Return the order of an answer's rows; ``None``: no row or one instant does not tell it."""
    is_newest, is_oldest = is_newest_first(times), is_newest_first(times[::-1])
    if is_newest and is_oldest:
        return None
    return "newest first" if is_newest else "oldest first" if is_oldest else "none"


def place(
    answer: Answer[T], reading: Reading | None = None, *, is_in_order: bool = True
) -> PlacedPage[T]:
    """Cut an answer by time; ``is_in_order``: its rows are newest first."""
    rows, times = answer.rows, answer.times
    count = len(rows)
    if not count:
        return PlacedPage(0, 0, 0, NOWHERE, (), (), (), reading)
    if not is_in_order:
        # first <= last marks a page that covers nothing; the extremes say where its rows lie.
        oldest, newest = to_micros(min(times)), to_micros(max(times))
        return PlacedPage(oldest, newest, count, NOWHERE, (), (), rows, reading)
    first, last = to_micros(times[0]), to_micros(times[-1])
    if first == last:
        return PlacedPage(first, last, count, NOWHERE, (), (), rows, reading)
    begin, end = 1, count - 1
    while times[begin] == times[0]:
        begin += 1
    while times[end - 1] == times[-1]:
        end -= 1
    inner = Span(last + 1, first)
    head, body, tail = rows[:begin], rows[begin:end], rows[end:]
    return PlacedPage(first, last, count, inner, head, body, tail, reading)
