"""The pages of one window by time: what each covers on its own, and the seams between them.

A list in time order is a chain of solid pages and seams; two imaginary pages, one above the
window and one below, make the ends seams like all others.  Pages that span no time (one instant
throughout, no rows, or rows in no order) are links of a seam::

    time  ──────────────────────────────────────────────────────────────►  older
          top ╡seam╞══ page 1 ══╡seam╞══ page 2 ══╡ seam, page 3, seam ╞══ page 4 ══╡seam╞ bottom

States of a seam: *open* until the pages on both sides and all between are placed, *waiting* until
it is known whether they are neighbours in the list, then *joined*, or a *gap*.  A page is forgotten
when both of its seams are settled, so memory is bounded by the pages that wait for others.  The
theory is told in :mod:`asyncsessions.core.walk`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import pairwise
from typing import Generic, TypeVar

from asyncsessions.core.answer import Answer, PlacedPage, Portion, place
from asyncsessions.core.cover import Cover
from asyncsessions.core.seam import Gap, Seam, edge, seam_between
from asyncsessions.core.tags import Tags
from asyncsessions.core.tiles import Span
from asyncsessions.core.windows import Window

__all__ = ["Seams"]

T = TypeVar("T")

TOP = 0
"""The number of the imaginary page above page 1."""


class Seams(Generic[T]):
    """Covers the time of a window from placed pages.

    ``has_ids``: no two rows share an identity.  When pages that are said to be cut from one and the
    same list contradict that, ``is_shifted`` turns true if a row shows up in two of them, and
    ``is_disordered`` if the list cannot be in time order.  ``is_uneven``: a page before the last was
    not full, so that numbers do not tell which is the last.  ``has_covered``: a page covered time on
    the strength of its own order.
    """

    def __init__(self, window: Window, cover: Cover[T], *, has_ids: bool) -> None:
        self.is_disordered = False
        self.is_shifted = False
        self.is_uneven = False
        self.has_covered = False
        self._window = window
        self._cover = cover
        self._has_ids = has_ids
        self._last: int | None = None  # the page that proved to close the list
        self._bottom: int | None = None  # the number of the imaginary page below
        self._placed: dict[int, PlacedPage[T]] = {TOP: edge(window.asked.hi)}
        self._settled_above = {TOP}
        self._settled_below: set[int] = set()
        self._waiting: list[Seam[T]] = []
        self._lowest: Seam[T] | None = None  # the one above the bottom, while it waits
        self._gaps: list[Span] = []
        self._strays: set[Hashable] = set()

    def __len__(self) -> int:
        return len(self._placed)

    @property
    def rows(self) -> int:
        """How many owned rows wait in seams that are not settled, those on two pages once.

        0 as long as a gap is still to be read: it has to be waited for in any case.
        """
        self._gaps = [span for span in self._gaps if self._cover.is_free(span)]
        if self._gaps:
            return 0
        placed = self._placed.items()
        parts = [page.head for number, page in placed if number not in self._settled_above]
        parts += [page.tail for number, page in placed if number not in self._settled_below]
        return len(self._cover.owned(self._cover.united(parts)))

    def floor(self, before: int) -> int:
        """Return the oldest instant of the pages above a number, the window's end if none is."""
        lasts = [page.last for n, page in self._placed.items() if n < before and page.count]
        return min(lasts, default=self._window.asked.hi)

    # ------------------------------------------------------------------ placing

    def place(self, number: int, page: PlacedPage[T], *, closes: bool) -> list[Portion[T]]:
        """Take a page, which may be the one that closes the list, and return what it covers."""
        self._placed[number] = page
        if closes:
            self._last = number
            self._put_bottom(number + 1)
        upper, lower = self._solid(number, -1), self._solid(number, +1)
        if not page.is_solid:
            if upper is not None and lower is not None:
                self._complete(upper, lower)
            return []
        self.has_covered = True
        if upper is not None:
            self._complete(upper, number)
        if lower is not None:
            self._complete(number, lower)
        return self._cover.claim(page.inner, page.body)

    def end(self, number: int) -> None:
        """Let the list end above a page number, though no page proved to close it.

        It ends below all pages that came: some may have been read before the list became shorter.
        """
        if self._bottom is None:
            number = max(number, *(placed + 1 for placed in self._placed))
            for missing in self._missing():
                self.place(missing, place(Answer((), (), None)), closes=False)
            self._put_bottom(number)
            upper = self._solid(number, -1)
            assert upper is not None  # no page is missing any more, and the top is solid
            self._complete(upper, number)

    def _missing(self) -> list[int]:
        """Return the pages that were never placed, though one below them was."""
        return [
            number
            for upper, lower in pairwise(sorted(self._placed))
            if upper not in self._settled_below
            for number in range(upper + 1, lower)
        ]

    def _put_bottom(self, number: int) -> None:
        """Let the list end above a number: what came from below is of a longer list."""
        for below in [placed for placed in self._placed if placed >= number]:
            del self._placed[below]
            self._settled_above.discard(below)
            self._settled_below.discard(below)
        self._waiting = [seam for seam in self._waiting if seam.lower < number]
        self._lowest = None
        self._bottom = number
        self._placed[number] = edge(self._window.asked.lo)
        self._settled_below.add(number)

    def _solid(self, number: int, step: int) -> int | None:
        """Return the next page that spans time, ``None`` if one on the way is not read yet."""
        number += step
        while (page := self._placed.get(number)) is not None:
            if page.is_solid:
                return number
            number += step
        return None

    def _complete(self, upper: int, lower: int) -> None:
        placed = self._placed
        links = [placed[n] for n in range(upper + 1, lower)] if lower - upper > 1 else []
        seam = seam_between(placed[upper], placed[lower], links, upper, lower)
        if lower == self._bottom:
            self._lowest = seam
        else:
            self._waiting.append(seam)

    # ------------------------------------------------------------------ settling

    def settle(self, tags: Tags, *, size: int) -> tuple[list[Portion[T]], list[Gap[T]]]:
        """Settle every seam that can be; return the rows of the joined ones, and the gaps.

        ``tags`` know which answers were cut from one state of the list.  ``size`` is how many rows
        a full page has; only full pages have neighbours below, and only full ones and the last above.
        """
        portions: list[Portion[T]] = []
        gaps: list[Gap[T]] = []
        has_moved, horizon = tags.changes > 0, tags.horizon
        waiting, self._waiting = self._waiting, []
        known: list[tuple[Seam[T], Sequence[T] | None]] = []
        for index, seam in enumerate(waiting):
            is_trusted = self._trust(seam, tags, size, horizon)
            if is_trusted is None and not has_moved:
                self._waiting += waiting[index:]  # nor is it known of those that came later
                break
            if is_trusted is None:
                self._waiting.append(seam)
                continue
            known.append((seam, self._joined_rows(seam) if is_trusted else None))
        # Only now: a page that one seam contradicts lies on another as well.
        for seam, rows in known:
            self._settle(seam, rows, portions, gaps, has_moved=has_moved)
        lowest = self._lowest
        if lowest is not None and lowest.upper in self._settled_above:
            is_trusted = self._trust(lowest, tags, size, horizon)
            if is_trusted is not None:
                self._lowest = None
                rows = self._joined_rows(lowest) if is_trusted else None
                self._settle(lowest, rows, portions, gaps, has_moved=has_moved)
        return portions, gaps

    def _settle(
        self,
        seam: Seam[T],
        rows: Sequence[T] | None,
        portions: list[Portion[T]],
        gaps: list[Gap[T]],
        *,
        has_moved: bool,
    ) -> None:
        if rows is not None and not self.is_shifted:
            in_order = self._cover.newest_first(rows) if seam.links else rows
            portions += self._cover.claim(seam.span, in_order)
        elif seam.span:
            gaps.append(Gap(seam.upper, seam.span, seam.parts))
            self._gaps.append(seam.span)
        elif self.is_disordered and not has_moved:
            portions += self._out_of_order(seam)
        self._forget(seam)

    def _trust(self, seam: Seam[T], tags: Tags, size: int, horizon: int | None) -> bool | None:
        """Say whether each page of a seam is the neighbour of the next; ``None`` = not known yet."""
        if self.is_shifted:
            return False
        above, below = seam.above, seam.below
        if horizon is not None and above.reading and below.reading and not seam.links:
            if above.count != size or (below.count != size and seam.lower != self._last):
                return False
            # The usual case: two pages of a list that has not moved.
            received = max(above.reading.received, below.reading.received)
            return True if received <= horizon else None
        is_lowest = seam.lower == self._bottom
        first, last = seam.upper or TOP + 1, seam.lower - is_lowest
        if is_lowest and (self.is_uneven or last != self._last):
            return False
        for number in range(first, last):
            if self._placed[number].count != size:
                return False
        if first == last and not (is_lowest and self._placed[last].count == size):
            return True  # the top of the list, or a page that is not full: nothing can follow it
        if not is_lowest and self._placed[last].count != size and last != self._last:
            return False  # a page of another length begins where its number does not tell
        readings = [self._placed[number].reading for number in range(first, last + 1)]
        known = [reading for reading in readings if reading is not None]
        return len(known) == len(readings) and tags.verdict(known)

    def _joined_rows(self, seam: Seam[T]) -> Sequence[T] | None:
        rows = seam.rows
        return None if self._is_contradicted(seam, rows) else rows

    def _is_contradicted(self, seam: Seam[T], rows: Sequence[T]) -> bool:
        """Whether pages of one and the same list cannot lie as these do, with these rows."""
        name = self._cover.identity
        if (seam.upper == TOP or seam.lower == self._bottom) and not seam.span:
            return True  # rows that were not asked for
        if not seam.is_descending:
            self.is_shifted = True
            pages = [page for page in (seam.above, *seam.links, seam.below) if page.count]
            for upper, lower in pairwise(pages):
                seen = set(map(name, upper.rows))
                risen = self._cover.after(lower.rows, upper.last)
                self.is_disordered |= not all(name(row) in seen for row in risen)
            return True
        if self._has_ids and not self.is_shifted:
            self.is_shifted = len(set(map(name, rows))) < len(rows)
        return self.is_shifted

    def _out_of_order(self, seam: Seam[T]) -> list[Portion[T]]:
        """Return rows of a seam that another page claims to cover, but does not hold.

        The list is not in time order there: nothing is proven, but nothing that came is lost.
        """
        name, above, below = self._cover.identity, seam.above, seam.below
        seen_above, seen_below = set(map(name, above.rows)), set(map(name, below.rows))
        rows = [row for row in above.tail if name(row) not in seen_below]
        rows += [row for row in below.head if name(row) not in seen_above]
        # A list that moves shows the same rows to several seams.
        rows = [row for row in self._cover.owned(rows) if name(row) not in self._strays]
        self._strays.update(map(name, rows))
        return [Portion(Span(above.last, above.last + 1), rows)] if rows else []

    def _forget(self, seam: Seam[T]) -> None:
        upper, lower = seam.upper, seam.lower
        for number in range(upper + 1, lower):
            del self._placed[number]
        if upper in self._settled_above:
            self._settled_above.remove(upper)
            del self._placed[upper]
        else:
            self._settled_below.add(upper)
        if lower in self._settled_below:
            self._settled_below.remove(lower)
            del self._placed[lower]
        else:
            self._settled_above.add(lower)

    # ------------------------------------------------------------------ leaving early

    def give_up(self, *, before: int | None) -> list[Portion[T]]:
        """Deliver what is known of every open seam, proven or not.

        Unless ``before`` is ``None`` only the pages above that number count, as if the list ended
        there.
        """
        numbers = sorted(n for n in self._placed if before is None or n < before)
        if numbers and (self._bottom is None or before is not None):
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
            if above is not None and number not in self._settled_above:
                seam = seam_between(above, page, links)
                portions += self._cover.leave(seam.span, seam.parts)
            above, links = page, []
        self._placed.clear()
        self._waiting.clear()
        self._lowest = None
        return portions
