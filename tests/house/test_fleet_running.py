"""The formulas of docs/scale.md against a simulation that plays every request."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.fleet import with_start
from tools.fleet import pictures
from tools.fleet.model import Tenant, Vendor, estimate, months, pull_job
from tools.fleet.running import Asked, run
from tools.fleet.scenarios import cells

HUM = Vendor(
    name="Hum", page_size=50, longest_days=None, lookback_days=60, cpu_s=14e-6, start_cpu_s=0.01
)
HUB = evolve(HUM, name="AttributionHub", longest_days=30, cpu_s=18e-6)
ONE = Tenant(vendor=HUM, sessions_a_day=500, latency_s=0.3)


def read(tenant, days, *, count=1, processes=1, **how):
    return run([Asked(tenant=tenant, days=days, **how)] * count, processes=processes)


def formula(tenant, days, *, count=1, processes=1):
    return estimate([pull_job(tenant, days)] * count, processes=processes)


@pytest.mark.parametrize("cell", cells(), ids=lambda cell: cell.name)
def test_the_fleets_of_the_page_take_what_the_formulas_say_within_a_tenth(cell):
    told, played = cell.formula(), cell.simulated()
    assert played.wall_s == pytest.approx(told.wall_s, rel=0.1)
    assert played.requests - played.refused == pytest.approx(told.requests, rel=0.01)
    assert played.cpu_s == pytest.approx(told.cpu_s, rel=0.01)
    assert played.rows == told.rows
    assert played.given_up == 0


GRID = [
    (vendor, sessions, rate, concurrency)
    for vendor in (HUM, HUB)
    for sessions in (200, 2_000)
    for rate in (None, 3.0, 25.0)
    for concurrency in (1, 8, 32)
]


@pytest.mark.parametrize(("vendor", "sessions", "rate", "concurrency"), GRID)
def test_one_tenant_takes_what_the_higher_of_its_bounds_says(vendor, sessions, rate, concurrency):
    tenant = evolve(
        ONE, vendor=vendor, sessions_a_day=sessions, rate_per_s=rate, concurrency=concurrency
    )
    told, played = formula(tenant, 40), read(tenant, 40)
    job = pull_job(tenant, 40)
    low, high = sorted([job.rate_s, job.latency_s])
    is_clear = high >= 2 * low and told.requests >= 60 * concurrency
    # A bucket that was full lets a second's worth go at once.
    assert played.wall_s >= 0.97 * told.wall_s - 1.0
    assert played.wall_s <= (1.1 if is_clear else 1.35) * told.wall_s
    assert played.rows == told.rows


@settings(max_examples=40)
@given(
    vendor=st.sampled_from([HUM, HUB]),
    sessions=st.integers(20, 1_000),
    days=st.integers(1, 40),
    latency_s=st.floats(0.02, 1),
    concurrency=st.integers(1, 16),
    rate=st.none() | st.floats(2, 50),
    count=st.integers(1, 12),
    processes=st.integers(1, 4),
)
def test_no_fleet_is_faster_than_its_bounds_or_much_slower_than_their_sum(
    vendor, sessions, days, latency_s, concurrency, rate, count, processes
):
    tenant = Tenant(
        vendor=vendor,
        sessions_a_day=sessions,
        latency_s=latency_s,
        concurrency=concurrency,
        rate_per_s=rate,
    )
    told = formula(tenant, days, count=count, processes=processes)
    played = read(tenant, days, count=count, processes=processes)
    job = pull_job(tenant, days)
    each = (played.requests - played.refused) / count
    assert played.wall_s >= 0.999 * told.busiest_s
    assert rate is None or played.wall_s >= (each - 1) / rate - 1.0  # which a full bucket saves
    # Answers take 0.3 to 2.5 times their mean; a limit is learnt within a few seconds.
    assert played.wall_s <= 1.2 * (job.rate_s + job.latency_s + told.busiest_s) + 3 * latency_s + 5
    assert played.requests - played.refused >= told.requests * 0.99 - count
    assert played.rows == told.rows


def test_a_few_requests_take_up_to_a_third_longer_than_their_mean_latency_says():
    small = evolve(ONE, sessions_a_day=20)
    told, played = formula(small, 60, count=10), read(small, 60, count=10)
    assert told.wall_s < played.wall_s < 1.34 * told.wall_s


def test_more_processes_are_not_slower_until_the_latency_is_the_bound():
    busy = evolve(ONE, latency_s=0.05)
    walls = [read(busy, 5, count=120, processes=each).wall_s for each in (1, 2, 4, 8, 64)]
    assert all(later <= 1.02 * sooner for sooner, later in pairwise(walls))
    assert walls[0] / walls[2] == pytest.approx(4, rel=0.1)
    assert walls[4] >= formula(busy, 5).limit_s


def test_twice_the_tenants_take_as_long_until_the_cpu_is_the_bound():
    slow = evolve(ONE, rate_per_s=5.0)
    walls = [read(slow, 7, count=each, is_told=True).wall_s for each in (10, 20, 40, 400)]
    assert walls[1] == pytest.approx(walls[0], rel=0.05)
    assert walls[2] == pytest.approx(walls[0], rel=0.05)
    assert walls[3] == pytest.approx(formula(slow, 7, count=400).busiest_s, rel=0.1)
    assert walls[3] > 1.5 * walls[0]


def test_a_quota_spreads_a_pull_over_months_and_costs_one_refusal_in_each():
    month_s = 1_000.0
    tenant = evolve(ONE, vendor=HUB)
    requests = formula(tenant, 60).requests
    for quota in (100, 300, 599, 700):
        played = read(tenant, 60, quota=quota, month_s=month_s)
        over = months(played.requests - played.refused, quota)
        assert (over - 1) * month_s < played.wall_s <= over * month_s
        assert played.refused == over - 1
        assert months(requests, quota) in {over, over - 1}  # a last page that is not full
        assert played.rows == 30_000


def test_who_is_told_the_rate_is_not_refused_and_who_learns_it_is_hardly_slower():
    slow = evolve(ONE, rate_per_s=2.0)
    told, learnt = read(slow, 20, is_told=True), read(slow, 20)
    assert told.refused == 0
    assert 0 < learnt.refused <= 40
    assert learnt.wall_s == pytest.approx(told.wall_s, rel=0.1)


def test_the_same_seed_plays_the_same():
    fleet = [Asked(tenant=evolve(ONE, rate_per_s=5.0), days=10)] * 3
    assert run(fleet, seed=3) == run(fleet, seed=3)
    assert run(fleet, seed=3) != run(fleet, seed=4)


# ------------------------------------------------------------------------- what is shown of it


def test_pictures_are_whole_and_a_stale_one_is_noticed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pictures, "IMAGES", tmp_path)
    monkeypatch.setattr(pictures, "PLAYED", (1, 10))
    monkeypatch.setattr(pictures, "PICTURES", {"hours": pictures.hours})
    assert pictures.main([]) == 0
    assert len([ET.parse(path) for path in tmp_path.iterdir()]) == 2
    (tmp_path / "scale-hours-dark.svg").write_text("<svg/>")
    capsys.readouterr()
    assert pictures.main(["--check"]) == 1
    assert capsys.readouterr().out == "scale-hours-dark.svg is stale: run `make generate`\n"


def test_what_a_tenant_costs_before_its_first_record_follows_from_two_lengths():
    rows = [
        {"name": "x/", "tenants": 50, "rows": 1_000, "cpu_ms": 20.0},
        {"name": "x/", "tenants": 50, "rows": 5_000, "cpu_ms": 60.0},
        {"name": "x/", "tenants": 1, "rows": 1_000, "cpu_ms": 30.0},
    ]
    assert [row.get("start_ms") for row in with_start(rows)] == [10.0, None, None]
