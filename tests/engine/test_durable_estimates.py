"""An estimate for a target keeps what it asked: the pull that follows does not ask again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from asyncsessions import ConfigurationError, InvalidQueryError, SinkError
from asyncsessions.testing import run_virtual
from tests.engine.memory_store import Death, Disk, MemoryStore, go
from tests.engine.vendor import WHOLE, HubVendor, Vendor, failing, rows


def hub():
    """Return a vendor of three windows."""
    return HubVendor(rows(500, apart_s=14_407.0))


def estimate(vendor, store, **options):
    async def work():
        async with vendor.client(concurrency=4) as client:
            query = client.sessions(**WHOLE).with_options(**options)
            try:
                return await query.estimate(to=store)
            finally:
                assert asyncio.all_tasks() == {asyncio.current_task()}

    return run_virtual(work())[0]


@pytest.mark.parametrize("consistency", ["count", "strict"])
def test_the_pull_after_an_estimate_asks_for_the_rest_alone(consistency):
    vendor, disk = hub(), Disk()
    store = MemoryStore(disk)
    plan = estimate(vendor, store, consistency=consistency)
    assert store.calls[-1] == "leave"
    assert (plan.rows, plan.windows, plan.spent) == (500, 3, 3)
    assert len(vendor.pages) == disk.ledger == 3
    how = {"consistency": consistency, "begun": datetime.now(UTC)}  # the clock of the estimate
    report = go(vendor, MemoryStore(disk), concurrency=4, **how)
    assert (report.complete, report.rows, report.requests_before) == (True, 500, 3)
    if consistency == "count":
        assert report.requests == plan.requests


def test_a_second_estimate_asks_for_nothing():
    vendor, disk = hub(), Disk()
    first = estimate(vendor, MemoryStore(disk))
    again = estimate(vendor, MemoryStore(disk))
    assert (again.rows, again.windows, again.spent) == (500, 3, 0)
    assert again.requests == first.requests


def test_an_estimate_counts_what_is_stored_already():
    vendor, disk = hub(), Disk()
    with pytest.raises(Death):
        go(vendor, MemoryStore(disk, dies_at=36, dies_late=True), concurrency=4)
    assert len(disk.windows) in {1, 2}
    left = [window.rows for window in disk.windows]
    plan = estimate(vendor, MemoryStore(disk))
    assert (plan.rows, plan.windows) == (500, 3)
    assert plan.requests <= -(-(500 - sum(left)) // 50) + 1
    report = go(vendor, MemoryStore(disk), concurrency=4)
    assert (report.complete, report.rows) == (True, 500)


def test_an_estimate_of_a_finished_run_asks_for_nothing():
    vendor, disk = hub(), Disk()
    go(vendor, MemoryStore(disk))
    plan = estimate(vendor, MemoryStore(disk))
    assert (plan.requests, plan.rows, plan.windows, plan.spent) == (0, 500, 3, 0)


def test_an_estimate_that_finds_a_large_window_plans_its_slices(monkeypatch):
    monkeypatch.setattr("asyncsessions.core.slices.COMMIT_PAGES", 4)
    vendor, disk = Vendor(rows(951, apart_s=8000.0)), Disk()
    plan = estimate(vendor, MemoryStore(disk))
    assert plan.rows >= 951
    assert plan.windows > 3
    report = go(vendor, MemoryStore(disk), concurrency=4, begun=datetime.now(UTC))
    assert (report.complete, report.rows, report.windows) == (True, 951, plan.windows)
    assert report.requests == plan.requests


def test_an_estimate_that_fails_leaves_the_store():
    vendor, store = hub(), MemoryStore(Disk())
    vendor.answer = lambda _: failing()
    with pytest.raises(InvalidQueryError) as caught:
        estimate(vendor, store)
    assert store.calls.count("leave") == 1
    assert caught.value.__notes__ == ["left"]


def test_a_store_that_cannot_be_left_after_an_estimate_is_told_and_not_called_again():
    def fail():
        raise SinkError("the disk is full")

    store = MemoryStore(Disk(), at={"leave": fail})
    with pytest.raises(SinkError, match="the disk is full"):
        estimate(hub(), store)
    assert store.calls.count("leave") == 1


def test_an_estimate_for_a_target_that_keeps_nothing_is_refused():
    with pytest.raises(ConfigurationError, match="keeps what was asked"):
        estimate(hub(), "-")


async def test_an_estimate_that_is_dropped_with_its_loop_awaits_nothing_more():
    store = MemoryStore(Disk())
    asking = hub().client().sessions(**WHOLE).estimate(to=store)
    opening = asking.send(None)
    while not opening.done():  # noqa: ASYNC110 - it is stepped by hand
        await asyncio.sleep(0)
    asking.send(None)
    asking.close()
    await asyncio.sleep(0)
    assert "leave" not in store.calls
