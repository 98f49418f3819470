"""More rows within one second than a page holds: they can only be read by page number.

No time tells these rows apart, so the list of that second is read page by page.  A full page has
another behind it; the first that is not full ends the list and so tells its length, for the moment
at which it was read.  If every row that was seen is still seen afterwards, then all of them were in
the list at that moment (a deleted row does not come back, nor, without ids, does its equal).  And
if there are as many as the list was long, then these were all.  No total is needed for that, only
a *second look* at all pages but the last.  Rows without ids that are equal and came on two pages
may be one row, counted twice: that proves nothing.

A page may come short, though.  If a total announces more rows than came, the list only ends with a
page that has none, and the second look takes in the last pages as well.

``count`` does without the second look if all pages told one total, and held as many rows, with no
long pause between them, and if neither this second nor the whole list is known to move.
Otherwise the reading begins anew, :data:`TRIES` times at most.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import chain
from typing import Generic, TypeVar

from asyncsessions.core.answer import Answer

__all__ = ["Crowd"]

T = TypeVar("T")

TRIES = 6
PAUSED = -1
"""In the place of a total; no answer tells it."""


class Crowd(Generic[T]):
    """Reads the pages of one second: ask for :attr:`page`, :meth:`take` the answer, until it ends.

    ``pages`` are those of the last look, proven or not; ``most_pages`` had the longest.

    ``size`` is how many rows a full page has at least, as far as is known; ``has_ids``: no two rows
    share an identity.
    """

    def __init__(
        self, *, size: int, is_strict: bool, has_ids: bool, identity: Callable[[T], Hashable]
    ) -> None:
        self.page = 1
        self.is_proven = False
        self.is_over = False
        self._size = size
        self._is_strict = is_strict
        self._has_ids = has_ids
        self._identity = identity
        self._looks: list[tuple[Hashable, ...]] = []
        # The last look in which rows that are equal came on two pages.
        self._twinned: list[tuple[Hashable, ...]] | None = None
        self.pages: list[Sequence[T]] = []
        self._before: list[Sequence[T]] = []
        self.most_pages = 0
        self._totals: set[int | None] = set()
        self._announced = 0
        self._seen_again: list[tuple[Hashable, ...]] | None = None
        self._tries = 1

    @property
    def rows(self) -> list[T]:
        """The rows that were read last, in the vendor's order."""
        return [row for page in self.pages for row in page]

    @property
    def known(self) -> list[Sequence[T]]:
        """The pages of the last look and of the one before, which may have got further."""
        return [*self._before, *self.pages]

    @property
    def has_begun(self) -> bool:
        """Whether a page has come."""
        return bool(self.pages)

    @property
    def is_restless(self) -> bool:
        """Whether the rows changed while they were read."""
        return self._tries > 1

    @property
    def announces_more(self) -> bool:
        """Whether the total that was told last in a look is more than the rows that came."""
        return self._count < self._announced

    def distrust(self) -> None:
        """Note that totals prove nothing any more: then only a second look does."""
        self._is_strict = True

    def pause(self) -> None:
        """Note that changes may have cancelled meanwhile: then only a second look proves."""
        self._totals.add(PAUSED)

    def take(self, answer: Answer[T], *, heeds_totals: bool = True) -> None:
        """Take the answer to the request for :attr:`page`.

        ``heeds_totals``: what a total announces and no page has is looked for.
        """
        names = tuple(map(self._identity, answer.rows))
        if self._seen_again is None:
            self._look(answer, names, heeds_totals=heeds_totals)
        else:
            is_short = heeds_totals and self.announces_more
            before = self._looks if is_short else self._looks[:-1]
            self._look_again(before, self._seen_again, names)

    def _look(self, answer: Answer[T], names: tuple[Hashable, ...], *, heeds_totals: bool) -> None:
        if self.page == 1:
            self._before = [*self.pages]
            self._looks, self.pages, self._totals = [], [], set()
        self._looks.append(names)
        self.pages.append(answer.rows)
        self.most_pages = max(self.most_pages, len(self.pages))
        self._totals.add(answer.total)
        self._announced = answer.total or 0
        is_short = heeds_totals and self.announces_more
        if is_short and self.page == 1 and names:
            self._size = min(self._size, len(names))  # pages are shorter than they were
        adds_up = self._totals == {self._count} and self._are_distinct
        if self._is_uneven:
            self._begin_anew()
        elif len(names) >= self._size or (names and is_short):
            self.page += 1
        elif adds_up and not (self._is_strict or self.is_restless):
            self.is_proven = self.is_over = True
        elif not (self._are_distinct and self.are_apart):
            is_still = self._looks == self._twinned
            self._twinned = self._looks
            self._begin_anew(is_hopeless=is_still)
        elif self.page == 1 and not is_short:
            self.is_proven = self.is_over = True
        else:
            self._seen_again, self.page = [], 1

    @property
    def _is_uneven(self) -> bool:
        """Whether pages before the last were not all equally long: then numbers skip rows."""
        if len(self._looks) < 2 or not self._looks[-1]:
            return False
        # Those before have been compared when the last but one came.
        first, before, last = (len(self._looks[at]) for at in (0, -2, -1))
        return last > first or before < first

    @property
    def _are_distinct(self) -> bool:
        """Whether no row was read twice, as far as that can be told."""
        return not self._has_ids or len(set(chain.from_iterable(self._looks))) == self._count

    @property
    def are_apart(self) -> bool:
        """Whether no row of one page came on another as well, or one that equals it."""
        return len(set(chain.from_iterable(self._looks))) == sum(map(len, map(set, self._looks)))

    @property
    def _count(self) -> int:
        return sum(map(len, self._looks))

    def _look_again(
        self,
        before: list[tuple[Hashable, ...]],
        seen: list[tuple[Hashable, ...]],
        names: tuple[Hashable, ...],
    ) -> None:
        seen.append(names)
        if len(seen) < len(before):
            self.page += 1
        elif before == seen or (self._has_ids and self._holds(seen, before)):
            self.is_proven = self.is_over = True
        else:
            self._begin_anew()

    @staticmethod
    def _holds(seen: list[tuple[Hashable, ...]], before: list[tuple[Hashable, ...]]) -> bool:
        """Whether pages that are as long as before hold all that was there."""
        is_alike = list(map(len, seen)) == list(map(len, before))
        return is_alike and set(chain.from_iterable(before)) <= set(chain.from_iterable(seen))

    def _begin_anew(self, *, is_hopeless: bool = False) -> None:
        self._tries += 1
        self.is_over = is_hopeless or self._tries > TRIES
        self._seen_again, self.page = None, 1
