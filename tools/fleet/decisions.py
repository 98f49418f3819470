"""The tables of docs/scale.md by which one decides: quotas, nights, memory, thresholds."""

from __future__ import annotations

from math import ceil

from tools.fleet import figures
from tools.fleet.figures import attributionhub, hum
from tools.fleet.model import Vendor, months, most_sessions_a_day, pull_requests, sync_job
from tools.fleet.scenarios import TWO_YEARS, tenant
from tools.fleet.tables import spoken, table

__all__ = ["memory", "nights", "opened", "quotas", "thresholds"]

QUOTAS = (5_000, 50_000, 500_000)
LOOKBACKS = (0, 3, 7, 30)
CORES = 32
"""The largest machine that is thought of."""


def quotas() -> str:
    """Return for how many sessions a day a quota lasts."""
    hub = attributionhub()
    rows = [
        (
            f"{quota:,}",
            *(f"{most_sessions_a_day(hub, quota, lookback_days=back):,}" for back in LOOKBACKS),
            *(
                f"{months(pull_requests(hub, sessions, TWO_YEARS), quota)}"
                for sessions in (500, 10_000)
            ),
        )
        for quota in QUOTAS
    ]
    head = ["requests a month"]
    head += ["nothing read again" if not back else f"lookback {back} d" for back in LOOKBACKS]
    head += ["two years of 500 a day, months", "of 10,000 a day, months"]
    return table(head, rows, numbers=0)


def _fit(vendor: Vendor, sessions: float, *, revisit: float = 0.0) -> int:
    """Return how many tenants one process reads in a night."""
    job = sync_job(tenant(vendor, sessions), revisit=revisit)
    return _tens(figures.NIGHT_S * figures.SPARE / job.cpu_s)


def nights() -> str:
    """Return how many tenants fit into a night, and how long one of them takes alone."""
    rows: list[tuple[str, ...]] = []
    for vendor in (hum(), attributionhub()):
        for sessions in (500, 10_000, 100_000, 1_000_000):
            job = sync_job(tenant(vendor, sessions))
            less = sync_job(tenant(vendor, sessions), revisit=0.5)
            rows.append(
                (
                    vendor.name,
                    f"{sessions:,}",
                    f"{_fit(vendor, sessions):,}",
                    f"{CORES * _fit(vendor, sessions):,}",
                    spoken(job.limit_s),
                    spoken(less.limit_s),
                )
            )
    head = ("vendor", "sessions a day", "tenants a process", f"tenants on {CORES} cores")
    return table((*head, "one tenant takes", "with `--revisit 0.5`"), rows)


def memory() -> str:
    """Return what a process needs with so many tenants open at once."""
    held = figures.memory()
    rows: list[tuple[str, ...]] = []
    for count in (1, 10, 50, 200, 1_000):
        jobs = [[sync_job(tenant(attributionhub(), each))] * count for each in (100, 500, 10_000)]
        rows.append((f"{count:,}", *(f"{held.of(each):,.0f} MB" for each in jobs)))
    head = ("tenants open at once", "700 rows each", "3,500 rows each", "70,000 rows each")
    return table(head, rows, numbers=0)


def opened() -> str:
    """Return how many tenants have to be open to keep a process busy, and what that needs."""
    vendor, job = hum(), sync_job(tenant(hum(), 500))
    busy = ceil(figures.SPARE / (vendor.cpu_s * vendor.page_size) / figures.RATE_PER_S)
    needed = figures.memory().of([job] * busy)
    return (
        f"{busy} tenants of Hum that answer {figures.RATE_PER_S:g} requests a second each keep half "
        f"of a core busy; with {job.rows:,.0f} rows each they need {needed / 1e3:.1f} GB.\n"
    )


def thresholds() -> str:
    """Return the decisions, with the figures at which they turn."""
    one, hub = hum(), attributionhub()
    small, large = _fit(one, 500), _fit(one, 10_000)
    alone = figures.tenants(1)
    lasting = most_sessions_a_day(hub, figures.QUOTA, lookback_days=7)
    job_mb = alone["before_mb"]
    rows = [
        (
            "the quota of AttributionHub",
            f"more than {lasting:,} sessions a day with 7 days read again each night, of {figures.QUOTA:,} requests a month",
            "a shorter `--lookback`, `--revisit`, fewer nights, a larger quota; no machine helps",
        ),
        (
            "the rate of one tenant",
            f"more than {_rate_sessions(one):,} sessions a day of Hum with 60 days read again, at {figures.RATE_PER_S:g} requests a second",
            "`--revisit 0.5`; a higher rate from the vendor, and `concurrency` with it; no machine helps",
        ),
        (
            "nothing",
            f"up to {small:,} tenants of Hum with 500 a day, or {large:,} with 10,000",
            "one asyncio process, some tenants at a time",
        ),
        (
            "memory and start-up, with a cron job for each",
            f"{job_mb:.0f} MB and {figures.import_s() * 1e3:.0f} ms each",
            "good for a handful, or a few at a time with `xargs -P`; else one process for all",
        ),
        (
            "a core",
            f"up to {CORES * small:,} tenants of Hum with 500 a day, or {CORES * large:,} with 10,000",
            f"a process for each core, up to {CORES}, the tenants dealt out among them; one machine",
        ),
        (
            "a machine",
            "beyond that, or the rows belong into tables that Spark writes anyway",
            "Spark, or several machines: tenants dealt out first, then windows of the largest",
        ),
    ]
    return table(("what is short", "when", "what helps"), rows, numbers=3)


def _rate_sessions(vendor: Vendor) -> int:
    """Return how many sessions a day of one tenant fit into a night, at the assumed rate."""
    requests = figures.NIGHT_S * figures.RATE_PER_S
    return _tens(requests * vendor.page_size / vendor.lookback_days)


def _tens(number: float) -> int:
    """Round down to two digits: nothing here is known better than that."""
    step: int = 10 ** max(0, len(str(int(number))) - 2)
    return int(number // step) * step
