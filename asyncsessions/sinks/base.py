"""The ports to a target: a sink takes rows as they come, a store keeps books as well."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

from attrs import frozen

from asyncsessions.core.books import ReadWindow, Run, StoredWindow
from asyncsessions.core.journal import Event, Setting
from asyncsessions.core.plan import PullPlan
from asyncsessions.core.records import Session
from asyncsessions.core.report import Report
from asyncsessions.core.windows import Window

__all__ = ["Journal", "Sink", "Standing", "Store"]


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


class Journal(Protocol):
    """What a run has spent and heard so far, so that a later process can go on with it.

    Everything is on disk when a method returns, as far as the death of the process goes.  Each
    raises :class:`SinkError` if that cannot be done.
    """

    @property
    def spent(self) -> int:
        """How many requests the run had sent when this journal was opened."""
        ...

    def spend(self) -> None:
        """Enter a request, before it is sent."""
        ...

    def planned(self) -> Sequence[Window] | None:
        """Return the windows that were still to be read, newest first; ``None`` = never planned."""
        ...

    def plan(self, windows: Sequence[Window]) -> None:
        """Write down the windows that are still to be read, and forget the pages of all others."""
        ...

    def story(self, window: Window, setting: Setting) -> Iterable[Event]:
        """Return what happened to a window, oldest first; nothing if it was read otherwise."""
        ...

    def note(self, window: Window, setting: Setting, *events: Event) -> None:
        """Add events to the story of a window, all of them or none."""
        ...

    def forget(self, window: Window) -> None:
        """Drop the story of a window: it is committed, or has to be read anew."""
        ...


@frozen(kw_only=True)
class Standing:
    """How a target stands when it is opened for a run.

    ``stored`` are all windows of the stream, newest first; those of ``run`` were committed by
    earlier goes.  ``is_finished``: the run is over, and nothing is to be asked.
    """

    run: Run
    stored: Sequence[StoredWindow]
    journal: Journal
    is_finished: bool = False


@runtime_checkable
class Store(Protocol):
    """A target that keeps books, so that a run can be stopped at any moment and gone on with.

    The methods are called from one thread at a time.  ``open`` comes first; if it raises, nothing
    else is called.  The last call is ``finish`` or ``leave``; ``leave`` may also follow a ``finish``
    that raised.  Each raises :class:`SinkError` with one clear sentence if the target cannot be
    used or written.
    """

    def open(self, plan: PullPlan) -> Standing:
        """Lock the target, and find the run that the plan goes on with, or begin one."""
        ...

    def commit(self, read: ReadWindow) -> StoredWindow:
        """Replace what is stored of a window by what was read, and enter it, in one step."""
        ...

    def finish(self, report: Report) -> str:
        """End the run, put the target in place, and return one sentence saying where the rows are."""
        ...

    def leave(self, report: Report) -> str:
        """Close the target while the run is not over; return one sentence saying what is left."""
        ...
