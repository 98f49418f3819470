"""The process around a command: signals, closed pipes, and errors that become one sentence."""

from __future__ import annotations

import asyncio
import logging
import os
import select
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from types import FrameType
from typing import Any, Generic, NoReturn, TypeVar

import click
from attrs import define

from asyncsessions.cli.exits import BROKEN_PIPE, COMPLETE, FAILED, INTERRUPTED, status_of
from asyncsessions.errors import SessionsError, SinkError

__all__ = ["Ending", "leave", "run", "run_process", "say", "say_out"]

T = TypeVar("T")
SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
PATIENCE_S = 1.0  # before it is said what an interrupted command waits for
SHOW_CURSOR = "\x1b[?25h"
log = logging.getLogger("asyncsessions.cli")


def say(*lines: str) -> None:
    """Write lines to standard error; that nobody listens there is no reason to fail."""
    with suppress(OSError, ValueError, AttributeError):
        print(*lines, sep="\n", file=sys.stderr, flush=True)


def say_out(text: str) -> None:
    """Write a text to standard output, at once; raises ``OSError`` if that cannot be written."""
    if sys.stdout is not None:
        print(text, flush=True)


def run_process(argv: Sequence[str] | None) -> int:
    """Run the command that the arguments name, ``None`` = those of the process."""
    _handle_all(_stop_at_once)
    try:
        from asyncsessions.cli.commands import cli

        cli.main(args=None if argv is None else list(argv), prog_name="asyncsessions")
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else FAILED
        if argv is None and status == INTERRUPTED:
            # While Python shuts down, one more signal would kill the process and hide the status.
            _handle_all(signal.SIG_IGN)
        return status
    except OSError as error:  # help that cannot be written
        return _unwritable(error)
    raise AssertionError("click leaves by SystemExit")


def leave(verb: Callable[[], int]) -> NoReturn:
    """Run a verb and leave with its exit status, also where standard output cannot be written."""
    try:
        status = verb()
    except BrokenPipeError:
        _abandon_stdout()
        status = BROKEN_PIPE
    except OSError as error:
        status = _unwritable(error)
    sys.exit(status)


def _unwritable(error: OSError) -> int:
    _abandon_stdout()
    say(f"error: {error.strerror or type(error).__name__}")
    return FAILED


def _handle_all(handler: Any) -> None:
    for number in SIGNALS:
        # Whoever started us in the background may have switched Ctrl-C off on purpose.
        if signal.getsignal(number) is not signal.SIG_IGN:
            _handle(number, handler)


def _handle(number: signal.Signals, handler: Any) -> None:
    with suppress(ValueError, TypeError):  # not the main thread; a handler that is not Python's
        signal.signal(number, handler)


def _stop_at_once(_: int, __: FrameType | None) -> NoReturn:
    say("interrupted")
    raise SystemExit(INTERRUPTED)


def _has_reader_gone() -> bool:
    with suppress(OSError, ValueError, AttributeError):
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
    return False


def _abandon_stdout() -> None:
    """Let what is still buffered go nowhere, instead of failing once more at exit."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
            _handle_all(_raise_interrupt)
            before()
        asyncio.run(_supervise(work, ending))
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
                _handle(number, _stop_without_a_word if ending.is_interrupted else handler)
    if isinstance(ending.error, SinkError) and _has_reader_gone():
        ending.is_pipe_closed = True
        _abandon_stdout()
    return ending


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
    _handle_all(stop)
    try:
        ending.value = await work()
    except asyncio.CancelledError as cancelled:
        ending.error = cancelled
        raise
