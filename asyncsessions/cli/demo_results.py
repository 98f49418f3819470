"""What the demo has brought home, read back from the file it was written to."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from attrs import frozen

__all__ = ["Campaign", "Results", "read_duckdb", "read_lines"]

PER_DAY = """
    SELECT provider, epoch_us(started_at) // 86_400_000_000 AS day, count(*)
    FROM sessions GROUP BY ALL
"""
PER_CAMPAIGN = """
    SELECT provider, campaign, count(*), count(coalesce(order_ordered_at, conversion_at))
    FROM sessions GROUP BY ALL
"""
EPOCH = date(1970, 1, 1)


@frozen
class Campaign:
    """The sessions of one campaign (``None`` = without one) and how many of them converted."""

    provider: str
    name: str | None
    sessions: int
    conversions: int

    @property
    def rate(self) -> float:
        """The share that converted."""
        return self.conversions / self.sessions


@frozen
class Results:
    """Sessions by provider and day, and by provider and campaign, the largest first."""

    days: dict[tuple[str, date], int]
    campaigns: list[Campaign]

    def per_day(self, provider: str, first: date, days: int) -> list[int]:
        """Return the number of sessions on each of so many days from the first."""
        return [self.days.get((provider, first + timedelta(days=n)), 0) for n in range(days)]


def read_duckdb(path: Path) -> Results:
    """Count with SQL in the table ``sessions``."""
    import duckdb

    with duckdb.connect(str(path), read_only=True) as connection:
        days = connection.execute(PER_DAY).fetchall()
        campaigns = connection.execute(PER_CAMPAIGN).fetchall()
    return Results(
        {(provider, EPOCH + timedelta(days=day)): count for provider, day, count in days},
        _largest_first([Campaign(*row) for row in campaigns]),
    )


def read_lines(paths: Sequence[Path]) -> Results:
    """Count the lines of JSON files."""
    days: Counter[tuple[str, date]] = Counter()
    sessions: Counter[tuple[str, str | None]] = Counter()
    converted: Counter[tuple[str, str | None]] = Counter()
    for row in _lines(paths):
        campaign = (row["provider"], row["campaign"])
        days[row["provider"], datetime.fromisoformat(row["started_at"]).date()] += 1
        sessions[campaign] += 1
        converted[campaign] += bool(row["order"] or row["conversion"])
    return Results(
        dict(days),
        _largest_first([Campaign(*key, n, converted[key]) for key, n in sessions.items()]),
    )


def _lines(paths: Sequence[Path]) -> Iterator[dict[str, str]]:
    for path in paths:
        with path.open(encoding="utf-8") as file:
            yield from map(json.loads, file)


def _largest_first(campaigns: list[Campaign]) -> list[Campaign]:
    return sorted(campaigns, key=lambda campaign: -campaign.sessions)
