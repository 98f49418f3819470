"""The pull-driven iterator over pages: the engine's heart.

A class and not an async generator, because a generator must not own tasks: a ``break`` would
leave them running, and a failing page would cancel the consumer's own await.  Nothing is sent
unless the consumer pulls: each pull tops up the requests under way and waits for what is due.

What is asked for next is told in :mod:`asyncsessions.engine.asking`.  An error is raised at its own
position, after the rows of all pages before it.
"""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from math import inf
from typing import Any

from attrs import frozen

from asyncsessions.core.answer import Ask
from asyncsessions.core.options import Options
from asyncsessions.core.plan import PullPlan
from asyncsessions.core.records import Session
from asyncsessions.core.report import Report
from asyncsessions.core.watch import Watch
from asyncsessions.engine.asking import Asking
from asyncsessions.engine.lane import Lane
from asyncsessions.engine.logs import warn_of_surprises, warn_that_incomplete
from asyncsessions.engine.outbox import Batch, Outbox
from asyncsessions.engine.pages import PageRead, Source
from asyncsessions.engine.planning import Planning, make_plan
from asyncsessions.engine.tally import Tally, incomplete
from asyncsessions.engine.tasks import Onward, PageTasks
from asyncsessions.errors import ConfigurationError, SessionsError

__all__ = ["PageStream"]


def wall_clock() -> datetime:
    """Return the time of day, aware."""
    return datetime.now(UTC)


@frozen
class Failure:
    """An error, and the request that it answers: of which window, by its index."""

    window: int
    ask: Ask
    error: BaseException

    @property
    def position(self) -> tuple[int, tuple[int, int]]:
        """Where in the pull the answer would have been."""
        return self.window, self.ask.position


