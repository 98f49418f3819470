"""A durable pull: plan, fetch, cover, commit; stopped at any moment, gone on with at any later one.

A run reads its windows from the newest on, two at a time, or more if they are small.  A window that
was read to its end is committed in one step, together with the books, and only then its pages are
forgotten.  So whatever a process that dies leaves is either committed, or told again to a new walk
(:mod:`asyncsessions.core.journal`); only requests that were under way are sent once more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from attrs import evolve

from asyncsessions.core.books import StoredWindow
from asyncsessions.core.options import Options
from asyncsessions.core.plan import PullPlan
from asyncsessions.core.report import Report
from asyncsessions.engine.go import Choose, Go
from asyncsessions.engine.logs import warn_that_incomplete
from asyncsessions.engine.opened import OpenWindow
from asyncsessions.engine.pages import Source
from asyncsessions.engine.persistence import off_loop, settle
from asyncsessions.engine.stream import wall_clock
from asyncsessions.engine.tally import incomplete
from asyncsessions.errors import SessionsError
from asyncsessions.sinks.base import Standing, Store

__all__ = ["leave", "open_store", "pull_into"]

MOST_OPEN = 2
ALREADY = (
    "complete already, so nothing was asked; sync reads what has changed since, "
    "fresh (--fresh) reads all of it again"
)


async def pull_into(
    store: Store,
    source: Source,
    options: Options,
    *,
    plan: PullPlan,
    concurrency: int,
    choose: Choose,
    now: Callable[[], datetime] = wall_clock,
) -> Report:
    """Bring a store up to the plan, or go on with what was begun, and return the report.

    Raises what asking raises, :class:`SinkError`, and :class:`IncompleteError` at the end if not
    everything is proven.  The store's last word is a note on the error and the ``outcome`` of its
    report.
    """
    standing = await open_store(store, plan)
    pull = Pull(store, source, options, standing, concurrency=concurrency, now=now)
    try:
        if standing.is_finished:
            outcome = await off_loop(store.finish, pull.report)
            return evolve(pull.report, outcome=f"{outcome}: {ALREADY}")
        await off_loop(pull.plan, choose)  # which waits for the disk
        await pull.read()
        if pull.failure is not None:
            raise pull.failure
        report = pull.report
        if report.complete or plan.kind == "sync" or plan.is_open:
            # What reaches to now ends in any case, or it would never come to a later now.
            report = evolve(report, outcome=await off_loop(store.finish, report))
        if report.complete:
            return report
        if options.on_incomplete == "raise":
            raise incomplete(report)
    except GeneratorExit:  # the loop is gone: nothing can be awaited any more
        raise
    except BaseException as error:
        await leave(store, pull, error)
        raise
    warn_that_incomplete(incomplete(report), report)
    return evolve(report, outcome=report.outcome or await off_loop(store.leave, report))


class Pull(Go):
    """A go that commits the windows it has read, one at a time, while others are read."""

    def __init__(
        self,
        store: Store,
        source: Source,
        options: Options,
        standing: Standing,
        *,
        concurrency: int,
        now: Callable[[], datetime],
    ) -> None:
        super().__init__(
            source, options, standing, concurrency=concurrency, most_open=MOST_OPEN, now=now
        )
        self._store = store
        self._committing: OpenWindow | None = None
        self._commit: asyncio.Future[StoredWindow] | None = None

    def _turn(self) -> None:
        if self._commit is not None and self._commit.done():
            self._take_commit(self._commit)
        if self._commit is None:
            self._begin_commit()

    @property
    def _is_idle(self) -> bool:
        return self._commit is None

    def _begin_commit(self) -> None:
        window = next((window for window in self._open if window.is_finished), None)
        if window is not None:
            commit = asyncio.to_thread(self._store.commit, window.result())
            self._committing, self._commit = window, asyncio.ensure_future(commit)
            self._commit.add_done_callback(lambda _: self._tasks.wake())

    def _take_commit(self, commit: asyncio.Future[StoredWindow]) -> None:
        window, self._commit = self._committing, None
        assert window is not None
        self._open.remove(window)
        try:
            stored = commit.result()
        except BaseException:
            self._agenda.appendleft(window.window)
            raise
        self._progress.committed(window, stored)
        self._journal.forget(window.window)

    async def aclose(self) -> None:
        """Stop everything; a commit that has begun is awaited, since no step is left in its middle.

        The windows that were not committed are let go of: their pages are in the spool.
        """
        try:
            await super().aclose()
        finally:
            if self._commit is not None:
                await settle(self._commit)
                with suppress(BaseException):  # what ended the pull matters more
                    self._take_commit(self._commit)
            self._agenda.extendleft(window.window for window in reversed(self._open))
            self._open.clear()


async def open_store(store: Store, plan: PullPlan) -> Standing:
    """Open a store in a thread; one that was opened while the caller was cancelled is left again."""
    opening = asyncio.ensure_future(asyncio.to_thread(store.open, plan))
    interruption = await settle(opening)
    if interruption is None:
        return opening.result()
    if opening.exception() is None:
        report = Report(provider=plan.provider)
        leaving = asyncio.ensure_future(asyncio.to_thread(store.leave, report))
        await settle(leaving)
        leaving.exception()  # marks it as retrieved: the cancellation comes first
    raise interruption


async def leave(store: Store, go: Go, error: BaseException) -> None:
    """Close the store after an error, and tell the error what is left.

    Raises ``CancelledError`` at the end if the caller was cancelled meanwhile.
    """
    interruption = await settle(asyncio.ensure_future(go.aclose()))
    leaving = asyncio.ensure_future(asyncio.to_thread(store.leave, go.report))
    interruption = await settle(leaving) or interruption
    # What ended the pull matters more than a store that cannot even be closed.
    failure = leaving.exception()
    left = leaving.result() if failure is None else f"the target could not be closed: {failure}"
    error.add_note(left)
    if isinstance(error, SessionsError):
        error.report = evolve(go.report, outcome=left)
    if interruption is not None:
        raise interruption
