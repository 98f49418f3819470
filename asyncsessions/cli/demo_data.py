"""Invented sessions for the demo: weeks with a rhythm, campaigns that convert differently."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from asyncsessions.testing.attributionhub_rows import AttributionHubRows
from asyncsessions.testing.hum_rows import HumRows
from asyncsessions.testing.instants import DAY_US, SECOND_US, instant_of

__all__ = ["DAYS", "attributionhub_rows", "hum_rows"]

DAYS = 60
WEEKDAYS = (1.0, 1.05, 1.1, 1.05, 0.9, 0.55, 0.65)
RUSH = range(38, 45)  # the days of a sale
ORDER = ("order_number", "ordered_at", "installed", "installed_at", "commission_cents")

Row = dict[str, object]
Campaigns = Sequence[tuple[str | None, int, float]]
"""Campaigns with their weight and the share of their sessions that convert."""

HUM: Campaigns = (
    ("movers_guide", 31, 0.14),
    ("fibre_launch", 24, 0.22),
    ("spring_promo", 17, 0.09),
    ("partner-17", 8, 0.31),
    (None, 20, 0.05),
)
ATTRIBUTIONHUB: Campaigns = (
    ("summer_sale", 35, 0.055),
    ("brand", 21, 0.084),
    ("retargeting", 14, 0.118),
    ("winter_sale", 9, 0.031),
    (None, 21, 0.018),
)


def hum_rows(count: int, first: date) -> list[Row]:
    """Return so many rows of Hum, oldest first, on the days from ``first``."""
    chance = Random(count)  # noqa: S311 - seeded
    rows = [
        _given(row, "campaign_id", HUM, chance) for row in _rows(HumRows(seed=11), count, first)
    ]
    for row, rate in rows:
        if chance.random() >= rate / (5 / 12):  # of the invented rows 5 in 12 have an order
            row.update(dict.fromkeys(ORDER), furthest_step=3)
    return [row for row, _ in rows]


def attributionhub_rows(count: int, first: date) -> list[Row]:
    """Return so many rows of AttributionHub, oldest first, on the days from ``first``."""
    chance = Random(count)  # noqa: S311 - seeded
    maker = AttributionHubRows(seed=12)
    rows = [_given(row, "campaign", ATTRIBUTIONHUB, chance) for row in _rows(maker, count, first)]
    for row, rate in rows:
        if chance.random() >= rate / (1 / 8):  # of the invented rows 1 in 8 has a conversion
            row.pop("conversion", None)
    return [row for row, _ in rows]


def _rows(make: Callable[[int, int], Row], count: int, first: date) -> Iterator[Row]:
    for uid, instant in enumerate(_instants(count, first)):
        yield make(uid, instant)


def _given(row: Row, key: str, campaigns: Campaigns, chance: Random) -> tuple[Row, float]:
    """Return the row with a campaign, and the share of sessions that convert there."""
    weights = [weight for _, weight, _ in campaigns]
    row[key], _, rate = chance.choices(campaigns, weights)[0]
    return row, rate


def _instants(count: int, first: date) -> list[int]:
    """Return ascending instants: busy weekdays and evenings, slow growth, one sale."""
    chance = Random(count)  # noqa: S311 - seeded
    midnight = instant_of(datetime.combine(first, time(), UTC))
    days = [first + timedelta(days=day) for day in range(DAYS)]
    weights = [
        WEEKDAYS[day.weekday()]
        * (1 + number / DAYS)
        * (1.7 if number in RUSH else 1.0)
        * chance.uniform(0.9, 1.1)
        for number, day in enumerate(days)
    ]
    drawn = chance.choices(range(DAYS), weights, k=count)
    return sorted(
        midnight + day * DAY_US + int(chance.triangular(0, 86_399, 70_000)) * SECOND_US
        for day in drawn
    )
