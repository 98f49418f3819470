"""The pictures of docs/scale.md: ``python -m tools.fleet.pictures [--check]``.

Each in a light and in a dark version, as ``docs/images/scale-NAME-MODE.svg``.  With ``--check`` nothing
is written; the status is 1 if a file would change.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import cache
from math import ceil
from pathlib import Path

from attrs import evolve

from benchmarks.charts import MODES, Axis, Bar, Line, Mode, Panel, bars, lines
from tools.fleet.figures import LATENCY_S, RATE_PER_S, attributionhub, hum
from tools.fleet.model import MONTH_DAYS, pull_job, sync_reads
from tools.fleet.scenarios import Cell, tenant
from tools.pictures import keep

__all__ = ["PICTURES", "drawn", "main"]

IMAGES = Path(__file__).parents[2] / "docs" / "images"
TENANTS = (1, 10, 100, 1_000, 10_000, 100_000)
PLAYED = (1, 10, 100, 300, 1_000)
DAYS = 7.0


def hours(mode: Mode) -> str:
    """Draw how long a night's sync takes over the number of tenants."""
    one = tenant(attributionhub(), 500)
    job = pull_job(one, DAYS)
    finer = [round(10 ** (step / 8)) for step in range(41)]

    def on(processes: int) -> list[tuple[float, float]]:
        # Alike tenants are dealt out evenly: model.busiest without a list of all of them.
        return [(n, max(job.limit_s, ceil(n / processes) * job.cpu_s)) for n in finer]

    drawn = [
        Line("the vendor's limit", [(1, job.limit_s), (TENANTS[-1], job.limit_s)], "ideal"),
        Line("1 process", on(1), "peer"),
        Line("8 processes", on(8), "peer"),
        Line("32 processes", on(32), "peer"),
        Line("simulated", _played(), "ours"),
    ]
    panel = Panel(
        "",
        Axis("tenants", TENANTS[-1], TENANTS, is_log=True, begin=1),
        Axis(
            "seconds, all of a core used", 10_000, (1, 10, 100, 1_000, 10_000), is_log=True, begin=1
        ),
        drawn,
    )
    told = (
        f"500 sessions a day, 7 days read again, {RATE_PER_S:g} requests a second allowed to each tenant, "
        f"answers after {LATENCY_S:g} s"
    )
    return lines([panel], title="A night's sync of AttributionHub", told=told, mode=mode)


@cache
def _played() -> tuple[tuple[float, float], ...]:
    cell = Cell(name="", tenant=tenant(attributionhub(), 500), days=DAYS)
    return tuple((n, evolve(cell, count=n).simulated().wall_s) for n in PLAYED)


def requests(mode: Mode) -> str:
    """Draw where the requests of a month go."""

    def of(days: float, revisit: float = 0.0) -> float:
        return MONTH_DAYS * sync_reads(hum(), 500, lookback_days=days, revisit=revisit)[0]

    rows = [("new sessions alone", of(0))]
    rows += [(f"lookback {days} days", of(days)) for days in (7, 30, 60)]
    rows += [(f"lookback 60 days, --revisit {share:g}", of(60, share)) for share in (0.1, 0.5, 1.0)]
    return bars(
        [
            Bar(name, size, "ours" if "revisit" in name else "peer", f"{size:,.0f}")
            for name, size in rows
        ],
        Axis("requests a month", 20_000, range(0, 20_001, 5_000)),
        title="Where the requests go",
        told="One tenant of Hum, 500 sessions a day, a sync each night, nothing moves",
        mode=mode,
    )


PICTURES: Mapping[str, Callable[[Mode], str]] = {"hours": hours, "requests": requests}


def drawn() -> dict[str, str]:
    """Return every picture by the name of its file."""
    return {
        f"scale-{name}-{mode}.svg": picture(mode)
        for name, picture in PICTURES.items()
        for mode in MODES
    }


def main(arguments: list[str]) -> int:
    """Write the pictures, or check them with ``--check``, and return the exit status."""
    pictures = {IMAGES / name: picture for name, picture in drawn().items()}
    return keep(pictures, is_check="--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
