"""A vendor's list of sessions as it really is: what is in it, in which order, and what changed.

The list is pure: no clock, no sockets, no asyncio. The fake servers answer from it, a model test
can drive it directly, and a test asks it afterwards which rows an exact reader must have delivered.

Every row has a `uid`, a number from 0 that is never used again and never shown to a client. Rows
are made on demand from their uid and instant, so that a million of them cost two or three arrays
of integers; only rows that were edited or inserted with their own content are kept as dicts.
"""

from __future__ import annotations

import threading
from array import array
from typing import TYPE_CHECKING, Literal

from asyncsessions.testing.columns import SortedColumns
from asyncsessions.testing.history import ChangeKind, Filters, History, Json, Row, exact_match
from asyncsessions.testing.instants import datetime_of, instant_of
from asyncsessions.testing.seeding import scramble

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

__all__ = ["Listing", "Order"]

Order = Literal["newest_first", "oldest_first", "shuffled"]
_Frozen = tuple[tuple[str, object], ...]

_ROWS_KEPT = 16_384  # made rows that are remembered: about 20 MB at most
_VIEWS_KEPT = 8
_EARLIEST = -(2**62)
_LATEST = 2**62


class Listing(History):
    """The rows of a vendor in listing order, read by page number and changed between reads.

    Args:
        instants: the first rows' instants in microseconds since 1970, ascending; row `i` has uid
            `i`.
        make_row: returns the JSON object of (uid, instant); must give the same object each time.
        order: `shuffled` sorts by a random number per row, so that a change moves no other row.
        page_size: rows a page.
        seed: decides the shuffled order and the place of an insert among rows of its instant.
        matches: tells whether a row passes filters.
        passes: tells it by uid alone, for what the JSON does not show; None means by `matches`.

    Raises:
        ValueError: the instants are not ascending.

    """

    def __init__(
        self,
        instants: Sequence[int],
        make_row: Callable[[int, int], Json],
        *,
        order: Order = "newest_first",
        page_size: int = 50,
        seed: int = 0,
        matches: Callable[[Row, Filters], bool] = exact_match,
        passes: Callable[[int, Filters], bool] | None = None,
    ) -> None:
        super().__init__()
        self.order: Order = order
        self.page_size = page_size
        self._seed = seed
        self._make_row = make_row
        self._matches = matches
        self._passes = passes or self._match
        self._instants = array("q", instants)
        if any(a > b for a, b in zip(self._instants, self._instants[1:], strict=False)):
            msg = "instants must be ascending"
            raise ValueError(msg)
        if order == "shuffled":
            keys = [self._key(uid, 0) for uid in self.all_uids_ever]
            self._columns = SortedColumns(keys, is_sorted=False)
        else:
            self._columns = SortedColumns(self._instants, is_sorted=True)
        self._contents: dict[int, Json] = {}
        self._made: dict[int, Row] = {}
        self._views: dict[tuple[int, int, _Frozen], array[int]] = {}
        self._passed: dict[_Frozen, dict[int, bool]] = {}
        self._lock = threading.RLock()

    def page(
        self,
        number: int,
        start: datetime | None = None,
        end: datetime | None = None,
        filters: Filters | None = None,
    ) -> tuple[list[Row], int]:
        """Read one page and the total in one atomic step.

        Args:
            number: the page, from 1; a page past the end is empty.
            start: first instant, included; None means no bound.
            end: last instant, included; None means no bound.
            filters: what rows must match; None or empty means all rows.

        Raises:
            ValueError: `number` is below 1.

        """
        if number < 1:
            msg = f"page {number} does not exist; the first is 1"
            raise ValueError(msg)
        with self._lock:
            uids, low, high = self._selected(start, end, filters)
            first = (number - 1) * self.page_size
            if self.order == "newest_first":
                stop = max(low, high - first)
                chosen = uids[max(low, stop - self.page_size) : stop][::-1]
            else:
                chosen = uids[low + first : min(high, low + first + self.page_size)]
            return [self.row(uid) for uid in chosen], high - low

    def count(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        filters: Filters | None = None,
    ) -> int:
        """Return how many rows lie between the bounds (both included) and match."""
        with self._lock:
            _, low, high = self._selected(start, end, filters)
            return high - low

    def iter_rows(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        filters: Filters | None = None,
    ) -> Iterator[Row]:
        """Yield the rows of this moment in listing order; changes made meanwhile do not show."""
        with self._lock:
            uids, low, high = self._selected(start, end, filters)
            chosen = uids[low:high]
        if self.order == "newest_first":
            chosen.reverse()
        for uid in chosen:
            yield self.row(uid)

    def snapshot(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        filters: Filters | None = None,
    ) -> list[Row]:
        """Return all rows of this moment in listing order."""
        return list(self.iter_rows(start, end, filters))

    def row(self, uid: int) -> Row:
        """Return the row of a uid as it is now, also one that is deleted.

        Raises:
            LookupError: no row ever had this uid.

        """
        with self._lock:
            found = self._made.get(uid)
            if found is None:
                if not 0 <= uid < len(self._instants):
                    msg = f"no row ever had uid {uid}"
                    raise LookupError(msg)
                instant = self._instants[uid]
                data = self._contents.get(uid)
                found = Row(
                    uid,
                    datetime_of(instant),
                    self._make_row(uid, instant) if data is None else data,
                )
                if len(self._made) >= _ROWS_KEPT:
                    self._made.clear()
                self._made[uid] = found
            return found

    def uid_at(self, position: int) -> int:
        """Return the uid at a position of the stored order (oldest first, or by random number).

        Raises:
            IndexError: there is no such position.

        """
        return self._columns.uids[position]

    def __len__(self) -> int:
        """Return how many rows there are now."""
        return len(self._columns.uids)

    def __contains__(self, uid: object) -> bool:
        """Tell whether the row of this uid is in the list now."""
        return isinstance(uid, int) and uid in self.all_uids_ever and not self.was_deleted(uid)

    @property
    def all_uids_ever(self) -> range:
        """The uids of all rows that are or were in the list."""
        return range(len(self._instants))

    @property
    def newest(self) -> datetime | None:
        """The latest instant that has a row; None when there is no row."""
        with self._lock:
            if not self._columns.uids:
                return None
            if self.order == "shuffled":
                return datetime_of(max(self._instants[uid] for uid in self._columns.uids))
            return datetime_of(self._columns.keys[-1])

    def standing_since(
        self,
        version: int = 0,
        start: datetime | None = None,
        end: datetime | None = None,
        filters: Filters | None = None,
    ) -> list[Row]:
        """Return the rows, in listing order, that were there at `version` and never left.

        A reader that began when the list had that `version` and that claims to be complete has
        delivered each of them exactly once.
        """
        return [
            row
            for row in self.iter_rows(start, end, filters)
            if self.inserted_at(row.uid) <= version
        ]

    def insert(self, time: datetime, data: Json | None = None) -> int:
        """Add a row at an instant and return its uid; `data` None means a generated row."""
        with self._lock:
            uid = len(self._instants)
            instant = instant_of(time)
            self._instants.append(instant)
            if data is not None:
                self._contents[uid] = data
            key = self._key(uid, instant)
            self._columns.insert(uid, key, chance=scramble(self._seed, uid))
            self._changed("insert", uid)
            return uid

    def delete(self, uid: int) -> None:
        """Take a row out of the list.

        Raises:
            LookupError: the row is not in the list.

        """
        with self._lock:
            self._require(uid)
            key = self._key(uid, self._instants[uid])
            self._columns.delete(uid, key)
            self._changed("delete", uid)

    def edit(self, uid: int, changes: Json) -> None:
        """Replace or add fields of a row; its instant, and so its place, stays.

        Raises:
            LookupError: the row is not in the list.

        """
        with self._lock:
            self._require(uid)
            self._contents[uid] = {**self.row(uid).data, **changes}
            self._made.pop(uid, None)
            for known in self._passed.values():
                known.pop(uid, None)
            self._changed("edit", uid)

    def _match(self, uid: int, filters: Filters) -> bool:
        return self._matches(self.row(uid), filters)

    def _require(self, uid: int) -> None:
        if uid not in self:
            msg = f"row {uid} is not in the list"
            raise LookupError(msg)

    def _changed(self, kind: ChangeKind, uid: int) -> None:
        self._views.clear()
        self._record(kind, uid, datetime_of(self._instants[uid]))

    def _key(self, uid: int, instant: int) -> int:
        return scramble(self._seed, uid) >> 1 if self.order == "shuffled" else instant

    def _selected(
        self, start: datetime | None, end: datetime | None, filters: Filters | None
    ) -> tuple[array[int], int, int]:
        """Return uids in stored order and the half-open range of positions that is meant."""
        first = _EARLIEST if start is None else instant_of(start)
        last = _LATEST if end is None else instant_of(end)
        if first > last:
            return self._columns.uids, 0, 0
        if not filters and self.order != "shuffled":
            return self._columns.uids, *self._columns.between(first, last)
        view = self._view(first, last, dict(filters or {}))
        return view, 0, len(view)

    def _view(self, first: int, last: int, filters: Filters) -> array[int]:
        key = (first, last, _frozen(filters))
        view = self._views.get(key)
        if view is None:
            view = self._make_view(first, last, filters)
            if len(self._views) >= _VIEWS_KEPT:
                del self._views[next(iter(self._views))]
            self._views[key] = view
        return view

    def _make_view(self, first: int, last: int, filters: Filters) -> array[int]:
        if self.order == "shuffled":
            instants = self._instants
            uids = array("q", (uid for uid in self._columns.uids if first <= instants[uid] <= last))
        else:
            low, high = self._columns.between(first, last)
            uids = self._columns.uids[low:high]
        if not filters:
            return uids
        passed = self._passed.setdefault(_frozen(filters), {})
        for uid in uids:
            if uid not in passed:
                passed[uid] = self._passes(uid, filters)
        return array("q", (uid for uid in uids if passed[uid]))


def _frozen(filters: Filters) -> _Frozen:
    return tuple(sorted(filters.items(), key=lambda item: item[0]))
