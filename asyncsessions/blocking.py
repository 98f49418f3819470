"""The same from plain code: no ``await``, also where an event loop is running already.

::

    from asyncsessions import Hum
    from asyncsessions.blocking import Client

    with Client(Hum.from_env(environment="sandbox")) as client:
        for session in client.sessions(start="2026-01-01"):
            print(session.started_at, session.campaign)

The work is done by an event loop in a thread of its own, one hop a page; a notebook, a Spark task
or a Django view can therefore iterate while its own loop runs.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Generator, Iterable, Iterator
from concurrent.futures import CancelledError, Future, wait
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Generic, ParamSpec, Protocol, Self, TypeVar, Unpack

from asyncsessions import client as _client
from asyncsessions.core.events import Observer
from asyncsessions.core.pace import Retry
from asyncsessions.core.parts import PART_ROWS, Part, Parts
from asyncsessions.core.records import Session, SessionDetail
from asyncsessions.core.report import Report
from asyncsessions.engine.batches import FEW_PAGES
from asyncsessions.engine.probe import Estimate
from asyncsessions.engine.proven import WindowTable
from asyncsessions.engine.stream import PageStream
from asyncsessions.providers.base import Provider
from asyncsessions.query import OptionChanges, SessionList
from asyncsessions.query import Sessions as AsyncSessions
from asyncsessions.transport.loop import new_loop

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from asyncsessions.sinks.base import Sink, Store
    from asyncsessions.transport.base import Transport

__all__ = ["BatchStream", "Client", "SessionStream", "Sessions", "WindowStream"]

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class _Running(Generic[T]):
    """A coroutine that runs in a loop of another thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.outcome: Future[T] = Future()
        self.task: asyncio.Task[T] | None = None
        self._loop = loop

    def result(self) -> T:
        """Wait for the end and return what it brings; see :meth:`_Loop.run`."""
        try:
            return self.outcome.result()
        except CancelledError:
            raise _client.closed_error() from None
        except BaseException:
            self.cancel()
            raise

    def cancel(self) -> None:
        """Cancel it, unless it has ended, and wait for its end."""
        if not self.outcome.done():
            self._loop.call_soon_threadsafe(self._cancel)
            with suppress(CancelledError):
                self.outcome.exception()

    def _cancel(self) -> None:
        assert self.task is not None  # it has begun before
        self.task.cancel()


class _Loop:
    """An event loop in a daemon thread."""

    def __init__(self) -> None:
        self._loop = new_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="asyncsessions", daemon=True
        )
        self._thread.start()

    @property
    def is_closed(self) -> bool:
        """Whether nothing can be run any more."""
        return self._loop.is_closed()

    def run(self, work: Coroutine[object, object, T]) -> T:
        """Run a coroutine to its end; an interrupt here (Ctrl-C) cancels it there and awaits that.

        Another interrupt ends the waiting.  Raises :class:`ConfigurationError` if the loop is
        closed, or closes meanwhile.
        """
        return self.start(work).result()

    def start(self, work: Coroutine[object, object, T]) -> _Running[T]:
        """Run a coroutine meanwhile; raises as :meth:`run` does if the loop is closed."""
        if self.is_closed:
            work.close()
            raise _client.closed_error()
        running: _Running[T] = _Running(self._loop)

        def begin() -> None:
            running.task = self._loop.create_task(work)
            running.task.add_done_callback(partial(_settle, running.outcome))

        self._loop.call_soon_threadsafe(begin)
        return running

    def close(self) -> None:
        """End everything that runs, stop the loop and wait for its thread."""
        # In the loop's own thread: the caller's may be running a loop too.
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._loop.shutdown_asyncgens()
        await self._loop.shutdown_default_executor()


def _settle(outcome: Future[T], task: asyncio.Task[T]) -> None:
    """Hand on how a task ended."""
    if task.cancelled():
        outcome.set_exception(CancelledError())
    elif (error := task.exception()) is not None:
        outcome.set_exception(error)
    else:
        outcome.set_result(task.result())


class SessionStream:
    """One run of a query, for plain code: iterate it, or its :meth:`pages`; see ``report``."""

    def __init__(self, loop: _Loop, pages: PageStream) -> None:
        self._loop = loop
        self._pages = pages
        self._rest: Iterator[Session] = iter(())

    def __iter__(self) -> Iterator[Session]:
        while True:
            yield from self._rest
            rows = self._next()
            if rows is None:
                return
            self._rest = iter(rows)

    def pages(self) -> Iterator[list[Session]]:
        """Yield the sessions in lists of about a page each, none of them empty."""
        if rest := list(self._rest):
            yield rest
        while (rows := self._next()) is not None:
            yield rows

    def _next(self) -> list[Session] | None:
        return self._loop.run(self._advance())

    async def _advance(self) -> list[Session] | None:
        return await anext(self._pages, None)

    @property
    def report(self) -> Report:
        """What has been done so far."""
        return self._pages.report

    def close(self) -> None:
        """Stop: no request is under way any more when this returns."""
        if not self._loop.is_closed:
            self._loop.run(self._pages.aclose())


