"""A sync reads what was never read, and again what is young; it is gone on with like any pull."""

from __future__ import annotations

from datetime import timedelta

import pytest

from asyncsessions.testing import run_virtual
from tests.engine.memory_store import Death, Disk, MemoryStore
from tests.engine.vendor import Vendor, rows


def synced(vendor, store, *, days=7, **how):
    async def work():
        async with vendor.client(concurrency=3) as client:
            sessions = client.sessions(start="2026-01-01")
            return await sessions.sync(store, lookback=timedelta(days=days), **how)

    return run_virtual(work())[0]


def test_a_first_sync_reads_all_and_the_next_one_the_lookback_alone():
    vendor, disk = Vendor(rows(300)), Disk()
    report = synced(vendor, MemoryStore(disk))
    assert (report.complete, report.rows, report.requests) == (True, 300, 6)
    del vendor.listing[5]
    report = synced(vendor, MemoryStore(disk))
    assert (report.complete, report.rows, report.requests) == (True, 0, 1)
    assert len(disk.ids) == 300  # so old is taken to be settled
    report = synced(vendor, MemoryStore(disk), days=99_999)
    assert (report.complete, report.requests) == (True, 6)
    assert sorted(disk.ids) == sorted(vendor.ids)


@pytest.mark.slow
def test_a_sync_that_died_is_gone_on_with():
    at, died = 1, True
    while died:
        vendor, disk = Vendor(rows(120)), Disk()
        died = False
        try:
            synced(vendor, MemoryStore(disk, dies_at=at), revisit=0.5)
        except Death:
            died = True
            run = disk.run
            synced(vendor, MemoryStore(disk), revisit=0.5)
            assert run is None or run.id == disk.run.id
        assert sorted(disk.ids) == sorted(vendor.ids)
        at += 1
    assert at > 20
