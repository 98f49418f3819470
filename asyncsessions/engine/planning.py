"""What a pull is going to do, worked out when it begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from asyncsessions.core.books import Kind
from asyncsessions.core.plan import PullPlan, asked_range
from asyncsessions.core.syncing import sync_windows
from asyncsessions.core.windows import TimeRange, Window, resolve_range, split, to_datetime
from asyncsessions.engine.go import Choose
from asyncsessions.errors import ConfigurationError
from asyncsessions.providers.base import Provider, Query

__all__ = ["Cut", "Planning", "day_windows", "make_plan", "plan_of", "to_sync", "whole_range"]

FAR = datetime(9999, 12, 31, tzinfo=UTC)
DAY = timedelta(days=1)
MOST_DAYS = 3_660_000  # more than the calendar has

Cut = Callable[[TimeRange], Sequence[Window]]
"""Cuts a pinned range into the windows that are asked for, newest first."""


class Planning(Protocol):
    """Pins the range of a query and says what will be read."""

    def __call__(self, provider: Provider[...], query: Query, *, now: datetime) -> PullPlan:
        """Raise :class:`InvalidQueryError` for a range that makes no sense now."""
        ...


def make_plan(
    provider: Provider[...],
    query: Query,
    *,
    now: datetime,
    kind: Kind = "pull",
    cut: Cut | None = None,
    tenant: str | None = None,
) -> PullPlan:
    """Pin the range of a query and say what will be read, for which tenant.

    ``cut``: ``None`` makes as few windows as the vendor allows.  Raises
    :class:`InvalidQueryError` for a range that makes no sense now.
    """
    pinned = resolve_range(query.start, query.end, now=now)
    windows = split(pinned, provider.longest_window) if cut is None else cut(pinned)
    return PullPlan(
        provider=provider.name,
        filters=query.filters,
        pinned=pinned,
        windows=windows,
        kind=kind,
        asked=asked_range(query.start, query.end),
        is_open=resolve_range(query.start, query.end, now=FAR) != pinned,
        made_at=now,
        tenant=tenant,
    )


def day_windows(provider: Provider[...], days: int) -> Cut:
    """Return what cuts a range at midnight UTC, into windows of so many days or less.

    Raises :class:`ConfigurationError` for a number that cannot be, and for a vendor that does not
    allow a whole day.
    """
    if isinstance(days, bool) or not isinstance(days, int) or days < 1:
        raise ConfigurationError("days must be a whole number of at least 1")
    longest = min(provider.longest_window or timedelta.max, timedelta(days=min(days, MOST_DAYS)))
    if longest < DAY:
        raise ConfigurationError(f"{provider.name} cannot be asked for a whole day at a time")
    return lambda pinned: split(pinned, longest, at_days=True)


def plan_of(
    provider: Provider[...], query: Query, *, now: datetime, windows: Sequence[Window]
) -> PullPlan:
    """Return the plan to read certain windows of a query, newest first, whatever time it is."""
    end = to_datetime(windows[0].owned.hi - 1)
    return PullPlan(
        provider=provider.name,
        filters=query.filters,
        pinned=TimeRange(to_datetime(windows[-1].owned.lo), end, closed=True),
        windows=windows,
        asked=asked_range(query.start, query.end),
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
