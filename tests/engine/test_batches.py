"""Record batches hold just what iterating delivers, and end as it ends."""

from __future__ import annotations

import asyncio

import pyarrow as pa
import pytest
from attrs import evolve

from asyncsessions import (
    Client,
    ConfigurationError,
    Hum,
    IncompleteError,
    InvalidQueryError,
    Retry,
    SessionsError,
    SinkError,
)
from asyncsessions.core.columns import arrow_schema, to_table
from asyncsessions.testing import run_virtual
from tests.behaviour.test_row_pulls import RANGE, clients
from tests.engine.vendor import WHOLE, HubVendor, Vendor, failing, rows, swapped


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("vendor", ["hum", "attributionhub"])
async def test_batches_are_the_sessions_as_columns(vendor, raw):
    async with clients(vendor) as both:
        for client in both:  # one that reads rows, one that only knows sessions
            query = client.sessions(**RANGE).with_options(raw=raw)
            stream = query.batches()
            batches = [batch async for batch in stream]
            expected = to_table(await query.collect())
            assert all(batch.schema.equals(arrow_schema()) for batch in batches)
            assert pa.Table.from_batches(batches).equals(expected)
            assert stream.report.complete
            assert stream.report.rows == expected.num_rows == 700
            table = await query.to_arrow()
            assert table.schema.equals(arrow_schema())
            assert table.equals(expected)
            assert (table["raw"].null_count == 0) is raw


async def test_no_session_is_made_where_the_vendor_has_rows(monkeypatch):
    made = []
    monkeypatch.setattr(Hum, "as_sessions", lambda self, rows: made.append(rows))
    async with clients("hum") as (client, _):
        assert (await client.sessions(**RANGE).to_arrow()).num_rows == 700
    assert made == []


def batches_of(vendor, *, rows_each=500, concurrency=4, **options):
    """Return the batches of a pull, its report and the error it ended with."""

    async def pull():
        batches, error = [], None
        async with vendor.client(concurrency=concurrency) as client:
            query = client.sessions(**WHOLE).with_options(**options)
            async with query.batches(rows_each) as stream:
                try:
                    async for batch in stream:
                        batches.append(batch)
                except SessionsError as caught:
                    error = caught
                assert [batch async for batch in stream] == []
            return batches, stream.report, error

    return run_virtual(pull())[0]


def sizes(batches):
    return [batch.num_rows for batch in batches]


def ids(batches):
    return [value for batch in batches for value in batch["id"].to_pylist()]


@pytest.mark.parametrize(
    ("rows_each", "expected"),
    # The last row of a page waits until the next page has shown that none of its instant follow.
    [(1, [49, 50, 50, 50, 50, 1]), (100, [149, 100, 1]), (199, [199, 51]), (500, [250])],
)
def test_a_batch_is_as_many_pages_as_it_takes(rows_each, expected):
    vendor = Vendor(rows(250))
    batches, report, error = batches_of(vendor, rows_each=rows_each, concurrency=1)
    assert (sizes(batches), error) == (expected, None)
    assert ids(batches) == vendor.ids
    assert report.complete


@pytest.mark.parametrize("rows_each", [1, 130, 500])
@pytest.mark.parametrize("ordered", [True, False])
def test_a_batch_has_the_rows_asked_for_and_less_than_two_pages_more(ordered, rows_each):
    vendor = Vendor(rows(2337))
    vendor.latency_s = lambda page: 0.5 if page % 7 == 0 else 0.05
    batches, _, _ = batches_of(vendor, rows_each=rows_each, ordered=ordered)
    assert all(rows_each <= size < rows_each + 100 for size in sizes(batches)[:-1])
    assert sum(sizes(batches)) == 2337
    assert sorted(ids(batches)) == vendor.ids
    assert (ids(batches) == vendor.ids) is ordered


def test_no_rows_are_no_batch_and_a_table_of_the_same_columns():
    vendor = Vendor([])
    assert batches_of(vendor)[0] == []

    async def pull():
        async with vendor.client() as client:
            return await client.sessions(**WHOLE).to_arrow()

    table, _ = run_virtual(pull())
    assert table.num_rows == 0
    assert table.schema.equals(arrow_schema())


@pytest.mark.parametrize("limit", [0, 1, 75, 130])
def test_a_limit_cuts_the_last_batch(limit):
    vendor = Vendor(rows(300))
    batches, report, _ = batches_of(vendor, rows_each=60, limit=limit)
    assert ids(batches) == vendor.ids[:limit]
    assert report.rows == limit
    assert not report.complete


