"""What changes between the answers, how often, and when it stops."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from asyncsessions.testing import Drift, FakeAttributionHub, FakeHum, Listing
from tests.testing.raw_client import SPAN, asking_hub, asking_hum


async def after_answers(answers: int, drift: Drift, **switches: Any) -> Listing:
    async with asking_hum(FakeHum(rows=500, drift=drift, **switches)) as side:
        for number in range(answers):
            await side.get(page=number % 5 + 1, **SPAN)
        return side.server.listing


def kinds(listing: Listing) -> Counter[str]:
    return Counter(change.kind for change in listing.changes)


async def test_without_drift_nothing_ever_changes():
    async with asking_hum(FakeHum(rows=500)) as side:
        for _ in range(5):
            await side.get()
        assert side.server.listing.changes == []


async def test_new_rows_become_the_newest_ones_and_stay_in_the_span():
    listing = await after_answers(12, Drift(insert_now_every=3))
    assert kinds(listing) == {"insert": 4}
    times = [change.time for change in listing.changes]
    assert times == sorted(set(times))
    assert [row.uid for row in listing.snapshot()][:4] == [503, 502, 501, 500]
    assert listing.count(end=FakeHum().end) == 504


async def test_backdated_rows_appear_anywhere():
    listing = await after_answers(20, Drift(insert_backdated_every=1))
    assert kinds(listing) == {"insert": 20}
    places = [row.uid for row in listing.snapshot()]
    assert len({places.index(uid) // 52 for uid in listing.inserted_uids}) > 4


async def test_rows_appear_on_the_crowded_instant_or_on_that_of_a_row():
    crowded = await after_answers(6, Drift(insert_on_instant_every=2), rows_on_one_instant=60)
    assert Counter(row.time for row in crowded.snapshot()).most_common(1)[0][1] == 63
    sparse = await after_answers(6, Drift(insert_on_instant_every=2))
    first = {sparse.row(uid).time for uid in range(500)}
    assert kinds(sparse) == {"insert": 3}
    assert all(change.time in first for change in sparse.changes)


async def test_rows_vanish():
    listing = await after_answers(9, Drift(delete_every=3))
    assert kinds(listing) == {"delete": 3}
    assert len(listing) == 497


async def test_the_lifecycle_of_a_hum_row_goes_on():
    listing = await after_answers(40, Drift(edit_every=1, seed=3))
    assert kinds(listing) == {"edit": 40}
    fresh = FakeHum(rows=500).listing
    changed = {
        name
        for uid in listing.edited_uids
        for name, value in listing.row(uid).data.items()
        if fresh.row(uid).data[name] != value
    }
    assert {"order_number", "ordered_at", "installed", "commission_cents"} <= changed
    assert "created_at" not in changed
    assert "id" not in changed


async def test_a_session_of_attributionhub_gains_its_exit_and_its_conversion():
    fake = FakeAttributionHub(rows=100, drift=Drift(edit_every=1))
    async with asking_hub(fake) as side:
        for _ in range(40):
            await side.post()
    fresh = FakeAttributionHub(rows=100).listing
    gained = Counter(
        name
        for uid in fake.listing.edited_uids
        for name in set(fake.listing.row(uid).data) - set(fresh.row(uid).data)
    )
    assert set(gained) == {"exit", "duration", "conversion"}


async def test_a_torn_total_belongs_to_the_moment_before_the_rows():
    fake = FakeHum(rows=[], drift=Drift(torn_total_every=2, seed=2))
    async with asking_hum(fake) as side:
        seen = [(await side.get()).json for _ in range(8)]
    totals = [answer["meta"]["count"] for answer in seen]
    lengths = [len(answer["data"]) for answer in seen]
    assert any(total != length for total, length in zip(totals, lengths, strict=True))
    assert totals[::2] == lengths[::2]


async def test_nothing_changes_after_the_last_answer_of_the_drift():
    listing = await after_answers(10, Drift(delete_every=1, until_answer=4))
    assert kinds(listing) == {"delete": 4}


async def test_the_seed_of_the_drift_decides_what_happens():
    drift = {"delete_every": 1, "insert_backdated_every": 2}
    one = await after_answers(6, Drift(**drift, seed=1))
    again = await after_answers(6, Drift(**drift, seed=1))
    other = await after_answers(6, Drift(**drift, seed=2))
    assert one.changes == again.changes
    assert one.changes != other.changes


async def test_rows_that_stood_are_what_a_perfect_reader_would_deliver():
    fake = FakeHum(rows=500, drift=Drift(delete_every=2, insert_now_every=3))
    async with asking_hum(fake) as side:
        await side.walk(**SPAN)
    stood = fake.listing.standing_since(0)
    assert len(stood) == 500 - len(fake.listing.deleted_uids)
    assert not {row.uid for row in stood} & fake.listing.inserted_uids


async def test_reading_page_after_page_loses_rows_that_stood_when_rows_vanish():
    fake = FakeHum(rows=500, drift=Drift(delete_every=1))
    async with asking_hum(fake) as side:
        got = {row["id"] for row in await side.walk(**SPAN)}
    assert {row.data["id"] for row in fake.listing.standing_since(0)} - got


async def test_spoilt_and_refused_answers_change_nothing():
    async with asking_hum(FakeHum(rows=500, drift=Drift(delete_every=1))) as side:
        await side.get(token="wrong")
        await side.get(page=0)
        await side.get("/ping")
        assert side.server.answers == 0
        assert side.server.listing.changes == []


def test_a_drift_that_never_comes_is_refused():
    with pytest.raises(ValueError, match="delete_every"):
        Drift(delete_every=0)
