"""The process around a command: signals, closed pipes, and errors that become one sentence."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType
from typing import Any, NoReturn

from asyncsessions.cli.exits import BROKEN_PIPE, FAILED, INTERRUPTED

__all__ = [
    "SIGNALS",
    "abandon_stdout",
    "handle",
    "handle_all",
    "leave",
    "run_process",
    "say",
    "say_out",
]

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


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
    handle_all(_stop_at_once)
    try:
        from asyncsessions.cli.commands import cli

        cli.main(args=None if argv is None else list(argv), prog_name="asyncsessions")
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else FAILED
        if argv is None and status == INTERRUPTED:
            # While Python shuts down, one more signal would kill the process and hide the status.
            handle_all(signal.SIG_IGN)
        return status
    except OSError as error:  # help that cannot be written
        return _unwritable(error)
    raise AssertionError("click leaves by SystemExit")


def leave(verb: Callable[[], int]) -> NoReturn:
    """Run a verb and leave with its exit status, also where standard output cannot be written."""
    try:
        status = verb()
    except BrokenPipeError:
        abandon_stdout()
        status = BROKEN_PIPE
    except OSError as error:
        status = _unwritable(error)
    sys.exit(status)


def _unwritable(error: OSError) -> int:
    abandon_stdout()
    say(f"error: {error.strerror or type(error).__name__}")
    return FAILED


def handle_all(handler: Any) -> None:
    """Have a handler called for each signal that ends a command, but for those switched off."""
    for number in SIGNALS:
        # Whoever started us in the background may have switched Ctrl-C off on purpose.
        if signal.getsignal(number) is not signal.SIG_IGN:
            handle(number, handler)


def handle(number: signal.Signals, handler: Any) -> None:
    """Have a handler called for a signal, where that can be had."""
    with suppress(ValueError, TypeError):  # not the main thread; a handler that is not Python's
        signal.signal(number, handler)


def _stop_at_once(_: int, __: FrameType | None) -> NoReturn:
    say("interrupted")
    raise SystemExit(INTERRUPTED)


def abandon_stdout() -> None:
    """Let what is still buffered go nowhere, instead of failing once more at exit."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
