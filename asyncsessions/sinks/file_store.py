"""What targets that are a single file have in common: they appear when they are whole.

Until then the rows lie beside the name, and a folder beside it (:mod:`sidecar`) holds books,
ledger and pages.  The books stay when the file is whole: they say which command it came from, so
that the same command again asks for nothing, and what it must hold, so that it can be verified.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from attrs import evolve

from asyncsessions.core.books import ReadWindow, Run, charged_runs
from asyncsessions.core.plan import PullPlan
from asyncsessions.core.report import Report
from asyncsessions.core.runs import choose_run
from asyncsessions.errors import SinkError
from asyncsessions.sinks.base import Standing
from asyncsessions.sinks.books_file import FileStream, PlacedWindow, read_books, write_books
from asyncsessions.sinks.partial import check_target, real_target, writing
from asyncsessions.sinks.sidecar import Sidecar, sidecar_of
from asyncsessions.sinks.wording import NOT_COMPLETE, START_OVER, counted, shown

__all__ = ["BOOKS", "FileStore"]

BOOKS = "books.json"
STREAM = "pull"


class FileStore(ABC):
    """A target that is one file of one pull; subclasses say how rows are written.

    ``fresh`` replaces a file of ours that is there, at the end; a link stays a link.  A file that
    holds anything else raises :class:`SinkError` in any case.
    """

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        self._path = path
        self._fresh = fresh
        self._target = path
        self._sidecar: Sidecar | None = None
        self._stream: FileStream | None = None
        self._run: Run | None = None
        self._outcome: str | None = None

    # ------------------------------------------------------------------ what subclasses do

    @abstractmethod
    def is_ours(self, path: Path) -> bool:
        """Whether a regular file is one of this kind, or empty."""

    @abstractmethod
    def _open_data(self, windows: Sequence[PlacedWindow]) -> list[PlacedWindow]:
        """Open what rows go to, and return those windows that are really there."""

    @abstractmethod
    def _add(self, read: ReadWindow) -> PlacedWindow:
        """Write the rows of a window durably, beside what is there."""

    @abstractmethod
    def _arrange(self, windows: Sequence[PlacedWindow]) -> list[PlacedWindow]:
        """Make the file whole, newest rows first, still beside its name."""

    @abstractmethod
    def _place(self) -> None:
        """Move the whole file to its name."""

    @abstractmethod
    def _has_unplaced(self, windows: Sequence[PlacedWindow]) -> bool:
        """Whether a whole file waits beside the name, since a process died in between."""

    @abstractmethod
    def _close_data(self, *, remove: bool) -> None:
        """Let go of what rows go to, and ``remove`` it."""

    @abstractmethod
    def _kept_at(self) -> str:
        """Say where the rows of an unfinished pull are."""

    # ------------------------------------------------------------------ opening

    @property
    def _books(self) -> Path:
        return sidecar_of(self._target) / BOOKS

    def open(self, plan: PullPlan) -> Standing:
        """Lock the target, and find the run that the plan goes on with, or begin one."""
        if plan.kind == "sync":
            raise SinkError(
                f"{shown(self._path)} is the file of one pull: sync needs a .duckdb file or a "
                "dataset, a directory that is named with a / at the end"
            )
        if plan.tenant is not None:
            raise SinkError(
                f"{shown(self._path)} is the file of one pull: tenants need a .duckdb file or a "
                "dataset, a directory that is named with a / at the end"
            )
        self._target = real_target(self._path)
        self._sidecar = Sidecar(sidecar_of(self._target), STREAM, target=self._path)
        try:
            return self._opened(plan, self._sidecar)
        except BaseException:
            self._close_data(remove=False)
            self._sidecar.close()
            raise

    def _opened(self, plan: PullPlan, sidecar: Sidecar) -> Standing:
        stream = None if self._fresh else self._found(plan, sidecar)
        if stream is not None and not self._belongs_to(plan, stream):
            stream = None
        choice = choose_run(plan, None if stream is None else stream.stream, new_id=uuid4().hex)
        if stream is not None and (choice.is_finished or self._is_waiting(stream)):
            if not self._is_whole(stream):
                stream, choice = None, choose_run(plan, None, new_id=uuid4().hex)
            else:
                self._stream, self._run = stream, stream.runs[0]
                sidecar.begin(self._run, provider=plan.provider, filters=plan.filters)
                return Standing(
                    run=self._run, stored=stream.windows, journal=sidecar, is_finished=True
                )
        is_going_on = stream is not None and not choice.is_new
        is_renewed = stream is not None and plan.is_open  # the same words, a later now
        check_target(
            self._target, fresh=self._fresh or is_going_on or is_renewed, is_ours=self.is_ours
        )
        # Those of an earlier run lie in the file that this one replaces.
        stored = () if stream is None else stream.windows
        kept = self._open_data([window for window in stored if window.run == choice.run.id])
        self._run = choice.run
        self._stream = (stream or self._anew(plan)).with_windows(kept)
        sidecar.begin(choice.run, provider=plan.provider, filters=plan.filters)
        sidecar.doubt(kept)
        return Standing(run=choice.run, stored=self._stream.windows, journal=sidecar)

    def _anew(self, plan: PullPlan) -> FileStream:
        """Return a stream without runs, which remembers what those before it have cost."""
        before: list[FileStream] | None = None
        with suppress(SinkError):
            before = read_books(self._books)
        is_same = before is not None and before and before[0].provider == plan.provider
        spent = before[0].stream.requests if before and is_same else {}
        return FileStream(provider=plan.provider, filters=plan.filters, spent=spent)

    def _found(self, plan: PullPlan, sidecar: Sidecar) -> FileStream | None:
        """Return what the books and the plans of earlier goes say; ``None`` = nothing."""
        streams = read_books(self._books)
        stream = streams[0] if streams else None
        for begun in sidecar.begun:
            run = begun.runs[0]
            if _whose(begun) != _whose(plan) or run.asked != plan.asked:
                continue  # it has not committed anything: then whoever comes first has the file
            if stream is None:
                return begun
            if run.id in {each.id for each in stream.runs}:
                continue
            is_same = _whose(stream) == _whose(plan)
            if not (is_same and stream.runs[0].asked == plan.asked) and self._is_taken(stream):
                continue
            spent = self._anew(plan).spent
            return stream.with_run(run) if is_same else evolve(begun, spent=spent)
        return stream

    def _is_taken(self, stream: FileStream) -> bool:
        """Whether rows wait here that are not in the file yet: then no other run may begin."""
        return stream.runs[0].ended_at is None or self._is_waiting(stream)

    def _belongs_to(self, plan: PullPlan, stream: FileStream) -> bool:
        """Whether the file is of this very pull; false if it is gone, so that it may be of any.

        Raises :class:`SinkError` if it belongs to another pull.
        """
        newest = stream.runs[0]
        if _whose(stream) == _whose(plan) and newest.asked == plan.asked:
            return True
        if newest.ended_at and not self._target.exists() and not self._is_waiting(stream):
            return False
        whose = f"a pull of {stream.provider} with other filters or another range"
        state = "holds" if newest.ended_at else "is to hold, when it is finished,"
        raise SinkError(f"{shown(self._path)} {state} {whose}: {START_OVER}")

    def _is_waiting(self, stream: FileStream) -> bool:
        """Whether the run is over but its file was not moved, since the process died before."""
        return stream.runs[0].ended_at is not None and self._has_unplaced(stream.windows)

    def _is_whole(self, stream: FileStream) -> bool:
        """Whether the file of a finished run is in its place, or can still be put there."""
        if self._has_unplaced(stream.windows):
            self._open_data(stream.windows)
            self._place()
        with writing(self._path):
            return self._target.is_file() and self.is_ours(self._target)

    # ------------------------------------------------------------------ writing

    def _placed(self, read: ReadWindow, *, digest: str, **place: Any) -> PlacedWindow:
        assert self._run is not None
        run, now = self._run.id, datetime.now(UTC)
        return read.stored(PlacedWindow, digest=digest, run=run, committed_at=now, **place)

    def commit(self, read: ReadWindow) -> PlacedWindow:
        """Write the rows of a window and enter them; a window that was there gives way."""
        assert self._stream is not None
        assert self._run is not None
        window = self._add(read)
        others = [w for w in self._stream.windows if not w.owned & window.owned]
        stream = self._stream.with_windows([window, *others]).with_run(self._run)
        write_books(self._books, [stream], target=self._path)
        self._stream = stream
        return window

    # ------------------------------------------------------------------ the end

    def finish(self, report: Report) -> str:
        """Put the file in place, and say how many rows are in it; one that is not whole stays."""
        if not report.complete:
            return self.leave(report)
        assert self._stream is not None
        assert self._sidecar is not None
        assert self._run is not None
        ledger = self._sidecar.requests
        if self._run.ended_at is not None:  # others may have been begun since, with fresh
            others = {each.runs[0].id for each in self._sidecar.begun} - {self._run.id}
            ledger = {run: counts for run, counts in ledger.items() if run not in others}
        run = evolve(self._run, ended_at=self._run.ended_at or datetime.now(UTC))
        stream = self._stream.with_run(run)
        stream = evolve(stream, runs=tuple(charged_runs(stream.runs, run, ledger)))
        if self._run.ended_at is None:
            check_target(self._target, fresh=True, is_ours=self.is_ours)
            stream = stream.with_windows(self._arrange(stream.windows))
            # First the books: with them a later process can still move the file.
            write_books(self._books, [stream], target=self._path)
            self._place()
            self._sidecar.drop_others()
        elif ledger:
            write_books(self._books, [stream], target=self._path)
        self._stream, self._run = stream, run
        self._sidecar.clear()
        rows = sum(window.rows for window in self._stream.windows)
        return self._end(f"{counted(rows)} written to {shown(self._path)}")

    def leave(self, report: Report) -> str:  # noqa: ARG002 - it says how far the vendor was read
        """Leave the rows where they are, if there are any."""
        if self._outcome is not None:
            return self._outcome
        rows = 0 if self._stream is None else sum(w.rows for w in self._stream.windows)
        has_windows = self._stream is not None and bool(self._stream.windows)
        if has_windows:
            return self._end(f"{counted(rows)} written to {self._kept_at()}: {NOT_COMPLETE}")
        has_pages = self._sidecar is not None and self._sidecar.has_pages
        self._close_data(remove=True)
        # What was spent stays spent, also by those whose file somebody has removed.
        spent = self._stream is not None and self._stream.stream.requests
        is_free = self._sidecar is not None and not has_pages and not self._sidecar.requests
        if self._sidecar is not None and is_free and not spent and not self._target.exists():
            with suppress(OSError, SinkError):  # it is of no use, and does no harm
                self._books.unlink(missing_ok=True)
                self._sidecar.clear()
        pages = ", and the pages that came wait for the next go" if has_pages else ""
        return self._end(f"nothing was written to {shown(self._path)}{pages}: {NOT_COMPLETE}")

    def _end(self, outcome: str) -> str:
        if self._outcome is None:
            self._outcome = outcome
            self._close_data(remove=False)
            if self._sidecar is not None:
                self._sidecar.close()
        return self._outcome


def _whose(held: FileStream | PullPlan) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return which sessions these are."""
    return held.provider, held.filters
