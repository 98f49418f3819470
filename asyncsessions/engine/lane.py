"""One window of a stream: its walk, and its rows on their way out."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

from asyncsessions.core.answer import Answer, Ask, Portion
from asyncsessions.core.identity import number_twins
from asyncsessions.core.options import Options
from asyncsessions.core.order import InOrder
from asyncsessions.core.records import Session
from asyncsessions.core.tiles import Span, Tiles
from asyncsessions.core.walk import Walk
from asyncsessions.core.windows import Window
from asyncsessions.providers.base import Provider

__all__ = ["Lane", "is_running_out"]

started_at = attrgetter("started_at")
identity = attrgetter("id")


def is_running_out(lanes: Iterable[Lane], concurrency: int) -> bool:
    """Whether page 1 of another window should be here when those open have no pages left."""
    walks = [lane.walk for lane in lanes]
    left = sum(walk.pages_left for walk in walks)
    return 0 < left <= concurrency and all(walk.tag is not None for walk in walks)


class Lane:
    """Turns the answers of one window into rows in the order asked for.

    ``index`` counts the windows of the pull from 0, newest first.
    """

    def __init__(
        self,
        index: int,
        window: Window,
        provider: Provider[...],
        options: Options,
        *,
        concurrency: int,
    ) -> None:
        self.index = index
        self.walk: Walk[Session] = Walk(
            window,
            page_size=provider.page_size,
            started_at=started_at,
            identity=identity,
            has_ids=provider.has_ids,
            consistency=options.consistency,
            concurrency=concurrency,
        )
        self.held_rows = 0
        self._is_ordered = options.ordered
        self._order: InOrder[Session] | None = None
        self._is_timed = True
        self._numbers_twins = not provider.has_ids
        self._cut = Span(0, 0)
        self._twins: dict[str, int] = {}
        self._has_positions = False

    def answer(self, ask: Ask, answer: Answer[Session]) -> list[Session]:
        """Take an answer and return the rows that may go out now."""
        return self._release(self.walk.answer(ask, answer))

    def withdraw(self, ask: Ask) -> list[Session]:
        """Drop an ask that is not wanted any more."""
        return self._release(self.walk.withdraw(ask))

    def give_up(self, *, before: Ask | None = None) -> list[Session]:
        """Return what is known of the rows, or of those ``before`` what an ask would bring."""
        if before is not None:
            self._cut_at(self.walk.floor(before))
        rows = self._release(self.walk.give_up(before=before))
        self.held_rows = 0
        return rows

    def _cut_at(self, floor: int) -> None:
        """Drop what was read of the time below an answer that never came."""
        owned = self.walk.window.owned
        self._cut = owned if self.walk.positional else Span(owned.lo, floor + 1) & owned
        if self._order is not None:
            self._order.discard(floor)

    @property
    def unproven(self) -> list[Span]:
        """The instants of which not all rows may have gone out, newest first."""
        unproven = Tiles()
        for span in (*self.walk.unproven, self._cut):
            unproven.claim(span)
        return unproven.spans()[::-1]

    @property
    def late_rows(self) -> int:
        """Rows that went out behind their place in the order."""
        return 0 if self._order is None else self._order.late_rows

    @property
    def is_in_order(self) -> bool:
        """Whether the rows of this window go out newest first, as far as it has been read."""
        return self._is_ordered and self.walk.is_in_order

    def _release(self, portions: Iterable[Portion[Session]]) -> list[Session]:
        rows: list[Session] = []
        read = 0
        for portion in portions:
            read += len(portion.rows)
            order = self._order
            if order is None or portion.timed is not self._is_timed:
                ready = self._out_of_turn(portion)
            else:
                ready = order.put(portion)
            for due in ready:
                rows += self._numbered(due) if self._numbers_twins else due.rows
        self.held_rows += read - len(rows)
        return rows

    def _out_of_turn(self, portion: Portion[Session]) -> list[Portion[Session]]:
        """Take a portion that is the first one, or for which there is no order."""
        if not self._is_ordered:
            return [portion]
        if self._order is None:
            self._is_timed = portion.timed
            self._order = InOrder(self.walk.window.owned.hi if portion.timed else 0)
            return self._order.put(portion)
        # What began by position goes on by time: there is no order any more.
        return [*self._order.flush(), portion]

    def _numbered(self, portion: Portion[Session]) -> list[Session]:
        # Without order in time twins may lie anywhere in the window: they have to be remembered,
        # also when what began by position goes on by time.
        self._has_positions |= not portion.timed
        return number_twins(portion.rows, self._twins if self._has_positions else None)