def test_an_error_comes_after_the_rows_before_it_however_large_a_batch_is():
    vendor = Vendor(rows(300))
    vendor.answer = lambda page: failing() if page == 4 else None
    batches, report, error = batches_of(vendor)
    assert sizes(batches) == [150]
    assert ids(batches) == vendor.ids[:150]
    assert error is not None
    assert error.page == 4
    assert error.report.rows == report.rows == 150


def test_an_error_before_any_row_is_raised_at_once():
    vendor = Vendor(rows(300))
    vendor.answer = lambda page: failing()
    batches, _, error = batches_of(vendor)
    assert (batches, error.page) == ([], 1)


def test_what_is_not_proven_is_delivered_first_and_can_be_a_warning():
    vendor = Vendor(swapped(rows(300)))
    batches, report, error = batches_of(vendor)
    assert isinstance(error, IncompleteError)
    assert sorted(ids(batches)) == sorted(vendor.ids)
    assert error.ranges == report.unproven != ()
    batches, report, error = batches_of(vendor, on_incomplete="warn")
    assert (sum(sizes(batches)), report.complete, error) == (300, False, None)


def test_a_table_of_what_is_not_proven_is_an_error():
    async def pull():
        async with Vendor(swapped(rows(300))).client() as client:
            await client.sessions(**WHOLE).to_arrow()

    with pytest.raises(IncompleteError) as caught:
        run_virtual(pull())
    assert caught.value.report.rows == 300


def test_windows_follow_each_other_within_a_batch():
    vendor = HubVendor(rows(600, apart_s=12_000.0))
    batches, report, _ = batches_of(vendor)
    assert report.windows > 1
    times = [value for batch in batches for value in batch["started_at"].to_pylist()]
    assert times == sorted(times, reverse=True)
    assert len(times) == 600


@pytest.mark.parametrize("number", [0, -1, 1.5, True, "10", None])
def test_an_impossible_number_of_rows_is_refused_before_anything_is_sent(number):
    vendor = Vendor(rows(10))
    with pytest.raises(ConfigurationError) as caught:
        vendor.client().sessions(**WHOLE).batches(number)
    assert str(caught.value) == "rows must be a whole number of at least 1"
    assert vendor.pages == []


def test_leaving_early_stops_the_requests():
    vendor = Vendor(rows(5_000))

    async def pull():
        async with vendor.client(concurrency=4) as client:
            async with client.sessions(**WHOLE).batches(1) as stream:
                async for batch in stream:
                    assert batch.num_rows == 49
                    break
            assert vendor.in_flight == 0
            with pytest.raises(ConfigurationError):
                await anext(stream)

    run_virtual(pull())
    assert len(vendor.pages) <= 1 + 4


def test_a_cancelled_wait_for_a_batch_leaves_nothing_behind():
    vendor = Vendor(rows(5_000))

    async def pull():
        async with vendor.client(concurrency=4) as client:
            stream = client.sessions(**WHOLE).batches(5_000)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.12):
                    await anext(stream)
            assert vendor.in_flight == 0

    run_virtual(pull())


class Broken(Hum):
    """Reads a text that no column can hold, on the third page."""

    def read_page(self, response, *, page, raw=False):
        answer = super().read_page(response, page=page, raw=raw)
        if page < 3:
            return answer
        return evolve(answer, rows=[evolve(row, campaign="\ud800") for row in answer.rows])


def test_a_value_that_no_column_holds_ends_the_pull_and_its_requests():
    vendor = Vendor(rows(5_000))

    async def pull():
        provider = Broken("invented", environment="sandbox")
        async with Client(provider, transport=vendor, retry=Retry(attempts=1)) as client:
            stream, found = client.sessions(**WHOLE).batches(1), 0
            with pytest.raises(SinkError) as caught:
                async for batch in stream:
                    found += batch.num_rows
            assert vendor.in_flight == 0
            return found, str(caught.value)

    (found, said), _ = run_virtual(pull())
    assert found == 99
    assert said == "a value of the column campaign is no VARCHAR"


def test_a_range_that_makes_no_sense_is_refused_by_the_first_batch():
    async def pull():
        async with Vendor([]).client() as client:
            await anext(client.sessions(start="2999-01-01").batches())

    with pytest.raises(InvalidQueryError):
        run_virtual(pull())
