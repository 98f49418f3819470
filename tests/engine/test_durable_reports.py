"""What a durable pull says of itself: the figures of all its goes, and what is not proven."""

from __future__ import annotations

from datetime import timedelta

import pytest

from asyncsessions import IncompleteError, InvalidQueryError
from asyncsessions.core.http import Response
from tests.engine.memory_store import BEGUN, Disk, MemoryStore, go
from tests.engine.vendor import HubVendor, Vendor, failing, rows, swapped

INSTANT = timedelta(microseconds=1)


def hub():
    """Return a vendor of three windows."""
    return HubVendor(rows(500, apart_s=14_407.0))


def test_the_figures_of_a_pull_at_one_go():
    vendor, disk = hub(), Disk()
    report = go(vendor, MemoryStore(disk))
    assert report.complete
    assert (report.windows, report.windows_read) == (3, 3)
    assert (report.rows, report.total, report.rows_before) == (500, 500, 0)
    assert report.pages == report.requests == len(vendor.pages) == disk.ledger
    assert (report.requests_before, report.retries, report.waited_s) == (0, 0, 0)
    assert (report.late, report.tag_changes, report.clipped, report.ordered) == (0, 0, 0, True)
    assert (report.unproven, report.reasons, report.outcome) == ((), (), "finished")
    first, last = report.as_of
    assert first == BEGUN + timedelta(seconds=0.05)
    assert last - first == timedelta(seconds=report.elapsed_s - 0.05)


def test_a_failure_names_all_that_is_not_committed_newest_first():
    vendor, disk = hub(), Disk()
    vendor.answer = lambda page: failing() if disk.windows else None
    with pytest.raises(InvalidQueryError) as caught:
        go(vendor, MemoryStore(disk))
    report = caught.value.report
    newest = disk.windows[0]
    assert len(disk.windows) == 1
    assert (report.complete, report.rows) == (False, newest.rows)
    assert (report.windows, report.windows_read) == (3, 1)
    (middle, oldest) = report.unproven
    assert middle[1] == report.end - timedelta(days=30) - INSTANT
    assert oldest == (report.start, middle[0] - INSTANT)
    vendor.answer = lambda _: None
    report = go(vendor, MemoryStore(disk), begun=BEGUN + timedelta(hours=1))
    assert report.complete
    assert (report.rows, report.rows_before, report.total) == (500, newest.rows, 500)
    assert (report.windows, report.windows_read) == (3, 3)
    assert report.as_of[0] == newest.as_of[0]
    assert report.as_of[1] > BEGUN + timedelta(hours=1)
    assert report.requests_before == disk.ledger - report.requests


def test_progress_counts_rows_that_wait_to_be_committed():
    seen = []
    go(Vendor(rows(190)), MemoryStore(Disk()), concurrency=1, on_progress=seen.append)
    assert [report.pages for report in seen] == [1, 2, 3, 4]
    assert [report.total for report in seen] == [190] * 4
    assert [report.windows_read for report in seen] == [1] * 4
    assert 0 < seen[1].rows < seen[2].rows < 190
    assert not any(report.complete or report.unproven for report in seen)


@pytest.mark.parametrize("ordered", [True, False])
def test_rows_are_committed_newest_first_and_none_is_late_though_some_were_read_late(ordered):
    vendor, disk = Vendor(rows(500)), Disk()
    vendor.latency_s = lambda page: 2.0 if page == 3 else 0.05
    honest = vendor.honest

    def shrinking(page, start=None, end=None):
        response = honest(page, start, end)
        if page == 6 and len(vendor.listing) == 500:
            del vendor.listing[200]
        return response

    vendor.honest = shrinking
    report = go(vendor, MemoryStore(disk), ordered=ordered, concurrency=4)
    (read,) = disk.commits
    times = [row.started_at for row in read.rows]
    assert times == sorted(times, reverse=True)
    assert (report.complete, report.late, report.ordered) == (True, 0, True)
    assert report.tag_changes == 1


def unproven():
    """Return a vendor whose second page leads back up in time."""
    return Vendor(swapped(rows(70)))


def test_an_unproven_pull_raises_and_its_window_is_read_again_by_the_next_go():
    vendor, disk = unproven(), Disk()
    store = MemoryStore(disk)
    with pytest.raises(IncompleteError) as caught:
        go(vendor, store)
    assert store.calls.count("leave") == 1
    assert caught.value.__notes__ == ["left"]
    report = caught.value.report
    assert (report.complete, report.rows, report.outcome) == (False, 70, "left")
    assert not report.ordered
    assert report.unproven == ((report.start, report.end - INSTANT),)
    assert report.reasons
    assert len(disk.rows) == 70
    sent = len(vendor.pages)
    vendor.listing = rows(70)
    report = go(vendor, MemoryStore(disk))
    assert report.complete
    assert (report.rows, report.rows_before, report.requests) == (70, 0, 2)
    assert report.requests_before == sent
    assert len(disk.rows) == 70


def test_an_unproven_pull_that_only_warns_says_so_in_the_log(caplog):
    store = MemoryStore(Disk())
    report = go(unproven(), store, on_incomplete="warn")
    assert (report.complete, report.rows, report.outcome) == (False, 70, "left")
    assert store.calls.count("leave") == 1
    assert "not proven complete" in caplog.text


def test_what_the_vendor_says_beside_the_data_is_told_once():
    vendor = Vendor(rows(60), total=10_000)
    for row in vendor.listing:
        row["novelty"] = 1
    report = go(vendor, MemoryStore(Disk()))
    assert report.complete
    (warning,) = report.warnings
    assert warning.startswith("the vendor announced 10000 rows, and 60 are there")
    assert report.unknown_fields == ("data.novelty",)


def test_a_warning_of_the_vendor_is_in_the_report_of_a_later_go_as_well():
    vendor, disk = HubVendor([]), Disk()
    word = Response(status=200, body=b'{"message": "Nothing here."}')
    vendor.answer = lambda _: word if len(vendor.pages) == 1 else failing()
    seen = []
    with pytest.raises(InvalidQueryError) as caught:
        go(vendor, MemoryStore(disk), concurrency=1, on_progress=seen.append)
    assert [report.warnings for report in seen] == [("Nothing here.",)]
    assert caught.value.report.warnings == ("Nothing here.",)
