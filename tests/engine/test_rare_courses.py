"""What a stream does when windows, positions and requests take turns that are rare."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from asyncsessions import AttributionHub, Client, InvalidQueryError
from asyncsessions.testing import FakeAttributionHub, run_virtual
from tests.engine.vendor import WHOLE, HubVendor, Vendor, failing, rows

HALF_YEAR = {
    "start": datetime(2026, 1, 1, tzinfo=UTC),
    "end": datetime(2026, 6, 30, tzinfo=UTC),
}


def collected(vendor, **options):
    """Pull everything, and return the rows, the report and how many seconds it took."""

    async def work():
        async with vendor.client(concurrency=8) as client:
            found = await client.sessions(**WHOLE).with_options(**options).collect()
            return found, found.report

    (found, report), elapsed_s = run_virtual(work())
    return found, report, elapsed_s


def test_requests_beyond_the_end_of_the_list_are_not_waited_for():
    vendor = Vendor(rows(60), total=10_000)
    vendor.latency_s = lambda page: 0.05 if page <= 3 else 100.0
    found, report, elapsed_s = collected(vendor)
    assert [session.id for session in found] == vendor.ids
    assert report.complete
    assert max(vendor.pages) > 3
    assert elapsed_s < 100


def test_when_a_list_by_position_moves_what_waited_leaves_first_and_every_row_comes_once():
    vendor = Vendor(rows(300)[::-1])
    third = vendor.ids[100:150]
    vendor.latency_s = lambda page: 1.0 if page == 2 else 0.1 if page == 4 else 0.05
    honest = vendor.honest

    def growing(page):
        if page != 4 or len(vendor.listing) > 300:
            return None
        vendor.listing.insert(0, rows(301)[-1])  # the oldest: every other row moves by one place
        return honest(page)

    vendor.answer = growing
    found, report, _ = collected(vendor)
    came = [session.id for session in found]
    assert sorted(came) == sorted(vendor.ids)
    assert came[50:100] == third  # page 2 was not waited for
    assert report.complete
    assert not report.ordered


def test_an_error_in_a_list_by_position_comes_after_the_rows_of_the_pages_before_it():
    vendor = Vendor(rows(400)[::-1])
    vendor.latency_s = lambda page: 1.0 if page in {2, 4} else 0.05
    vendor.answer = lambda page: failing() if page == 4 else None
    came = []

    async def work():
        async with vendor.client(concurrency=8) as client, client.sessions(**WHOLE) as stream:
            with pytest.raises(InvalidQueryError):
                async for session in stream:
                    came.append(session.id)
            return stream.report

    report, _ = run_virtual(work())
    assert came == vendor.ids[:150]
    last_instant = report.end - timedelta(microseconds=1)
    assert report.unproven == ((report.start, last_instant),)


async def test_with_a_limit_a_window_is_not_opened_before_the_one_above_it_has_told_its_total():
    async with (
        FakeAttributionHub(rows=1200, **HALF_YEAR) as fake,
        Client(AttributionHub(fake.key, base_url=fake.base_url), concurrency=8) as client,
    ):
        found = await client.sessions(**HALF_YEAR).first(350)
        report = found.report
    assert len(found) == 350
    assert report.windows > 3
    assert report.windows_read == 2


def test_an_error_in_a_window_keeps_back_the_rows_of_the_windows_below_it():
    vendor = HubVendor(rows(500, apart_s=14_407.0))
    ends = ("2026-04-01", "2026-03-02", "2026-01-31")
    # The middle window is answered last, when the one below it has come.
    honest = vendor.honest

    def failing_in_the_middle(page, start=None, end=None):
        return failing() if end.startswith(ends[1]) else honest(page, start, end)

    vendor.honest = failing_in_the_middle
    vendor.latency_s = lambda _: 5.0 if vendor.ranges[-1][1].startswith(ends[1]) else 0.01
    came = []

    async def work():
        async with vendor.client(concurrency=8) as client, client.sessions(**WHOLE) as stream:
            with pytest.raises(InvalidQueryError):
                async for session in stream:
                    came.append(session)
            return stream.report

    report, _ = run_virtual(work())
    assert report.windows_read == 2
    assert {end for _, end in vendor.ranges} == {f"{end}T00:00:00Z" for end in ends}
    assert min(session.started_at for session in came) >= report.end - timedelta(days=30)
