"""The fake AttributionHub on the wire."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from asyncsessions.testing import ATTRIBUTIONHUB_KEY, FakeAttributionHub, Faults
from tests.testing.raw_client import asking_hub

NOTHING = {"message": "No sessions found for the given parameters."}
SPAN = {"start_date": "2026-03-02", "end_date": "2026-03-31"}


async def test_a_page_has_fifty_records_and_its_pagination():
    async with asking_hub(FakeAttributionHub(rows=237)) as side:
        got = (await side.post(**SPAN)).json
    assert list(got) == ["records", "pagination"]
    assert len(got["records"]) == 50
    assert got["pagination"] == {"current_page": 1, "total_pages": 5, "total_records": 237}


async def test_all_pages_together_are_the_list_twins_included():
    async with asking_hub(FakeAttributionHub(rows=237, twins=3)) as side:
        rows = await side.walk(**SPAN)
    assert rows == [row.data for row in side.server.listing.snapshot()]


@pytest.mark.parametrize("order", ["oldest_first", "shuffled"])
async def test_other_orders_deliver_the_same_rows_in_another_order(order):
    async with asking_hub(FakeAttributionHub(rows=237, order=order)) as side:
        rows = await side.walk(**SPAN)
    times = [row["timestamp"] for row in rows]
    assert (times == sorted(times)) is (order == "oldest_first")
    assert times != sorted(times, reverse=True)
    assert len(rows) == 237


async def test_nothing_found_and_a_page_past_the_end_are_a_message():
    async with asking_hub(FakeAttributionHub(rows=60)) as side:
        for fields in ({"page": 3}, {"campaign": "nobody's"}, {"end_date": "2020-01-01"}):
            got = await side.post(**fields)
            assert (got.status, got.json) == (200, NOTHING)


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": f"Bearer {ATTRIBUTIONHUB_KEY}"}, {"Authorization": "x"}]
)
async def test_a_key_that_is_missing_or_in_the_wrong_header_is_answered_with_401(headers):
    async with asking_hub(FakeAttributionHub(rows=60)) as side:
        got = await side.raw(headers, json={})
    assert got.status == 401
    assert got.json == {"error": "Missing API Key Header"}


async def test_a_wrong_key_is_answered_with_403():
    async with asking_hub(FakeAttributionHub(rows=60, key="other")) as side:
        assert (await side.post(key=ATTRIBUTIONHUB_KEY)).status == 403
        assert (await side.post()).status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"page": 1,}',
        b'{"page": 0}',
        b'{"page": "1"}',
        b'{"page": true}',
        b'{"start_date": "soon"}',
        b'{"source": 5}',
    ],
)
async def test_bodies_that_are_no_valid_query_are_answered_with_400(body):
    async with asking_hub(FakeAttributionHub(rows=60)) as side:
        headers = {"Authentication": side.server.key, "Content-Type": "application/json"}
        assert (await side.raw(headers, data=body)).status == 400
        assert side.server.requests[0].detail == "invalid"


async def test_the_body_must_be_sent_as_json():
    async with asking_hub(FakeAttributionHub(rows=60)) as side:
        headers = {"Authentication": side.server.key, "Content-Type": "text/plain"}
        assert (await side.raw(headers, data=b"{}")).status == 400


async def test_other_paths_and_methods_are_answered_with_404():
    async with asking_hub(FakeAttributionHub(rows=60)) as side:
        headers = {"Authentication": side.server.key}
        assert (await side.raw(headers, path="/api/v1/conversions", json={})).status == 404
        url = side.server.base_url + "/api/v1/sessions"
        async with side.http.get(url, headers=headers) as got:
            assert got.status == 404


async def test_filters_match_exactly_and_all_of_them():
    async with asking_hub(FakeAttributionHub(rows=600)) as side:
        sale = await side.walk(campaign="summer_sale")
        both = await side.walk(campaign="summer_sale", source="google")
        assert await side.walk(campaign="Summer_Sale") == []
        assert len(await side.walk(term=None)) == 600
        seen = side.server.requests[-1]
    assert {row["campaign"] for row in sale} == {"summer_sale"}
    assert both == [row for row in sale if row["source"] == "google"]
    assert 0 < len(both) < len(sale) < 600
    assert seen.filters == {}


async def test_both_bounds_of_the_window_are_included_and_a_date_means_its_whole_day():
    stamps = ["2026-03-09T23:59:59Z", "2026-03-10T00:00:00Z", "2026-03-10T23:59:59Z"]
    rows = [{"timestamp": stamp} for stamp in stamps]
    async with asking_hub(FakeAttributionHub(rows=rows)) as side:
        day = await side.walk(start_date="2026-03-10", end_date="2026-03-10")
        exact = await side.walk(start_date=stamps[0], end_date=stamps[1])
        seen = side.server.requests[-1]
    assert [row["timestamp"] for row in day] == stamps[:0:-1]
    assert [row["timestamp"] for row in exact] == stamps[1::-1]
    assert seen.start == datetime(2026, 3, 9, 23, 59, 59, tzinfo=UTC)


LONG = {"start": datetime(2026, 1, 1, tzinfo=UTC), "end": datetime(2026, 3, 31, tzinfo=UTC)}


async def test_a_window_over_thirty_days_is_silently_cut_to_the_last_thirty():
    async with asking_hub(FakeAttributionHub(rows=900, **LONG)) as side:
        cut = await side.walk(start_date="2026-01-01T00:00:00Z", end_date="2026-03-31T00:00:00Z")
        just = await side.walk(start_date="2026-03-01T00:00:00Z", end_date="2026-03-31T00:00:00Z")
        without = await side.walk(end_date="2026-03-31T00:00:00Z")
        open_ended = await side.walk()
    assert 200 < len(cut) < 400
    assert cut == just == without == open_ended
    assert min(row["timestamp"] for row in cut) >= "2026-03-01T00:00:00Z"


async def test_long_windows_are_answered_in_full_when_cutting_is_switched_off():
    async with asking_hub(FakeAttributionHub(rows=900, cut_long_windows=False, **LONG)) as side:
        assert len(await side.walk()) == 900


async def test_beyond_the_quota_every_request_is_refused_with_the_documented_body():
    async with asking_hub(FakeAttributionHub(rows=60, quota=2, domain="shop.example.org")) as side:
        assert [(await side.post()).status for _ in range(2)] == [200, 200]
        got = await side.post()
        assert side.server.quota_used == 2
        side.server.quota = 3
        assert (await side.post()).status == 200
    assert got.status == 429
    assert got.json == {
        "error": "API monthly limit exceeded.",
        "limit": 2,
        "used": 2,
        "domain": "shop.example.org",
    }
    assert "Retry-After" not in got.headers


async def test_requests_that_fail_use_the_quota_but_those_without_the_key_do_not():
    fake = FakeAttributionHub(rows=60, quota=10, faults=Faults(first=1, kinds=("500",)))
    async with asking_hub(fake) as side:
        assert (await side.post()).status == 500
        assert (await side.post(page=0)).status == 400
        assert (await side.post(page=9)).json == NOTHING
        await side.post(key="wrong")
        await side.raw({}, json={})
        assert side.server.quota_used == 3
        assert len(side.server.requests) == 5


async def test_the_claimed_pages_and_total_can_be_wrong():
    async with asking_hub(FakeAttributionHub(rows=120, overstate_pages=5)) as side:
        pagination = (await side.post()).json["pagination"]
    assert (pagination["total_pages"], pagination["total_records"]) == (15, 120)
    async with asking_hub(FakeAttributionHub(rows=120, claim_rows=170)) as side:
        pagination = (await side.post()).json["pagination"]
    assert (pagination["total_pages"], pagination["total_records"]) == (4, 170)


async def test_unknown_fields_appear_in_records_and_envelope():
    async with asking_hub(FakeAttributionHub(rows=3, unknown_fields=True)) as side:
        got = (await side.post()).json
    assert "trace_id" in got
    assert "next_page_hint" in got["pagination"]
    assert "device" in got["records"][0]
