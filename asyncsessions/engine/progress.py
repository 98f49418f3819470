"""Adds up what a durable pull has done, in this go and before, for its report."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime

from asyncsessions.core.books import StoredWindow
from asyncsessions.core.meter import Meter
from asyncsessions.core.report import Report
from asyncsessions.core.tiles import Span
from asyncsessions.core.windows import Window, to_datetime
from asyncsessions.engine.opened import OpenWindow
from asyncsessions.sinks.base import Standing

__all__ = ["Progress"]


class Progress:
    """The figures of one go at a run; ``page_size`` estimates how many pages earlier goes read."""

    def __init__(self, standing: Standing, provider: str, meter: Meter, *, page_size: int) -> None:
        self._run = standing.run
        self._provider = provider
        self._meter = meter
        self._page_size = page_size
        self._loop = asyncio.get_running_loop()
        self._began_at = self._loop.time()
        self._ended_at = 0.0
        self._answers = 0
        self._has_failed = False
        self._has_ended = standing.is_finished
        self._is_whole = standing.is_finished
        # What earlier goes have committed.
        pinned = self._run.pinned.span
        self._done = [
            window
            for window in standing.stored
            if window.complete
            # Of a run that is over a later one may have read something again.
            and (window.run == self._run.id or (standing.is_finished and window.owned & pinned))
        ]
        self._rows_before = self._total = sum(window.rows for window in self._done)
        self._unproven: list[Span] = []
        self._reasons: dict[str, None] = {}
        self._warnings: dict[str, None] = {}
        self._unknown: set[str] = set()
        self._tag_changes = self._clipped = 0
        self._is_ordered = True

    @property
    def has_answers(self) -> bool:
        """Whether any answer has come in this go."""
        return self._answers > 0

    def answered(self) -> None:
        """Count an answer."""
        self._answers += 1

    def committed(self, window: OpenWindow, stored: StoredWindow) -> None:
        """Enter a window that was committed."""
        lane, walk = window.lane, window.lane.walk
        self._done.append(stored)
        if not stored.complete:
            self._unproven += lane.unproven
            self._reasons |= dict.fromkeys(walk.reasons)
        if walk.is_complete and walk.is_overstated:
            said = f"the vendor announced {walk.tag} rows, and {walk.delivered} are there"
            self._warnings[said] = None
        self._warnings |= window.warnings
        self._unknown |= window.unknown_fields
        self._tag_changes += walk.tag_changes
        self._clipped += walk.received - walk.delivered
        self._total += walk.tag or 0
        self._is_ordered &= walk.is_in_order

    def end(self, *, has_failed: bool) -> None:
        """Note that nothing more will be read; only the first time counts."""
        if not self._has_ended:
            self._has_ended, self._has_failed = True, has_failed
            self._is_whole = not has_failed and not self._unproven
            self._ended_at = self._loop.time()

    def report(self, opened: Sequence[OpenWindow], agenda: Iterable[Window]) -> Report:
        """Return the figures; ``opened`` and ``agenda`` are the windows that are not done."""
        waiting = list(agenda)
        pinned = self._run.pinned
        reading = [window for window in opened if window.lane.walk.tag is not None]
        told = bool(self._done or reading)
        rows = sum(w.rows for w in self._done) + sum(window.rows for window in opened)
        total = self._total + sum(window.lane.walk.tag or 0 for window in reading)
        return Report(
            provider=self._provider,
            start=pinned.start,
            end=pinned.end,
            windows=len(self._done) + len(opened) + len(waiting),
            windows_read=len(self._done) + len(reading),
            pages=-(-self._rows_before // self._page_size) + self._answers,
            rows=rows,
            rows_before=self._rows_before,
            total=total if told else None,
            requests=self._meter.requests,
            requests_before=self._meter.before,
            retries=self._meter.retries,
            waited_s=self._meter.waited_s,
            elapsed_s=(self._ended_at or self._loop.time()) - self._began_at,
            complete=self._is_whole,
            unproven=tuple(
                (to_datetime(span.lo), to_datetime(span.hi - 1))
                for span in self._not_proven(opened, waiting)
            ),
            reasons=tuple(self._reasons),
            tag_changes=self._tag_changes + sum(w.lane.walk.tag_changes for w in opened),
            clipped=self._clipped,
            ordered=self._is_ordered and all(w.lane.walk.is_in_order for w in opened),
            as_of=self._as_of(opened),
            unknown_fields=tuple(sorted(self._unknown.union(*(w.unknown_fields for w in opened)))),
            warnings=tuple(self._warnings | {w: None for o in opened for w in o.warnings}),
        )

    def _not_proven(self, opened: Iterable[OpenWindow], waiting: Iterable[Window]) -> list[Span]:
        """Return what is not proven, newest first; after a failure all that was not committed."""
        spans = list(self._unproven)
        if self._has_failed:
            spans += [window.window.owned for window in opened]
            spans += [window.owned for window in waiting]
        return sorted(spans, reverse=True)

    def _as_of(self, opened: Iterable[OpenWindow]) -> tuple[datetime, datetime] | None:
        spans = [window.as_of for window in self._done]
        spans += [window.as_of for window in opened if window.pages]
        if not spans:
            return None
        return min(first for first, _ in spans), max(last for _, last in spans)
