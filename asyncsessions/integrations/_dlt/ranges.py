"""Which days a load reads, from what earlier loads have said in dlt's state."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from typing import Any

import msgspec
from attrs import frozen

from asyncsessions.core.windows import TimeLike, resolve_range, to_datetime
from asyncsessions.errors import ConfigurationError
from asyncsessions.integrations._dlt.days import DAY

__all__ = ["Loaded", "due_ranges", "fingerprint", "whole_days"]

Days = tuple[date, date | None]
"""The first and the last day of a range; ``None`` = up to now."""


@frozen
class Loaded:
    """What was loaded so far: all days since ``first``, read up to the moment ``through``."""

    first: date
    through: datetime

    @classmethod
    def from_state(cls, state: Mapping[str, Any], *, filters: str) -> Loaded | None:
        """Read dlt's state; ``None`` if nothing was loaded, or single days by their ``end`` only.

        Raises :class:`ConfigurationError` if that was loaded with other filters.
        """
        if state.get("filters", filters) != filters:
            raise ConfigurationError(
                "the table was loaded with other filters, and its old days would stay as they are: "
                "load into another table, or again from the start with refresh='drop_resources'"
            )
        if "through" not in state:
            return None
        first = date.fromisoformat(state["first"])
        return cls(first, datetime.fromisoformat(state["through"]).astimezone(UTC))

    def to_state(self, state: MutableMapping[str, Any], *, filters: str) -> None:
        """Write dlt's state, as plain texts."""
        state["first"] = self.first.isoformat()
        state["through"] = self.through.isoformat()
        state["filters"] = filters

    def with_range(self, first: date, through: datetime, lookback: timedelta) -> Loaded:
        """Return what is loaded once all that was due since ``first`` has come, too."""
        if first > self.through.date():  # between the two lies what nobody asked for
            return Loaded(first, through)
        if first > max(self.first, self.again(lookback)):  # the days before it are due still
            return self
        return Loaded(min(first, self.first), max(through, self.through))

    def again(self, lookback: timedelta) -> date:
        """Return the first day that was younger than ``lookback`` when it was read."""
        try:
            return (self.through - lookback).date()
        except OverflowError:  # before year 1
            return date.min


def whole_days(start: TimeLike, end: TimeLike | None, *, now: datetime) -> Days:
    """Return the days (UTC) in which a range lies; raises :class:`InvalidQueryError`."""
    pinned = resolve_range(start, end, now=now)
    first = pinned.start.astimezone(UTC).date()
    return first, None if end is None else to_datetime(pinned.span.hi - 1).date()


def due_ranges(first: date, loaded: Loaded | None, lookback: timedelta) -> list[Days]:
    """Return what is to be read of the days since ``first``, newest first.

    That is what was never read, and again what was younger than ``lookback`` when it was read.
    """
    if loaded is None or first > loaded.through.date():
        return [(first, None)]
    again = loaded.again(lookback)
    if first < loaded.first < again:
        return [(again, None), (first, loaded.first - DAY)]
    return [(max(first, again), None)] if first >= loaded.first else [(first, None)]


def fingerprint(filters: tuple[tuple[str, str], ...]) -> str:
    """Return a text that is the same for the same filters, and does not tell them."""
    return blake2b(msgspec.json.encode(filters), digest_size=8).hexdigest()