class PageStream:
    """Delivers the sessions of one pull page by page, as lists that are never empty.

    Iterate it once.  It cleans up after itself when it ends, fails or is cancelled; a consumer
    that stops early calls :meth:`aclose`, or leaves it to the garbage collector.  ``windows`` are
    read instead of those that the query makes now.
    """

    def __init__(
        self,
        source: Source,
        options: Options,
        *,
        concurrency: int,
        planning: Planning = make_plan,
        now: Callable[[], datetime] = wall_clock,
    ) -> None:
        self._source = source.of_rows()
        self.watch = source.meter.watch
        """Tells the observers; ``None`` if nobody watches."""
        self._options = options
        self._planning = planning
        self._now = now
        self._tasks = PageTasks[Lane]()
        self._tally = Tally(source.provider.name, source.meter, now)
        self._outbox = Outbox(ordered=options.ordered, page_size=source.provider.page_size)
        self._asking = Asking(
            source.provider,
            options,
            self._outbox,
            self._tally,
            source.meter,
            concurrency=concurrency,
        )
        self._most = inf if options.limit is None else options.limit
        self._failure: Failure | None = None
        self._error: BaseException | None = None
        self._has_ended = False
        self._is_closed = False
        self._is_pulling = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._finalizer: weakref.finalize[..., PageStream] | None = None
        self._began_at = self._ended_at = 0.0

    def __aiter__(self) -> PageStream:
        return self

    async def __anext__(self) -> list[Session]:
        """Return the next page of sessions.

        Raises :class:`IncompleteError` after the last one if something could not be proven, and
        any other :class:`SessionsError` after the rows that came before it.
        """
        while not (rows := (await self.next_batch()).rows):
            pass
        return rows

    async def next_batch(self, *, as_sent: bool = False) -> Batch:
        """Return the next rows with the window they belong to; raises as iterating does.

        The last batch of a window may hold no rows.  Without ``ordered`` windows take turns.
        ``as_sent`` leaves rows as the vendor's own, where it has any: they are for :meth:`sent`.
        """
        if self._is_pulling:
            raise RuntimeError("two tasks pull from one stream: give each its own")
        self._is_pulling = True
        try:
            while not self._has_batch():
                # Whoever is told of each answer can end the pull with it.
                is_quiet = self._options.on_progress is None
                await self._tasks.wait(self._go_on if is_quiet else None)
            return self._hand_over(as_sent=as_sent)
        except BaseException as error:
            self._error = self._error or error
            await self.aclose()
            raise
        finally:
            self._is_pulling = False

    def sent(self, rows: Sequence[Any]) -> Sequence[Session]:
        """Return rows of batches ``as_sent`` as sessions, which are made when somebody looks."""
        return self._source.sent(rows)

    async def aclose(self) -> None:
        """Stop: no request is under way any more when this returns.  May be called again."""
        if not self._is_closed:
            self._is_closed = self._asking.has_ended = True
            self._ended_at = self._clock()
        try:
            await self._tasks.aclose()
        finally:
            if self._finalizer is not None:
                self._finalizer.detach()  # it would keep callbacks alive, and what they refer to
            if self.watch is not None and not self.watch.is_held:
                self.watch.end(report=self.report, error=self._error)

    @property
    def report(self) -> Report:
        """What has been done so far."""
        ended_at = self._ended_at or self._clock()
        return self._tally.report(elapsed_s=ended_at - self._began_at)

    # ------------------------------------------------------------------ pulling

    def _has_batch(self) -> bool:
        """Take what has arrived and send what is due; say whether anything is ready.

        If not, there is something to wait for, or the iteration ends here.
        """
        if self._has_ended:
            raise StopAsyncIteration
        if self._tally.pinned is None:
            self.plan()
        while self._tally.rows < self._most:
            if self._is_closed:
                raise ConfigurationError("the stream was closed before its end: start a new one")
            self._collect()
            if self.watch is not None:
                self.watch.raise_failure()
            self._top_up()
            if self._outbox.ready:
                return True
            if self._tasks.under_way:
                return False
            if self._outbox.lanes:
                self._give_up()
            else:
                self._end()
        self._has_ended = True
        raise StopAsyncIteration

    def plan(self) -> PullPlan:
        """Pin the range and return what will be pulled; sends nothing.

        Raises :class:`InvalidQueryError` for a range that makes no sense now.
        """
        meter = self._source.meter
        self._loop = asyncio.get_running_loop()
        self._began_at = self._clock()
        if meter.deadline_s is not None:
            meter.deadline = self._began_at + meter.deadline_s
        source = self._source
        plan = self._planning(source.provider, source.query, now=self._now())
        self._tally.pinned, self._tally.windows = plan.pinned, list(plan.windows)
        self._asking.windows = deque(plan.windows)
        if self.watch is not None:
            self.watch.begin()
        self._finalizer = weakref.finalize(self, _abandon, self._loop, self._tasks, self.watch)
        self._finalizer.atexit = False
        return plan

    def is_window_complete(self, index: int) -> bool:
        """Whether a window was read to its end and every instant of it is proven."""
        lanes = self._tally.lanes
        return index < len(lanes) and lanes[index].walk.is_complete

    def _hand_over(self, *, as_sent: bool) -> Batch:
        tally = self._tally
        batch = self._outbox.take(self._most - tally.rows)
        tally.rows += len(batch.rows)
        tally.is_limited = tally.rows >= self._most
        if as_sent:
            return batch
        return Batch(batch.window, self._source.sessions(batch.rows), batch.is_last)

    def _end(self) -> None:
        """End the iteration: silently, with the failure, or because something is unproven."""
        self._has_ended = True
        if self._failure is not None:
            error = self._failure.error
            if isinstance(error, SessionsError):
                error.report = self.report
            raise error
        report = self.report
        warn_of_surprises(report)
        if not report.complete:
            error = incomplete(report)
            if self._options.on_incomplete == "raise":
                raise error
            warn_that_incomplete(error, report)
        raise StopAsyncIteration

    # ------------------------------------------------------------------ sending

    def _top_up(self) -> None:
        """Start as many requests as are allowed and worth it."""
        tasks, asking = self._tasks, self._asking
        while not tasks.has_failed and (asked := asking.next_ask(len(tasks.under_way))) is not None:
            tasks.start(self._source, *asked)

    def _go_on(self, lane: Lane, ask: Ask, read: PageRead) -> Onward[Lane] | None:
        """Ask for the next page before this one is taken, if it can wait."""
        if not lane.walk.lay_aside(ask, read.answer):
            return None
        under_way, arrived = len(self._tasks.under_way) - 1, len(self._tasks.arrived) + 1
        return Onward(self._asking.next_ask(under_way, arrived=arrived))

    # ------------------------------------------------------------------ receiving

    def _collect(self) -> None:
        """Take every answer that has arrived."""
        arrived = self._tasks.arrived
        while arrived:
            arrival = arrived.popleft()
            lane, ask = arrival.window, arrival.ask
            if arrival.read is not None:
                self._take(lane, ask, arrival.read)
            elif arrival.error is not None:
                self._fail(lane, ask, arrival.error)
            elif self._failure is None:
                self._outbox.put(lane, lane.withdraw(ask))

    def _take(self, lane: Lane, ask: Ask, read: PageRead) -> None:
        self._tally.answered(read.answer)
        try:
            if lane.walk.tag is None:  # its first answer
                self._tally.unknown_fields.update(self._source.unknown_fields(read))
            rows = lane.answer(ask, read.answer)
        except Exception as error:  # noqa: BLE001 - a provider's mistake has its place as well
            if isinstance(error, SessionsError):
                error.at(provider=self._source.provider.name, page=ask.page, request="")
            self._fail(lane, ask, error)
            return
        self._outbox.put(lane, rows)
        if not read.answer.rows:
            self._cancel(lambda other, asked: not other.walk.wants(asked))
        if self._options.on_progress is not None:
            self._options.on_progress(self.report)

    # ------------------------------------------------------------------ failing

    def _fail(self, lane: Lane, ask: Ask, error: BaseException) -> None:
        """Note the failure that comes first, and stop what would come after it."""
        self._asking.has_ended = True
        failure = Failure(lane.index, ask, error)
        if self._failure is None or failure.position < self._failure.position:
            self._failure = failure
        first = self._failure.position
        if self._options.ordered:
            self._cancel(lambda other, asked: (other.index, asked.position) > first)

    def _cancel(self, is_needless: Callable[[Lane, Ask], bool]) -> None:
        for task, (lane, ask) in self._tasks.under_way.items():
            if is_needless(lane, ask):
                task.cancel()

    def _give_up(self) -> None:
        """With nothing under way, release rows that wait for pages that will not come."""
        failure = self._failure
        self._tally.has_failed = failure is not None
        is_cut = failure is not None and self._options.ordered
        self._outbox.give_up(before=(failure.window, failure.ask) if failure and is_cut else None)

    def _clock(self) -> float:
        """Return the loop's time in seconds, from any thread; 0 before the pull begins."""
        return 0.0 if self._loop is None else self._loop.time()


def _abandon(loop: asyncio.AbstractEventLoop, tasks: PageTasks[Lane], watch: Watch | None) -> None:
    """Stop the requests of a stream that was dropped without being closed."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(tasks.abandon)
    if watch is not None and not watch.is_held:
        watch.end()
