"""Rows of a vendor's list, and the record of what happened to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import attrs

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Change", "ChangeKind", "Filters", "History", "Json", "Row", "exact_match"]

Json = dict[str, object]
Filters = Mapping[str, object]
ChangeKind = Literal["insert", "delete", "edit"]


@attrs.frozen(slots=True)
class Row:
    """One row at one moment: its uid, its instant (aware UTC) and the vendor's JSON object."""

    uid: int
    time: datetime
    data: Json


@attrs.frozen(slots=True)
class Change:
    """One change of the list; `version` is the list's version after it, `time` the row's own."""

    version: int
    kind: ChangeKind
    uid: int
    time: datetime


def exact_match(row: Row, filters: Filters) -> bool:
    """Tell whether every filter equals the row's field of that name (case-sensitive, AND)."""
    return all(row.data.get(name) == wanted for name, wanted in filters.items())


class History:
    """All changes since the list was made, oldest first."""

    def __init__(self) -> None:
        self._log: list[Change] = []
        self._versions: dict[ChangeKind, dict[int, int]] = {"insert": {}, "delete": {}, "edit": {}}

    @property
    def version(self) -> int:
        """How many changes were made so far."""
        return len(self._log)

    @property
    def changes(self) -> list[Change]:
        """All changes so far, oldest first."""
        return list(self._log)

    @property
    def deleted_uids(self) -> frozenset[int]:
        """The uids of rows that are gone."""
        return frozenset(self._versions["delete"])

    @property
    def inserted_uids(self) -> frozenset[int]:
        """The uids of rows that were not there at first."""
        return frozenset(self._versions["insert"])

    @property
    def edited_uids(self) -> frozenset[int]:
        """The uids of rows whose content was changed."""
        return frozenset(self._versions["edit"])

    def was_deleted(self, uid: int) -> bool:
        """Tell whether the row is gone."""
        return uid in self._versions["delete"]

    def inserted_at(self, uid: int) -> int:
        """Return the version that brought the row; 0 for a row that was there at first."""
        return self._versions["insert"].get(uid, 0)

    def _record(self, kind: ChangeKind, uid: int, time: datetime) -> None:
        self._log.append(Change(len(self._log) + 1, kind, uid, time))
        self._versions[kind][uid] = len(self._log)
