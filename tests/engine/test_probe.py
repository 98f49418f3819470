"""An estimate costs one request a window and is exact where nothing moves."""

from __future__ import annotations

import asyncio

import pytest

from asyncsessions import BudgetExceededError, Client, InvalidQueryError
from asyncsessions.testing import run_virtual
from tests.engine.vendor import NEWEST, WHOLE, HubVendor, Vendor, failing, rows


@pytest.mark.parametrize("count", [0, 1, 50, 51, 2337])
def test_the_estimate_is_what_a_pull_takes(count: int) -> None:
    vendor = Vendor(rows(count))

    async def ask() -> None:
        async with vendor.client() as client:
            query = client.sessions(**WHOLE)
            plan = await query.estimate()
            assert (plan.rows, plan.windows, plan.spent) == (count, 1, 1)
            assert await query.count() == count
            assert vendor.pages == [1, 1]
            assert (await query.collect()).report.requests == plan.requests

    run_virtual(ask())


def test_rows_on_the_border_of_the_range_are_not_counted() -> None:
    vendor = Vendor(rows(10, apart_s=0.25))

    async def ask(client: Client[...]) -> None:
        end = NEWEST.replace(second=0, microsecond=0)
        count = await client.sessions(start="2026-01-01", end=end).count()
        assert count == 10
        found = await client.sessions(start="2026-01-01", end="2026-03-30").count()
        assert found == 0

    async def run() -> None:
        async with vendor.client() as client:
            await ask(client)

    run_virtual(run())


def test_a_failure_leaves_no_task_behind() -> None:
    vendor = Vendor(rows(10))
    vendor.answer = lambda _: failing()

    async def ask() -> None:
        async with vendor.client() as client:
            with pytest.raises(InvalidQueryError):
                await client.sessions(**WHOLE).estimate()
            assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtual(ask())


def test_the_deadline_holds_for_an_estimate_too() -> None:
    vendor = Vendor(rows(10))
    vendor.latency_s = lambda _: 100.0

    async def send_never() -> None:
        async with vendor.client() as client:
            with pytest.raises(BudgetExceededError):
                async with asyncio.timeout(5):
                    query = client.sessions(**WHOLE).with_options(max_requests=0, deadline_s=1)
                    await query.estimate()

    run_virtual(send_never())


def test_with_a_limit_windows_below_those_that_suffice_are_not_counted() -> None:
    vendor = HubVendor(rows(500, apart_s=14_407.0))

    async def ask() -> None:
        async with vendor.client() as client:
            query = client.sessions(**WHOLE).with_options(limit=120)
            plan = await query.estimate()
            assert (plan.requests, plan.rows) == (3, 120)

    run_virtual(ask())
