"""A question to a vendor, for plain code."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from asyncsessions import query
from asyncsessions.blocking.streams import BatchStream, SessionStream, WindowStream
from asyncsessions.blocking.thread import LoopThread
from asyncsessions.core.parts import PART_ROWS, Part, Parts
from asyncsessions.core.records import Session
from asyncsessions.core.report import Report
from asyncsessions.engine.batches import FEW_PAGES
from asyncsessions.engine.probe import Estimate
from asyncsessions.query import OptionChanges, SessionList

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from asyncsessions.sinks.base import Sink, Store

__all__ = ["Sessions"]


class Sessions:
    """The sessions that a query asks for; the blocking face of :class:`asyncsessions.Sessions`."""

    def __init__(self, loop: LoopThread, sessions: query.Sessions) -> None:
        self._loop = loop
        self._sessions = sessions

    def with_options(self, **changes: Unpack[OptionChanges]) -> Sessions:
        """Return the same question with other options."""
        return Sessions(self._loop, self._sessions.with_options(**changes))

    @contextmanager
    def stream(self) -> Generator[SessionStream, None, None]:
        """Open a run, to iterate it and to read its report; closed at the end of the block."""
        stream = SessionStream(self._loop, self._sessions.pages())
        try:
            yield stream
        finally:
            stream.close()

    def __iter__(self) -> Iterator[Session]:
        with self.stream() as stream:
            yield from stream

    def pages(self) -> Iterator[list[Session]]:
        """Yield the sessions in lists of about a page each, none of them empty."""
        with self.stream() as stream:
            yield from stream.pages()

    def collect(self) -> SessionList:
        """Return all sessions at once, with the report."""
        return self._loop.run(self._sessions.collect())

    def batches(self, rows: int = FEW_PAGES, *, part: Part | None = None) -> BatchStream:
        """Return a new run that yields Arrow record batches, of ``rows`` rows or a few more.

        ``part`` is one of :meth:`parts`, and all that is read; ``None`` = the whole.
        """
        return BatchStream(self._loop, self._sessions.batches(rows, part=part))

    def parts(self, rows: int = PART_ROWS, *, most: int | None = None) -> Parts:
        """Cut the range into at most ``most`` parts of about ``rows`` rows, to be read elsewhere."""
        return self._loop.run(self._sessions.parts(rows, most=most))

    def windows(self, days: int = 30) -> WindowStream:
        """Return a new run that yields an Arrow table for each window, once it is proven."""
        return WindowStream(self._loop, self._sessions.windows(days))

    def to_arrow(self) -> pa.Table:
        """Return all sessions as an Arrow table, with the report as JSON in its metadata."""
        return self._loop.run(self._sessions.to_arrow())

    def to_polars(self) -> pl.DataFrame:
        """Return all sessions as a frame of polars."""
        return self._loop.run(self._sessions.to_polars())

    def to_pandas(self) -> pd.DataFrame:
        """Return all sessions as a frame of pandas, with the report in its ``attrs``."""
        return self._loop.run(self._sessions.to_pandas())

    def first(self, n: int = 1) -> SessionList:
        """Return the first ``n`` sessions, newest first."""
        return self._loop.run(self._sessions.first(n))

    def count(self) -> int:
        """Return how many sessions the vendor says there are."""
        return self._loop.run(self._sessions.count())

    def estimate(self, to: str | Path | Store | None = None) -> Estimate:
        """Return what a pull will take; with ``to`` the answers are kept for it."""
        return self._loop.run(self._sessions.estimate(to))

    def pull(
        self, to: str | Path | Sink | Store, *, fresh: bool = False, tenant: str | None = None
    ) -> Report:
        """Write all sessions to a target, or go on with that, and return the report."""
        return self._loop.run(self._sessions.pull(to, fresh=fresh, tenant=tenant))

    def sync(
        self,
        to: str | Path | Store,
        *,
        lookback: timedelta | None = None,
        revisit: float = 0.0,
        tenant: str | None = None,
    ) -> Report:
        """Bring a target up to now: new rows, rows that changed, rows that vanished."""
        work = self._sessions.sync(to, lookback=lookback, revisit=revisit, tenant=tenant)
        return self._loop.run(work)
