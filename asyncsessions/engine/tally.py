"""Adds up what a stream does, for its report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from asyncsessions.core.answer import Answer
from asyncsessions.core.meter import Meter
from asyncsessions.core.records import Session
from asyncsessions.core.report import Report
from asyncsessions.core.tiles import Span
from asyncsessions.core.windows import TimeRange, Window, to_datetime
from asyncsessions.engine.lane import Lane
from asyncsessions.errors import IncompleteError

__all__ = ["Tally", "incomplete"]


class Tally:
    """The figures of one stream.  ``now`` reads the wall clock (aware)."""

    def __init__(self, provider: str, meter: Meter, now: Callable[[], datetime]) -> None:
        self._provider = provider
        self._meter = meter
        self._now = now
        self.pinned: TimeRange | None = None
        self.windows: list[Window] = []
        self.lanes: list[Lane] = []
        self.pages = 0
        self.rows = 0
        self.is_limited = False
        self.has_failed = False
        self.unknown_fields: set[str] = set()
        self._warnings: dict[str, None] = {}
        self._first_read: datetime | None = None
        self._last_read: datetime | None = None

    def answered(self, answer: Answer[Session]) -> None:
        """Count an answer."""
        self.pages += 1
        self._last_read = self._now()
        self._first_read = self._first_read or self._last_read
        if answer.warning:
            self._warnings[answer.warning] = None

    @property
    def is_complete(self) -> bool:
        """Whether every window was read and proven, and every row of it handed over."""
        return (
            self.pinned is not None
            and len(self.lanes) == len(self.windows)
            and all(lane.walk.is_complete for lane in self.lanes)
            and self.rows == sum(lane.walk.delivered for lane in self.lanes)
        )

    def _unproven(self) -> list[Span]:
        """Return what is not proven, newest first; after a failure all that was not delivered."""
        if self.is_limited:
            return []
        spans: list[Span] = []
        for index, window in enumerate(self.windows):
            lane = self.lanes[index] if index < len(self.lanes) else None
            if lane is not None and (lane.walk.is_settled or not self.has_failed):
                spans += lane.unproven
            elif self.has_failed:
                spans.append(window.owned)
        return spans

    def _overstated(self) -> Iterator[str]:
        """Say which totals are more than a proven window holds."""
        for walk in (lane.walk for lane in self.lanes):
            if walk.is_complete and walk.is_overstated:
                yield f"the vendor announced {walk.tag} rows, and {walk.delivered} are there"

    def report(self, *, elapsed_s: float) -> Report:
        """Return the figures so far."""
        walks = [lane.walk for lane in self.lanes]
        read = [walk for walk in walks if walk.tag is not None]
        reasons = dict.fromkeys(reason for walk in walks for reason in walk.reasons)
        return Report(
            provider=self._provider,
            start=self.pinned.start if self.pinned else None,
            end=self.pinned.end if self.pinned else None,
            windows=len(self.windows),
            windows_read=len(read),
            pages=self.pages,
            rows=self.rows,
            total=sum(walk.tag or 0 for walk in read) if read else None,
            requests=self._meter.requests,
            retries=self._meter.retries,
            waited_s=self._meter.waited_s,
            elapsed_s=elapsed_s,
            complete=self.is_complete,
            unproven=tuple(
                (to_datetime(span.lo), to_datetime(span.hi - 1)) for span in self._unproven()
            ),
            reasons=tuple(reasons),
            tag_changes=sum(walk.tag_changes for walk in walks),
            late=sum(lane.late_rows for lane in self.lanes),
            clipped=sum(w.received - w.delivered for w in walks if w.is_finished),
            ordered=all(lane.is_in_order for lane in self.lanes),
            as_of=(self._first_read, self._last_read)
            if self._first_read and self._last_read
            else None,
            unknown_fields=tuple(sorted(self.unknown_fields)),
            warnings=(*self._warnings, *self._overstated()),
        )


def incomplete(report: Report) -> IncompleteError:
    """Return the error that says what of a finished pull is not proven."""
    error = IncompleteError(
        f"not proven complete: {'; '.join(report.reasons)} ({_shown(report.unproven)}); "
        "pull that range again",
        ranges=report.unproven,
        provider=report.provider,
    )
    error.report = report
    return error


def _shown(ranges: tuple[tuple[datetime, datetime], ...]) -> str:
    shown = [f"{start.isoformat()} to {end.isoformat()}" for start, end in ranges[:3]]
    more = len(ranges) - len(shown)
    return ", ".join(shown) + (f" and {more} more ranges" if more > 0 else "")
