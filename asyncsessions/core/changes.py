"""What a sync found changed: rows that were added, changed or removed, with old and new values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from attrs import field, frozen

from asyncsessions.core.columns import arrow_schema, import_arrow

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Change", "ChangeKind", "changes_schema", "changes_table", "compare"]

ChangeKind = Literal["added", "changed", "removed"]
FlatRow = Mapping[str, Any]


@frozen
class Change:
    """One session that is not as it was: flat rows as of :data:`core.columns.COLUMNS`.

    ``old`` is ``None`` for an added one, ``new`` for a removed one.
    """

    kind: ChangeKind
    old: FlatRow | None = field(repr=False)
    new: FlatRow | None = field(repr=False)

    @property
    def row(self) -> FlatRow:
        """The new row, or the old one where there is no new one."""
        row = self.new if self.new is not None else self.old
        assert row is not None
        return row


def compare(old: Iterable[FlatRow], new: Iterable[FlatRow]) -> list[Change]:
    """Return what became of the old rows of a range, which now holds the new ones.

    Rows are told apart by their ids; the record's own JSON (``raw``) is compared like any other
    value.  New rows come first, in their order, then the removed ones in theirs.
    """
    before = {row["id"]: row for row in old}
    changes: list[Change] = []
    for row in new:
        was = before.pop(row["id"], None)
        if was is None:
            changes.append(Change("added", None, row))
        elif was != row:
            changes.append(Change("changed", was, row))
    return changes + [Change("removed", row, None) for row in before.values()]


def changes_schema() -> pa.Schema:
    """Return the Arrow schema of a table of changes.

    Raises :class:`ConfigurationError` where pyarrow is not installed.
    """
    arrow: Any = import_arrow()
    row = arrow.struct(list(arrow_schema()))
    schema: pa.Schema = arrow.schema(
        [
            arrow.field("found_at", arrow.timestamp("us", tz="UTC"), nullable=False),
            arrow.field("run", arrow.string(), nullable=False),
            arrow.field("provider", arrow.string(), nullable=False),
            arrow.field("id", arrow.string(), nullable=False),
            arrow.field("started_at", arrow.timestamp("us", tz="UTC"), nullable=False),
            arrow.field("change", arrow.string(), nullable=False),
            arrow.field("old", row),
            arrow.field("new", row),
        ]
    )
    return schema


def changes_table(changes: Iterable[Change], *, run: str, found_at: datetime) -> pa.Table:
    """Return changes as an Arrow table of :func:`changes_schema`."""
    arrow: Any = import_arrow()
    rows = [
        {
            "found_at": found_at,
            "run": run,
            **{name: change.row[name] for name in ("provider", "id", "started_at")},
            "change": change.kind,
            "old": change.old,
            "new": change.new,
        }
        for change in changes
    ]
    table: pa.Table = arrow.Table.from_pylist(rows, schema=changes_schema())
    return table
