"""What targets of many streams have in common: a DuckDB file, a dataset.

They hold the sessions of several providers and tenants, pulled and synced again and again.  The same
stream with other filters would double rows, and is refused.  A window that is read again replaces what was
stored of its range; of earlier windows that it covers in part, the rest stays.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Generic, TypeVar
from uuid import uuid4

from attrs import evolve

from asyncsessions.core.books import ReadWindow, Run, StoredWindow, Stream, charged_runs, covered
from asyncsessions.core.changes import Change, ChangeKind
from asyncsessions.core.plan import PullPlan
from asyncsessions.core.report import Report
from asyncsessions.core.runs import choose_run
from asyncsessions.core.tiles import Span
from asyncsessions.errors import SinkError
from asyncsessions.sinks.base import Standing
from asyncsessions.sinks.sidecar import Sidecar
from asyncsessions.sinks.wording import NOT_COMPLETE, START_OVER, changes_said, counted, shown

__all__ = ["StreamsStore"]

W = TypeVar("W", bound=StoredWindow)


class StreamsStore(ABC, Generic[W]):
    """A target with streams in it; subclasses say how rows and books are kept.

    ``fresh`` replaces all sessions of the stream, with the first window.
    """

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        self._path = path
        self._fresh = fresh
        self._plan: PullPlan | None = None
        self._run: Run | None = None
        self._sidecar: Sidecar | None = None
        self._had_windows = False
        self._brought: dict[Span, W] = {}
        self._changed: Counter[ChangeKind] = Counter()
        self._outcome: str | None = None

    # ------------------------------------------------------------------ what subclasses do

    @abstractmethod
    def _open_sidecar(self, stream: str) -> Sidecar:
        """Lock the stream of that name."""

    @abstractmethod
    def _open_data(self) -> None:
        """Open or make what rows go to."""

    @abstractmethod
    def _held(self, stream: str) -> Stream | None:
        """Return what the books say of a stream, ``None`` if nothing was ever committed."""

    def _held_runs(self, stream: str) -> Sequence[Run]:
        """Return the runs that the books know of a stream."""
        held = self._held(stream)
        return () if held is None else held.runs

    @abstractmethod
    def _replace(self, read: ReadWindow) -> tuple[W, Sequence[Change]]:
        """Put a window in the place of what was stored of it; return it with what has changed."""

    @abstractmethod
    def _put_runs(self, runs: Sequence[Run]) -> None:
        """Enter runs of the stream, in one step."""

    @abstractmethod
    def _take_back(self) -> None:
        """Remove what was made for nothing, if nothing was ever committed."""

    @abstractmethod
    def _close_data(self) -> None:
        """Let go of what rows go to."""

    @abstractmethod
    def _place(self) -> str:
        """Say where the rows are."""

    # ------------------------------------------------------------------ opening

    def keep_open(self) -> AbstractContextManager[object]:
        """Keep open what the stores of this process share of the target, until it is left."""
        return nullcontext()

    def open(self, plan: PullPlan) -> Standing:
        """Open or make the target, and find the run that the plan goes on with, or begin one.

        What is not ours, or holds the provider's sessions for other filters, is refused.
        """
        self._plan = plan
        self._sidecar = self._open_sidecar(plan.stream)
        try:
            self._open_data()
            return self._opened(plan, self._sidecar)
        except BaseException:
            self._close_data()
            self._sidecar.close()
            raise

    def _opened(self, plan: PullPlan, sidecar: Sidecar) -> Standing:
        held = None if self._fresh else self._held(plan.stream)
        if held is not None:
            self._refuse_other_filters(held.filters)
        stream = held
        for begun in () if self._fresh else reversed(sidecar.begun):
            if begun.filters == plan.filters:
                stream = _with_run(stream or begun.stream, begun.runs[0])
        choice = choose_run(plan, stream, new_id=uuid4().hex)
        windows = () if held is None else held.windows
        if choice.is_finished and covered(windows).gaps(choice.run.pinned.span):
            # A later pull has put something in its place that is not proven.
            choice = choose_run(plan, None, new_id=uuid4().hex)
        self._run = choice.run
        self._had_windows = any(window.run != choice.run.id for window in windows)
        pinned = choice.run.pinned.span
        self._brought = {
            window.owned: window
            for window in self._windows(held)
            # Of a run that is over a later one may have read something again.
            if window.run == choice.run.id or (choice.is_finished and window.owned & pinned)
        }
        sidecar.begin(choice.run, provider=plan.provider, filters=plan.filters, tenant=plan.tenant)
        if not choice.is_finished:
            is_sync = plan.kind == "sync"
            sidecar.doubt(w for w in windows if is_sync or w.run == choice.run.id)
        return Standing(
            run=choice.run, stored=windows, journal=sidecar, is_finished=choice.is_finished
        )

    @abstractmethod
    def _windows(self, stream: Stream | None) -> Sequence[W]:
        """Return the windows of a stream as this kind of target knows them."""

    def _refuse_other_filters(self, filters: tuple[tuple[str, str], ...]) -> None:
        assert self._plan is not None
        if filters != self._plan.filters:
            raise SinkError(
                f"{shown(self._path)} holds sessions of {self._plan.stream} for other filters, "
                f"and rows would double: {START_OVER}"
            )

    # ------------------------------------------------------------------ writing

    @property
    def _is_sync(self) -> bool:
        """Whether what is found different is to be written down."""
        return self._had_windows and self._run is not None and self._run.kind == "sync"

    def commit(self, read: ReadWindow) -> W:
        """Replace the window's range by the rows that were read of it, and enter it."""
        window, changes = self._replace(read)
        self._changed.update(change.kind for change in changes)
        others = {owned: w for owned, w in self._brought.items() if not owned & window.owned}
        self._brought = others | {window.owned: window}
        return window

    # ------------------------------------------------------------------ the end

    def finish(self, report: Report) -> str:
        """End the run, close the target and say what is in it, and whether all of it is proven."""
        assert self._plan is not None
        assert self._sidecar is not None
        assert self._run is not None
        ended = evolve(self._run, ended_at=self._run.ended_at or datetime.now(UTC))
        others = [run for run in self._held_runs(self._plan.stream) if run.id != ended.id]
        self._sidecar.drop_replaced()
        # The ledger goes on with what another run, gone on with later, has spent.
        kept = {run.id for run in others if run.ended_at is None}
        kept |= {begun.runs[0].id for begun in self._sidecar.begun} - {ended.id}
        ledger = _without(self._sidecar.requests, kept)
        if self._run.ended_at is None or ledger:
            self._put_runs(charged_runs([ended, *others], ended, ledger))
            self._run = ended
        self._sidecar.clear(kept=kept)
        return self._end(self._said() if report.complete else self._incomplete())

    def _incomplete(self) -> str:
        done = sum(window.complete for window in self._brought.values())
        return f"{self._said()}, {done} window{'s' * (done != 1)} complete: {NOT_COMPLETE}"

    def leave(self, report: Report) -> str:  # noqa: ARG002 - the books know as much
        """Close the target; the windows that were committed stay."""
        if self._outcome is not None:
            return self._outcome
        has_pages = self._sidecar is not None and self._sidecar.has_pages
        pages = ", and the pages that came wait for the next go" if has_pages else ""
        if self._brought:
            incomplete = self._incomplete().removesuffix(f": {NOT_COMPLETE}")
            return self._end(f"{incomplete}{pages}: {NOT_COMPLETE}")
        if self._sidecar is not None and not has_pages:
            with suppress(SinkError):  # what stays is of no use, and does no harm
                if not self._sidecar.requests:  # what was spent stays spent
                    self._take_back()
        return self._end(f"nothing was written to {shown(self._path)}{pages}: {NOT_COMPLETE}")

    def _end(self, outcome: str) -> str:
        self._outcome = self._outcome or outcome
        self._close_data()
        if self._sidecar is not None:
            self._sidecar.close()
        return self._outcome

    def _said(self) -> str:
        rows = sum(window.rows for window in self._brought.values())
        found = changes_said(self._changed) if self._is_sync else ""
        return f"{counted(rows)} written to {self._place()}{found}"


def _with_run(stream: Stream, begun: Run) -> Stream:
    """Return the stream with a run under way as its newest, as the books know it or as begun."""
    known = next((run for run in stream.runs if run.id == begun.id), begun)
    return evolve(stream, runs=(known, *(run for run in stream.runs if run.id != begun.id)))


def _without(
    ledger: Mapping[str, Mapping[str, int]], runs: set[str]
) -> Mapping[str, Mapping[str, int]]:
    return {run: counts for run, counts in ledger.items() if run not in runs}
