"""Arrow record batches as a pull goes on: columns made of what was sent, without sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from asyncsessions.core.columns import arrow_schema, to_batch
from asyncsessions.engine.run import Run
from asyncsessions.engine.stream import PageStream
from asyncsessions.errors import ConfigurationError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FEW_PAGES", "WHOLE_TABLE", "BatchStream"]

FEW_PAGES = 500
"""Rows of a batch unless asked otherwise: ten pages, 0.7 ms to make.

A batch costs 0.2 ms however few rows it has: pages of 50 each take 3.5 times as long for a row.
"""
WHOLE_TABLE = 2_500
"""The same where all batches become one table: as many as may hold up the loop, for 3 ms."""


class BatchStream(Run):
    """Delivers the sessions of one pull as Arrow record batches, each of the same ``schema``.

    A batch has at least ``rows`` rows, and less than two pages more; the last one may have fewer.
    Iterate it once, with ``async with`` around it or :meth:`aclose` behind where the iteration may
    end early.  Needs the extra ``arrow``.
    """

    def __init__(self, pages: PageStream, rows: int = FEW_PAGES) -> None:
        if isinstance(rows, bool) or not isinstance(rows, int) or rows < 1:
            raise ConfigurationError("rows must be a whole number of at least 1")
        super().__init__(pages)
        self.schema: pa.Schema = arrow_schema()
        """That of every batch, also where there is none."""
        self._at_least = rows
        self._failure: Exception | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> pa.RecordBatch:
        """Return the next batch, never an empty one.

        Raises what iterating raises, after the rows that came before it, and :class:`SinkError`
        naming the column for a value that its type cannot hold.
        """
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        rows = await self._gather()
        try:
            return to_batch(self._pages.sent(rows))
        except BaseException:
            await self.aclose()
            raise

    async def _gather(self) -> list[Any]:
        """Return the rows of the next batch, as they were sent; keep an error that came after them."""
        rows: list[Any] = []
        try:
            while len(rows) < self._at_least:
                rows += (await self._pages.next_batch(as_sent=True)).rows
        except StopAsyncIteration:
            if not rows:
                raise
        except Exception as error:
            if not rows:
                raise
            self._failure = error
        return rows
