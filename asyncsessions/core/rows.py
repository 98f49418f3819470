"""Rows as a vendor sent them, which become sessions only where somebody looks at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter, eq
from typing import TYPE_CHECKING, Any, TypeVar, overload

from asyncsessions.core.records import Session

if TYPE_CHECKING:
    from asyncsessions.core.lines import SessionLine

__all__ = ["SentRows", "in_order"]

AT_A_TIME = 500
"""So many rows are sessions at the same time while all of them are passed by."""

R = TypeVar("R")

id_of: Callable[[Any], str] = attrgetter("id")
started_at_of: Callable[[Any], datetime] = attrgetter("started_at")


def in_order(rows: Sequence[R]) -> Sequence[R]:
    """Return rows, which are sessions or a vendor's own, newest first, those of one instant by id."""
    ordered = sorted(rows, key=started_at_of, reverse=True)
    times = [*map(started_at_of, ordered)]
    if not any(map(eq, times, times[1:])):
        return ordered
    groups = groupby(ordered, key=started_at_of)
    return [row for _, group in groups for row in sorted(group, key=id_of)]


class SentRows(Sequence[Session]):
    """A sequence of sessions that is kept as the vendor's rows.

    ``as_sessions`` makes sessions of rows, ``as_columns`` the values of each of
    :data:`asyncsessions.core.columns.COLUMNS`, of which those without any may be left out, and
    ``as_lines`` what is written of them as JSON; ``None``: they become sessions for that.
    """

    def __init__(
        self,
        rows: Sequence[Any],
        *,
        as_sessions: Callable[[Sequence[Any]], Sequence[Session]],
        as_columns: Callable[[Sequence[Any]], Mapping[str, Sequence[Any]]],
        as_lines: Callable[[Sequence[Any]], Sequence[SessionLine]] | None = None,
    ) -> None:
        self._rows = rows
        self._as_sessions = as_sessions
        self._as_columns = as_columns
        self._as_lines = as_lines

    def in_order(self) -> SentRows:
        """Return the rows newest first, those of one instant by their ids."""
        rows = in_order(self._rows)
        return SentRows(
            rows,
            as_sessions=self._as_sessions,
            as_columns=self._as_columns,
            as_lines=self._as_lines,
        )

    def columns(self) -> Mapping[str, Sequence[Any]]:
        """Return the values of each column that has any, in the order of the rows."""
        return self._as_columns(self._rows)

    def lines(self) -> Sequence[SessionLine] | None:
        """Return what is written of the rows; ``None`` if that takes sessions."""
        return None if self._as_lines is None else self._as_lines(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Session: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Session]: ...
    def __getitem__(self, index: int | slice) -> Session | Sequence[Session]:
        if isinstance(index, slice):
            return self._as_sessions(self._rows[index])
        return self._as_sessions([self._rows[index]])[0]

    def __iter__(self) -> Iterator[Session]:
        for begin in range(0, len(self._rows), AT_A_TIME):
            yield from self._as_sessions(self._rows[begin : begin + AT_A_TIME])
