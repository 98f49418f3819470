"""A list that is not in time order, read by page number.

Its pages cover no time, so they can only be taken as they come: complete if every answer told the
same total and the rows add up to it.  As soon as anything hints at a list that moves, it is *left*
and read by ranges of time instead (:mod:`asyncsessions.core.mending`); what was delivered by then
is remembered, so that no row is delivered twice.  This is the one place that remembers rows.

A row that comes on two pages has moved, if rows have ids.  Otherwise it may be a twin; that is
known at the end.
"""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeVar

from asyncsessions.core.answer import Answer, Portion
from asyncsessions.core.cover import Cover
from asyncsessions.core.tiles import Span

__all__ = ["Positions"]

T = TypeVar("T")


class Positions(Generic[T]):
    """Delivers pages in their places; a portion's span counts places in the list, down from 0.

    ``is_trusted``: page numbers are believed, whatever happens.  ``times`` are those of the rows
    that came before the list was left.
    """

    def __init__(self, cover: Cover[T], *, has_ids: bool, is_trusted: bool) -> None:
        self.is_left = False
        self.times: list[datetime] = []
        self._cover = cover
        self._has_ids = has_ids
        self._is_trusted = is_trusted
        self._twins: list[T] = []

    def take(self, page: int, answer: Answer[T], *, size: int, has_moved: bool) -> Portion[T]:
        """Return the rows of a page that are new; ``has_moved``: the list is known to have."""
        rows = self._cover.within(answer, self._cover.span)
        if not self._is_trusted:
            known = [row for row in rows if self._cover.has_given(row)]
            if not self.is_left:
                self.times += answer.times
                self._twins += known
                self.is_left = has_moved or (self._has_ids and bool(known))
            rows = self._cover.not_given(rows, free=self.is_left)
            self._cover.give(rows)
        return Portion(Span(-page * size, (1 - page) * size), rows, timed=False)

    def end(self, page: int, *, size: int, adds_up: bool) -> list[Portion[T]]:
        """Return the twins, which belong behind the last page, or leave the list."""
        twins, self._twins = self._twins, []
        self.is_left = self.is_left or not (adds_up or self._is_trusted)
        if self.is_left or not twins:
            return []
        return [Portion(Span(-(page + 1) * size, -page * size), twins, timed=False)]
