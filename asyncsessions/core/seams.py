"""The pages of one window by time: what each covers on its own, and the seams between them.

A list in time order is a chain of solid pages and seams; two imaginary pages, one above the
window and one below, make the ends seams like all others.  Pages that span no time (one instant
throughout, no rows, or rows in no order) are links of a seam::

    time  ──────────────────────────────────────────────────────────────►  older
          top ╡seam╞══ page 1 ══╡seam╞══ page 2 ══╡ seam, page 3, seam ╞══ page 4 ══╡seam╞ bottom

States of a page: *placed* → *forgotten*, when both of its seams are settled.  Memory is therefore
bounded by the pages that wait for a neighbour.  The theory is told in :mod:`asyncsessions.core.walk`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

from asyncsessions.core.answer import PlacedPage, Portion
from asyncsessions.core.tiles import Span, Tiles
from asyncsessions.core.windows import Window, to_micros

__all__ = ["Seams"]

T = TypeVar("T")

TOP = 0
"""The number of the imaginary page above page 1."""


class Seams(Generic[T]):
    """Covers the owned time of a window from placed pages.

    ``started_at`` reads the time of a row, ``identity`` what stays the same when a row is edited.
    ``gaps`` are the instants that no trusted seam and no page covers.  ``is_disordered`` turns true
    when pages of one and the same list turn out not to be in time order.
    """

    def __init__(
        self,
        window: Window,
        *,
        started_at: Callable[[T], datetime],
        identity: Callable[[T], Hashable],
    ) -> None:
        self.gaps = Tiles()
        self.is_disordered = False
        self._window = window
        self._started_at = started_at
        self._identity = identity
        self._tiles = Tiles()
        self._last: int | None = None  # the page that proved to close the list
        self._placed: dict[int, PlacedPage[T]] = {TOP: _edge(window.asked.hi)}
        self._joined_above = {TOP}
        self._joined_below: set[int] = set()

    def __len__(self) -> int:
        return len(self._placed)

    @property
    def rows(self) -> int:
        """How many owned rows wait in the open seams for a neighbouring page."""
        return sum(
            (0 if number in self._joined_above else self._owned(page.head))
            + (0 if number in self._joined_below else self._owned(page.tail))
            for number, page in self._placed.items()
        )

    def _owned(self, rows: Sequence[T]) -> int:
        return len(self.clipped(rows, self._window.owned))

    def place(
        self,
        number: int,
        page: PlacedPage[T],
        *,
        closes: bool,
        trusted: int | None,
        is_one_list: bool,
    ) -> list[Portion[T]]:
        """Take a page, which may be the one that closes the list, and settle what it completes.

        A page of ``trusted`` rows is trusted to be the neighbour of the next, ``None`` = none is.
        ``is_one_list``: nothing hints at pages that were cut from different states of the list.
        """
        self._placed[number] = page
        if closes:
            self._last = number
            self._put_bottom(number + 1)
        portions = self._cover(page.inner, page.body)
        upper, lower = self._solid(number, -1), self._solid(number, +1)
        seams = [(upper, number), (number, lower)] if page.is_solid else [(upper, lower)]
        for above, below in seams:
            if above is not None and below is not None and below not in self._joined_above:
                portions += self._settle(above, below, trusted, is_one_list=is_one_list)
        return portions

    def _put_bottom(self, number: int) -> None:
        self._placed[number] = _edge(self._window.asked.lo)
        self._joined_below.add(number)

    def _solid(self, number: int, step: int) -> int | None:
        """Return the next page that spans time, ``None`` if one on the way is not read yet."""
        number += step
        while (page := self._placed.get(number)) is not None:
            if page.is_solid:
                return number
            number += step
        return None

    def _settle(
        self, upper: int, lower: int, trusted: int | None, *, is_one_list: bool
    ) -> list[Portion[T]]:
        """Settle the seam between two solid pages, now that all pages between are placed too."""
        above, below = self._placed[upper], self._placed[lower]
        links = [self._placed[number] for number in range(upper + 1, lower)]
        span = Span(below.first, above.last + 1)
        parts = [above.tail, *(link.tail for link in links), below.head]
        is_descending = _is_descending(span, links)
        self.is_disordered |= is_one_list and not is_descending
        if is_descending and all(self._joins_next(n, trusted) for n in range(upper, lower)):
            portions = self._cover(span, [row for part in parts for row in part])
        else:
            portions = self._leave_gap(span, parts)
            if is_one_list and not span:
                portions += self._out_of_order(above, below)
        self._forget(upper, lower)
        return portions

    def _joins_next(self, number: int, trusted: int | None) -> bool:
        return number in {TOP, self._last} or self._placed[number].count == trusted

    def _leave_gap(self, span: Span, parts: Sequence[Sequence[T]]) -> list[Portion[T]]:
        """Deliver what is known of a gap, which may be too little, and say so."""
        for gap in self._tiles.gaps(span & self._window.owned):
            self.gaps.claim(gap)
        return self._cover(span, self.clipped(self._union(parts), span))

    def _out_of_order(self, above: PlacedPage[T], below: PlacedPage[T]) -> list[Portion[T]]:
        """Return rows of a seam that another page claims to cover, but does not hold.

        The list is not in time order there: nothing is proven, but nothing that came is lost.
        """
        seen_above = set(map(self._identity, (*above.head, *above.body, *above.tail)))
        seen_below = set(map(self._identity, (*below.head, *below.body, *below.tail)))
        rows = [row for row in above.tail if self._identity(row) not in seen_below]
        rows += [row for row in below.head if self._identity(row) not in seen_above]
        rows = self.clipped(rows, self._window.owned)
        return [Portion(Span(above.last, above.last + 1), rows)] if rows else []

    def _forget(self, upper: int, lower: int) -> None:
        self._joined_below.add(upper)
        self._joined_above.add(lower)
        for number in range(upper + 1, lower):
            del self._placed[number]
        for number in (upper, lower):
            if number in self._joined_above and number in self._joined_below:
                del self._placed[number]
                self._joined_above.discard(number)
                self._joined_below.discard(number)

    def _cover(self, span: Span, rows: Sequence[T]) -> list[Portion[T]]:
        """Claim the owned part of a span and clip its rows to what nobody had covered."""
        free = self._tiles.claim(span & self._window.owned)
        if free == [span]:
            return [Portion(span, rows)]
        return [Portion(part, self.clipped(rows, part)) for part in free]

    def clipped(self, rows: Sequence[T], span: Span) -> list[T]:
        """Return the rows whose instants lie in the span."""
        return [row for row in rows if span.holds(to_micros(self._started_at(row)))]

    def _union(self, parts: Sequence[Sequence[T]]) -> list[T]:
        """Unite pages that may share rows: twins count as often as in the page with most."""
        united: list[T] = []
        most: Counter[Hashable] = Counter()
        for part in parts:
            here: Counter[Hashable] = Counter()
            for row in part:
                name = self._identity(row)
                here[name] += 1
                if here[name] > most[name]:
                    most[name] += 1
                    united.append(row)
        return united

    def give_up(self, *, before: int | None, is_one_list: bool) -> list[Portion[T]]:
        """Settle every open seam as a gap and return the rows that were held back for it.

        Unless ``before`` is ``None`` only the pages above that number count, as if the list ended
        there.  ``is_one_list`` as for :meth:`place`.
        """
        numbers = sorted(n for n in self._placed if before is None or n < before)
        if numbers and (self._last is None or before is not None):
            numbers.append(numbers[-1] + 1)
            self._put_bottom(numbers[-1])
        portions: list[Portion[T]] = []
        above: PlacedPage[T] | None = None
        links: list[PlacedPage[T]] = []
        for number in numbers:
            page = self._placed[number]
            if not page.is_solid:
                links.append(page)
                continue
            if above is not None and number not in self._joined_above:
                span = Span(page.first, above.last + 1)
                self.is_disordered |= is_one_list and not _is_descending(span, links)
                parts = [above.tail, *(link.tail for link in links), page.head]
                portions += self._leave_gap(span, parts)
            above, links = page, []
        self._placed.clear()
        return portions


def _is_descending(span: Span, links: Sequence[PlacedPage[T]]) -> bool:
    """Whether a seam leads from newer to older, and what links it lies on the way."""
    return bool(span) and all(link.lies_in(span) for link in links)


def _edge(border: int) -> PlacedPage[Any]:
    """Return an imaginary page that lies beyond a border of the window and holds no rows."""
    return PlacedPage(border, border - 1, 0, Span(0, 0), (), (), ())
