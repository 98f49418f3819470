"""The formulas of docs/scale.md: laws, and the same numbers as the package's own planning."""

from __future__ import annotations

from datetime import timedelta
from math import ceil

import pytest
from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st

from asyncsessions import AttributionHub
from asyncsessions.core.slices import Cuts
from asyncsessions.core.windows import EPOCH, TimeRange, split
from tools import freshness
from tools.fleet import figures
from tools.fleet.model import (
    Memory,
    Tenant,
    Vendor,
    drifted,
    estimate,
    months,
    most_sessions_a_day,
    processes_for,
    pull_job,
    pull_requests,
    split_job,
    sync_job,
    sync_reads,
    window_requests,
)

HUM = Vendor(
    name="Hum", page_size=50, longest_days=None, lookback_days=60, cpu_s=14e-6, start_cpu_s=0.01
)
HUB = evolve(HUM, name="AttributionHub", longest_days=30, lookback_days=7)
DAY = timedelta(days=1)

tenants = st.builds(
    Tenant,
    vendor=st.sampled_from([HUM, HUB]),
    sessions_a_day=st.floats(0.1, 20_000),
    latency_s=st.floats(0.01, 3),
    concurrency=st.integers(1, 64),
    rate_per_s=st.none() | st.floats(0.2, 200),
)
jobs = st.builds(pull_job, tenants, st.floats(0.1, 400))


def asked(rows, days, *, longest=None):
    """Return the requests of a range whose rows lie evenly, by the package's windows and slices."""
    pinned = TimeRange(EPOCH, EPOCH + days * DAY, closed=False)
    cuts, waiting, requests = Cuts(50), split(pinned, longest), 0
    whole = pinned.span.hi - pinned.span.lo

    def before(instant):
        return rows * (instant - pinned.span.lo) // whole

    while waiting:
        window = waiting.pop()
        total = before(window.owned.hi) - before(window.owned.lo)
        parts = cuts.cut(window, total)
        if len(parts) > 1:
            requests += 1
            waiting += parts
        else:
            requests += max(1, ceil(total / 50))
    return requests


# ------------------------------------------------------------------------------------- requests


@given(st.integers(0, 20_000))
def test_a_window_of_up_to_400_pages_takes_a_request_a_page_and_one_if_it_is_empty(rows):
    assert window_requests(rows, 50) == max(1, ceil(rows / 50)) == asked(rows, 30)


@given(st.integers(20_000, 20_000_000))
def test_larger_windows_take_as_many_requests_as_their_slices(rows):
    assert window_requests(rows, 50) == pytest.approx(asked(rows, 365), rel=0.01)


@given(st.integers(1, 400), st.integers(1, 600))
def test_a_range_takes_the_requests_of_the_windows_that_it_is_split_into(sessions, days):
    longest = AttributionHub.longest_window
    assert HUB.longest_days * DAY == longest
    found = pull_requests(HUB, sessions, days)
    assert found == pytest.approx(asked(sessions * days, days, longest=longest), abs=days / 30 + 1)


@pytest.mark.parametrize(
    ("vendor", "days", "revisit"),
    [("hum", 30, 0.0), ("hum", 30, 0.5), ("hub", 7, 0.5)],
)
def test_syncs_take_as_many_requests_as_in_the_simulation_of_freshness(vendor, days, revisit):
    mine, other = {
        "hum": (HUM, freshness.HUM),
        "hub": (HUB, freshness.ATTRIBUTIONHUB),
    }[vendor]
    requests, rows = sync_reads(mine, 500, lookback_days=days, revisit=revisit)
    played = freshness.simulate(other, lookback=days * DAY, revisit=revisit, every=DAY).requests
    assert 30 * requests == pytest.approx(played, rel=0.03)
    assert rows / 50 == pytest.approx(requests, rel=0.1)


def test_a_sync_that_comes_rarer_than_the_lookback_reads_all_that_is_new():
    assert sync_reads(HUM, 500, lookback_days=0) == (10, 500)
    assert sync_reads(HUM, 500, lookback_days=2, every_days=7) == (70, 3_500)


@given(jobs, st.floats(1, 2))
def test_what_moves_costs_requests_and_cpu_time(job, factor):
    more = drifted(job, factor)
    assert more.requests == pytest.approx(factor * job.requests)
    assert more.cpu_s >= job.cpu_s
    assert more.rate_s >= job.rate_s


@given(st.integers(1, 100_000), st.sampled_from([0, 3, 7, 30]))
def test_a_quota_lasts_for_so_many_sessions_a_day_and_for_no_more(quota, lookback):
    most = most_sessions_a_day(HUB, quota, lookback_days=lookback)
    assume(quota >= 30)
    assert 30 * sync_reads(HUB, most, lookback_days=lookback)[0] <= quota
    assert 30 * sync_reads(HUB, most + 1, lookback_days=lookback)[0] > quota


def test_a_quota_of_fewer_requests_than_nights_lasts_for_nothing():
    assert most_sessions_a_day(HUB, 29, lookback_days=7) == 0


