"""Who watches a pull, and how long: from its first request to its end."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from itertools import count
from typing import TypeVar

from asyncsessions.core.events import (
    AttemptEnded,
    Event,
    Observer,
    Operation,
    PageReceived,
)
from asyncsessions.core.options import Options
from asyncsessions.core.report import Report
from asyncsessions.core.watch import Watch
from asyncsessions.engine.logs import is_heard, log_event

__all__ = ["make_watch", "watched"]

E = TypeVar("E", AttemptEnded, PageReceived)
T = TypeVar("T")
pulls = count(1)


def make_watch(
    operation: Operation, provider: str, observers: Iterable[Observer], options: Options
) -> Watch | None:
    """Return what tells the logs, the observers and the callbacks; ``None`` if nobody listens."""
    told: list[Observer] = [log_event] if is_heard() else []
    told += observers
    if options.on_attempt is not None:
        told.append(_only(AttemptEnded, options.on_attempt))
    if options.on_page is not None:
        told.append(_only(PageReceived, options.on_page))
    if not told:
        return None
    return Watch(
        operation=operation,
        provider=provider,
        observers=told,
        count=lambda: next(pulls),
        clock=time.monotonic,
    )


def _only(kind: type[E], callback: Callable[[E], None]) -> Observer:
    def observe(event: Event) -> None:
        if isinstance(event, kind):
            callback(event)

    return observe


async def watched(watch: Watch | None, work: Awaitable[T]) -> T:
    """Await what was called, tell how it ends, and raise what an observer raised."""
    if watch is None:
        return await work
    watch.is_held = True
    watch.begin()
    try:
        outcome = await work
    except BaseException as error:
        watch.end(report=getattr(error, "report", None), error=error)
        if isinstance(error, Exception):
            watch.raise_failure()
        raise
    watch.end(report=outcome if isinstance(outcome, Report) else None)
    watch.raise_failure()
    return outcome
