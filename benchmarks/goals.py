"""What the package is meant to reach, and what was measured; see ``tools.generate``.

A goal is missed where the stored figure is: nothing here decides by hand which those are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import ge, le
from typing import Any

from attrs import frozen

from benchmarks.contending import OURS
from benchmarks.storing import rows_of, stored
from benchmarks.writing import X, table

__all__ = ["GOALS", "Goal", "goals_table"]

Row = Mapping[str, Any]
ITEMS = "asyncsessions items"
AT_MOST, AT_LEAST = le, ge
SLOW_S = 0.05
WIDE = (8, 16, 32, 64)


@frozen
class Figure:
    """Where figures are stored: in which file, in which of its rows, under which name."""

    subject: str
    group: str
    name: str
    figure: str

    def values(self) -> list[float]:
        """Return the figures for Hum; of a grid, those at 50 ms with 8 or more at a time."""
        return [
            row[self.figure]
            for row in rows_of(stored(self.subject), self.group)
            if row["name"] == self.name
            and row.get("vendor", "hum") == "hum"
            and self.figure in row
            and (self.group != "grid" or self._is_wide(row))
        ]

    @staticmethod
    def _is_wide(row: Row) -> bool:
        return row["latency_s"] == SLOW_S and row["concurrency"] in WIDE


@frozen
class Goal:
    """A bound for stored figures, of which the worst one counts."""

    what: str
    bound: float
    holds: Callable[[float, float], bool]
    at: Figure
    unit: str = f" {X}"
    digits: int = 2


def _paired(name: str, to_tuned: float, to_plain: float) -> Iterator[Goal]:
    said = "`pages()`" if name == OURS else "items"
    against = f"{said}, CPU: of fetching the bytes alone"
    for how, bound, figure in (
        ("tuned", to_tuned, "cpu_to_floor"),
        ("plain", to_plain, "cpu_to_default"),
    ):
        at = Figure("reading", "paired", name, figure)
        yield Goal(f"{against}, {how} aiohttp", bound, AT_MOST, at)


def _peer(name: str, bound: float) -> Goal:
    at = Figure("reading", "contenders", name, "wall_to_ours")
    return Goal(f"time of {name}: of that of `pages()`", bound, AT_LEAST, at)


def _sink(name: str, group: str, bound: float) -> Goal:
    what = f"`{name.rsplit(maxsplit=1)[-1]}`, CPU: of fetching the bytes alone"
    return Goal(what, bound, AT_MOST, Figure("sinks", group, name, "cpu_to_floor"))


def _at_latency(name: str, subject: str, bound: float) -> Goal:
    what = f"30,000 rows at 50 ms into DuckDB, 20 at a time, time of {name}: of ours"
    return Goal(what, bound, AT_LEAST, Figure(subject, "duckdb", name, "wall_to_ours"))


def _peak(of: str, at: Figure, bound: float) -> Goal:
    return Goal(f"peak of {of}", bound, AT_MOST, at, unit=" MB", digits=0)


def _start(what: str, at: Figure, bound: float) -> Goal:
    return Goal(what, bound, AT_MOST, at, unit=" ms", digits=0)


GOALS = (
    *_paired(OURS, 1.75, 1.4),
    *_paired(ITEMS, 1.95, 1.6),
    _peer("aiohttp + cattrs, same record", 5.5),
    _peer("aiohttp + cattrs, gather, same record", 4.0),
    _peer("httpx + pydantic pager", 6.5),
    _peer("dlt RESTClient (dicts)", 10.0),
    _peer("Stainless runtime (openai)", 20.0),
    Goal(
        "share of the ideal schedule at 50 ms, 8 to 64 at a time",
        0.93,
        AT_LEAST,
        Figure("reading", "grid", OURS, "share_of_ideal"),
        unit="",
        digits=3,
    ),
    _sink("asyncsessions .parquet", "parquet", 2.5),
    _sink("asyncsessions .duckdb", "duckdb", 3.2),
    _at_latency("dlt rest_api", "sinks_latency", 20.0),
    _at_latency("Airbyte, slices of time", "sinks_airbyte", 4.0),
    _peak("streaming a million rows", Figure("scale", "scale", "1,000,000 rows", "peak_mb"), 80),
    _peak(
        "a pull into `.parquet`",
        Figure("sinks", "parquet", "asyncsessions .parquet", "peak_mb"),
        250,
    ),
    _peak(
        "a pull into `.duckdb`", Figure("sinks", "duckdb", "asyncsessions .duckdb", "peak_mb"), 250
    ),
    _start(
        "`import asyncsessions`, on top of the bare interpreter",
        Figure("startup", "library", "import asyncsessions", "extra_ms"),
        60,
    ),
    _start(
        "`asyncsessions --help`",
        Figure("startup", "command", "asyncsessions --help", "wall_ms"),
        300,
    ),
)


def goals_table() -> str:
    """Return every goal beside what was measured, those that are missed in bold."""
    return table(["", "goal", "measured", ""], list(_lines(GOALS)))


def _lines(goals: Iterable[Goal]) -> Iterator[list[str]]:
    for goal in goals:
        found = goal.at.values()
        if not found:
            continue
        worst = max(found) if goal.holds is AT_MOST else min(found)
        is_met = goal.holds(worst, goal.bound)
        word = "at most" if goal.holds is AT_MOST else "at least"
        measured = f"{max(0.0, worst):.{goal.digits}f}{goal.unit}"
        yield [
            goal.what,
            f"{word} {goal.bound:g}{goal.unit}",
            measured if is_met else f"**{measured}**",
            "met" if is_met else "missed",
        ]
