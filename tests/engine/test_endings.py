"""A pull that was cut off never looks like one that ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from asyncsessions import ConfigurationError, IncompleteError, Retry, merge
from asyncsessions.core.http import Response
from asyncsessions.core.report import Report
from asyncsessions.testing import run_virtual
from tests.engine.vendor import WHOLE, Vendor, rows


async def settled(work: Awaitable[Any]) -> Any:
    """Return the outcome, be it an error."""
    (outcome,) = await asyncio.gather(work, return_exceptions=True)
    return outcome


def test_closing_the_client_under_a_pull_is_an_error_of_the_pull() -> None:
    vendor = Vendor(rows(1000))

    async def pull() -> object:
        client = vendor.client()
        pulling = asyncio.ensure_future(client.sessions(**WHOLE).collect())
        counting = asyncio.ensure_future(client.sessions(**WHOLE).count())
        await asyncio.sleep(0.02)
        await client.aclose()
        assert isinstance(await settled(counting), int)  # its request was under way
        return await settled(pulling)

    error, _ = run_virtual(pull())
    assert isinstance(error, ConfigurationError)
    assert "closed" in str(error)


def test_closing_the_client_ends_the_wait_for_a_repetition() -> None:
    vendor = Vendor(rows(10))
    vendor.answer = lambda _: Response(status=503, headers={"retry-after": "60"})

    async def ask() -> object:
        client = vendor.client(retry=Retry())
        counting = asyncio.ensure_future(client.sessions(**WHOLE).count())
        await asyncio.sleep(1)
        await client.aclose()
        return await settled(counting)

    error, elapsed_s = run_virtual(ask())
    assert isinstance(error, ConfigurationError)
    assert elapsed_s == pytest.approx(1)
    assert len(vendor.pages) == 1


def test_after_a_cancelled_pull_the_next_one_is_an_error() -> None:
    vendor = Vendor(rows(500))
    vendor.latency_s = lambda page: 5.0 if page == 3 else 0.05

    async def pull() -> object:
        async with vendor.client() as client:
            pages = client.sessions(**WHOLE).pages()
            assert await anext(pages)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(pages), 1)
            return await settled(anext(pages))

    error, _ = run_virtual(pull())
    assert isinstance(error, ConfigurationError)


def test_a_stream_read_after_its_block_is_an_error() -> None:
    vendor = Vendor(rows(500))

    async def pull() -> None:
        async with vendor.client() as client:
            async with client.sessions(**WHOLE) as stream:
                pass
            with pytest.raises(ConfigurationError, match="closed before its end"):
                [session async for session in stream]

    run_virtual(pull())


def test_closing_a_stream_while_it_is_pulled_sends_nothing_more() -> None:
    vendor = Vendor(rows(50_000, apart_s=1.0))

    async def pull() -> int:
        async with vendor.client() as client:
            pages = client.sessions(**WHOLE).pages()

            async def consume() -> None:
                async for _ in pages:
                    pass

            consuming = asyncio.ensure_future(consume())
            await asyncio.sleep(0.52)
            sent = len(vendor.pages)
            await pages.aclose()
            assert isinstance(await settled(consuming), ConfigurationError)
            assert asyncio.all_tasks() == {asyncio.current_task()}
        return sent

    sent, _ = run_virtual(pull())
    assert len(vendor.pages) == sent


@pytest.mark.parametrize("cancels", [1, 2, 3, 4, 5])
def test_cancelling_the_clients_exit_leaves_no_stream_open(cancels: int) -> None:
    vendor = Vendor(rows(1000))
    vendor.latency_s = lambda page: 0.01 if page == 1 else 20

    async def body() -> None:
        async with vendor.client(concurrency=20) as client:
            runs = [client.sessions(**WHOLE).pages() for _ in range(3)]
            for run in runs:
                await anext(run)
            waiting = [asyncio.ensure_future(anext(run)) for run in runs]
            try:
                await asyncio.sleep(9)
            finally:
                for wait in waiting:
                    wait.cancel()

    async def cancel() -> None:
        task = asyncio.ensure_future(body())
        await asyncio.sleep(1)
        for _ in range(cancels):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert vendor.in_flight == 0

    run_virtual(cancel())


def test_more_rows_on_one_instant_than_may_be_reordered_are_all_read() -> None:
    vendor = Vendor([*rows(1000, apart_s=0), *rows(2000)[1000:]])

    async def pull() -> None:
        async with vendor.client(concurrency=1) as client:
            found = await client.sessions(**WHOLE).collect()
        assert [session.id for session in found] == vendor.ids
        assert found.report.complete

    run_virtual(pull())


def test_rows_beyond_the_border_do_not_count_towards_a_limit() -> None:
    beyond = [{**row, "created_at": "2026-04-01T00:00:00Z"} for row in rows(50)]
    vendor = Vendor([*beyond, *rows(500)[50:]])

    async def pull() -> None:
        async with vendor.client() as client:
            found = await client.sessions(**WHOLE).first(10)
        assert [session.id for session in found] == vendor.ids[50:60]

    run_virtual(pull())


def test_rows_out_of_order_at_a_page_edge_are_delivered_though_not_proven() -> None:
    vendor = Vendor(rows(600))
    for edge in range(50, 600, 50):
        listing = vendor.listing
        listing[edge - 1], listing[edge] = listing[edge], listing[edge - 1]
    seen: list[str] = []

    async def pull() -> None:
        async with vendor.client() as client:
            with pytest.raises(IncompleteError) as caught:
                async for session in client.sessions(**WHOLE):
                    seen.append(session.id)
        assert caught.value.report is not None
        assert not caught.value.report.ordered
        assert "time order" in str(caught.value)

    run_virtual(pull())
    assert sorted(seen) == sorted(vendor.ids)


def test_the_report_says_whether_rows_came_in_order() -> None:
    vendor = Vendor(rows(300))

    async def pull() -> None:
        async with vendor.client() as client:
            query = client.sessions(**WHOLE)
            assert (await query.collect()).report.ordered
            assert not (await query.with_options(ordered=False).collect()).report.ordered
            assert (await query.with_options(consistency="off").collect()).report.ordered

    run_virtual(pull())


def test_off_does_not_call_a_pull_complete_that_contradicts_its_own_total() -> None:
    vendor = Vendor(rows(550), total=600)

    async def pull() -> None:
        async with vendor.client() as client:
            query = client.sessions(**WHOLE).with_options(consistency="off")
            with pytest.raises(IncompleteError, match="do not add up"):
                await query.collect()

    run_virtual(pull())


@pytest.mark.parametrize("count", [0, 49, 50, 300])
def test_strict_proves_windows_of_any_size_by_ranges_of_time(count: int) -> None:
    vendor = Vendor(rows(count))

    async def pull() -> Report:
        async with vendor.client() as client:
            found = await client.sessions(**WHOLE).with_options(consistency="strict").collect()
        assert [session.id for session in found] == vendor.ids
        return found.report

    report, _ = run_virtual(pull())
    assert report.complete
    assert set(vendor.pages) == {1}
    assert report.requests <= 1.15 * max(1, count / 50) + 1


def test_a_merged_stream_is_iterated_once() -> None:
    vendor = Vendor(rows(10))

    async def pull() -> None:
        async with vendor.client() as client:
            merged = merge(client.sessions(**WHOLE))
            assert len([session async for session in merged]) == 10
            with pytest.raises(ConfigurationError, match="once"):
                [session async for session in merged]

    run_virtual(pull())
