"""A question to a vendor: immutable, reusable, and silent until it is iterated."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import timedelta
from functools import partial
from math import inf
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypedDict, Unpack

from attrs import evolve, field, frozen

from asyncsessions.core.books import Kind
from asyncsessions.core.events import AttemptEnded, Operation, PageReceived
from asyncsessions.core.frames import (
    import_pandas,
    import_polars,
    pandas_of,
    polars_of,
    table_of,
)
from asyncsessions.core.meter import Meter
from asyncsessions.core.options import OnIncomplete, Options
from asyncsessions.core.parts import PART_ROWS, Part, Parts
from asyncsessions.core.plan import PullPlan
from asyncsessions.core.records import Session
from asyncsessions.core.report import Report
from asyncsessions.core.tenants import checked_name
from asyncsessions.core.walk import Consistency
from asyncsessions.engine.batches import FEW_PAGES, WHOLE_TABLE, BatchStream
from asyncsessions.engine.drain import drain
from asyncsessions.engine.estimating import estimate_into
from asyncsessions.engine.go import Choose
from asyncsessions.engine.items import SessionStream, iterate
from asyncsessions.engine.logs import warn_of_surprises
from asyncsessions.engine.merge import MergedStream, OnSourceError
from asyncsessions.engine.pages import Source
from asyncsessions.engine.parts import make_parts
from asyncsessions.engine.planning import (
    Planning,
    day_windows,
    make_plan,
    plan_of,
    to_sync,
    whole_range,
)
from asyncsessions.engine.probe import Estimate, probe
from asyncsessions.engine.proven import WindowStream
from asyncsessions.engine.pull import pull_into
from asyncsessions.engine.stream import PageStream, wall_clock
from asyncsessions.engine.watching import watched
from asyncsessions.errors import ConfigurationError
from asyncsessions.providers.base import Query
from asyncsessions.sinks.base import Sink, Store

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from asyncsessions.client import Client

__all__ = ["OptionChanges", "SessionList", "Sessions", "merge"]


class OptionChanges(TypedDict, total=False):
    """The keywords of :meth:`Sessions.with_options`; see :class:`Options` for what they mean."""

    ordered: bool
    consistency: Consistency
    on_incomplete: OnIncomplete
    max_requests: int | None
    deadline_s: float | None
    limit: int | None
    raw: bool
    on_progress: Callable[[Report], None] | None
    on_page: Callable[[PageReceived], None] | None
    on_attempt: Callable[[AttemptEnded], None] | None


class _How(TypedDict):
    """What every way of filling a store is told."""

    source: Source
    options: Options
    plan: PullPlan
    concurrency: int


class SessionList(list[Session]):
    """A list of sessions with the report of the pull that brought them."""

    report: Report

    def __init__(self, sessions: Iterable[Session], report: Report) -> None:
        super().__init__(sessions)
        self.report = report


@frozen(eq=False)
class Sessions:
    """The sessions that a query asks for.

    Iterate it (``async for session in sessions``), open it (``async with sessions as stream``),
    or await one of the methods.  Each of these is a run of its own with its own report; any
    number may go on at the same time.
    """

    client: Client[...] = field(repr=False)
    query: Query
    options: Options = field(factory=Options)
    _entered: list[tuple[object, SessionStream]] = field(
        factory=list[tuple[object, SessionStream]], init=False, repr=False, eq=False
    )

    def with_options(self, **changes: Unpack[OptionChanges]) -> Sessions:
        """Return the same question with other options; see :class:`Options`.

        Raises ``TypeError`` for an option that does not exist and :class:`ConfigurationError` for
        a value that cannot be.
        """
        return evolve(self, options=evolve(self.options, **changes))

    def stream(self) -> SessionStream:
        """Return a new run; nothing is sent until it is iterated.  Close it when done."""
        return SessionStream(self._run())

    def __aiter__(self) -> AsyncIterator[Session]:
        return iterate(self._run())

    def pages(self) -> PageStream:
        """Return a new run that yields lists of sessions, about a page each, none empty."""
        return self._run()

    async def __aenter__(self) -> SessionStream:
        stream = self.stream()
        self._entered.append((asyncio.current_task(), stream))
        return stream

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Several tasks may be inside at once; a fixture may leave in another task than it entered.
        task = asyncio.current_task()
        mine = [entry for entry in self._entered if entry[0] is task] or self._entered
        entry = mine[-1]
        self._entered.remove(entry)
        await entry[1].aclose()

    async def collect(self) -> SessionList:
        """Return all sessions at once, with the report.

        Raises what iterating raises; the error's ``report`` says how far it got.
        """
        run = self._run()
        sessions: list[Session] = []
        try:
            async for rows in run:
                sessions += rows
        finally:
            await run.aclose()
        return SessionList(sessions, run.report)

    def batches(self, rows: int = FEW_PAGES, *, part: Part | None = None) -> BatchStream:
        """Return a new run that yields Arrow record batches, of ``rows`` rows or a few more.

        ``part`` is one of :meth:`parts`, and all that is read; ``None`` = the whole.  See
        :class:`BatchStream`; nothing is sent until it is iterated.  Raises
        :class:`ConfigurationError` without the extra ``arrow``, and for ``rows`` that cannot be.
        """
        return BatchStream(self._run(part), rows)

    async def parts(self, rows: int = PART_ROWS, *, most: int | None = None) -> Parts:
        """Cut the range into parts of about ``rows`` rows, at most ``most`` (``None`` = any).

        Costs one request a window, and those who read the parts with :meth:`batches`, anywhere,
        do not pay for them again.  All parts see the same end.  Raises :class:`ConfigurationError`
        for numbers that cannot be.
        """
        for name, value in (("rows", rows), ("most", 1 if most is None else most)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigurationError(f"{name} must be a whole number of at least 1")
        source = self._source("estimate")
        work = make_parts(source, rows=rows, most=most, concurrency=self.client.concurrency)
        return await watched(source.meter.watch, work)

    def windows(self, days: int = 30) -> WindowStream:
        """Return a new run that yields an Arrow table for each window, once it is proven.

        Windows meet at midnight UTC and are ``days`` long, or as long as the vendor allows; at the
        two ends of the range they may be shorter.  Each costs a request at least, and is in memory
        while it is read.  See :class:`WindowStream`; nothing is sent until it is iterated.  Raises
        :class:`ConfigurationError` without the extra ``arrow``, for ``days`` that cannot be and
        with a ``limit``.
        """
        if self.options.limit is not None:
            raise ConfigurationError("limit is for a look: windows() gives whole windows")
        cut = day_windows(self.client.provider, days)
        return WindowStream(self._run(planning=partial(make_plan, cut=cut)))

    async def to_arrow(self) -> pa.Table:
        """Return all sessions as an Arrow table, with the report as JSON in its metadata.

        Raises as :meth:`collect` does, and :class:`ConfigurationError` without the extra ``arrow``.
        """
        async with self.batches(WHOLE_TABLE) as stream:
            batches = [batch async for batch in stream]
        return table_of(batches, stream.report)

    async def to_polars(self) -> pl.DataFrame:
        """Return all sessions as a frame of polars; raises as :meth:`to_arrow` does.

        Needs the extra ``polars``.
        """
        import_polars()  # before anything is paid for
        return polars_of(await self.to_arrow())

    async def to_pandas(self) -> pd.DataFrame:
        """Return all sessions as a frame of pandas, with the report as plain data in its ``attrs``.

        Raises as :meth:`to_arrow` does.  Needs the extra ``pandas``.
        """
        import_pandas()
        return pandas_of(await self.to_arrow())

    async def first(self, n: int = 1) -> SessionList:
        """Return the first ``n`` sessions, newest first, with as few requests as that takes.

        Raises :class:`ConfigurationError` unless ``n`` is a whole number of at least 0.
        """
        if not isinstance(n, int):
            raise ConfigurationError("first() needs a number; collect() returns all sessions")
        limit = self.options.limit
        bounded = self.with_options(limit=n)
        return await (bounded if limit is None or n <= limit else self).collect()

    async def count(self) -> int:
        """Return how many sessions the vendor says there are: one request a window.

        Exact for bounds of whole seconds; at finer ones the rest of the second counts as well.
        """
        source = self._source("count")
        work = probe(source, concurrency=self.client.concurrency)
        return (await watched(source.meter.watch, work)).rows

    async def estimate(self, to: str | Path | Store | None = None) -> Estimate:
        """Return what a pull will take; costs one request a window.

        With ``to`` the answers are kept beside that target, and the pull into it does not ask for
        them again; ``requests`` are then those that are still to come.  Raises
        :class:`ConfigurationError` for a target that keeps nothing.
        """
        if to is None:
            source, limit = self._source("estimate"), self.options.limit
            work = probe(source, concurrency=self.client.concurrency, limit=limit)
            return await watched(source.meter.watch, work)
        store = self._target(to, fresh=False)
        if not isinstance(store, Store):
            raise ConfigurationError("estimate() needs a target that keeps what was asked, a file")
        how = self._how("pull", "estimate")
        choose = whole_range(self.client.provider)
        return await watched(how["source"].meter.watch, estimate_into(store, choose=choose, **how))

    async def pull(
        self, to: str | Path | Sink | Store, *, fresh: bool = False, tenant: str | None = None
    ) -> Report:
        """Write all sessions to a target and return the report.

        ``to`` is a path: ``.duckdb``, ``.parquet``, ``.jsonl``, ``.csv``, or a directory (with a
        ``/`` at the end) for a Parquet dataset; ``"-"`` for JSON lines on standard output; or a
        :class:`Store` or :class:`Sink` of your own.  A path that an earlier pull of the same
        question was writing is gone on with, whatever stopped it; one that is complete costs no
        request.  ``fresh`` starts over where the target holds something already.  ``tenant`` is
        whose sessions these are, in a DuckDB file or a dataset that holds those of several; see
        :func:`asyncsessions.tenants.pull_tenants` for all of them at once.  Raises
        :class:`SinkError`, and what iterating raises.
        """
        target = self._target(to, fresh=fresh)
        if isinstance(target, Store):
            choose = whole_range(self.client.provider)
            return await self._fill(target, choose, self._how("pull", tenant=tenant))
        if tenant is not None:
            raise ConfigurationError("tenant needs a .duckdb file or a dataset")
        run = self._run()
        return await watched(run.watch, drain(run, target))

    async def sync(
        self,
        to: str | Path | Store,
        *,
        lookback: timedelta | None = None,
        revisit: float = 0.0,
        tenant: str | None = None,
    ) -> Report:
        """Bring a target up to now: new rows, rows that changed, rows that vanished.

        Reads what was never read of the range of this question, and again what is younger than
        ``lookback`` (``None`` = the vendor's, see :attr:`Provider.lookback`).  With ``revisit`` a
        stretch that was so old when it was read last is read again after ``revisit`` times that
        age, instead of each time.  ``to`` is a DuckDB file or a Parquet dataset, where what was
        found different is written down as changes.  ``tenant`` as of :meth:`pull`.  Raises
        :class:`SinkError`, and what iterating raises; :class:`ConfigurationError` for an end, which is always now.
        """
        if self.query.end is not None:
            raise ConfigurationError("sync() reads up to now: leave the end out")
        if not 0 <= revisit < inf:
            raise ConfigurationError("revisit must be a number of at least 0")
        if lookback is not None and lookback < timedelta(0):
            raise ConfigurationError("lookback must be a timedelta of at least 0")
        store = self._target(to, fresh=False)
        if not isinstance(store, Store):
            raise ConfigurationError("sync() needs a .duckdb file or a dataset")
        provider = self.client.provider
        back = provider.lookback if lookback is None else lookback
        choose = to_sync(provider, lookback=back, revisit=revisit)
        return await self._fill(store, choose, self._how("sync", tenant=tenant))

    @staticmethod
    async def _fill(store: Store, choose: Choose, how: _How) -> Report:
        report = await watched(how["source"].meter.watch, pull_into(store, choose=choose, **how))
        warn_of_surprises(report)
        return report

    def _target(self, to: str | Path | Sink | Store, *, fresh: bool) -> Sink | Store:
        from asyncsessions.sinks import open_target

        if not isinstance(to, str | Path | Sink | Store):
            raise ConfigurationError("there must be a path, '-' or a sink to write to")
        return open_target(to, fresh=fresh) if isinstance(to, str | Path) else to

    def _how(
        self, kind: Kind, operation: Operation | None = None, *, tenant: str | None = None
    ) -> _How:
        if self.options.limit is not None:
            raise ConfigurationError(
                "limit is for a look: a target that keeps books takes all of a range, or nothing"
            )
        return _How(
            source=self._source(operation or kind),
            options=self.options,
            plan=make_plan(
                self.client.provider,
                self.query,
                now=wall_clock(),
                kind=kind,
                tenant=None if tenant is None else checked_name(tenant),
            ),
            concurrency=self.client.concurrency,
        )

    def _source(self, operation: Operation, part: Part | None = None) -> Source:
        client, options = self.client, self.options
        told = {} if part is None else part.told(wall_clock())
        meter = Meter(
            max_requests=options.max_requests,
            deadline_s=options.deadline_s,
            watch=client.watch(operation, options),
        )
        return Source(client.provider, self.query, client.fetch, meter, options.raw, told=told)

    def _run(self, part: Part | None = None, planning: Planning = make_plan) -> PageStream:
        if part is not None:
            planning = partial(plan_of, windows=part.windows)
        concurrency, source = self.client.concurrency, self._source("pull", part)
        run = PageStream(source, self.options, concurrency=concurrency, planning=planning)
        self.client.adopt(run)
        return run


def merge(*queries: Sessions, on_source_error: OnSourceError = "raise") -> MergedStream:
    """Merge the sessions of several queries into one stream, newest first.

    ``on_source_error``: a source that fails ends the whole (``"raise"``) or is left out from
    there on (``"skip"``; see :attr:`MergedStream.errors`).
    """
    if on_source_error not in {"raise", "skip"}:
        raise ConfigurationError("on_source_error must be 'raise' or 'skip'")
    return MergedStream([query.stream() for query in queries], on_source_error)
