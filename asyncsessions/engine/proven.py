"""Whole windows as Arrow tables, each handed over once it is proven.

For a target that replaces by time, like a table of a warehouse: what it is given of a stretch of time
is all that the vendor has there, so that rows which changed, moved or vanished are right once the
stretch is replaced.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from attrs import define, field, frozen

from asyncsessions.core.columns import arrow_schema, import_arrow, to_batch
from asyncsessions.core.plan import PullPlan
from asyncsessions.core.windows import to_datetime
from asyncsessions.engine.batches import WHOLE_TABLE
from asyncsessions.engine.run import Run
from asyncsessions.engine.stream import PageStream

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["WindowStream", "WindowTable"]


@frozen
class WindowTable:
    """All sessions of a stretch of time: ``start`` belongs to it, ``end`` does not any more."""

    start: datetime
    end: datetime
    table: pa.Table = field(repr=False)


@define
class _Part:
    """What has come of a window; as columns they take a third of the memory that rows take."""

    rows: list[Any] = field(factory=list[Any])
    batches: list[Any] = field(factory=list[Any])


class WindowStream(Run):
    """Delivers the windows of one pull that are proven complete, as tables of the same ``schema``.

    Newest first; one without sessions is an empty table.  What is not proven is not delivered, and
    iterating ends with :class:`IncompleteError` after the others.  Iterate it once, with ``async
    with`` around it or :meth:`aclose` behind where the iteration may end early.  Needs the extra
    ``arrow``.
    """

    def __init__(self, pages: PageStream) -> None:
        super().__init__(pages)
        self.schema: pa.Schema = arrow_schema()
        """That of every table, also where there is none."""
        self._plan: PullPlan | None = None
        self._parts: dict[int, _Part] = {}

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> WindowTable:
        """Return the next window; raises what iterating sessions raises, and :class:`SinkError`."""
        if self._plan is None:
            self._plan = self._pages.plan()
        while True:
            batch = await self._pages.next_batch(as_sent=True)
            part = self._parts.setdefault(batch.window, _Part())
            part.rows += batch.rows
            if part.rows and (batch.is_last or len(part.rows) >= WHOLE_TABLE):
                await self._to_columns(part)
            if batch.is_last:
                del self._parts[batch.window]
                if self._pages.is_window_complete(batch.window):
                    return self._table(self._plan, batch.window, part)

    async def _to_columns(self, part: _Part) -> None:
        rows, part.rows = part.rows, []
        try:
            part.batches.append(to_batch(self._pages.sent(rows)))
        except BaseException:
            await self.aclose()
            raise

    def _table(self, plan: PullPlan, window: int, part: _Part) -> WindowTable:
        owned = plan.windows[window].owned
        table: pa.Table = import_arrow().Table.from_batches(part.batches, schema=self.schema)
        return WindowTable(to_datetime(owned.lo), to_datetime(owned.hi), table)
