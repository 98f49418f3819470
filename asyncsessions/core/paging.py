"""Which page numbers of a window are worth asking for."""

from __future__ import annotations

from collections.abc import Hashable

__all__ = ["Paging"]

MOST_FACTOR = 4
MOST_FLOOR = 40
"""No page is asked for beyond so many, and the factor for each page that page 1 announced."""
MOST_REMEMBERED = 4096
"""Of so many pages it is known what they held: who ignores page numbers shows it soon."""


class Paging:
    """Plans page 1, and from what it says all others.

    ``size`` is how many rows a full page has: the vendor's documented number, until page 1 shows
    another, or a longer page comes.  ``end`` is the last page worth asking for, ``None`` until page
    1 is read; ``last`` the page that proved to close the list, ``None`` until one did.  Whatever
    totals say, nothing is asked beyond a page without rows, nor for ever if the list grows faster
    than it is read.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.end: int | None = None
        self.last: int | None = None
        self.open: set[int] = set()
        self._next = 1
        self._is_stopped = False
        self._ceiling: int | None = None  # the first page that came without rows
        self._most = 1
        self._total = -1  # the latest
        self._pages_by_rows: dict[int, int] = {}

    @property
    def has_next(self) -> bool:
        """Whether there is a page to ask for now: page 1 alone, then all others at once."""
        return self._next == 1 or (self.end is not None and self._next <= self.end)

    @property
    def left(self) -> int:
        """How many pages there are to ask for, as far as is known."""
        return (self.end or 1) - self._next + 1 if self.has_next else 0

    @property
    def ahead(self) -> int:
        """How many pages were asked for from the first on that has not come."""
        return self._next - min(self.open) if self.open else 0

    @property
    def is_over(self) -> bool:
        """Whether every page that was worth asking for has come."""
        return not self.open and not self.has_next

    def next(self) -> int:
        """Return the next page to ask for; only valid while :attr:`has_next`."""
        page, self._next = self._next, self._next + 1
        self.open.add(page)
        return page

    def wants(self, page: int) -> bool:
        """Whether a page is still worth asking for."""
        return self.end is None or page <= self.end

    def stop(self) -> None:
        """Ask for no further page."""
        self.end = min(self._next - 1, self.end or 0)
        self._is_stopped, self._next = True, max(self._next, 2)

    def read(self, page: int, count: int, total: int) -> None:
        """Take how many rows a page had, and the latest total."""
        self.open.discard(page)
        if total == self._total and count == self.size and page != self.end:
            return  # nothing new
        self._total = total
        is_first = self.end is None
        if is_first and 0 < count < total:
            self.size = count  # a page that is not the last shows how many rows a page has
        end = max(1, self.end or 1, -(-total // self.size))
        if is_first:
            self._most = MOST_FLOOR + MOST_FACTOR * end
        if page == end and count >= self.size and self.rank(page, count) > total:
            end = page + 1  # the total is understated: look behind it
        if not count:
            self._ceiling = min(page, self._ceiling or page)
        if self.last is not None or self._is_stopped:
            end = self.end or 0
        self.end = min(end, self._ceiling or end, self._most)

    def close(self, page: int) -> None:
        """Take a page for the last of the list."""
        self.last = self.end = page

    def rank(self, page: int, count: int) -> int:
        """Return the place in the list of the last of so many rows of a page, counted from 1."""
        return (page - 1) * self.size + count

    def repeated(
        self, page: int, count: int, names: tuple[Hashable, ...], *, is_within: bool
    ) -> int | None:
        """Return the other number under which the page came before, ``None`` if it did not.

        ``names`` are those of some of its rows; ``is_within``: the total reaches as far.  Twins, and
        nothing else, may fill several pages.
        """
        if len(self._pages_by_rows) >= MOST_REMEMBERED:
            self._pages_by_rows.clear()
        if not count:
            return None
        known = self._pages_by_rows.setdefault(hash((count, names)), page)
        may_be_twins = count > 1 and len(set(names)) == 1 and is_within
        return None if known == page or may_be_twins else known
