"""What a pull is going to do."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from asyncsessions.core.windows import TimeRange, Window

__all__ = ["PullPlan"]


@frozen(kw_only=True)
class PullPlan:
    """What is about to be pulled: whose sessions, which of them, and in which windows.

    A target belongs to provider, filters and range, never to a host or port.
    """

    provider: str
    filters: tuple[tuple[str, str], ...]
    pinned: TimeRange
    windows: Sequence[Window]
