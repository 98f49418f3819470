"""Requests are money: quotas, budgets, estimates, and pulls that are over already."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from asyncsessions import (
    AttributionHub,
    BudgetExceededError,
    Client,
    Hum,
    QuotaExceededError,
)
from asyncsessions.sinks.holdings import months_in, open_holdings
from asyncsessions.testing import FakeAttributionHub, FakeHum
from tests.durability.killing import KINDS, name_of
from tests.durability.reading import ids_in

MARCH = {"start": "2026-03-02", "end": "2026-03-31"}
QUARTER = {"start": "2026-01-01", "end": "2026-03-31"}


def to_in(folder, kind):
    return str(folder / name_of(kind)) + "/" * (kind == "dataset")


def entered(target):
    with open_holdings(target) as holdings:
        return sum(sum(months_in(holdings, each).values()) for each in holdings.streams())


@pytest.mark.parametrize("kind", KINDS)
async def test_a_quota_that_ends_in_the_middle_is_not_overrun_and_what_it_bought_is_kept(
    tmp_path, kind
):
    to = to_in(tmp_path, kind)
    async with FakeAttributionHub(rows=3_000, quota=20, latency_s=0.005) as fake:
        provider = AttributionHub(fake.key, base_url=fake.base_url)
        async with Client(provider, concurrency=4) as client:
            with pytest.raises(QuotaExceededError) as caught:
                await client.sessions(**MARCH).pull(to)
        assert len(fake.requests) <= 24
        paid = sum(request.status == 200 for request in fake.requests)
        assert paid == 20
        assert "wait for the next go" in caught.value.__notes__[0]
        fake.quota, before = None, len(fake.requests)
        async with Client(provider, concurrency=4) as client:
            report = await client.sessions(**MARCH).pull(to)
        assert report.complete
        assert len(fake.requests) - before <= 60 - paid + 1 + 4
        assert report.requests_before == before
        assert len(set(ids_in(tmp_path / name_of(kind), kind))) == 3_000
        assert entered(tmp_path / name_of(kind)) == len(fake.requests)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_budget_holds_for_all_goes_of_a_run_together(tmp_path, kind):
    to = to_in(tmp_path, kind)
    async with FakeHum(rows=1_000) as fake:
        async with Client(Hum(fake.token, base_url=fake.base_url), concurrency=3) as client:
            query = client.sessions(**QUARTER)
            for budget in 8, 8, 15:
                with pytest.raises(BudgetExceededError):
                    await query.with_options(max_requests=budget).pull(to)
                assert len(fake.requests) == budget
            report = await query.with_options(max_requests=20).pull(to)
        assert (report.complete, report.requests, report.requests_before) == (True, 5, 15)
        assert len(fake.requests) == 20
        assert Counter(ids_in(tmp_path / name_of(kind), kind)) == Counter(
            row.data["id"] for row in fake.listing.snapshot()
        )


@pytest.mark.parametrize("kind", KINDS)
async def test_a_pull_that_is_over_asks_for_nothing(tmp_path, kind):
    to = to_in(tmp_path, kind)
    async with FakeHum(rows=337) as fake:
        async with Client(Hum(fake.token, base_url=fake.base_url)) as client:
            first = await client.sessions(**QUARTER).pull(to)
            again = await client.sessions(**QUARTER).pull(to)
        assert len(fake.requests) == 7
    assert (again.complete, again.requests, again.rows) == (True, 0, first.rows)
    assert "sync" in again.outcome
    assert "--fresh" in again.outcome


@pytest.mark.parametrize("kind", KINDS)
async def test_what_an_estimate_has_paid_for_the_pull_does_not_pay_again(tmp_path, kind):
    to = to_in(tmp_path, kind)
    span = {"start": datetime(2026, 1, 1, tzinfo=UTC)}
    async with FakeAttributionHub(rows=1_000, **span) as fake:
        async with Client(AttributionHub(fake.key, base_url=fake.base_url)) as client:
            plain = await client.sessions(**QUARTER).estimate()
            before = len(fake.requests)
            plan = await client.sessions(**QUARTER).estimate(to)
            assert (plan.spent, plan.windows, plan.rows) == (plain.spent, plain.windows, 1_000)
            assert plan.requests + plan.spent == plain.requests
            again = await client.sessions(**QUARTER).estimate(to)
            assert (again.spent, again.requests) == (0, plan.requests)
            report = await client.sessions(**QUARTER).pull(to)
        assert (report.requests, report.requests_before) == (plan.requests, plan.spent)
        assert len(fake.requests) - before == plain.requests
    assert len(set(ids_in(tmp_path / name_of(kind), kind))) == 1_000


async def test_the_estimate_of_a_pull_that_is_cut_for_its_commits_is_exact_too(tmp_path):
    async with (
        FakeHum(rows=45_000) as fake,
        Client(Hum(fake.token, base_url=fake.base_url)) as client,
    ):
        plan = await client.sessions(**QUARTER).estimate(tmp_path / "sessions.duckdb")
        report = await client.sessions(**QUARTER).pull(tmp_path / "sessions.duckdb")
    assert plan.windows > 1
    assert (report.rows, report.requests) == (45_000, plan.requests)
    assert report.requests + plan.spent <= 45_000 / 50 + 2 * plan.windows
