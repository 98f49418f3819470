"""One go at a run: asks for the windows that are left, writes everything down, and can be stopped.

Every request is entered in the ledger before it is sent, and every answer written to the spool
before anything is made of it.  Whatever ends a go early (an error, a first cancellation) ends the
sending; what is under way was paid for and is awaited.  A second cancellation awaits nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from asyncsessions.core.answer import Ask
from asyncsessions.core.journal import Setting
from asyncsessions.core.options import Options
from asyncsessions.core.report import Report
from asyncsessions.core.slices import Cuts, merged
from asyncsessions.core.tiles import Tiles
from asyncsessions.core.windows import Window
from asyncsessions.engine.breadth import Breadth
from asyncsessions.engine.lane import Lane
from asyncsessions.engine.opened import OpenWindow
from asyncsessions.engine.pages import PageRead, Source
from asyncsessions.engine.progress import Progress
from asyncsessions.engine.tasks import Arrival, Onward, PageTasks
from asyncsessions.errors import BudgetExceededError, SessionsError
from asyncsessions.sinks.base import Standing

__all__ = ["Choose", "Go"]

Choose = Callable[[Standing], Sequence[Window]]
"""Says which windows a run reads, newest first, when it begins."""
STOPPED = "the pull was stopped"


class Go:
    """Reads what is left of a run; subclasses say what becomes of a window.

    ``most_open`` windows are read at a time, and more as long as they are small.  ``now`` reads the
    wall clock.
    """

    def __init__(
        self,
        source: Source,
        options: Options,
        standing: Standing,
        *,
        concurrency: int,
        most_open: int,
        now: Callable[[], datetime],
    ) -> None:
        self.failure: BaseException | None = None
        self._source = source.of_rows()
        self._options = options
        self._standing = standing
        self._journal = standing.journal
        self._concurrency = concurrency
        self._now = now
        provider, meter = source.provider, source.meter
        self._setting = Setting(provider.page_size, options.consistency, options.raw)
        self._progress = Progress(standing, provider.name, meter, page_size=provider.page_size)
        self._tasks = PageTasks[OpenWindow]()
        self._cuts = Cuts(provider.page_size)
        self._agenda: deque[Window] = deque()
        self._open: list[OpenWindow] = []
        self._breadth = Breadth(
            meter, usual=most_open, concurrency=concurrency, page_size=provider.page_size
        )
        meter.before, meter.enter = self._journal.spent, self._journal.spend
        meter.at_rest = self._tasks.wake
        if meter.deadline_s is not None:
            meter.deadline = asyncio.get_running_loop().time() + meter.deadline_s

    @property
    def report(self) -> Report:
        """What has been done so far."""
        return self._progress.report(self._open, self._agenda)

    def plan(self, choose: Choose) -> None:
        """Work out what is left to be read."""
        standing, done = self._standing, Tiles()
        for window in standing.stored:
            if window.run == standing.run.id and window.complete:
                done.claim(window.owned)
        planned = self._journal.planned()
        windows = choose(standing) if planned is None else planned
        self._agenda.extend(window for window in windows if done.gaps(window.owned))
        self._journal.plan(list(self._agenda))

    # ------------------------------------------------------------------ for subclasses

    def _turn(self) -> None:
        """Do what is to be done each time that something has happened."""

    @property
    def _is_idle(self) -> bool:
        """Whether nothing but answers is awaited."""
        return True

    def _has_heard(self, window: OpenWindow) -> None:
        """Take notice of a window that has an answer, of this go or of an earlier one."""

    # ------------------------------------------------------------------ the loop

    async def read(self) -> None:
        """Read until nothing is left, or until what is under way at a failure has come.

        Raises a second cancellation at once.
        """
        while True:
            for step in (self._turn, self._collect, self._top_up, self._turn):
                try:
                    step()
                except Exception as error:  # noqa: BLE001 - what is under way was paid for
                    self.fail(error)
            if self.failure is not None and not self._source.meter.under_way:
                self._tasks.cancel()  # these wait for their turn, or to be repeated
            if not self._tasks.under_way and self._is_idle:
                break
            try:
                # One at a time there are no others that come together.
                await self._tasks.wait(self._go_on if self._concurrency > 1 else None)
            except asyncio.CancelledError as cancelled:
                if isinstance(self.failure, asyncio.CancelledError):
                    raise
                self.fail(cancelled)
        self._progress.end(has_failed=self.failure is not None)

    def fail(self, error: BaseException) -> None:
        """Send nothing any more; the first error is told, but a cancellation before all others."""
        if self.failure is None or isinstance(error, asyncio.CancelledError):
            self.failure = error
            self._source.meter.stopped_by = BudgetExceededError(STOPPED)

    async def aclose(self) -> None:
        """Stop everything that is under way."""
        self._progress.end(has_failed=True)
        await self._tasks.aclose()

    # ------------------------------------------------------------------ sending

    def _top_up(self) -> None:
        """Start as many requests as are allowed."""
        under_way = self._tasks.under_way
        while (following := self._following(len(under_way))) is not None:
            self._tasks.start(self._source, *following)

    def _following(self, under_way: int) -> tuple[OpenWindow, Ask] | None:
        """Return what to send beside so many requests, and its window; ``None`` = nothing now."""
        if self.failure is not None or self._tasks.has_failed or under_way >= self._concurrency:
            return None
        if under_way and not self._progress.has_answers:
            return None  # a wrong key shall cost one request, not as many as are allowed
        window = self._window_to_ask()
        return None if window is None else (window, window.next_ask())

    def _window_to_ask(self) -> OpenWindow | None:
        breadth = self._breadth
        while True:
            lanes = [window.lane for window in self._open]
            readable = self._open[: breadth.readable(lanes)]
            asking = next((window for window in readable if window.has_ask), None)
            if not self._agenda or (asking is not None and not breadth.is_due(lanes)):
                return asking
            if not breadth.may_open(lanes):
                return asking
            breadth.opens(lanes)
            opened = self._open_next()
            if opened.has_ask and not opened.pages:
                return opened
            self._examine(opened)

    def _open_next(self) -> OpenWindow:
        opened = OpenWindow(
            self._agenda[0],
            self._make_lane,
            self._journal,
            self._setting,
            source=self._source,
            concurrency=self._concurrency,
            now=self._now,
        )
        self._agenda.popleft()
        self._open.append(opened)
        return opened

    def _make_lane(self, window: Window, concurrency: int) -> Lane:
        provider = self._source.provider
        return Lane(0, window, provider, self._options, concurrency=concurrency)

    # ------------------------------------------------------------------ receiving

    def _go_on(self, window: OpenWindow, ask: Ask, read: PageRead) -> Onward[OpenWindow] | None:
        """Take a page as soon as it was read, and ask for the next one.

        Not the first of a window and none without rows: these change what else is worth asking.
        """
        if not window.pages or not read.answer.rows:
            return None
        task: Any = asyncio.current_task()
        following = None
        try:
            self._receive(Arrival(window, ask, read))
            if task.cancelling():  # on_progress took this task for its own
                raise asyncio.CancelledError
            following = self._following(len(self._tasks.under_way) - 1)
        except BaseException as error:  # noqa: BLE001 - nobody else would hear of it
            self.fail(error)
        return Onward(following, is_taken=True)

    def _collect(self) -> None:
        """Take every answer that has arrived."""
        arrived = self._tasks.arrived
        while arrived:
            self._receive(arrived.popleft())

    def _receive(self, arrival: Arrival[OpenWindow]) -> None:
        """Take what has arrived; if it cannot be taken, that does not lose the others."""
        window, ask = arrival.window, arrival.ask
        try:
            if arrival.error is not None:
                raise arrival.error
            if arrival.read is not None:
                self._take(window, ask, arrival.read)
            elif self.failure is None:
                window.withdraw(ask)
        except SessionsError as error:
            provider = self._source.provider.name
            self.fail(error.at(provider=provider, page=ask.page, request=""))
        except Exception as error:  # noqa: BLE001 - the caller's own, from on_progress
            self.fail(error)

    def _take(self, window: OpenWindow, ask: Ask, read: PageRead) -> None:
        window.answer(ask, read)
        self._progress.answered()
        if not read.answer.rows:
            for task, (other, asked) in self._tasks.under_way.items():
                if not other.lane.walk.wants(asked):
                    task.cancel()
        self._examine(window)
        if self._options.on_progress is not None:
            self._options.on_progress(self.report)

    def _examine(self, window: OpenWindow) -> None:
        """Cut a window that proves too large to be read as one."""
        walk = window.lane.walk
        if window.pages == 1:
            self._breadth.heard_of(walk)
        if window.pages == 1 and not walk.is_finished and not walk.reasons:
            believed = self._cuts.are_believed
            parts = self._cuts.cut(window.window, walk.tag or 0, window.first_times)
            if len(parts) > 1:
                self._open.remove(window)
                self._agenda.extendleft(reversed(parts))
                self._journal.plan(self._unread)
                return
            if believed and not self._cuts.are_believed:
                self._agenda = deque(merged(self._agenda, self._source.provider.longest_window))
                self._journal.plan(self._unread)
        self._has_heard(window)

    @property
    def _unread(self) -> list[Window]:
        """The windows that are not done, newest first."""
        return [*(window.window for window in self._open), *self._agenda]
