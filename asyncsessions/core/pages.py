"""The pages of one window: which of them are asked for, and which are trusted to be neighbours."""

from __future__ import annotations

from typing import Generic, TypeVar

from asyncsessions.core.answer import Answer, Portion, place
from asyncsessions.core.cover import Cover
from asyncsessions.core.paging import Paging
from asyncsessions.core.seam import Gap
from asyncsessions.core.seams import Seams
from asyncsessions.core.tags import Reading, Tags
from asyncsessions.core.windows import Window
from asyncsessions.errors import UnexpectedResponseError

__all__ = ["Pages"]

T = TypeVar("T")

SAMPLES = 8
"""So many rows of a page, evenly spread, tell it from all others, if each has an id."""


class Pages(Generic[T]):
    """Reads a window by page number, and joins the pages that totals prove to be neighbours.

    ``tag`` is the total that was told last, ``None`` before page 1.  ``is_trusted``: page numbers
    are believed, whatever the totals say.
    """

    def __init__(
        self, window: Window, cover: Cover[T], *, size: int, has_ids: bool, is_trusted: bool
    ) -> None:
        self.tag: int | None = None
        self.numbers = Paging(size)
        self.seams = Seams[T](window, cover, has_ids=has_ids)
        self._tags = Tags()
        self._cover = cover
        self._is_trusted = is_trusted
        self._has_ids = has_ids
        self._documented_size = size
        self._rows = 0

    @property
    def changes(self) -> int:
        """How often the total must have changed."""
        return self._tags.changes

    @property
    def has_moved(self) -> bool:
        """Whether anything hints at a list that moves."""
        return self._tags.changes > 0 or not self._tags.are_believed

    @property
    def believes_totals(self) -> bool:
        """Whether equal totals still prove anything."""
        return self._tags.are_believed

    @property
    def adds_up(self) -> bool:
        """Whether a page closed the list, and there are as many rows as the total says."""
        is_told = self._rows == self.tag or (self._is_trusted and self._tags.changes > 0)
        return self.numbers.last is not None and is_told

    # ------------------------------------------------------------------ asking

    def next(self) -> int:
        """Return the next page to ask for; only valid while ``numbers.has_next``."""
        page = self.numbers.next()
        self._tags.sent(page)
        return page

    def pause(self) -> None:
        """Note that totals told before prove nothing about those told from now on."""
        self._tags.pause()

    def withdraw(self, page: int, *, leaves_hole: bool) -> None:
        """Drop a page that was not asked for after all; ``leaves_hole``: it is missed."""
        self.numbers.open.discard(page)
        self._tags.withdrawn(page)
        if leaves_hole and self.numbers.wants(page):
            self.seams.place(page, place(Answer((), (), None)), closes=False)

    # ------------------------------------------------------------------ answers

    def lay_aside(self, page: int) -> None:
        """Note that a page has come, and is read later."""
        self._tags.came(page)

    def read(self, page: int, answer: Answer[T]) -> Reading | None:
        """Learn from an answer what is worth asking for; ``None`` if the page is not wanted.

        Raises :class:`UnexpectedResponseError` if the vendor sends one page under two numbers.
        """
        count = len(answer.rows)
        total = 0 if answer.total is None and page == 1 else answer.total
        reading = self._tags.received(page, total)
        self.tag = self.tag if total is None else total
        self._rows += count
        numbers = self.numbers
        if numbers.wants(page):
            # Before it is read: a page that is refused has not come.
            self._note_repetition(page, answer, total or 0)
        numbers.read(page, count, self.tag or 0)
        if not numbers.wants(page):
            return None
        rank = numbers.rank(page, count)
        if count and rank > (total or 0):
            self._tags.expose()  # there are more rows than there are said to be
        if page > 1 and count > numbers.size and not self._is_trusted:
            numbers.size = count  # page 1 was shorter than a page is: rows lie between the two
            self._distrust()
        if not count and rank < (total or 0) and numbers.size < self._documented_size:
            self._distrust()  # page 1 was, or the total is too large
        self.seams.is_uneven |= 0 < count < numbers.size and rank < (total or 0)
        # The last page of the list shows by its rank and its own tag.
        is_believed = self._tags.are_believed or count < numbers.size
        if page == numbers.end if self._is_trusted else rank == total and is_believed:
            numbers.close(page)
        return reading

    def _distrust(self) -> None:
        """Note that pages are not cut as their numbers say."""
        self._tags.expose()
        self.seams.is_shifted = True

    def _note_repetition(self, page: int, answer: Answer[T], total: int) -> None:
        """Refuse a page that came under another number, unless the list may have moved so far."""
        count = len(answer.rows)
        some = answer.rows[:: max(1, count // SAMPLES)] if self._has_ids else answer.rows
        names = tuple(map(self._cover.identity, some))
        is_within = self.numbers.rank(page, count) <= total
        known = self.numbers.repeated(page, count, names, is_within=is_within)
        if known is None:
            return
        if not self.has_moved:
            raise UnexpectedResponseError(
                f"pages {known} and {page} hold the same rows: the page number is ignored"
            )
        if not self._is_trusted:
            self._distrust()

    def place(
        self, page: int, answer: Answer[T], reading: Reading, *, is_in_order: bool
    ) -> list[Portion[T]]:
        """Return what a page covers on its own, once it is read."""
        placed = place(answer, reading, is_in_order=is_in_order)
        return self.seams.place(page, placed, closes=page == self.numbers.last)

    def settle(self) -> tuple[list[Portion[T]], list[Gap[T]]]:
        """Join the neighbours that may be trusted; return what that covers, and the gaps."""
        if not self._tags.are_believed:
            self.numbers.stop()
        if self.numbers.is_over:
            self._tags.end(adds_up=self.numbers.last is not None)
            self.seams.end((self.numbers.end or 0) + 1)
        portions, gaps = self.seams.settle(self._tags, size=self.numbers.size)
        if self.seams.is_shifted and self._tags.are_believed:
            self._tags.expose()
            more, others = self.settle()
            return portions + more, gaps + others
        return portions, gaps
