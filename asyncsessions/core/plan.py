"""What a pull is going to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from attrs import field, frozen

from asyncsessions.core.books import Kind
from asyncsessions.core.windows import EPOCH, TimeLike, TimeRange, Window, checked

__all__ = ["PullPlan", "asked_range"]


@frozen(kw_only=True)
class PullPlan:
    """What is about to be pulled: whose sessions, which of them, and in which windows.

    A target belongs to provider, filters and range, never to a host or port.  ``asked`` is the
    range as it was given; ``is_open`` if it reaches to a *now* that moves on, so that the same words
    mean another range tomorrow.  ``made_at`` is the moment of planning.
    """

    provider: str
    filters: tuple[tuple[str, str], ...]
    pinned: TimeRange
    windows: Sequence[Window]
    kind: Kind = "pull"
    asked: str = ""
    is_open: bool = False
    made_at: datetime = field(default=EPOCH)


def asked_range(start: TimeLike, end: TimeLike | None) -> str:
    """Return a range in one canonical text: equal questions give equal texts."""
    last = "now" if end is None else _text(checked(end, what="end"))
    return f"{_text(checked(start, what='start'))}/{last}"


def _text(moment: date | timedelta) -> str:
    if isinstance(moment, timedelta):
        return f"-{moment.total_seconds():.6f}s"
    return moment.isoformat()
