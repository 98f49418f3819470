"""Whole pulls from the shipped fakes over real loopback HTTP: the promises of the README."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from asyncsessions import (
    AttributionHub,
    AuthenticationError,
    Client,
    Hum,
    PermissionDeniedError,
    Retry,
    ServerError,
)
from asyncsessions.testing import FakeAttributionHub, FakeHum, Faults

FAKES = {"hum": FakeHum, "attributionhub": FakeAttributionHub}
RANGE = {"start": "2026-03-03", "end": "2026-03-31"}  # one window for either vendor
QUICK = Retry(backoff_s=0.002, max_backoff_s=0.02)


@asynccontextmanager
async def opened(
    vendor: str, *, secret: str | None = None, client: dict[str, Any] | None = None, **switches: Any
) -> AsyncIterator[tuple[Any, Client[...]]]:
    async with FAKES[vendor](**switches) as fake:
        if isinstance(fake, FakeHum):
            provider: Any = Hum(secret or fake.token, base_url=fake.base_url)
        else:
            provider = AttributionHub(secret or fake.key, base_url=fake.base_url)
        async with Client(provider, **{"retry": QUICK, **(client or {})}) as opened_client:
            yield fake, opened_client


def in_range(rows: int) -> dict[str, Any]:
    return {
        "rows": rows,
        "start": datetime(2026, 3, 3, tzinfo=UTC),
        "end": datetime(2026, 3, 31, tzinfo=UTC),
    }


@pytest.fixture(params=list(FAKES))
def vendor(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("ordered", [True, False])
async def test_2337_records_take_47_requests_at_concurrency_6(
    vendor: str, *, ordered: bool
) -> None:
    switches = {**in_range(2337), "latency_s": (0.04, 0.06), "seed": 4}
    async with opened(vendor, client={"concurrency": 6}, **switches) as (fake, client):
        found = await client.sessions(**RANGE).with_options(ordered=ordered).collect()
    truth = [row.time for row in fake.listing.snapshot()]
    times = [session.started_at for session in found]
    assert truth == (times if ordered else sorted(times, reverse=True))
    assert len({session.id for session in found}) == len(found) == 2337
    assert found.report.complete
    assert len(fake.requests) == found.report.requests == 47
    assert fake.max_in_flight == 6


async def test_nothing_found_takes_one_request_a_window(vendor: str) -> None:
    async with opened(vendor, rows=0) as (fake, client):
        found = await client.sessions(start="2026-01-01", end="2026-03-31").collect()
    assert found == []
    assert found.report.complete
    assert len(fake.requests) == found.report.windows == (1 if vendor == "hum" else 3)


async def test_a_wrong_key_is_told_after_one_request(vendor: str) -> None:
    async with opened(vendor, secret="wrong", rows=500) as (fake, client):
        for ask in (client.sessions(start="2025-01-01").collect, client.sessions(**RANGE).count):
            with pytest.raises((AuthenticationError, PermissionDeniedError)) as caught:
                await ask()
            assert "check" in str(caught.value)
    assert len(fake.requests) == 2


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_fifth_of_the_answers_may_fail(vendor: str, seed: int) -> None:
    faults = Faults(rate=0.2, seed=seed, slow_s=0.05)
    async with opened(vendor, faults=faults, **in_range(2337)) as (fake, client):
        found = await client.sessions(**RANGE).collect()
    assert [s.started_at for s in found] == [row.time for row in fake.listing.snapshot()]
    assert len({session.id for session in found}) == 2337
    assert found.report.complete
    assert found.report.retries > 0
    assert len(fake.requests) == found.report.requests <= 1.6 * 47


@pytest.mark.parametrize("concurrency", [1, 8, 16])
async def test_an_outage_costs_a_handful_of_requests(vendor: str, concurrency: int) -> None:
    faults = Faults(rate=1.0, kinds=("503",))
    options = {"concurrency": concurrency}
    async with opened(vendor, client=options, faults=faults, rows=500) as (fake, client):
        with pytest.raises(ServerError) as caught:
            await client.sessions(**RANGE).collect()
    assert len(fake.requests) <= 12
    assert "attempts" in str(caught.value)


async def test_overstated_pages_cost_nothing(vendor: str) -> None:
    async with opened(vendor, overstate_pages=5, **in_range(620)) as (fake, client):
        found = await client.sessions(**RANGE).collect()
    assert found.report.complete
    assert (len(found), len(fake.requests)) == (620, 13)


async def test_a_billion_claimed_pages_end_soon_with_all_rows_and_are_told(vendor: str) -> None:
    async with opened(vendor, claim_rows=50_000_000_000, **in_range(500)) as (fake, client):
        found = await client.sessions(**RANGE).collect()
    assert len({session.id for session in found}) == len(found) == 500
    assert len(fake.requests) <= 50
    assert found.report.complete
    assert found.report.warnings[-1].startswith("the vendor announced 50000000000 rows")


@pytest.mark.parametrize("ordered", [True, False])
async def test_byte_equal_twins_are_two_sessions(*, ordered: bool) -> None:
    ids = []
    for _ in range(2):
        async with opened("attributionhub", twins=60, seed=5, **in_range(1500)) as (fake, client):
            found = await client.sessions(**RANGE).with_options(ordered=ordered).collect()
        assert len(found) == len(fake.listing.snapshot())
        assert found.report.complete
        ids.append({session.id for session in found})
        assert len(ids[-1]) == len(found)
        assert sum(session.id.endswith("-2") for session in found) >= 60
    assert ids[0] == ids[1]


async def test_many_rows_on_one_instant_are_all_there(vendor: str) -> None:
    async with opened(vendor, rows_on_one_instant=180, **in_range(900)) as (fake, client):
        found = await client.sessions(**RANGE).collect()
    assert found.report.complete
    assert len({session.id for session in found}) == len(found) == len(fake.listing.snapshot())
    assert len(fake.requests) == 18


@pytest.mark.parametrize("order", ["oldest_first", "shuffled"])
async def test_any_order_of_the_vendor_is_read(vendor: str, order: str) -> None:
    async with opened(vendor, order=order, **in_range(800)) as (fake, client):
        found = await client.sessions(**RANGE).collect()
    assert [s.started_at for s in found] == [row.time for row in fake.listing.snapshot()]
    assert found.report.complete
    assert not found.report.ordered
    assert len(fake.requests) == 16


async def test_long_ranges_are_cut_into_windows_the_vendor_does_not_truncate() -> None:
    span = {"start": datetime(2025, 12, 1, tzinfo=UTC), "end": datetime(2026, 3, 31, tzinfo=UTC)}
    async with opened("attributionhub", rows=1000, **span) as (fake, client):
        found = await client.sessions(start="2025-12-01", end="2026-03-31").collect()
    assert [s.started_at for s in found] == [row.time for row in fake.listing.snapshot()]
    assert found.report.complete
    assert found.report.windows == 5


async def test_several_windows_are_estimated_and_sampled_with_few_requests() -> None:
    span = {"start": datetime(2025, 12, 1, tzinfo=UTC), "end": datetime(2026, 3, 31, tzinfo=UTC)}
    switches = {"client": {"concurrency": 2}, "rows": 1000, "latency_s": 0.02, **span}
    async with opened("attributionhub", **switches) as (fake, client):
        query = client.sessions(start="2025-12-01", end="2026-03-31")
        plan = await query.estimate()
        assert (plan.rows, plan.windows, plan.spent) == (1000, 5, 5)
        assert (await query.first(3)).report.requests == 1
        found = await query.collect()
        assert found.report.requests == plan.requests
        assert len(found) == 1000
        assert fake.max_in_flight == 2


async def test_a_limit_reads_one_window_after_the_other() -> None:
    span = {"start": datetime(2025, 12, 1, tzinfo=UTC), "end": datetime(2026, 3, 31, tzinfo=UTC)}
    async with opened("attributionhub", rows=1000, latency_s=0.02, **span) as (fake, client):
        query = client.sessions(start="2025-12-01", end="2026-03-31")
        found = await query.first(400)
        newest = [row.time for row in fake.listing.snapshot()[:400]]
    assert [session.started_at for session in found] == newest
    assert found.report.windows_read == 2
    assert found.report.requests <= 10
