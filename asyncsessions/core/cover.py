"""What of a window is covered: each instant by one answer, and that answer's rows delivered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import datetime
from typing import Generic, TypeVar

from asyncsessions.core.answer import Answer, Portion
from asyncsessions.core.tiles import Span, Tiles
from asyncsessions.core.windows import Window, to_datetime, to_micros

__all__ = ["Cover"]

T = TypeVar("T")


class Cover(Generic[T]):
    """The tiles of one window: clips what answers prove to what nobody has proven before.

    ``started_at`` reads the time of a row, ``identity`` what stays the same when a row is edited.
    ``span`` are the instants that the window owns, ``unproven`` those of which not all rows may
    have come.
    """

    def __init__(
        self,
        window: Window,
        *,
        started_at: Callable[[T], datetime],
        identity: Callable[[T], Hashable],
    ) -> None:
        self.unproven = Tiles()
        self.identity = identity
        self.span = window.owned
        self._started_at = started_at
        self._tiles = Tiles()
        self._given: Counter[Hashable] = Counter()

    def claim(self, span: Span, rows: Sequence[T]) -> list[Portion[T]]:
        """Cover the owned part of a span, and return what of it is new.

        All of the rows lie in the span, and no others do.
        """
        own = self.span
        inside = span if own.lo <= span.lo and span.hi <= own.hi else span & own
        free = self._tiles.claim(inside)
        if len(free) == 1 and free[0] is span and not self._given:
            return [Portion(span, rows)]
        return [Portion(part, self._minus_given(self.clipped(rows, part))) for part in free]

    def leave(self, span: Span, parts: Sequence[Sequence[T]]) -> list[Portion[T]]:
        """Deliver what is known of a span, which may be too little, and note that.

        Each part comes from one answer; what they share was one row.
        """
        for gap in self._tiles.gaps(span & self.span):
            self.unproven.claim(gap)
        return self.claim(span, self.newest_first(self.clipped(self.united(parts), span)))

    def is_free(self, span: Span) -> bool:
        """Whether some owned instant of the span is not covered."""
        return bool(self._tiles.gaps(span & self.span))

    def clipped(self, rows: Sequence[T], span: Span) -> list[T]:
        """Return the rows whose instants lie in the span."""
        return _held(rows, map(self._started_at, rows), span)

    def within(self, answer: Answer[T], span: Span) -> list[T]:
        """Return the same of an answer, whose times are at hand."""
        return _held(answer.rows, answer.times, span)

    def owned(self, rows: Sequence[T]) -> list[T]:
        """Return the rows whose instants the window owns."""
        return self.clipped(rows, self.span)

    def after(self, rows: Sequence[T], instant: int) -> list[T]:
        """Return the rows that are newer than an instant."""
        return [row for row in rows if to_micros(self._started_at(row)) > instant]

    def newest_first(self, rows: Sequence[T]) -> list[T]:
        """Return the rows newest first, those of one instant as they come."""
        return sorted(rows, key=self._started_at, reverse=True)

    def give(self, rows: Iterable[T]) -> None:
        """Remember rows that are delivered without covering any time."""
        self._given.update(map(self.identity, rows))

    def has_given(self, row: T) -> bool:
        """Whether a row is remembered."""
        return self.identity(row) in self._given

    def not_given(self, rows: Sequence[T], *, free: bool) -> list[T]:
        """Return the rows that are not remembered; ``free``: that lie where nothing is covered."""
        new = [row for row in rows if not self.has_given(row)]
        if not free:
            return new
        instants = [to_micros(self._started_at(row)) for row in new]
        return [
            row
            for row, instant in zip(new, instants, strict=True)
            if self.is_free(Span(instant, instant + 1))
        ]

    def _minus_given(self, rows: list[T]) -> list[T]:
        if not self._given:
            return rows
        new: list[T] = []
        for row in rows:
            name = self.identity(row)
            if self._given[name] > 0:
                self._given[name] -= 1
            else:
                new.append(row)
        return new

    def united(self, parts: Sequence[Sequence[T]]) -> list[T]:
        """Unite answers that may share rows: twins count as often as in the one with most."""
        united: list[T] = []
        most: Counter[Hashable] = Counter()
        for part in parts:
            here: Counter[Hashable] = Counter()
            for row in part:
                name = self.identity(row)
                here[name] += 1
                if here[name] > most[name]:
                    most[name] += 1
                    united.append(row)
        return united


def _held(rows: Iterable[T], times: Iterable[datetime], span: Span) -> list[T]:
    """Return the rows whose times lie in the span."""
    if not span:
        return []
    first, last = to_datetime(span.lo), to_datetime(span.hi - 1)
    return [row for row, time in zip(rows, times, strict=True) if first <= time <= last]
