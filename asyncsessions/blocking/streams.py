"""Runs of a query for plain code: sessions, record batches, proven windows."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import wait
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeVar

from asyncsessions.blocking.thread import LoopThread, Running
from asyncsessions.core.records import Session
from asyncsessions.core.report import Report
from asyncsessions.engine.proven import WindowTable
from asyncsessions.engine.stream import PageStream

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["BatchStream", "SessionStream", "WindowStream"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class SessionStream:
    """One run of a query, for plain code: iterate it, or its :meth:`pages`; see ``report``."""

    def __init__(self, loop: LoopThread, pages: PageStream) -> None:
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

    def __init__(self, loop: LoopThread, stream: _Stream[T]) -> None:
        self._loop = loop
        self._stream = stream
        self._ahead: Running[list[T]] | None = None
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
