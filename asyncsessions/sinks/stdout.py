"""JSON lines on standard output, which is flushed with each delivery and never closed."""

from __future__ import annotations

import select
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from io import RawIOBase
from typing import BinaryIO

from asyncsessions.core.convert import to_json
from asyncsessions.core.plan import PullPlan
from asyncsessions.core.records import Session
from asyncsessions.core.report import Report
from asyncsessions.errors import SinkError
from asyncsessions.sinks.wording import counted

__all__ = ["StdoutSink"]


class StdoutSink:
    """Writes one session a line as it comes; what was written cannot be taken back.

    ``stream`` replaces the binary standard output (``None``).  Raises :class:`SinkError` once the
    reader has gone.
    """

    def __init__(self, stream: BinaryIO | None = None) -> None:
        self._given = stream
        self._stream: BinaryIO | RawIOBase | None = None
        self._rows = 0

    def begin(self, plan: PullPlan) -> None:  # noqa: ARG002  # all plans look alike here
        """Find the standard output of this moment."""
        buffer: BinaryIO | None = self._given or getattr(sys.stdout, "buffer", None)
        if buffer is None:
            raise SinkError(
                "standard output cannot be written from here: give the name of a file instead"
            )
        with _telling():
            buffer.flush()
        # Past the buffer, so that nothing is left in it that the interpreter would fail to write
        # at exit, when the reader has gone.
        self._stream = getattr(buffer, "raw", buffer)

    def write(self, window: int, rows: Sequence[Session]) -> None:  # noqa: ARG002
        """Write rows, whole lines only."""
        assert self._stream is not None
        left = memoryview(b"".join([to_json(row) + b"\n" for row in rows]))
        with _telling():
            while left:
                written = self._stream.write(left)
                if written is None:  # a pipe that somebody made non-blocking is full
                    select.select([], [self._stream], [])
                else:
                    left = left[written:]
        self._rows += len(rows)

    def commit(self, window: int, *, is_complete: bool) -> None:
        """Do nothing: the rows are out."""

    def finish(self, report: Report) -> str:  # noqa: ARG002
        """Say how many rows went out."""
        return f"{counted(self._rows)} written to standard output"

    def abort(self, report: Report) -> str:  # noqa: ARG002
        """Say how many rows went out."""
        return f"{counted(self._rows)} written to standard output before the end"


@contextmanager
def _telling() -> Generator[None]:
    try:
        yield
    except BrokenPipeError:
        raise SinkError("standard output was closed by its reader") from None
    except (OSError, ValueError) as error:
        # A ValueError is Python's word for a stream that was closed.
        known = error.strerror if isinstance(error, OSError) else "it is closed"
        reason = known or "input/output error"
        raise SinkError(f"standard output cannot be written: {reason}") from None
