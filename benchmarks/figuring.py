"""What is said of a contender: medians, spreads, and ratios to the floor and to ours."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from math import ceil
from typing import Any

from attrs import frozen

from benchmarks.contending import DEFAULT, FLOOR, OURS, PAGE, Contender
from benchmarks.measuring import Figures, quartiles, ratio, ratios

__all__ = ["Cell", "described", "ideal_s", "show"]

US = 1e6


@frozen
class Cell:
    """Where figures belong: the group, and what all of its contenders were given.

    ``pages`` is how many each has read, by contender.
    """

    group: str
    pages: Mapping[Contender, int]
    concurrency: int
    latency_s: float


def ideal_s(pages: int, lanes: int, latency_s: float) -> float:
    """Return how long so many pages take at least, since page 1 has to come before all others."""
    return (ceil((pages - 1) / lanes) + 1) * latency_s


def described(figures: Mapping[Contender, Figures], cell: Cell) -> list[dict[str, Any]]:
    """Return a row for each contender; ratios are to those of the same vendor."""
    by_name = {(each.vendor, each.name): found for each, found in figures.items()}
    rows: list[dict[str, Any]] = []
    for contender, found in figures.items():
        row = {
            "name": contender.name,
            "group": cell.group,
            "vendor": contender.vendor,
            "concurrency": contender.lanes or cell.concurrency,
            "latency_s": cell.latency_s,
            "pages": cell.pages[contender],
            "rounds": len(found.cpu),
            "records_per_s": PAGE / statistics.median(found.wall),
            "wall_us": statistics.median(found.wall) / PAGE * US,
            "cpu_us": statistics.median(found.cpu) / PAGE * US,
            "cpu_us_spread": [each / PAGE * US for each in quartiles(found.cpu)],
        }
        for what, name in (("floor", FLOOR), ("default", DEFAULT), ("ours", OURS)):
            if (other := by_name.get((contender.vendor, name))) is not None:
                row |= _ratios(found, other, what)
        rows.append(row | _shares(found, row))
    return rows


def _ratios(found: Figures, other: Figures, what: str) -> dict[str, Any]:
    return {
        f"cpu_to_{what}": ratio(found.cpu, other.cpu),
        f"cpu_to_{what}_spread": quartiles(ratios(found.cpu, other.cpu)),
        f"wall_to_{what}": ratio(found.wall, other.wall),
    }


def _shares(found: Figures, row: Mapping[str, Any]) -> dict[str, float]:
    """Return which share of the best possible schedule was reached, where answers take time."""
    pages, lanes, latency_s = row["pages"], row["concurrency"], row["latency_s"]
    if not latency_s:
        return {}
    wall_s = statistics.median(found.wall) * pages
    return {
        "share_of_ideal": ideal_s(pages, lanes, latency_s) / wall_s,
        "share_of_even": pages / lanes * latency_s / wall_s,
    }


def show(rows: list[dict[str, Any]]) -> None:
    """Print the rows of one cell."""
    head = rows[0]
    print(
        f"\n{head['group']}: {head['latency_s'] * 1000:g} ms, concurrency {head['concurrency']}, "
        f"{head['rounds']} rounds"
    )
    print(
        f"{'':<38}{'records/s':>10} {'CPU us':>7} {'half of them':>13} {'x floor':>8} "
        f"{'half of them':>12} {'x default':>9} {'x wall':>7}"
        + " of ideal"
        * ("share_of_ideal" in head)
    )
    for row in rows:
        print(_line(row), flush=True)


def _line(row: Mapping[str, Any]) -> str:
    name = row["name"] if row["vendor"] == "hum" else f"{row['name']} *"
    line = f"{name:<38}{row['records_per_s']:>10,.0f} {row['cpu_us']:>7.2f} "
    default = f"{row['cpu_to_default']:.2f}" if "cpu_to_default" in row else ""
    line += f"{_span(row['cpu_us_spread']):>13} {row['cpu_to_floor']:>8.2f} "
    line += f"{_span(row['cpu_to_floor_spread']):>12} {default:>9} "
    line += f"{row['wall_to_floor']:>7.2f}"
    if "share_of_ideal" in row:
        line += f" {row['share_of_ideal']:>8.3f}"
    return line


def _span(spread: list[float]) -> str:
    low, high = spread
    return f"{low:.2f}-{high:.2f}"