def test_months_of_a_quota_are_begun_ones():
    assert [months(requests, 5_000) for requests in (0, 1, 5_000, 5_001, 10_001)] == [1, 1, 1, 2, 3]


# -------------------------------------------------------------------------------- hours, machines


@given(st.lists(jobs, min_size=1, max_size=20), st.integers(1, 16))
def test_the_time_is_at_least_every_bound_and_at_most_their_sum(fleet, processes):
    found = estimate(fleet, processes=processes)
    assert found.wall_s >= max(job.rate_s for job in fleet)
    assert found.wall_s >= max(job.latency_s for job in fleet)
    assert found.wall_s >= max(found.cpu_s / processes, *(job.cpu_s for job in fleet)) * (1 - 1e-9)
    assert found.wall_s <= found.most_s
    assert found.bound_by in {"rate", "latency", "CPU"}


@given(st.lists(jobs, min_size=1, max_size=20), st.integers(1, 16), st.integers(1, 16))
def test_more_processes_are_never_slower(fleet, processes, more):
    faster = estimate(fleet, processes=processes + more)
    assert faster.wall_s <= estimate(fleet, processes=processes).wall_s * (1 + 1e-9)


@given(st.lists(jobs, min_size=1, max_size=20))
def test_machines_do_not_move_what_the_vendor_sets(fleet):
    assert estimate(fleet, processes=1_000).wall_s >= estimate(fleet).limit_s


@given(st.lists(jobs, min_size=1, max_size=20), st.integers(1, 8))
def test_twice_the_tenants_take_no_longer_until_the_cpu_is_the_bound(fleet, processes):
    once, twice = (estimate(n * fleet, processes=processes) for n in (1, 2))
    assert twice.requests == pytest.approx(2 * once.requests)
    assert twice.limit_s == once.limit_s
    if twice.bound_by != "CPU":
        assert twice.wall_s == once.wall_s
    else:
        assert twice.wall_s <= max(once.limit_s, 2 * once.busiest_s) * (1 + 1e-9)


@given(st.lists(jobs, min_size=1, max_size=20), st.floats(0.1, 1), st.integers(1, 8))
def test_half_of_a_core_is_not_faster_than_a_whole_one(fleet, share, processes):
    whole, part = (estimate(fleet, processes=processes, share=each) for each in (1.0, share))
    assert part.wall_s >= whole.wall_s
    assert part.cpu_s == whole.cpu_s


@given(jobs, st.integers(1, 8))
def test_a_job_that_is_split_by_windows_takes_no_less_than_the_rate_allows(job, parts):
    pieces = split_job(job, parts)
    assert len(pieces) == parts
    assert sum(piece.tenant.concurrency for piece in pieces) <= max(job.tenant.concurrency, parts)
    together = estimate(pieces, processes=parts)
    assert together.limit_s >= job.rate_s * (1 - 1e-9)
    assert together.rows == pytest.approx(job.rows)
    assert together.busiest_s <= job.cpu_s


@given(st.lists(jobs, min_size=1, max_size=20), st.floats(60, 86_400))
def test_so_many_processes_are_enough_and_one_less_is_not(fleet, within_s):
    cpu_s = estimate(fleet).cpu_s
    processes = processes_for(cpu_s, within_s)
    assert cpu_s / processes <= within_s * (1 + 1e-9)
    assert processes == 1 or cpu_s / (processes - 1) > within_s


def test_memory_grows_with_the_tenants_that_are_open_and_not_beyond_two_windows():
    held = Memory(process_mb=100, tenant_mb=1, row_mb=0.001)
    small, large, huge = (
        pull_job(Tenant(vendor=HUM, sessions_a_day=each, latency_s=0.1), 1)
        for each in (1_000, 40_000, 4_000_000)
    )
    assert held.of([]) == 100
    assert held.of([small] * 10) == 120
    assert held.of([large]) == held.of([huge]) == 141


# ------------------------------------------------------------------------------------ the figures


def test_the_figures_come_from_what_was_measured_and_from_the_vendors_classes():
    one, hub = figures.hum(), figures.attributionhub()
    assert (one.longest_days, one.lookback_days) == (None, 60)
    assert (hub.longest_days, hub.lookback_days) == (30, 7)
    assert min(one.cpu_s, hub.cpu_s) > 0
    two = [
        sync_job(Tenant(vendor=one, sessions_a_day=n, latency_s=0.1), lookback_days=0)
        for n in (1_000, 5_000)
    ]
    for job, rows in zip(two, (1_000, 5_000), strict=True):
        told = figures.tenants(50, rows=rows)
        assert job.cpu_s * 1e3 == pytest.approx(told["cpu_ms"], rel=0.01)
        assert figures.memory().of([job] * 50) == pytest.approx(told["peak_mb"], rel=0.01)


def test_what_was_not_measured_is_named():
    with pytest.raises(ValueError, match=r"sinks\.json has no parquet with .*'abacus'"):
        figures.measured("sinks", "parquet", name="abacus")