class _Stream(Protocol[T_co]):
    @property
    def schema(self) -> pa.Schema: ...
    @property
    def report(self) -> Report: ...
    async def __anext__(self) -> T_co: ...
    async def aclose(self) -> None: ...


class _Tables(Generic[T]):
    """A stream of tables of one pull, for plain code; ``report`` says what has been done."""

    def __init__(self, loop: _Loop, stream: _Stream[T]) -> None:
        self._loop = loop
        self._stream = stream
        self._ahead: _Running[list[T]] | None = None
        self.schema: pa.Schema = stream.schema
        """That of every table, also where there is none."""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        running, self._ahead = self._ahead or self._loop.start(self._next()), None
        if not (found := running.result()):
            raise StopIteration
        return found[0]

    def is_ready(self, within_s: float = 0.0) -> bool:
        """Whether the next table, the end or an error has come, so that ``next`` need not wait.

        Waits for it for so many seconds at most, and goes on reading meanwhile and afterwards: for
        callers that have other things to look after.
        """
        self._ahead = self._ahead or self._loop.start(self._next())
        wait([self._ahead.outcome], within_s)
        return self._ahead.outcome.done()

    async def _next(self) -> list[T]:
        try:
            return [await self._stream.__anext__()]
        except StopAsyncIteration:
            return []

    @property
    def report(self) -> Report:
        """What has been done so far."""
        return self._stream.report

    def close(self) -> None:
        """Stop: no request is under way any more when this returns."""
        ahead, self._ahead = self._ahead, None
        if not self._loop.is_closed:
            if ahead is not None:
                ahead.cancel()
            self._loop.run(self._stream.aclose())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class BatchStream(_Tables["pa.RecordBatch"]):
    """Arrow record batches of one pull, for plain code; see :class:`asyncsessions.BatchStream`.

    Iterate it once, with ``with`` around it or :meth:`close` behind where the iteration may end
    early; ``report`` says at any time what has been done.
    """


class WindowStream(_Tables[WindowTable]):
    """Proven windows of one pull, for plain code; see :class:`asyncsessions.WindowStream`.

    To be iterated like :class:`BatchStream`.
    """


class Sessions:
    """The sessions that a query asks for; the blocking face of :class:`asyncsessions.Sessions`."""

    def __init__(self, loop: _Loop, sessions: AsyncSessions) -> None:
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


class Client(Generic[P]):
    """A vendor's API for plain code; arguments as of :class:`asyncsessions.Client`.

    Your own ``http`` session cannot be given here: it belongs to another event loop.  Observers and
    callbacks are called in the thread of that loop.
    """

    def __init__(
        self,
        provider: Provider[P],
        *,
        concurrency: int = 8,
        requests_per_second: float | None = None,
        timeout_s: float = 30.0,
        retry: Retry | None = None,
        transport: Transport | None = None,
        observers: Iterable[Observer] = (),
    ) -> None:
        self._client = _client.Client(
            provider,
            concurrency=concurrency,
            requests_per_second=requests_per_second,
            timeout_s=timeout_s,
            retry=retry,
            transport=transport,
            observers=observers,
        )
        self._running: _Loop | None = None
        self._is_closed = False

    def __repr__(self) -> str:
        return f"blocking.{self._client!r}"

    @property
    def _loop(self) -> _Loop:
        if self._is_closed:
            raise _client.closed_error()
        if self._running is None:
            self._running = _Loop()
        return self._running

    def sessions(self, *args: P.args, **kwargs: P.kwargs) -> Sessions:
        """Ask for sessions; nothing is sent before the result is iterated."""
        return Sessions(self._loop, self._client.sessions(*args, **kwargs))

    def session(
        self,
        session_id: str,
        *,
        max_requests: int | None = None,
        deadline_s: float | None = None,
    ) -> SessionDetail:
        """Return one session with its order and every step of its cart (Hum)."""
        work = self._client.session(session_id, max_requests=max_requests, deadline_s=deadline_s)
        return self._loop.run(work)

    def ping(self) -> None:
        """Check that the vendor can be reached and accepts the credentials (Hum)."""
        self._loop.run(self._client.ping())

    def close(self) -> None:
        """Stop every run, close the connections and end the thread."""
        self._is_closed = True
        running, self._running = self._running, None
        if running is not None:
            running.run(self._client.aclose())
            running.close()

    def __enter__(self) -> Client[P]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
