"""What many tenants take: requests, hours, processes and money, in closed form.

**Requests** are counted where nothing moves and sessions come at an even rate: a page each, at least
one a window; a window of more than 400 pages is cut, which costs its page 1 and half a request a
slice (:mod:`asyncsessions.core.slices`).  What moves makes them more: :func:`drifted`.

**Hours** are bounded from below four times: by the rate that the vendor allows, by how many
requests may be open and how long each takes (Little's law), by the CPU time of the busiest process,
and by the quota, which is counted in months.  The estimate is the highest of the bounds.  Tenants
are pulled side by side, so that limits of tenants do not add up, and CPU times do.

Everything here is arithmetic; :mod:`tools.fleet.running` plays the same through, with the code of
the package, and tests/house/test_fleet.py compares them.  Durations end in ``_s`` (seconds) or
``_days``; ``None`` = no limit, or none known.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapreplace
from math import ceil, inf

from attrs import evolve, frozen

from asyncsessions.core.slices import COMMIT_PAGES, MOST_SLICES
from tools.fleet.revisits import read_days

__all__ = [
    "Estimate",
    "Job",
    "Memory",
    "Tenant",
    "Vendor",
    "drifted",
    "estimate",
    "months",
    "most_sessions_a_day",
    "processes_for",
    "pull_job",
    "pull_requests",
    "split_job",
    "sync_job",
    "sync_reads",
    "window_requests",
]

MONTH_DAYS = 30


@frozen(kw_only=True)
class Vendor:
    """What is alike for all tenants of a vendor.

    ``longest_days`` is the longest window of one request, ``lookback_days`` how far back a sync
    reads, ``cpu_s`` what a record costs on its way into a target, ``start_cpu_s`` what a run costs
    however little it reads.
    """

    name: str
    page_size: int
    longest_days: float | None
    lookback_days: float
    cpu_s: float
    start_cpu_s: float


@frozen(kw_only=True)
class Tenant:
    """One account: how much there is, and what the vendor allows it.

    ``concurrency`` is ours.  ``rate_per_s`` are the requests a second that the vendor allows.
    """

    vendor: Vendor
    sessions_a_day: float
    latency_s: float
    concurrency: int = 8
    rate_per_s: float | None = None


@frozen(kw_only=True)
class Job:
    """One run for one tenant."""

    tenant: Tenant
    requests: float
    rows: float

    @property
    def cpu_s(self) -> float:
        """CPU time of one core."""
        return self.tenant.vendor.start_cpu_s + self.rows * self.tenant.vendor.cpu_s

    @property
    def rate_s(self) -> float:
        """How long it takes at least at the rate that the vendor allows."""
        return self.requests / (self.tenant.rate_per_s or inf)

    @property
    def latency_s(self) -> float:
        """How long it takes at least since only so many requests are open: page 1, then all others.

        A request is open until its page is read.
        """
        rounds = 1 + ceil((self.requests - 1) / self.tenant.concurrency)
        page_s = self.rows * self.tenant.vendor.cpu_s / self.requests
        return rounds * (self.tenant.latency_s + page_s)

    @property
    def limit_s(self) -> float:
        """The bound that no machine of ours moves."""
        return max(self.rate_s, self.latency_s)


@frozen(kw_only=True)
class Estimate:
    """All jobs side by side.

    ``limit_s`` is the longest that the vendor makes one of them take, ``busiest_s`` how long the
    busiest process works, ``cpu_s`` the CPU time of all.
    """

    requests: float
    rows: float
    cpu_s: float
    limit_s: float
    busiest_s: float
    limit: str

    @property
    def wall_s(self) -> float:
        """How long it takes: at least this, and little more where one bound is far above the other."""
        return max(self.limit_s, self.busiest_s)

    @property
    def most_s(self) -> float:
        """How long it takes at most: as if the vendor were only asked while no CPU is used."""
        return self.limit_s + self.busiest_s

    @property
    def bound_by(self) -> str:
        """What sets the time: ``rate``, ``latency`` or ``CPU``."""
        return self.limit if self.limit_s >= self.busiest_s else "CPU"


# ------------------------------------------------------------------------------------- requests


def window_requests(rows: float, page_size: int) -> float:
    """Return the requests for one window of so many rows."""
    pages = max(1, ceil(rows / page_size))
    return pages if pages <= 2 * COMMIT_PAGES else _cut(pages, page_size)


def _cut(pages: float, page_size: int) -> float:
    """Return the requests of a window that is cut: its page 1, and its slices."""
    count = min(ceil(pages / COMMIT_PAGES), MOST_SLICES)
    each = pages / count
    # The last page of a slice is half full on average.
    return 1 + count * (each + 0.5 if each <= 2 * COMMIT_PAGES else _cut(each, page_size))


def pull_requests(vendor: Vendor, sessions_a_day: float, days: float) -> float:
    """Return the requests for a range: ``max(1, ceil(n / page))`` for each window."""
    longest = vendor.longest_days or inf
    full, rest = (0, days) if longest == inf else (int(days // longest), days % longest)
    requests = full * window_requests(sessions_a_day * min(longest, days), vendor.page_size)
    if rest or not full:
        requests += window_requests(sessions_a_day * rest, vendor.page_size)
    return requests


def sync_reads(
    vendor: Vendor,
    sessions_a_day: float,
    *,
    lookback_days: float | None = None,
    every_days: float = 1.0,
    revisit: float = 0.0,
) -> tuple[float, float]:
    """Return the requests and the rows of one sync, long after the first.

    All of the lookback is read each time; with ``revisit`` what is due then, on average
    (:mod:`tools.fleet.revisits`).  ``lookback_days=None`` = the vendor's.
    """
    back = vendor.lookback_days if lookback_days is None else lookback_days
    if not revisit:
        days = max(back, every_days)
        return pull_requests(vendor, sessions_a_day, days), sessions_a_day * days
    syncs = read_days(
        lookback_days=back,
        every_days=every_days,
        revisit=revisit,
        longest_days=vendor.longest_days,
    )
    lengths = [days for sync in syncs for days in sync]
    requests = sum(window_requests(sessions_a_day * days, vendor.page_size) for days in lengths)
    return requests / len(syncs), sessions_a_day * sum(lengths) / len(syncs)


# ---------------------------------------------------------------------------------------- jobs


def pull_job(tenant: Tenant, days: float) -> Job:
    """Return the job of reading a range for the first time."""
    requests = pull_requests(tenant.vendor, tenant.sessions_a_day, days)
    return Job(tenant=tenant, requests=requests, rows=tenant.sessions_a_day * days)


def sync_job(
    tenant: Tenant,
    *,
    lookback_days: float | None = None,
    every_days: float = 1.0,
    revisit: float = 0.0,
) -> Job:
    """Return the job of one sync, long after the first; see :func:`sync_reads`."""
    requests, rows = sync_reads(
        *(tenant.vendor, tenant.sessions_a_day),
        lookback_days=lookback_days,
        every_days=every_days,
        revisit=revisit,
    )
    return Job(tenant=tenant, requests=requests, rows=rows)


def drifted(job: Job, factor: float) -> Job:
    """Return the job where the list moves while it is read; a factor of 1 = nothing moves.

    What is read twice costs CPU time twice.
    """
    return evolve(job, requests=job.requests * factor, rows=job.rows * factor)


def split_job(job: Job, parts: int) -> list[Job]:
    """Cut a job by windows: the parts share what the vendor allows, and the concurrency."""
    tenant = job.tenant
    rate = None if tenant.rate_per_s is None else tenant.rate_per_s / parts
    lanes = max(1, tenant.concurrency // parts)
    shared = evolve(tenant, rate_per_s=rate, concurrency=lanes)
    each = max(1.0, job.requests / parts)
    return [Job(tenant=shared, requests=each, rows=job.rows / parts)] * parts


# ------------------------------------------------------------------------------- hours, machines


@frozen(kw_only=True)
class Memory:
    """What a process holds, in MB: by itself, for each tenant that is open, for each of its rows.

    A window waits in memory until it is committed; two are open at a time, none larger than 400 pages.
    """

    process_mb: float
    tenant_mb: float
    row_mb: float

    def of(self, jobs: Sequence[Job]) -> float:
        """Return the most that a process needs while these are open, all at once."""
        return self.process_mb + sum(
            self.tenant_mb
            + self.row_mb * min(job.rows, 4 * COMMIT_PAGES * job.tenant.vendor.page_size)
            for job in jobs
        )


def busiest(cpu_s: Sequence[float], processes: int) -> float:
    """Return the CPU time of the busiest process, the costliest jobs placed first."""
    loads = [0.0] * processes
    for cost in sorted(cpu_s, reverse=True):
        heapreplace(loads, loads[0] + cost)
    return max(loads)


def estimate(jobs: Sequence[Job], *, processes: int = 1, share: float = 1.0) -> Estimate:
    """Return what jobs take side by side, on processes that have such a share of a core each."""
    slowest = max(jobs, key=lambda job: job.limit_s)
    costs = [job.cpu_s for job in jobs]
    return Estimate(
        requests=sum(job.requests for job in jobs),
        rows=sum(job.rows for job in jobs),
        cpu_s=sum(costs),
        limit_s=slowest.limit_s,
        busiest_s=busiest(costs, processes) / share,
        limit="rate" if slowest.rate_s >= slowest.latency_s else "latency",
    )


def processes_for(cpu_s: float, within_s: float) -> int:
    """Return how many processes get so much work done in time."""
    return max(1, ceil(cpu_s / within_s))


def months(requests: float, quota: int) -> int:
    """Return over how many months requests are spread where so many are allowed in each."""
    return max(1, ceil(requests / quota))


def most_sessions_a_day(
    vendor: Vendor, quota: int, *, lookback_days: float, every_days: float = 1.0
) -> int:
    """Return for how many sessions a day a monthly quota lasts; 0 = for none at all."""
    runs = MONTH_DAYS / every_days

    def lasts(sessions_a_day: int) -> bool:
        each, _ = sync_reads(
            vendor, sessions_a_day, lookback_days=lookback_days, every_days=every_days
        )
        return runs * each <= quota

    low, high = 0, 1
    while lasts(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if lasts(middle) else (low, middle)
    return low
