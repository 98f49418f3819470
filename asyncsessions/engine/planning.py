"""What a pull is going to do, worked out when it begins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from asyncsessions.core.books import Kind
from asyncsessions.core.plan import PullPlan, asked_range
from asyncsessions.core.syncing import sync_windows
from asyncsessions.core.windows import resolve_range, split
from asyncsessions.engine.go import Choose
from asyncsessions.providers.base import Provider, Query

__all__ = ["make_plan", "to_sync", "whole_range"]

FAR = datetime(9999, 12, 31, tzinfo=UTC)


def make_plan(
    provider: Provider[...], query: Query, *, now: datetime, kind: Kind = "pull"
) -> PullPlan:
    """Pin the range of a query and say what will be read.

    Raises :class:`InvalidQueryError` for a range that makes no sense now.
    """
    pinned = resolve_range(query.start, query.end, now=now)
    return PullPlan(
        provider=provider.name,
        filters=query.filters,
        pinned=pinned,
        windows=split(pinned, provider.longest_window),
        kind=kind,
        asked=asked_range(query.start, query.end),
        is_open=resolve_range(query.start, query.end, now=FAR) != pinned,
        made_at=now,
    )


def whole_range(provider: Provider[...]) -> Choose:
    """Return what chooses all windows of a run's range."""
    return lambda standing: split(standing.run.pinned, provider.longest_window)


def to_sync(provider: Provider[...], *, lookback: timedelta, revisit: float) -> Choose:
    """Return what chooses the windows that a sync reads; see :mod:`core.syncing`."""
    return lambda standing: sync_windows(
        standing.stored,
        standing.run.pinned,
        lookback=lookback,
        revisit=revisit,
        longest=provider.longest_window,
    )
