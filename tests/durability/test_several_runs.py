"""Several runs of one target: none costs another its pages, its budget or its end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from asyncsessions import (
    AuthenticationError,
    BudgetExceededError,
    Client,
    Hum,
    IncompleteError,
    SinkError,
)
from asyncsessions.testing import Drift, FakeHum
from tests.durability.reading import ids_in

QUARTER = {"start": "2026-01-01", "end": "2026-03-31"}
WEEK = {"start": "2026-03-20", "end": "2026-03-25"}
TARGETS = {"duckdb": "x.duckdb", "dataset": "x/"}
NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


@pytest.fixture(params=TARGETS)
def kind(request):
    return request.param


@pytest.fixture
def to(tmp_path, kind):
    return f"{tmp_path}/{TARGETS[kind]}"


def client_of(fake, token=None):
    return Client(Hum(token or fake.token, base_url=fake.base_url), concurrency=4)


@pytest.mark.parametrize("between", ["finished", "sync", "other filters", "wrong key"])
async def test_what_comes_in_between_costs_an_unfinished_pull_nothing(to, between):
    async with FakeHum(rows=2_000) as fake, client_of(fake) as client:
        await client.sessions(**WEEK).pull(to)
        capped = client.sessions(**QUARTER).with_options(max_requests=25)
        with pytest.raises(BudgetExceededError):
            await capped.pull(to)
        before = len(fake.requests)
        if between == "finished":
            await client.sessions(**WEEK).pull(to)
            assert len(fake.requests) == before
        elif between == "sync":
            await client.sessions(start=WEEK["start"]).sync(to, lookback=DAY)
        elif between == "other filters":
            fewer = client.sessions(**WEEK, with_clicks=True).with_options(max_requests=1)
            with pytest.raises(SinkError, match="other filters"):
                await fewer.pull(to)
        elif between == "wrong key":
            async with client_of(fake, "invented-wrong") as other:
                with pytest.raises(AuthenticationError):
                    await other.sessions(**WEEK, with_clicks=True).pull(to, fresh=True)
        before = len(fake.requests)
        with pytest.raises(BudgetExceededError):
            await capped.pull(to)
        assert len(fake.requests) == before
        report = await client.sessions(**QUARTER).pull(to)
        assert (report.complete, report.requests, report.requests_before) == (True, 15, 25)


async def test_a_budget_holds_also_where_no_page_ever_came(to):
    async with FakeHum(rows=10) as fake, client_of(fake, "invented-wrong") as client:
        query = client.sessions(**QUARTER).with_options(max_requests=2)
        for error in AuthenticationError, AuthenticationError, BudgetExceededError:
            with pytest.raises(error):
                await query.pull(to)
        assert len(fake.requests) == 2


async def test_a_stretch_that_cannot_be_proven_does_not_hold_up_new_rows(tmp_path, to, kind):
    restless = Drift(insert_on_instant_every=1)
    span = {"start": NOW - 20 * DAY, "end": NOW - DAY}
    async with (
        FakeHum(rows=300, rows_on_one_instant=120, drift=restless, **span) as fake,
        client_of(fake) as client,
    ):
        query = client.sessions(start=NOW - 21 * DAY)
        with pytest.raises(IncompleteError):
            await query.sync(to)
        new = fake.listing.insert(NOW - 3 * timedelta(seconds=1))
        with pytest.raises(IncompleteError) as caught:
            await query.sync(to)
        wanted = fake.listing.row(new).data["id"]
    assert "is not complete" in caught.value.__notes__[0]
    assert wanted in ids_in(tmp_path / TARGETS[kind].rstrip("/"), kind)


async def test_a_pull_that_a_sync_has_gone_over_still_counts_its_rows(to):
    async with (
        FakeHum(rows=500, start=NOW - 20 * DAY, end=NOW - DAY) as fake,
        client_of(fake) as client,
    ):
        bounds = {"start": NOW - 21 * DAY, "end": NOW - DAY / 2}
        await client.sessions(**bounds).pull(to)
        await client.sessions(start=NOW - 21 * DAY).sync(to, lookback=40 * DAY)
        again = await client.sessions(**bounds).pull(to)
    assert (again.requests, again.rows) == (0, 500)
    assert again.outcome.startswith("500 rows written")
