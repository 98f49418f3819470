"""Changes of a vendor's list while it is being read, decided by seed and number of the answer."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import attrs

from asyncsessions.testing.instants import datetime_of, instant_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from asyncsessions.testing.history import Filters, Json, Row
    from asyncsessions.testing.listing import Listing

__all__ = ["Drift", "DriftingReader"]


def _at_least_one(_: object, attribute: attrs.Attribute[int | None], value: int | None) -> None:
    if value is not None and value < 1:
        msg = f"{attribute.name} must be 1 or more, or None"
        raise ValueError(msg)


def _every() -> int | None:
    every: int | None = attrs.field(default=None, validator=_at_least_one)
    return every


@attrs.frozen(kw_only=True)
class Drift:
    """What changes after every N-th answer; None means never.

    Args:
        insert_now_every: a row appears that is newer than all others, still inside the span.
        insert_backdated_every: a row appears at a random time of the span.
        insert_on_instant_every: a row appears on an instant that has rows already (the crowded one
            if there is one).
        delete_every: a random row vanishes.
        edit_every: a random row gains what the vendor learns later.
        torn_total_every: the total of that answer is counted first, then a row is inserted or
            deleted, and then the rows are read.
        until_answer: nothing changes after this answer; None means it never ends.
        seed: decides rows and times.

    Raises:
        ValueError: a number is below 1.

    """

    insert_now_every: int | None = _every()
    insert_backdated_every: int | None = _every()
    insert_on_instant_every: int | None = _every()
    delete_every: int | None = _every()
    edit_every: int | None = _every()
    torn_total_every: int | None = _every()
    until_answer: int | None = None
    seed: int = 0


@attrs.define(eq=False)
class DriftingReader:
    """Reads pages of a list and changes the list between the reads, as a `Drift` says.

    Args:
        listing: the list that is read and changed.
        drift: what happens when; None means nothing.
        start: inserts lie at or after it.
        end: inserts lie at or before it.
        step_us: inserts lie on multiples of so many microseconds.
        edit: returns the fields that an edit of a row changes.
        crowded: the instant for `insert_on_instant_every`; None means that of a random row.

    """

    listing: Listing
    drift: Drift | None
    start: datetime
    end: datetime
    step_us: int = 1_000_000
    edit: Callable[[Row, Random], Json] | None = None
    crowded: datetime | None = None
    answers: int = attrs.field(init=False, default=0)
    _chance: Random = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Seed the choices."""
        self._chance = Random(0 if self.drift is None else self.drift.seed)

    def page(
        self,
        number: int,
        start: datetime | None = None,
        end: datetime | None = None,
        filters: Filters | None = None,
    ) -> tuple[list[Row], int]:
        """Answer like `Listing.page`, then let the list change."""
        self.answers += 1
        torn = self._due("torn_total_every")
        total = self.listing.count(start, end, filters) if torn else 0
        if torn:
            if self._chance.random() < 0.5:
                self._insert(self._any_time())
            else:
                self._delete()
        rows, counted = self.listing.page(number, start, end, filters)
        self._change()
        return rows, total if torn else counted

    def _due(self, name: str) -> bool:
        drift = self.drift
        if drift is None or (drift.until_answer is not None and self.answers > drift.until_answer):
            return False
        every: int | None = getattr(drift, name)
        return every is not None and self.answers % every == 0

    def _change(self) -> None:
        if self._due("insert_now_every"):
            self._insert(self._now())
        if self._due("insert_backdated_every"):
            self._insert(self._any_time())
        if self._due("insert_on_instant_every"):
            self._insert(self.crowded or self._time_of_a_row())
        if self._due("delete_every"):
            self._delete()
        if self._due("edit_every") and len(self.listing) and self.edit is not None:
            row = self.listing.row(self._any_uid())
            self.listing.edit(row.uid, self.edit(row, self._chance))

    def _insert(self, time: datetime) -> None:
        self.listing.insert(time)

    def _delete(self) -> None:
        if len(self.listing):
            self.listing.delete(self._any_uid())

    def _any_uid(self) -> int:
        return self.listing.uid_at(self._chance.randrange(len(self.listing)))

    def _time_of_a_row(self) -> datetime:
        return self.listing.row(self._any_uid()).time if len(self.listing) else self._any_time()

    def _any_time(self) -> datetime:
        low = -(-instant_of(self.start) // self.step_us)
        high = max(low, instant_of(self.end) // self.step_us)
        return datetime_of(self._chance.randint(low, high) * self.step_us)

    def _now(self) -> datetime:
        """Return a time a fiftieth of the way from the newest row to the end of the span."""
        newest = instant_of(max(self.start, self.listing.newest or self.start))
        last = instant_of(self.end)
        ahead = max(self.step_us, (last - newest) // 50 // self.step_us * self.step_us)
        return datetime_of(min(last, newest + ahead))
