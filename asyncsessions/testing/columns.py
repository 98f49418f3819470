"""Two sorted columns of integers: the keys of a list's rows, and their uids."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SortedColumns"]


class SortedColumns:
    """Rows by ascending key; 16 bytes a row, and a change moves memory but makes no object."""

    def __init__(self, keys: Sequence[int], *, is_sorted: bool) -> None:
        uids: Sequence[int] = range(len(keys))
        if not is_sorted:
            uids = sorted(uids, key=keys.__getitem__)
            keys = [keys[uid] for uid in uids]
        self.keys = array("q", keys)
        self.uids = array("q", uids)

    def between(self, first: int, last: int) -> tuple[int, int]:
        """Return the half-open range of positions whose keys lie between the bounds, included."""
        return bisect_left(self.keys, first), bisect_right(self.keys, last)

    def insert(self, uid: int, key: int, *, chance: int) -> None:
        """Add a row; `chance`, any number of 0 or more, decides its place among equal keys."""
        low, high = self.between(key, key)
        place = low + chance % (high - low + 1)
        self.keys.insert(place, key)
        self.uids.insert(place, uid)

    def delete(self, uid: int, key: int) -> None:
        """Remove a row.

        Raises:
            ValueError: it is not there.

        """
        place = self.uids.index(uid, bisect_left(self.keys, key))
        del self.keys[place]
        del self.uids[place]
