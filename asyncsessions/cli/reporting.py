"""``--report``: what a pull did, as JSON, whatever came of it."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from attrs import frozen

from asyncsessions.cli.figures import Words, shell_words
from asyncsessions.cli.process import say, say_out
from asyncsessions.cli.running import Ending
from asyncsessions.errors import SessionsError
from asyncsessions.sinks import STDOUT

__all__ = ["ReportFile", "plain_error"]

PRIVATE = 0o600  # filters and addresses are nobody else's business


@frozen
class ReportFile:
    """Where the report goes; ``None`` = nowhere, ``-`` = standard output."""

    path: str | None

    @classmethod
    def opened(cls, path: str | None, *, to: str) -> ReportFile:
        """Return it, empty: an old report would be taken for this pull's.

        Raises ``click.UsageError`` if it cannot be written or the rows go to the same place.
        """
        if path is None or path == STDOUT:
            if path == to:
                raise click.UsageError("--report and --to cannot both be standard output")
            if path == STDOUT and sys.stdout is None:
                raise click.UsageError("standard output is closed: give --report a file")
            return cls(path)
        if to != STDOUT and Path(path).resolve() == Path(to).resolve():
            raise click.UsageError("--report and --to name the same file")
        try:
            _write(path, "")
        except (OSError, ValueError) as error:
            raise click.UsageError(f"--report {path} cannot be written: {_why(error)}") from None
        return cls(path)

    def write(
        self,
        content: Mapping[str, Any],
        *,
        status: int,
        ending: Ending[Any],
        words: Words = shell_words,
    ) -> bool:
        """Write what was done with the exit status and the error; false if that failed."""
        if self.path is None:
            return True
        error = _error(ending, words)
        text = json.dumps({"exit_status": status, "error": error, **content}, indent=2)
        try:
            if self.path == STDOUT:
                say_out(text)
            else:
                _write(self.path, text + "\n")
        except BrokenPipeError:
            raise
        except OSError as error:
            say(f"error: the report cannot be written: {_why(error)}")
            return False
        return True


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        if hasattr(os, "fchmod") and stat.S_ISREG(os.fstat(fd).st_mode):
            with suppress(OSError):  # somebody else's, who lets us write it
                os.fchmod(fd, PRIVATE)
        file.write(text)


def _error(ending: Ending[Any], words: Words) -> dict[str, str] | None:
    if ending.is_interrupted:
        return {"type": "Interrupted", "message": "stopped by a signal"}
    return None if ending.error is None else plain_error(ending.error, words)


def plain_error(error: BaseException, words: Words = shell_words) -> dict[str, str]:
    """Return kind and words of an error for JSON."""
    if isinstance(error, SessionsError):
        message = words(error)
    else:
        message = error.format_message() if isinstance(error, click.ClickException) else str(error)
    return {"type": type(error).__name__, "message": message}


def _why(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or "not a path"
