"""The invented rows: reproducible, varied, in their span, and with exactly the twins asked for."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

import msgspec
import pytest

from asyncsessions.testing import FakeAttributionHub, FakeHum, Listing
from asyncsessions.testing.instants import datetime_of, instant_of, read_instant, text_of
from asyncsessions.testing.seeding import even_places


def bodies(listing: Listing) -> list[bytes]:
    return [msgspec.json.encode(row.data) for row in listing.iter_rows()]


@pytest.mark.parametrize("make", [FakeHum, FakeAttributionHub])
def test_the_same_seed_makes_the_same_rows_and_another_seed_others(make):
    assert bodies(make(rows=100, seed=4).listing) == bodies(make(rows=100, seed=4).listing)
    assert bodies(make(rows=100, seed=4).listing) != bodies(make(rows=100, seed=5).listing)


@pytest.mark.parametrize("make", [FakeHum, FakeAttributionHub])
def test_the_rows_lie_in_the_span_that_was_asked_for(make):
    start = datetime(2025, 5, 1, tzinfo=UTC)
    end = datetime(2025, 5, 2, tzinfo=UTC)
    fake = make(rows=300, start=start, end=end)
    times = [row.time for row in fake.listing.snapshot()]
    assert start <= min(times) < max(times) <= end
    assert fake.listing.count(start, end) == 300


def test_hum_rows_show_the_whole_lifecycle():
    rows = [row.data for row in FakeHum(rows=2_000).listing.snapshot()]
    assert len({row["id"] for row in rows}) == 2_000
    assert {row["installed"] for row in rows} == {None, True, False}
    assert {row["furthest_step"] for row in rows} == {0, 1, 2, 3, 6}
    assert {None, 0, 5_000} <= {row["commission_cents"] for row in rows}
    assert None in {row["campaign_id"] for row in rows}
    for part in ("street2", "city", "state", "zip"):
        assert None in {row["address"][part] for row in rows}
    assert all(isinstance(row["address"]["zip"], str | None) for row in rows)


def test_zip_codes_are_sometimes_numbers_when_that_is_switched_on():
    rows = [row.data for row in FakeHum(rows=200, int_zips=True).listing.snapshot()]
    assert {type(row["address"]["zip"]) for row in rows} == {int, str, type(None)}


def test_attributionhub_rows_leave_out_what_the_vendor_leaves_out():
    rows = [row.data for row in FakeAttributionHub(rows=2_000).listing.snapshot()]
    for field in ("campaign", "content", "term", "conversion", "exit", "duration"):
        assert 0 < sum(field in row for row in rows) < 2_000
    assert {"none", None} <= {row.get("content") for row in rows}
    assert any("campaign" in row and row["campaign"] is None for row in rows)
    assert all(("exit" in row) == ("duration" in row) for row in rows)
    emails = [row["conversion"]["email"] for row in rows if "conversion" in row]
    assert all(email.endswith("@example.org") for email in emails)


@pytest.mark.parametrize("order", ["newest_first", "oldest_first"])
def test_exactly_the_twins_asked_for_are_equal_and_some_lie_across_a_page_edge(order):
    fake = FakeAttributionHub(rows=1_000, twins=9, order=order, rows_on_one_instant=120)
    found = bodies(fake.listing)
    assert sorted(Counter(found).values(), reverse=True)[:10] == [2] * 9 + [1]
    across = [rank for rank in range(50, 1_000, 50) if found[rank - 1] == found[rank]]
    inside = [r for r in range(1, 1_000) if r % 50 and found[r - 1] == found[r]]
    assert len(across) >= 3
    assert len(inside) >= 3


def test_too_many_twins_are_refused():
    with pytest.raises(ValueError, match="twins"):
        FakeAttributionHub(rows=10, twins=5)


@pytest.mark.parametrize("order", ["newest_first", "oldest_first"])
@pytest.mark.parametrize("rows", [1, 4, 9, 51, 99, 100, 101, 240])
def test_any_number_of_twins_that_fits_is_laid_out_in_separate_pairs(rows, order):
    for twins in range(rows // 4 + 1):
        for page_size in (1, 10, 50):
            places = even_places(rows, twins, page_size, newest_first=order == "newest_first")
            assert len(places) == twins
            assert all(0 < place < rows for place in places)
            assert all(b - a >= 2 for a, b in pairwise(places))


def test_a_span_without_a_possible_timestamp_is_refused():
    moment = datetime(2026, 1, 1, 0, 0, 0, 500, tzinfo=UTC)
    with pytest.raises(ValueError, match="no timestamp"):
        FakeHum(rows=1, start=moment, end=moment)


def test_an_inserted_row_of_attributionhub_is_nobodys_twin():
    listing = FakeAttributionHub(rows=40, twins=2).listing
    uid = listing.insert(listing.row(5).time)
    bodies_of = Counter(bodies(listing))
    assert bodies_of[msgspec.json.encode(listing.row(uid).data)] == 1
    assert sorted(bodies_of.values())[-3:] == [1, 2, 2]


@pytest.mark.parametrize("make", [FakeHum, FakeAttributionHub])
def test_so_many_rows_as_asked_for_share_one_timestamp_in_the_middle(make):
    fake = make(rows=1_000, rows_on_one_instant=120)
    times = [row.time for row in fake.listing.snapshot()]
    time, many = Counter(times).most_common(1)[0]
    assert many == 120
    assert 300 < times.index(time) < 500
    assert Counter(row.time for row in make(rows=1_000).listing.snapshot()).most_common(1)[0][1] < 5


@pytest.mark.parametrize(
    ("make", "field"), [(FakeHum, "created_at"), (FakeAttributionHub, "timestamp")]
)
def test_timestamps_are_whole_seconds_or_milliseconds(make, field):
    whole = [row.data[field] for row in make(rows=50).listing.snapshot()]
    fine = [row.data[field] for row in make(rows=50, timestamps="milliseconds").listing.snapshot()]
    assert all(len(text) == len("2026-01-01T00:00:00Z") for text in whole)
    assert all(len(text) == len("2026-01-01T00:00:00.000Z") for text in fine)
    assert any(not text.endswith(".000Z") for text in fine)


def test_the_text_of_a_row_names_its_instant():
    for fake in (FakeHum(rows=50, timestamps="milliseconds"), FakeHum(rows=50)):
        for row in fake.listing.iter_rows():
            assert datetime_of(read_instant(row.data["created_at"])) == row.time


@pytest.mark.parametrize("make", [FakeHum, FakeAttributionHub])
def test_unknown_fields_are_there_only_when_switched_on(make):
    assert "device" not in make(rows=1).listing.row(0).data
    assert "device" in make(rows=1, unknown_fields=True).listing.row(0).data


def test_given_rows_are_served_as_they_are_in_order_of_time():
    rows = [
        {"timestamp": "2026-03-05T00:00:00Z", "n": 1},
        {"timestamp": "2026-03-06T00:00:00+01:00", "n": 2},
        {"timestamp": "2026-03-04", "n": 3},
    ]
    fake = FakeAttributionHub(rows=rows)
    assert [row.data["n"] for row in fake.listing.snapshot()] == [2, 1, 3]
    assert fake.listing.row(0).data == rows[2]
    assert fake.start == datetime(2026, 3, 4, tzinfo=UTC)


def test_a_given_row_without_a_readable_time_follows_the_row_before_it():
    rows = [{"created_at": "2026-02-01T00:00:00Z"}, {"created_at": "soon"}, {}]
    fake = FakeHum(rows=rows)
    assert [row.time for row in fake.listing.snapshot()] == [datetime(2026, 2, 1, tzinfo=UTC)] * 3


def test_no_rows_at_all_are_fine():
    assert FakeHum(rows=0).listing.page(1) == ([], 0)
    assert FakeAttributionHub(rows=[]).listing.page(1) == ([], 0)


def test_dates_and_naive_texts_are_read_as_utc_unless_only_full_ones_count():
    midnight = instant_of(datetime(2026, 1, 1, tzinfo=UTC))
    assert read_instant("2026-01-01") == midnight
    assert text_of(read_instant("2026-01-01", end_of_day=True)) == "2026-01-01T23:59:59Z"
    assert read_instant("2026-01-01T00:00:00") == midnight
    for text in ("2026-01-01", "2026-01-01T00:00:00", "", None, 5, "x"):
        with pytest.raises(ValueError, match=r"\S"):
            read_instant(text, only_full=True)
