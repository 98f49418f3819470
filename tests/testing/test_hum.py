"""The fake Hum on the wire."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from asyncsessions.testing import HUM_TOKEN, FakeHum
from tests.testing.raw_client import SPAN, asking_hum


async def test_a_page_has_fifty_rows_and_the_whole_envelope():
    async with asking_hum(FakeHum(rows=237)) as side:
        got = (await side.get(**SPAN)).json
    assert list(got) == ["message", "request_status", "data", "meta"]
    assert got["request_status"] == "ok"
    assert len(got["data"]) == 50
    assert got["meta"].pop("responded_at").endswith("Z")
    assert got["meta"] == {"page": 1, "pages": 5, "count": 237}


async def test_all_pages_together_are_the_list():
    async with asking_hum(FakeHum(rows=237)) as side:
        rows = await side.walk(**SPAN)
    assert rows == [row.data for row in side.server.listing.snapshot()]
    times = [row["created_at"] for row in rows]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("order", ["oldest_first", "shuffled"])
async def test_other_orders_deliver_the_same_rows_in_another_order(order):
    async with asking_hum(FakeHum(rows=237, order=order)) as side:
        rows = await side.walk(**SPAN)
    times = [row["created_at"] for row in rows]
    assert (times == sorted(times)) is (order == "oldest_first")
    assert times != sorted(times, reverse=True)
    assert len({row["id"] for row in rows}) == 237


async def test_the_page_size_can_be_smaller():
    async with asking_hum(FakeHum(rows=25, page_size=10)) as side:
        got = (await side.get(page=3)).json
    assert (len(got["data"]), got["meta"]["pages"]) == (5, 3)


async def test_a_page_past_the_end_is_empty():
    async with asking_hum(FakeHum(rows=60)) as side:
        got = (await side.get(page=3)).json
        none = (await side.get(start_date="2030-01-01T00:00:00Z")).json
    assert (got["data"], got["meta"]["pages"], got["meta"]["count"]) == ([], 2, 60)
    assert (none["data"], none["meta"]["pages"], none["meta"]["count"]) == ([], 0, 0)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": HUM_TOKEN},
        {"Authentication": HUM_TOKEN},
    ],
)
async def test_without_the_right_bearer_token_there_is_only_an_error_envelope(headers):
    async with asking_hum(FakeHum(rows=60)) as side:
        got = await side.raw("/analytics/sessions", headers, {})
        assert side.server.requests[0].detail == "credentials"
    assert got.status == 401
    assert set(got.json) == {"message", "request_status", "data", "meta"}
    assert (got.json["request_status"], got.json["data"]) == ("error", [])


async def test_another_token_can_be_set():
    async with asking_hum(FakeHum(rows=60, token="other")) as side:
        assert (await side.get()).status == 200
        assert (await side.get(token=HUM_TOKEN)).status == 401


@pytest.mark.parametrize(
    "query",
    [
        {"page": 0},
        {"page": "x"},
        {"start_date": "2026-01-01"},
        {"end_date": "2026-01-01T00:00:00"},
        {"end_date": "tomorrow"},
        {"with_clicks": "True"},
        {"token_ids[]": "x"},
    ],
)
async def test_invalid_queries_are_answered_with_422(query):
    async with asking_hum(FakeHum(rows=60)) as side:
        got = await side.get(**query)
        assert side.server.requests[0].detail == "invalid"
    assert (got.status, got.json["request_status"]) == (422, "error")


async def test_both_bounds_of_the_window_are_included():
    stamps = [f"2026-02-01T00:00:0{second}Z" for second in range(5)]
    async with asking_hum(FakeHum(rows=[{"created_at": stamp} for stamp in stamps])) as side:
        rows = await side.walk(start_date=stamps[1], end_date=stamps[3])
        seen = side.server.requests[0]
    assert [row["created_at"] for row in rows] == [stamps[3], stamps[2], stamps[1]]
    assert seen.start == datetime(2026, 2, 1, 0, 0, 1, tzinfo=UTC)
    assert seen.end == datetime(2026, 2, 1, 0, 0, 3, tzinfo=UTC)


async def test_the_tokens_of_the_client_own_a_part_of_the_rows_each():
    async with asking_hum(FakeHum(rows=300)) as side:
        parts = [await side.walk(**{"token_ids[]": [one]}) for one in side.server.token_ids]
        two = await side.walk(**{"token_ids[]": side.server.token_ids[:2]})
    assert all(len(part) > 50 for part in parts)
    assert sum(len(part) for part in parts) == 300
    assert len(two) == len(parts[0]) + len(parts[1])
    assert side.server.requests[0].filters == {"token_ids": (side.server.token_ids[0],)}


async def test_a_foreign_token_id_is_answered_with_403():
    async with asking_hum(FakeHum(rows=300)) as side:
        foreign = "00000000-0000-4000-8000-0000000000ff"
        got = await side.get(**{"token_ids[]": [side.server.token_ids[0], foreign]})
    assert (got.status, got.json["request_status"]) == (403, "error")


async def test_with_clicks_delivers_a_part_of_the_rows():
    async with asking_hum(FakeHum(rows=300)) as side:
        clicked = await side.walk(with_clicks="true")
        everything = await side.walk(with_clicks="false")
        assert len(clicked) == side.server.listing.count(filters={"with_clicks": True})
    assert 150 < len(clicked) < 290
    assert len(everything) == 300


async def test_one_session_has_a_nested_order_and_its_steps():
    fake = FakeHum(rows=300)
    ordered = next(row for row in fake.listing.iter_rows() if row.data["order_number"])
    async with asking_hum(fake) as side:
        got = (await side.get(f"/analytics/sessions/{ordered.data['id']}")).json
        assert side.server.requests[0].session_id == ordered.data["id"]
    assert set(got["meta"]) == {"responded_at"}
    order = {"order_number", "ordered_at", "installed", "installed_at", "commission_cents"}
    assert got["data"]["order"] == {name: ordered.data[name] for name in order}
    assert not order & set(got["data"])
    assert [step["step"] for step in got["data"]["cart_progression"]] == [1, 2, 6]
    assert got["data"]["address"] == ordered.data["address"]


async def test_a_session_without_an_order_has_none():
    fake = FakeHum(rows=300)
    bare = next(row for row in fake.listing.iter_rows() if row.data["furthest_step"] == 1)
    async with asking_hum(fake) as side:
        got = (await side.get(f"/analytics/sessions/{bare.data['id']}")).json["data"]
    assert got["order"] is None
    assert [step["step_name"] for step in got["cart_progression"]] == ["plan_selection"]


async def test_unknown_sessions_and_paths_are_answered_with_404():
    async with asking_hum(FakeHum(rows=3)) as side:
        assert (await side.get("/analytics/sessions/nobody")).status == 404
        assert (await side.get("/elsewhere")).status == 404
        details = [seen.detail for seen in side.server.requests]
    assert details == ["unknown session", "unknown path"]


async def test_ping_has_a_timestamp_of_its_own_and_no_meta():
    async with asking_hum(FakeHum(rows=3)) as side:
        got = (await side.get("/ping")).json
        assert (await side.get("/ping", token="wrong")).status == 401
    assert got["data"] == {}
    assert got["timestamp"].endswith("Z")
    assert "meta" not in got


@pytest.mark.parametrize("status", ["warning", "error"])
async def test_an_answer_with_status_200_can_say_that_something_is_wrong(status):
    fake = FakeHum(rows=3, request_status=status, message="Something is missing")
    async with asking_hum(fake) as side:
        got = await side.get()
    assert got.status == 200
    assert (got.json["request_status"], got.json["message"]) == (status, "Something is missing")


async def test_the_claimed_number_of_pages_can_be_overstated():
    async with asking_hum(FakeHum(rows=120, overstate_pages=5)) as side:
        meta = (await side.get()).json["meta"]
    assert (meta["pages"], meta["count"]) == (15, 120)


async def test_the_claimed_total_can_be_wrong():
    async with asking_hum(FakeHum(rows=120, claim_rows=50_000_000_000)) as side:
        got = (await side.get(page=3)).json
    assert (got["meta"]["count"], got["meta"]["pages"]) == (50_000_000_000, 1_000_000_000)
    assert len(got["data"]) == 20


async def test_unknown_fields_appear_in_rows_and_envelope():
    async with asking_hum(FakeHum(rows=3, unknown_fields=True)) as side:
        got = (await side.get()).json
    assert "trace_id" in got
    assert "next_page_hint" in got["meta"]
    assert "device" in got["data"][0]
