"""What a pull is going to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from attrs import field, frozen

from asyncsessions.core.books import Kind, stream_name
from asyncsessions.core.windows import EPOCH, TimeLike, TimeRange, Window, checked, to_bounds

__all__ = ["PullPlan", "asked_range"]


@frozen(kw_only=True)
class PullPlan:
    """What is about to be pulled: whose sessions, which of them, and in which windows.

    A target belongs to provider, tenant, filters and range, never to a host or port.  ``asked`` is the
    range as it was given; ``is_open`` if it reaches to a *now* that moves on, so that the same words
    mean another range tomorrow.  ``made_at`` is the moment of planning.  ``tenant`` is whose sessions they
    are, in a target that holds those of several; ``None`` = there are no tenants.
    """

    provider: str
    filters: tuple[tuple[str, str], ...]
    pinned: TimeRange
    windows: Sequence[Window]
    kind: Kind = "pull"
    asked: str = ""
    is_open: bool = False
    made_at: datetime = field(default=EPOCH)
    tenant: str | None = None

    @property
    def stream(self) -> str:
        """The name of the stream that it belongs to; see :func:`core.books.stream_name`."""
        return stream_name(self.provider, self.tenant)


def asked_range(start: TimeLike, end: TimeLike | None) -> str:
    """Return a range in one canonical text: equal questions give equal texts."""
    first, last = checked(start, what="start"), None if end is None else checked(end, what="end")
    text = _back(first) if isinstance(first, timedelta) else to_bounds(first, first)[0].isoformat()
    if last is None:
        return f"{text}/now"
    if isinstance(last, timedelta):
        return f"{text}/{_back(last)}"
    border, is_included = to_bounds(last, last)[1]
    return f"{text}/{border.isoformat()}{'' if is_included else ' excluded'}"


def _back(span: timedelta) -> str:
    return f"-{span.total_seconds():.6f}s"
