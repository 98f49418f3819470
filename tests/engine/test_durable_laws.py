"""Law of a durable pull: whatever dies and changes, what is called proven is exact."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asyncsessions import UnexpectedResponseError
from tests.core.laws import SCALE
from tests.engine.memory_store import BEGUN, Death, Disk, MemoryStore, go
from tests.engine.vendor import Vendor, rows

pytestmark = pytest.mark.slow

PAUSE_S = 400
MOST_GOES = 12

deaths = st.lists(st.tuples(st.integers(2, 60), st.booleans()), max_size=MOST_GOES)
"""At which call each go dies, and whether that has its effect before."""
changes = st.lists(st.lists(st.integers(-250, 250), max_size=4), max_size=MOST_GOES)
"""What happens before each go: a row of this place is deleted, or inserted if it is negative."""


def changed(vendor, places, number):
    for turn, place in enumerate(places):
        if place >= 0:
            if vendor.listing:
                vendor.listing.pop(place % len(vendor.listing))
            continue
        moment = rows(-place)[-1]["created_at"]
        name = f"ffff{number:04x}-{turn:04x}-4000-8000-000000000000"  # of no other row
        vendor.listing.append({"id": name, "created_at": moment})
    vendor.listing.sort(key=lambda row: row["created_at"], reverse=True)


@settings(max_examples=int(150 * SCALE), deadline=None)
@given(
    count=st.sampled_from([0, 1, 50, 120, 240]),
    deaths=deaths,
    changes=changes,
    consistency=st.sampled_from(["count", "strict"]),
    concurrency=st.sampled_from([1, 3]),
)
def test_any_course_of_deaths_and_changes_ends_with_rows_that_are_exact(
    count, deaths, changes, consistency, concurrency
):
    vendor, disk = Vendor(rows(count)), Disk()
    how = {"consistency": consistency, "concurrency": concurrency}
    stood = set(vendor.ids)
    report, died = None, 0
    for turn, (at, late) in enumerate([*deaths, (None, False)]):
        begun = BEGUN + timedelta(seconds=PAUSE_S * turn)
        store = MemoryStore(disk, dies_at=at, dies_late=late)
        try:
            report = go(vendor, store, begun=begun, **how)
            break
        except Death:
            died += 1
            if turn < len(changes):
                changed(vendor, changes[turn], turn + 1)
                stood &= set(vendor.ids)
        except UnexpectedResponseError:
            return  # the list moved by a page
    assert disk.ledger >= len(vendor.pages)
    if report is None or not report.complete:
        return
    found = Counter(disk.ids)
    assert max(found.values(), default=1) == 1
    assert stood <= set(found)
    if not any(changes):
        assert set(found) == set(vendor.ids)
        assert len(vendor.pages) <= (-(-count // 50) + 2) * 2 + (concurrency + 1) * died
