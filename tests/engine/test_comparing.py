"""Comparing what is stored with what the vendor lists costs one request a window."""

from __future__ import annotations

from datetime import timedelta

import pytest

from asyncsessions import BudgetExceededError
from asyncsessions.core.books import StoredWindow, Stream
from asyncsessions.core.tiles import Span
from asyncsessions.core.windows import EPOCH, to_micros
from asyncsessions.testing import run_virtual
from tests.engine.vendor import NEWEST, HubVendor, Vendor, rows

DAY = timedelta(days=1)


def stored(first, last, *, complete=True):
    return StoredWindow(
        owned=Span(to_micros(NEWEST - first), to_micros(NEWEST - last) + 1),
        rows=0,
        complete=complete,
        digest="",
        as_of=(EPOCH, EPOCH),
        committed_at=EPOCH,
        run="",
    )


def compared(vendor, windows, moments, **how):
    async def work():
        async with vendor.client() as client:
            stream = Stream(provider="hum", filters=(), windows=windows)
            return await client.compare(stream, moments, **how)

    return run_virtual(work())[0]


def moments_of(count, apart_s):
    return [to_micros(NEWEST - timedelta(seconds=apart_s * number)) for number in range(count)]


def test_as_many_rows_on_both_sides_are_equal():
    vendor = Vendor(rows(200, apart_s=3600.0))
    (only,) = compared(vendor, [stored(100 * DAY, 0 * DAY)], moments_of(200, 3600))
    assert (only.stored, only.listed, only.is_equal) == (200, 200, True)
    assert vendor.pages == [1]


def test_a_row_that_came_or_went_is_told():
    vendor = Vendor(rows(200, apart_s=3600.0))
    windows = [stored(2 * DAY, 0 * DAY), stored(50 * DAY, 4 * DAY), stored(3 * DAY, 2 * DAY)]
    moments = moments_of(200, 3600)[::-1]
    del moments[-1]
    newer, older = compared(vendor, windows, moments)
    assert (newer.listed - newer.stored, older.listed - older.stored) == (1, 0)
    assert newer.window.owned.lo > older.window.owned.hi


def test_what_is_not_proven_is_not_compared():
    assert compared(Vendor(rows(9)), [stored(9 * DAY, 0 * DAY, complete=False)], []) == []


def test_a_range_longer_than_the_vendor_allows_is_compared_in_windows():
    vendor = HubVendor(rows(300, apart_s=14_407.0))
    found = compared(vendor, [stored(70 * DAY, 0 * DAY)], moments_of(300, 14_407))
    assert len(found) == len(vendor.pages) == 3
    assert all(part.is_equal for part in found)


def test_its_requests_are_entered_and_bounded():
    vendor, entered = HubVendor(rows(300, apart_s=14_407.0)), []
    with pytest.raises(BudgetExceededError):
        compared(
            vendor,
            [stored(70 * DAY, 0 * DAY)],
            [],
            before_request=lambda: entered.append(1),
            max_requests=2,
            deadline_s=60,
        )
    assert len(entered) == len(vendor.pages) == 2
