"""The plans that docs/scale.md shows, and the small fleets that its formulas are checked with."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve, frozen

from tools.fleet.figures import (
    CORES,
    HOUR_CENTS,
    LATENCY_S,
    NIGHT_S,
    RATE_PER_S,
    REQUEST_CENTS,
    SPARE,
    attributionhub,
    hum,
)
from tools.fleet.model import (
    Estimate,
    Job,
    Tenant,
    Vendor,
    estimate,
    processes_for,
    pull_job,
    sync_job,
)
from tools.fleet.running import Asked, Outcome, run

__all__ = ["Cell", "Plan", "Scenario", "cells", "plan", "scenarios", "tenant"]

TWO_YEARS = 730.0


def tenant(vendor: Vendor, sessions_a_day: float) -> Tenant:
    """Return a tenant at the assumed rate and latency."""
    return Tenant(
        vendor=vendor,
        sessions_a_day=sessions_a_day,
        latency_s=LATENCY_S,
        rate_per_s=RATE_PER_S,
    )


@frozen(kw_only=True)
class Scenario:
    """Some tenants, and what is done for each of them; ``runs`` of it come in a month."""

    name: str
    jobs: Sequence[Job]
    runs: int = 30


@frozen(kw_only=True)
class Plan:
    """What a scenario takes, on as few processes as get it done in a night."""

    processes: int
    estimate: Estimate
    machine_cents: float
    request_cents: float


def scenarios() -> list[Scenario]:
    """Return the scenarios of the page."""
    one = tenant(hum(), 10_000)
    medium = [tenant(vendor, 500) for vendor in (hum(), attributionhub())]
    few, many = 100 * medium, 5_000 * medium
    found = [
        Scenario(
            name="**1 tenant**, 10,000 a day: two years", jobs=[pull_job(one, TWO_YEARS)], runs=1
        )
    ]
    found += _nightly("… each night", [one])
    found.append(
        Scenario(
            name="**200 tenants**, 500 a day: two years",
            jobs=[pull_job(each, TWO_YEARS) for each in few],
            runs=1,
        )
    )
    found += _nightly("… each night", few)
    found += _nightly("**10,000 tenants**, 500 a day: each night", many)
    found += _nightly("**10,000 tenants**, 10,000 a day: each night", 10_000 * [one])
    return found


def _nightly(name: str, tenants: Sequence[Tenant]) -> list[Scenario]:
    return [
        Scenario(name=name, jobs=[sync_job(each) for each in tenants]),
        Scenario(
            name="… with `--revisit 0.5`", jobs=[sync_job(each, revisit=0.5) for each in tenants]
        ),
    ]


def plan(
    scenario: Scenario, *, hour_cents: float = HOUR_CENTS, request_cents: float = REQUEST_CENTS
) -> Plan:
    """Return what a scenario takes; machines are paid for as long as it runs."""
    cpu_s = sum(job.cpu_s for job in scenario.jobs)
    processes = processes_for(cpu_s / SPARE, NIGHT_S)
    found = estimate(scenario.jobs, processes=processes, share=SPARE)
    machines = -(-processes // CORES)
    return Plan(
        processes=processes,
        estimate=found,
        machine_cents=machines * found.wall_s / 3600 * hour_cents,
        request_cents=found.requests * request_cents,
    )


# ------------------------------------------------------------------------------ what is checked


@frozen(kw_only=True)
class Cell:
    """Alike tenants that read so many days, on some processes."""

    name: str
    tenant: Tenant
    days: float
    count: int = 1
    processes: int = 1

    def formula(self) -> Estimate:
        """Return what the formulas say."""
        return estimate([pull_job(self.tenant, self.days)] * self.count, processes=self.processes)

    def simulated(self, *, seed: int = 1) -> Outcome:
        """Return what the simulation says."""
        asked = Asked(tenant=self.tenant, days=self.days)
        return run([asked] * self.count, processes=self.processes, seed=seed)


def cells() -> list[Cell]:
    """Return the fleets that formulas and simulation are compared on."""
    medium, large = tenant(hum(), 500), tenant(hum(), 5_000)
    quick = evolve(medium, latency_s=0.05, rate_per_s=None)
    hub = evolve(tenant(attributionhub(), 500), rate_per_s=None)
    return [
        Cell(name="1 tenant, a limit of 10 a second", tenant=medium, days=60),
        Cell(name="1 tenant, ten times as many sessions", tenant=large, days=60),
        Cell(name="1 tenant, no limit", tenant=evolve(medium, rate_per_s=None), days=60),
        Cell(name="20 tenants of AttributionHub, no limit", tenant=hub, days=60, count=20),
        Cell(
            name="50 tenants, 2 a second", tenant=evolve(medium, rate_per_s=2.0), days=10, count=50
        ),
        Cell(name="200 tenants, no limit, 50 ms", tenant=quick, days=7, count=200),
        Cell(name="… on 4 processes", tenant=quick, days=7, count=200, processes=4),
        Cell(name="… and 400 tenants", tenant=quick, days=7, count=400, processes=4),
    ]
