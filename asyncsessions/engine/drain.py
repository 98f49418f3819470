"""A pull into a sink: rows as they come, one commit a window.

Every step of the sink runs in a thread, so that a slow disk does not hold up the requests under
way, and runs to its end even if the pull is cancelled meanwhile, any number of times: a sink is
never left in the middle of a step.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from attrs import evolve

from asyncsessions.core.plan import PullPlan
from asyncsessions.core.report import Report
from asyncsessions.engine.persistence import off_loop, settle
from asyncsessions.engine.stream import PageStream
from asyncsessions.errors import SessionsError
from asyncsessions.sinks.base import Sink

__all__ = ["drain"]


async def drain(stream: PageStream, sink: Sink) -> Report:
    """Write everything that a stream delivers and return its report, with the sink's last word.

    A window is committed when all of it has been written, complete or not.  Whatever ends the
    pull early (an error, a cancellation) aborts the sink, which keeps the windows that were
    committed.  Raises what the stream raises, and :class:`SinkError`; the sink's last word is a
    note on the error, and the ``outcome`` of its report.
    """
    has_begun = False
    try:
        plan = stream.plan()
        await off_loop(sink.begin, plan)
        has_begun = True
        await _drain(stream, sink, plan)
        outcome = await off_loop(sink.finish, stream.report)
    except GeneratorExit:  # the loop is gone: nothing can be awaited any more
        raise
    except BaseException as error:
        # A step that is cancelled runs to its end: then the sink has begun after all.
        if has_begun or isinstance(error, asyncio.CancelledError):
            await _abort(stream, sink, error)
        raise
    return evolve(stream.report, outcome=outcome)


async def _drain(stream: PageStream, sink: Sink, plan: PullPlan) -> None:
    """Write and commit whatever comes, to the end of the stream."""
    uncommitted = set(range(len(plan.windows)))
    with suppress(StopAsyncIteration):
        while True:
            batch = await stream.next_batch()
            if batch.rows:
                await off_loop(sink.write, batch.window, batch.rows)
            if batch.is_last:
                is_complete = stream.is_window_complete(batch.window)
                await off_loop(sink.commit, batch.window, is_complete=is_complete)
                uncommitted.discard(batch.window)
    if stream.report.complete:
        # A ``limit`` that equals the number of rows ends the stream before it closes the window.
        for window in sorted(uncommitted):
            await off_loop(sink.commit, window, is_complete=True)


async def _abort(stream: PageStream, sink: Sink, error: BaseException) -> None:
    """Close stream and sink and tell the error what is left.

    Raises ``CancelledError`` at the end if the caller was cancelled meanwhile.
    """
    closing = asyncio.ensure_future(stream.aclose())
    interruption = await settle(closing)
    closing.result()
    report = stream.report
    aborting = asyncio.ensure_future(asyncio.to_thread(sink.abort, report))
    interruption = await settle(aborting) or interruption
    # What ended the pull matters more than a sink that cannot even stop.
    failure = aborting.exception()
    left = aborting.result() if failure is None else f"the target could not be closed: {failure}"
    error.add_note(left)
    if isinstance(error, SessionsError):
        error.report = evolve(error.report or report, outcome=left)
    if interruption is not None:
        raise interruption
