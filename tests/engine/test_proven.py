"""A window is handed over as a table once it is proven, and never otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pyarrow as pa
import pytest

from asyncsessions import (
    Client,
    ConfigurationError,
    Hum,
    IncompleteError,
    Retry,
    SessionsError,
    SinkError,
)
from asyncsessions.core.columns import arrow_schema
from asyncsessions.engine import proven
from asyncsessions.testing import run_virtual
from tests.engine.test_batches import Broken
from tests.engine.vendor import NEWEST, WHOLE, HubVendor, Vendor, failing, rows, swapped

DAY = timedelta(days=1)


def windows_of(vendor, days=30, *, asked=WHOLE, concurrency=4, **options):
    """Return the windows of a pull, its report and the error it ended with."""

    async def pull():
        found, error = [], None
        async with vendor.client(concurrency=concurrency) as client:
            query = client.sessions(**asked).with_options(**options)
            async with query.windows(days) as stream:
                assert stream.schema.equals(arrow_schema())
                try:
                    async for window in stream:
                        found.append(window)
                except SessionsError as caught:
                    error = caught
                assert [window async for window in stream] == []
            return found, stream.report, error

    return run_virtual(pull())[0]


def ids(windows):
    return [value for window in windows for value in window.table["id"].to_pylist()]


@pytest.mark.parametrize("vendor", [Vendor, HubVendor])
@pytest.mark.parametrize("days", [1, 7, 30, 365])
def test_windows_are_the_sessions_of_whole_days_newest_first(vendor, days):
    vendor = vendor(rows(600, apart_s=12_000.0))
    found, report, error = windows_of(vendor, days)
    assert error is None
    assert report.complete
    assert found[0].end == datetime(2026, 4, 1, tzinfo=UTC)
    assert found[-1].start == datetime(2026, 1, 1, tzinfo=UTC)
    longest = min(days, 30) if isinstance(vendor, HubVendor) else days
    for newer, older in pairwise(found):
        assert older.end == newer.start
        assert newer.end - newer.start == longest * DAY
    for window in found:
        assert window.start.time() == window.end.time() == datetime.min.time()
        times = window.table["started_at"].to_pylist()
        assert times == sorted(times, reverse=True)
        assert all(window.start <= moment < window.end for moment in times)
        assert window.table.schema.equals(arrow_schema())

    async def table():
        async with vendor.client() as client:
            return await client.sessions(**WHOLE).to_arrow()

    whole = run_virtual(table())[0].replace_schema_metadata()
    assert pa.concat_tables([window.table for window in found]).equals(whole)


def test_a_window_without_sessions_is_an_empty_table():
    vendor = Vendor([])
    found, _, _ = windows_of(vendor)
    assert [window.table.num_rows for window in found] == [0, 0, 0]
    assert all(window.table.schema.equals(arrow_schema()) for window in found)


def test_a_range_within_a_day_is_one_window_as_long_as_the_range():
    asked = {"start": NEWEST - timedelta(hours=1), "end": NEWEST}
    found, _, _ = windows_of(Vendor(rows(100)), asked=asked)
    assert [(window.start, window.end) for window in found] == [
        (asked["start"], NEWEST + timedelta(microseconds=1))
    ]
    assert found[0].table.num_rows == 61


def test_rows_become_columns_while_a_window_is_read(monkeypatch):
    made = []
    original = proven.to_batch
    monkeypatch.setattr(proven, "to_batch", lambda rows: made.append(len(rows)) or original(rows))
    found, _, _ = windows_of(Vendor(rows(2_700, apart_s=1.0)))
    assert found[0].table.num_rows == sum(made) == 2_700
    assert 2_500 <= made[0] < 2_600


@pytest.mark.parametrize("ordered", [True, False])
def test_what_is_not_proven_is_left_out_and_told_at_the_end(ordered):
    listing = rows(600, apart_s=3_600.0)  # 25 days; what is out of order is in the newest 10
    vendor = Vendor(swapped(listing[:240]) + listing[240:])
    asked = {"start": NEWEST - timedelta(days=24), "end": NEWEST}
    found, report, error = windows_of(vendor, 5, asked=asked, ordered=ordered)
    assert isinstance(error, IncompleteError)
    assert report.unproven == error.ranges != ()
    oldest_unproven = min(start for start, _ in error.ranges)
    assert found
    assert all(window.end <= oldest_unproven for window in found)
    proven_ids = [row["id"] for row in listing if row["created_at"] < found[0].end.isoformat()]
    assert [each for each in ids(found) if each in proven_ids] == ids(found)
    again, _, error = windows_of(vendor, 5, asked=asked, on_incomplete="warn")
    assert error is None
    assert sorted(ids(again)) == sorted(ids(found))


def test_an_error_comes_after_the_windows_that_were_proven_before_it():
    vendor = Vendor(rows(600, apart_s=12_000.0))
    vendor.answer = lambda page: failing() if len(vendor.pages) > 8 else None
    found, report, error = windows_of(vendor, 10, concurrency=1)
    assert [window.end for window in found][:1] == [datetime(2026, 4, 1, tzinfo=UTC)]
    assert 0 < len(found) < 9
    assert error is not None
    assert error.report.requests == report.requests


def test_leaving_early_stops_the_requests():
    vendor = Vendor(rows(5_000))

    async def pull():
        async with vendor.client(concurrency=4) as client:
            async with client.sessions(**WHOLE).windows(1) as stream:
                async for _ in stream:
                    break
            assert vendor.in_flight == 0
            with pytest.raises(ConfigurationError):
                await anext(stream)

    run_virtual(pull())


def test_a_value_that_no_column_holds_ends_the_pull_and_its_requests():
    vendor = Vendor(rows(5_000))

    async def pull():
        provider = Broken("invented", environment="sandbox")
        async with Client(provider, transport=vendor, retry=Retry(attempts=1)) as client:
            stream = client.sessions(**WHOLE).windows()
            with pytest.raises(SinkError) as caught:
                await anext(stream)
            assert vendor.in_flight == 0
            return str(caught.value)

    assert run_virtual(pull())[0] == "a value of the column campaign is no VARCHAR"


@pytest.mark.parametrize("days", [0, -1, 1.5, True, "10", None])
def test_an_impossible_number_of_days_is_refused_before_anything_is_sent(days):
    vendor = Vendor(rows(10))
    with pytest.raises(ConfigurationError) as caught:
        vendor.client().sessions(**WHOLE).windows(days)
    assert str(caught.value) == "days must be a whole number of at least 1"
    assert vendor.pages == []


def test_more_days_than_the_calendar_has_are_one_window():
    found, _, _ = windows_of(Vendor(rows(10)), 10**12)
    assert len(found) == 1


def test_a_limit_is_refused_since_windows_are_whole():
    with pytest.raises(ConfigurationError) as caught:
        Vendor([]).client().sessions(**WHOLE).with_options(limit=5).windows()
    assert str(caught.value) == "limit is for a look: windows() gives whole windows"


def test_a_vendor_that_allows_less_than_a_day_is_refused(monkeypatch):
    monkeypatch.setattr(Hum, "longest_window", timedelta(hours=6))
    with pytest.raises(ConfigurationError) as caught:
        Vendor([]).client().sessions(**WHOLE).windows()
    assert str(caught.value) == "hum cannot be asked for a whole day at a time"


def test_a_range_that_makes_no_sense_is_refused_by_the_first_window():
    async def pull():
        async with Vendor([]).client() as client:
            await anext(client.sessions(start="2999-01-01").windows())

    with pytest.raises(SessionsError):
        run_virtual(pull())
