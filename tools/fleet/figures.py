"""What the plans rest on: what was measured, what the vendors document, what is assumed.

Measured figures are read from ``benchmarks/results/``; limits of the vendors from their classes.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

from asyncsessions import AttributionHub, Hum
from benchmarks.storing import rows_of, stored
from tools.completeness import courses
from tools.fleet.model import Memory, Vendor

__all__ = [
    "CORES",
    "HOUR_CENTS",
    "LATENCY_S",
    "NIGHT_S",
    "QUOTA",
    "RATE_PER_S",
    "REQUEST_CENTS",
    "SIDE_BY_SIDE_S",
    "SPARE",
    "attributionhub",
    "drift_factor",
    "hum",
    "import_s",
    "measured",
    "memory",
    "tenants",
]

# Assumed: neither vendor publishes a rate, a latency or a price.
RATE_PER_S = 10.0
LATENCY_S = 0.3
REQUEST_CENTS = 0.01
# Ours to choose.
HOUR_CENTS = 10.0  # a machine
CORES = 2  # of a machine
NIGHT_S = 6 * 3600.0
SPARE = 0.5  # of each core: TLS, unpacking, and whoever else is on the machine
# The vendor's own example, not a fact about any plan.
QUOTA = 5_000

TARGET = "sessions/"
SHORT, LONG = 1_000, 5_000  # rows of each tenant
SIDE_BY_SIDE_S = 0.05  # latency where tenants were measured side by side
MS = 1e-3


def measured(subject: str, group: str, **wanted: Any) -> dict[str, Any]:
    """Return the row of figures that was stored; raises ValueError if it was not measured."""
    for row in rows_of(stored(subject), group):
        if all(row.get(key) == value for key, value in wanted.items()):
            return dict(row)
    raise ValueError(f"benchmarks/results/{subject}.json has no {group} with {wanted}")


def tenants(count: int, *, rows: int = SHORT, target: str = TARGET) -> dict[str, Any]:
    """Return what was measured of so many tenants in one process (``make bench-fleet``)."""
    return measured("fleet", "tenants", name=target, tenants=count, rows=rows)


def _row_cpu_s() -> float:
    """Return what a further record of Hum costs, from lists of two lengths."""
    short, long = (tenants(50, rows=rows) for rows in (SHORT, LONG))
    return float(long["cpu_ms"] - short["cpu_ms"]) / (LONG - SHORT) * MS


@cache
def hum() -> Vendor:
    """Return Hum, with what its records cost on their way into a Parquet dataset."""
    return _vendor("Hum", Hum.page_size, Hum.longest_window, Hum.lookback, _row_cpu_s())


@cache
def attributionhub() -> Vendor:
    """Return AttributionHub, whose records cost as much more as they do in a single Parquet file."""
    name = "asyncsessions .parquet"
    mine = measured("sinks", "parquet, AttributionHub", name=name)
    cpu_s = _row_cpu_s() * mine["cpu_us"] / measured("sinks", "parquet", name=name)["cpu_us"]
    hub = AttributionHub
    return _vendor("AttributionHub", hub.page_size, hub.longest_window, hub.lookback, cpu_s)


def _vendor(
    name: str, page_size: int, longest: timedelta | None, lookback: timedelta, cpu_s: float
) -> Vendor:
    return Vendor(
        name=name,
        page_size=page_size,
        longest_days=None if longest is None else longest / timedelta(days=1),
        lookback_days=lookback / timedelta(days=1),
        cpu_s=cpu_s,
        start_cpu_s=tenants(50)["start_ms"] * MS,
    )


@cache
def memory() -> Memory:
    """Return what a process holds, from lists of two lengths."""
    short, long = (tenants(50, rows=rows) for rows in (SHORT, LONG))
    row_mb = (long["mb_a_tenant"] - short["mb_a_tenant"]) / (LONG - SHORT)
    return Memory(
        process_mb=short["before_mb"],
        tenant_mb=short["mb_a_tenant"] - SHORT * row_mb,
        row_mb=row_mb,
    )


def import_s() -> float:
    """Return what a process takes before it can ask for anything."""
    row = measured("startup", "library", name="from asyncsessions import Client, Hum")
    return float(row["wall_ms"]) * MS


@cache
def drift_factor() -> float:
    """Return the requests a page where the list moves all the time, at most (docs/completeness.md)."""
    moving = courses("a row appears every 4 answers, another vanishes every 5", '`"count"`')
    return max(course.requests for course in moving) / 80
