"""An estimate whose answers are kept: the pull that follows does not ask for them again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from asyncsessions.core.options import Options
from asyncsessions.core.plan import PullPlan
from asyncsessions.core.windows import Window
from asyncsessions.engine.go import Choose, Go
from asyncsessions.engine.opened import OpenWindow
from asyncsessions.engine.pages import Source
from asyncsessions.engine.persistence import off_loop
from asyncsessions.engine.probe import Estimate
from asyncsessions.engine.pull import leave, open_store
from asyncsessions.engine.stream import wall_clock
from asyncsessions.sinks.base import Standing, Store

__all__ = ["estimate_into"]


class Probing(Go):
    """A go that asks for page 1 of every window, and leaves it at that."""

    def __init__(
        self,
        source: Source,
        options: Options,
        standing: Standing,
        *,
        concurrency: int,
        now: Callable[[], datetime],
    ) -> None:
        super().__init__(
            source, options, standing, concurrency=concurrency, most_open=concurrency, now=now
        )
        self._probed: list[OpenWindow] = []

    def _has_heard(self, window: OpenWindow) -> None:
        self._open.remove(window)
        self._probed.append(window)

    @property
    def _unread(self) -> list[Window]:
        return [*(window.window for window in self._probed), *super()._unread]

    def estimate(self) -> Estimate:
        """Return what is left to be asked, and how many rows there are with those that are stored."""
        size = self._setting.page_size
        totals = [window.lane.walk.tag or 0 for window in self._probed]
        pages = sum(max(1, -(-total // size)) for total in totals)
        report = self.report
        return Estimate(
            requests=max(0, pages - sum(window.pages for window in self._probed)),
            rows=sum(totals) + report.rows_before,
            windows=len(self._probed) + report.windows_read,
            spent=report.requests,
        )


async def estimate_into(
    store: Store,
    source: Source,
    options: Options,
    *,
    plan: PullPlan,
    concurrency: int,
    choose: Choose,
    now: Callable[[], datetime] = wall_clock,
) -> Estimate:
    """Probe every window of a run that is not done, and keep the answers for its pull.

    ``requests`` of the estimate are those that are still to be sent.  Raises what asking raises,
    and :class:`SinkError`.
    """
    standing = await open_store(store, plan)
    go = Probing(source, options, standing, concurrency=concurrency, now=now)
    try:
        if not standing.is_finished:
            go.plan(choose)
            await go.read()
            if go.failure is not None:
                raise go.failure
    except GeneratorExit:  # the loop is gone: nothing can be awaited any more
        raise
    except BaseException as error:
        await leave(store, go, error)
        raise
    await off_loop(store.leave, go.report)
    return go.estimate()
