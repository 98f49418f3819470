"""A pull in parts is the pull: the same rows, no page asked for twice, whoever reads the parts."""

from __future__ import annotations

import pickle
from collections import Counter
from datetime import datetime, timedelta

import pytest

from asyncsessions import BudgetExceededError, ConfigurationError
from asyncsessions.engine import stream
from asyncsessions.testing import run_virtual
from tests.engine.vendor import WHOLE, HubVendor, Vendor, rows

APART_S = 600.0


async def read(client, parts, **options):
    """Return the ids that all parts have together, and their reports."""
    ids, reports = [], []
    for part in parts:
        query = client.sessions(**WHOLE).with_options(**options)
        async with query.batches(part=pickle.loads(pickle.dumps(part))) as batches:
            async for batch in batches:
                ids += batch["id"].to_pylist()
        reports.append(batches.report)
    return ids, reports


def run(vendor, *, part_rows=1_000, most=None, concurrency=4, **options):
    """Make parts and read each; return the parts, the ids, and the reports."""

    async def go():
        async with vendor.client(concurrency=concurrency) as client:
            query = client.sessions(**WHOLE).with_options(**options)
            parts = await query.parts(part_rows, most=most)
            spent = len(vendor.pages)
            assert parts.spent == spent
            ids, reports = await read(client, parts.parts, **options)
            assert len(vendor.pages) == spent + sum(report.requests for report in reports)
            return parts, ids, reports

    return run_virtual(go())[0]


@pytest.mark.parametrize("count", [0, 1, 50, 51, 2_000])
def test_a_pull_that_is_not_cut_takes_no_request_more_than_one_that_is_whole(count):
    vendor = Vendor(rows(count, apart_s=APART_S))
    parts, ids, reports = run(vendor)
    assert len(parts.parts) == 1
    assert len(vendor.pages) == max(1, -(-count // 50)) == parts.requests + parts.spent
    assert ids == [row["id"] for row in vendor.listing]
    assert parts.rows == count
    assert all(report.complete for report in reports)


def test_slices_are_counted_once_and_each_page_of_them_is_asked_for_once():
    vendor = Vendor(rows(6_000, apart_s=APART_S))
    parts, ids, reports = run(vendor)
    assert sorted(ids) == sorted(row["id"] for row in vendor.listing)
    asked = Counter(zip(vendor.ranges, vendor.pages, strict=True))
    assert set(asked.values()) == {1}
    assert len(vendor.pages) == parts.spent + parts.requests
    # Page 1 of the whole, and on the average half a page for each slice.
    assert 120 < len(vendor.pages) <= 120 + 1 + sum(len(part.windows) for part in parts.parts)
    sizes = [part.rows for part in parts.parts]
    assert len(sizes) >= 3
    assert max(sizes) <= 2 * 1_000
    assert all(report.complete for report in reports)


def test_there_are_no_more_parts_than_asked_for():
    vendor = Vendor(rows(6_000, apart_s=APART_S))
    parts, ids, _ = run(vendor, most=2)
    assert len(parts.parts) == 2
    assert sorted(ids) == sorted(row["id"] for row in vendor.listing)
    assert max(part.rows for part in parts.parts) <= 1.5 * min(part.rows for part in parts.parts)


def test_a_total_that_is_far_too_large_does_not_cost_a_request_for_each_slice_of_it():
    vendor = Vendor(rows(100, apart_s=APART_S), total=10_000_000)

    async def go():
        async with vendor.client() as client:
            return await client.sessions(**WHOLE).parts(1_000)

    parts, _ = run_virtual(go())
    assert parts.spent == len(vendor.pages) < 200


def test_windows_of_a_vendor_that_allows_no_longer_ones_share_parts_and_keep_their_ids():
    vendor = HubVendor(rows(700, apart_s=10_000.0))
    parts, ids, _ = run(vendor, part_rows=400)
    assert len(parts.parts) == 2
    assert sorted(len(part.windows) for part in parts.parts) == [1, 2]

    async def whole():
        async with vendor.client() as client:
            return [session.id for session in await client.sessions(**WHOLE).collect()]

    assert sorted(ids) == sorted(run_virtual(whole())[0])
    assert len(set(ids)) == 700


def test_page_1_that_was_told_long_ago_is_asked_for_again(monkeypatch):
    vendor = Vendor(rows(120, apart_s=APART_S))

    async def go():
        async with vendor.client() as client:
            parts = await client.sessions(**WHOLE).parts()
            assert vendor.pages == [1]
            later = stream.wall_clock() + timedelta(minutes=6)
            monkeypatch.setattr("asyncsessions.query.wall_clock", lambda: later)
            ids, (report,) = await read(client, parts.parts)
            assert ids == [row["id"] for row in vendor.listing]
            assert report.requests == 3
            assert vendor.pages[:2] == [1, 1]

    run_virtual(go())


@pytest.mark.parametrize("place", [10, 49, 50, 300])
def test_a_row_that_vanishes_between_counting_and_reading_loses_no_other(place):
    vendor = Vendor(rows(700, apart_s=APART_S))

    async def go():
        async with vendor.client() as client:
            parts = await client.sessions(**WHOLE).parts(200)
            gone = vendor.listing.pop(place)["id"]
            ids, reports = await read(client, parts.parts)
            assert sorted({*ids} - {gone}) == sorted(vendor.ids)
            assert len(ids) == len(set(ids))
            assert all(report.complete for report in reports)

    run_virtual(go())


def test_a_part_is_read_to_its_own_end_whatever_the_clock_of_the_reader_says(monkeypatch):
    vendor = Vendor(rows(120, apart_s=APART_S))

    async def go():
        async with vendor.client() as client:
            parts = await client.sessions(**WHOLE).parts()
            early = datetime.fromisoformat(vendor.listing[60]["created_at"])
            monkeypatch.setattr("asyncsessions.query.wall_clock", lambda: early)
            ids, (report,) = await read(client, parts.parts)
            assert len(ids) == 120
            assert report.end == parts.parts[0].counted[0].window.asked_end - timedelta(
                microseconds=1
            )

    run_virtual(go())


def test_the_budget_holds_for_counting():
    vendor = HubVendor(rows(100))

    async def go():
        async with vendor.client() as client:
            with pytest.raises(BudgetExceededError, match="max_requests=2"):
                await client.sessions(**WHOLE).with_options(max_requests=2, deadline_s=9).parts()
            assert len(vendor.pages) == 2

    run_virtual(go())


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"rows": 0}, "rows must be a whole number of at least 1"),
        ({"rows": True}, "rows must be a whole number of at least 1"),
        ({"rows": 1.5}, "rows must be a whole number of at least 1"),
        ({"most": 0}, "most must be a whole number of at least 1"),
    ],
)
def test_parts_that_cannot_be_are_refused_before_a_request_is_sent(given, sentence):
    vendor = Vendor(rows(1))

    async def go():
        async with vendor.client() as client:
            with pytest.raises(ConfigurationError) as caught:
                await client.sessions(**WHOLE).parts(**given)
            assert str(caught.value) == sentence
            assert vendor.pages == []

    run_virtual(go())
