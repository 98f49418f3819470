"""The port to a target: rows in, one commit a window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from asyncsessions.core.plan import PullPlan
from asyncsessions.core.records import Session
from asyncsessions.core.report import Report

__all__ = ["Sink"]


@runtime_checkable
class Sink(Protocol):
    """Where rows go.  The methods are called in the order below, from one thread at a time.

    ``begin`` comes first; if it raises, nothing else is called.  The last call is ``finish`` or
    ``abort``; ``abort`` may also follow a ``finish`` that raised, or that ended while the pull was
    being cancelled.  Each raises :class:`SinkError` with one clear sentence if the target cannot
    be used or written.
    """

    def begin(self, plan: PullPlan) -> None:
        """Open the target for this pull; nothing that is there may be harmed yet."""
        ...

    def write(self, window: int, rows: Sequence[Session]) -> None:
        """Take rows of a window (its index in the plan); windows may take turns."""
        ...

    def commit(self, window: int, *, is_complete: bool) -> None:
        """Make a whole window durable, in one step, replacing what was there of it."""
        ...

    def finish(self, report: Report) -> str:
        """Put the target in place and return one sentence saying where the rows are."""
        ...

    def abort(self, report: Report) -> str:
        """End without success: keep what is committed; return one sentence saying what is left."""
        ...
