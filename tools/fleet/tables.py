"""The tables of docs/scale.md: what is assumed, what it takes, and how that was checked."""

from __future__ import annotations

from collections.abc import Sequence

from tools.fleet import figures
from tools.fleet.figures import attributionhub, hum
from tools.fleet.model import (
    MONTH_DAYS,
    Tenant,
    drifted,
    estimate,
    pull_job,
    pull_requests,
    sync_reads,
)
from tools.fleet.scenarios import TWO_YEARS, Plan, Scenario, cells, plan, scenarios

__all__ = [
    "assumed",
    "checked",
    "drift",
    "plans",
    "requests",
    "spoken",
    "table",
    "together",
]

DAYS = (100, 500, 2_000, 10_000)  # sessions


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: int = 1) -> str:
    """Return a table whose columns from number `numbers` on are set to the right."""
    rule = ["---" if index < numbers else "---:" for index in range(len(head))]
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, rule, *rows))


def spoken(seconds: float) -> str:
    """Return a time in words."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _money(cents: float) -> str:
    return f"{cents / 100:,.2f}"


def assumed() -> str:
    """Return what the plans rest on, and where it is from."""
    one, other, memory = hum(), attributionhub(), figures.memory()
    rows = [
        ("rows a page", f"{one.page_size}", "documented"),
        (
            "longest window",
            f"Hum any, AttributionHub {other.longest_days:.0f} days",
            "documented for a sibling endpoint",
        ),
        (
            "quota",
            f"Hum: unknown; AttributionHub: {figures.QUOTA:,} requests a month",
            "the vendor's example",
        ),
        (
            "requests a second that a vendor allows a tenant",
            f"{figures.RATE_PER_S:g}",
            "**assumed**",
        ),
        ("latency of an answer", f"{figures.LATENCY_S:g} s", "**assumed**"),
        (
            "price of a request",
            f"{figures.REQUEST_CENTS:g} cents",
            "**assumed**; neither vendor has a price list",
        ),
        ("price of a machine of 2 cores", f"{figures.HOUR_CENTS:g} cents an hour", "**assumed**"),
        ("`concurrency`", "8 a tenant", "our default"),
        (
            "CPU time a record, into a Parquet dataset",
            f"Hum {one.cpu_s * 1e6:.1f} µs, AttributionHub {other.cpu_s * 1e6:.1f} µs",
            "measured: `fleet.json`; AttributionHub by its share in `sinks.json`",
        ),
        (
            "CPU time a tenant, before its first record",
            f"{one.start_cpu_s * 1e3:.0f} ms",
            "measured: `fleet.json`",
        ),
        ("memory of a process", f"{memory.process_mb:.0f} MB", "measured: `fleet.json`"),
        (
            "memory of a tenant that is open",
            f"{memory.tenant_mb:.1f} MB, {memory.row_mb * 1e3:.1f} MB for 1,000 rows of open windows",
            "measured: `fleet.json`",
        ),
        ("share of a core that may be planned with", f"{figures.SPARE:.0%}", "ours to choose"),
        ("a night", f"{spoken(figures.NIGHT_S)}", "ours to choose"),
    ]
    return table(("what", "how much", "from where"), rows, numbers=3)


def requests() -> str:
    """Return the requests of one tenant: once, and each month."""
    rows: list[tuple[str, ...]] = []
    for vendor in (hum(), attributionhub()):
        for sessions in DAYS:
            nightly = [
                sync_reads(vendor, sessions, lookback_days=0)[0],
                sync_reads(vendor, sessions)[0],
                sync_reads(vendor, sessions, revisit=0.5)[0],
            ]
            first = pull_requests(vendor, sessions, TWO_YEARS)
            rows.append(
                (
                    vendor.name,
                    f"{sessions:,}",
                    f"{first:,.0f}",
                    *(f"{MONTH_DAYS * each:,.0f}" for each in nightly),
                    f"{nightly[1] / nightly[0]:.0f} to 1",
                )
            )
    head = ("vendor", "sessions a day", "two years, once", "new sessions alone")
    return table((*head, "with the lookback", "and `--revisit 0.5`", "paid again"), rows)


def drift() -> str:
    """Return a sentence on what moving lists add."""
    factor = figures.drift_factor()
    return (
        f"A list that changes all the time while it is read takes up to {factor:.2f} times as many "
        "requests in the model of [how a pull becomes complete](completeness.md#what-it-costs).\n"
    )


def plans() -> str:
    """Return the scenarios and what they take."""
    head = ("what", "requests", "if nothing holds still", "CPU, one core", "processes", "time")
    rows = [_plan_row(each, plan(each)) for each in scenarios()]
    return table((*head, "set by", "machines", "requests, if priced"), rows)


def _plan_row(scenario: Scenario, found: Plan) -> tuple[str, ...]:
    total = found.estimate
    return (
        scenario.name,
        f"{total.requests:,.0f}",
        f"{sum(drifted(job, figures.drift_factor()).requests for job in scenario.jobs):,.0f}",
        spoken(total.cpu_s),
        f"{found.processes}",
        spoken(total.wall_s),
        total.bound_by,
        _money(found.machine_cents),
        _money(found.request_cents),
    )


def checked() -> str:
    """Return formulas and simulation side by side."""
    rows: list[tuple[str, ...]] = []
    for cell in cells():
        formula, played = cell.formula(), cell.simulated()
        rows.append(
            (
                cell.name,
                f"{formula.requests:,.0f}",
                f"{played.requests - played.refused:,} + {played.refused:,}",
                formula.bound_by,
                f"{formula.wall_s:.1f} s",
                f"{played.wall_s:.1f} s",
                f"{played.wall_s / formula.wall_s - 1:+.0%}",
            )
        )
    head = ("fleet", "requests", "simulated + refused", "set by", "time", "simulated", "off by")
    return table(head, rows)


def together() -> str:
    """Return what was measured of tenants in one process, and what the formulas say."""
    rows: list[tuple[str, ...]] = []
    short, long = figures.SHORT, figures.LONG
    for count, each in ((1, short), (50, short), (50, long), (200, short)):
        one = figures.tenants(count, rows=each)
        quick = Tenant(vendor=hum(), sessions_a_day=each, latency_s=figures.SIDE_BY_SIDE_S)
        job = pull_job(quick, 1)
        rows.append(
            (
                f"{count:,}",
                f"{each:,}",
                f"{one['cpu_ms']:.0f} ms",
                f"{job.cpu_s * 1e3:.0f} ms",
                f"{one['peak_mb']:,.0f} MB",
                f"{figures.memory().of([job] * count):,.0f} MB",
                f"{one['wall_s']:.1f} s",
                f"{estimate([job] * count).wall_s:.1f} s",
            )
        )
    head = ["tenants", "rows of each"]
    for name in ("CPU of each", "memory", "time"):
        head += [name, "formula"]
    return table(head, rows, numbers=0)
