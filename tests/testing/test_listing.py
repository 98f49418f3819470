"""The list of a vendor: order, bounds, filters, changes and what stood throughout."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asyncsessions.testing import Drift, Listing, Switches, attributionhub_reader, hum_reader
from asyncsessions.testing.instants import instant_of

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def at(second: int) -> datetime:
    return BEGIN + timedelta(seconds=second)


def listing_of(*seconds: int, **keywords: Any) -> Listing:
    return Listing(
        [instant_of(at(second)) for second in seconds],
        lambda uid, instant: {"uid": uid, "parity": uid % 2},
        **keywords,
    )


def pages_of(listing: Listing, **keywords: Any) -> list[int]:
    uids: list[int] = []
    number = 1
    while True:
        rows, total = listing.page(number, **keywords)
        uids += [row.uid for row in rows]
        if not rows:
            assert len(uids) == total
            return uids
        number += 1


def test_pages_tile_the_list_newest_first():
    listing = listing_of(*range(7), page_size=3)
    assert pages_of(listing) == [6, 5, 4, 3, 2, 1, 0]


def test_pages_tile_the_list_oldest_first():
    listing = listing_of(*range(7), page_size=3, order="oldest_first")
    assert pages_of(listing) == [0, 1, 2, 3, 4, 5, 6]


def test_a_shuffled_list_is_a_permutation_that_depends_on_the_seed():
    one = pages_of(listing_of(*range(40), page_size=7, order="shuffled", seed=1))
    two = pages_of(listing_of(*range(40), page_size=7, order="shuffled", seed=2))
    assert sorted(one) == sorted(two) == list(range(40))
    assert one != two
    assert one != sorted(one)


def test_an_insert_and_a_delete_move_no_other_row_of_a_shuffled_list():
    listing = listing_of(*range(40), order="shuffled")
    before = pages_of(listing)
    added = listing.insert(at(20))
    listing.delete(7)
    assert [uid for uid in pages_of(listing) if uid != added] == [u for u in before if u != 7]


@pytest.mark.parametrize("order", ["newest_first", "oldest_first", "shuffled"])
def test_both_bounds_are_included(order):
    listing = listing_of(*range(10), order=order)
    rows, total = listing.page(1, at(3), at(6))
    assert (sorted(row.uid for row in rows), total) == ([3, 4, 5, 6], 4)
    assert listing.page(1, at(6), at(3)) == ([], 0)


@pytest.mark.parametrize("order", ["newest_first", "oldest_first", "shuffled"])
def test_filters_are_exact_and_all_must_match(order):
    listing = listing_of(*range(10), order=order)
    assert listing.count(filters={"parity": 1}) == 5
    assert listing.count(filters={"parity": 1, "uid": 4}) == 0
    assert listing.count(at(0), at(4), {"parity": 1}) == 2


def test_filters_can_decide_by_uid_alone():
    listing = listing_of(*range(10), passes=lambda uid, filters: uid < 3)
    assert listing.count(filters={"anything": 1}) == 3


def test_an_edit_changes_the_row_and_what_filters_find_but_not_its_place():
    listing = listing_of(*range(4))
    old = listing.row(2)
    assert listing.count(filters={"parity": 1}) == 2
    listing.edit(2, {"parity": 1, "more": "x"})
    assert listing.row(2).data == {"uid": 2, "parity": 1, "more": "x"}
    assert old.data == {"uid": 2, "parity": 0}
    assert listing.count(filters={"parity": 1}) == 3
    assert pages_of(listing) == [3, 2, 1, 0]
    assert listing.edited_uids == {2}


def test_a_deleted_row_is_gone_but_still_known():
    listing = listing_of(*range(4))
    listing.delete(2)
    assert pages_of(listing) == [3, 1, 0]
    assert 2 not in listing
    assert listing.row(2).data["uid"] == 2
    assert listing.deleted_uids == {2}
    with pytest.raises(LookupError):
        listing.delete(2)
    with pytest.raises(LookupError):
        listing.edit(2, {})


def test_an_inserted_row_takes_its_place_in_time_with_its_own_content():
    listing = listing_of(0, 10, 20)
    uid = listing.insert(at(15), {"mine": True})
    assert uid == 3
    assert pages_of(listing) == [2, 3, 1, 0]
    assert listing.row(uid).data == {"mine": True}
    assert listing.inserted_uids == {3}
    assert listing.all_uids_ever == range(4)


def test_rows_that_stood_since_a_version_are_those_there_then_and_now():
    listing = listing_of(*range(5))
    listing.insert(at(2))
    version = listing.version
    listing.insert(at(3))
    listing.delete(4)
    assert {row.uid for row in listing.standing_since(version)} == {0, 1, 2, 3, 5}
    assert {row.uid for row in listing.standing_since()} == {0, 1, 2, 3}
    assert {row.uid for row in listing.standing_since(0, at(2), at(9))} == {2, 3}


def test_every_change_is_logged_with_its_version():
    listing = listing_of(0, 1)
    listing.insert(at(2))
    listing.edit(0, {"x": 1})
    listing.delete(1)
    kinds = [(change.version, change.kind, change.uid) for change in listing.changes]
    assert kinds == [(1, "insert", 2), (2, "edit", 0), (3, "delete", 1)]
    assert listing.changes[2].time == at(1)


def test_a_snapshot_does_not_change_with_the_list():
    listing = listing_of(0, 1, 2)
    snapshot = listing.snapshot()
    listing.delete(1)
    assert [row.uid for row in snapshot] == [2, 1, 0]


def test_the_newest_instant_is_known_in_every_order():
    for order in ("newest_first", "oldest_first", "shuffled"):
        assert listing_of(1, 5, 9, order=order).newest == at(9)
    assert listing_of().newest is None


def test_impossible_lists_and_pages_are_refused():
    with pytest.raises(ValueError, match="ascending"):
        listing_of(2, 1)
    with pytest.raises(ValueError, match="page 0"):
        listing_of(1).page(0)
    with pytest.raises(ValueError, match="time zone"):
        listing_of(1).page(1, datetime(2026, 1, 1))
    with pytest.raises(LookupError):
        listing_of(1).row(1)


CHANGES = st.lists(
    st.tuples(st.sampled_from(["insert", "delete", "edit"]), st.integers(0, 30)), max_size=25
)


@settings(max_examples=60)
@given(
    first=st.lists(st.integers(0, 30), max_size=25),
    changes=CHANGES,
    order=st.sampled_from(["newest_first", "oldest_first", "shuffled"]),
    bounds=st.tuples(st.integers(0, 30), st.integers(0, 30)),
)
def test_the_list_is_what_a_plain_dict_of_rows_says(first, changes, order, bounds):
    listing = listing_of(*sorted(first), order=order, page_size=4)
    plain = {uid: (second, uid % 2) for uid, second in enumerate(sorted(first))}
    for kind, number in changes:
        if kind == "insert":
            uid = listing.insert(at(number))
            plain[uid] = (number, uid % 2)
        elif number in plain and kind == "delete":
            listing.delete(number)
            del plain[number]
        elif number in plain:
            listing.edit(number, {"parity": 7})
            plain[number] = (plain[number][0], 7)
    low, high = bounds
    wanted = {uid for uid, (second, _) in plain.items() if low <= second <= high}
    assert sorted(pages_of(listing, start=at(low), end=at(high))) == sorted(wanted)
    sevens = {uid for uid, (_, parity) in plain.items() if parity == 7}
    assert {row.uid for row in listing.snapshot(filters={"parity": 7})} == sevens
    seconds = [plain[uid][0] for uid in pages_of(listing)]
    if order != "shuffled":
        assert seconds == sorted(seconds, reverse=order == "newest_first")


def test_a_page_of_a_million_rows_takes_not_much_longer_than_one_of_a_hundred_thousand():
    short, long = page_s(100_000), page_s(1_000_000)
    assert long < 5 * short  # looking at each row would take ten times as long


def page_s(rows):
    """Return what a page of so many rows takes, the best of three as others use the machine too."""
    listing = hum_reader(Switches(rows=rows)).listing
    pages = rows // 50
    assert listing.page(pages)[1] == rows
    took_s: list[float] = []
    for first in (1, 2, 3):
        began_s = time.perf_counter()
        for number in range(first, pages, pages // 200):
            listing.page(number, at(0), at(100 * 86_400))
        took_s.append((time.perf_counter() - began_s) / 200)
    return min(took_s)


def test_only_so_many_rows_and_views_are_remembered():
    listing = hum_reader(Switches(rows=20_000, order="shuffled")).listing
    first = listing.snapshot()
    assert listing.snapshot() == first
    assert len(listing._made) < 20_000
    for day in range(12):
        listing.count(at(0), at(day * 86_400))
    assert len(listing._views) < 12


def test_the_readers_of_both_vendors_work_without_a_server():
    switches = Switches(rows=120, drift=Drift(delete_every=1))
    for reader in (hum_reader(switches), attributionhub_reader(switches, twins=2)):
        rows, total = reader.page(1)
        assert (len(rows), total) == (50, 120)
        assert len(reader.listing) == 119
