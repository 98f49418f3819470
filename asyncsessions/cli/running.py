"""The run of a command in an event loop: to its end, to an error, or to a signal.

Apart from :mod:`process`, because the event loop takes longer to import than all that help needs.
"""

from __future__ import annotations

import asyncio
import logging
import os
import select
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import FrameType
from typing import Any, Generic, NoReturn, TypeVar

import click
from attrs import define

from asyncsessions.cli.exits import BROKEN_PIPE, COMPLETE, INTERRUPTED, status_of
from asyncsessions.cli.process import SIGNALS, abandon_stdout, handle, handle_all, say
from asyncsessions.errors import SessionsError, SinkError
from asyncsessions.transport.loop import new_loop

__all__ = ["Ending", "run"]

T = TypeVar("T")
PATIENCE_S = 1.0  # before it is said what an interrupted command waits for
SHOW_CURSOR = "\x1b[?25h"
log = logging.getLogger("asyncsessions.cli")


@define
class Ending(Generic[T]):
    """How a command ended: with a value or with an error.

    ``is_pipe_closed``: because nobody reads standard output any more.
    """

    value: T | None = None
    error: BaseException | None = None
    is_interrupted: bool = False
    is_pipe_closed: bool = False

    @property
    def status(self) -> int:
        """The exit status."""
        if self.is_interrupted:
            return INTERRUPTED
        if self.is_pipe_closed:
            return BROKEN_PIPE
        if isinstance(self.error, click.ClickException):
            return self.error.exit_code
        return COMPLETE if self.error is None else status_of(self.error)

    @property
    def notes(self) -> list[str]:
        """What was noted on the error: the target's last word on what is left."""
        return list(getattr(self.error, "__notes__", ()))


def run(
    work: Callable[[], Coroutine[Any, Any, T]], *, before: Callable[[], None] | None = None
) -> Ending[T]:
    """Run to the end, to an error or to the first signal, which stops it cleanly.

    ``before`` runs ahead of the event loop: what may block belongs there, since a signal ends it
    at once; ``None`` = nothing.  Its errors are the ending's.
    """
    ending: Ending[T] = Ending()
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        if before is not None:
            handle_all(_raise_interrupt)
            before()
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(_supervise(work, ending))
    except KeyboardInterrupt as error:
        ending.error, ending.is_interrupted = ending.error or error, True
    except asyncio.CancelledError as error:
        ending.error = ending.error or error
    except SessionsError as error:
        ending.error = error
    except Exception as error:
        ending.error = error
        log.info("unexpected", exc_info=error)
    finally:
        if ending.value is not None:  # a signal that came too late to stop anything
            ending.is_interrupted = False
        for number, handler in handlers.items():
            if handler is not signal.SIG_IGN:
                handle(number, _stop_without_a_word if ending.is_interrupted else handler)
    if isinstance(ending.error, SinkError) and _has_reader_gone():
        ending.is_pipe_closed = True
        abandon_stdout()
    return ending


def _has_reader_gone() -> bool:
    with suppress(OSError, ValueError, AttributeError):
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
    return False


def _raise_interrupt(_: int, __: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _stop_without_a_word(_: int, __: FrameType | None) -> NoReturn:
    os._exit(INTERRUPTED)


async def _supervise(work: Callable[[], Coroutine[Any, Any, T]], ending: Ending[T]) -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None

    def stop(_: int, __: FrameType | None) -> None:
        if ending.is_interrupted:
            say((SHOW_CURSOR if sys.stderr.isatty() else "") + "stopped at once")
            os._exit(INTERRUPTED)
        ending.is_interrupted = True
        with suppress(RuntimeError):  # the loop is closed already
            loop.call_soon_threadsafe(stop_soon)

    def stop_soon() -> None:
        task.cancel()
        loop.call_later(PATIENCE_S, say, "waiting for what is in flight; once more stops at once")

    # Not the loop's own handlers: when it closes, those give way to ones that kill the process.
    handle_all(stop)
    try:
        ending.value = await work()
    except asyncio.CancelledError as cancelled:
        ending.error = cancelled
        raise
