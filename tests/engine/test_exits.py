"""However a stream ends, it leaves no task and no request behind."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from asyncsessions import Client, ConfigurationError, InvalidQueryError
from asyncsessions.testing import run_virtual
from tests.engine.vendor import WHOLE, Vendor, failing, rows


class BodyError(Exception):
    """Raised by a consumer."""


async def read_all(client: Client[...], _: Vendor) -> None:
    async with client.sessions(**WHOLE) as stream:
        async for _session in stream:
            pass


async def break_in_the_block(client: Client[...], _: Vendor) -> None:
    async with client.sessions(**WHOLE) as stream:
        async for _session in stream:
            break


async def break_without_a_block(client: Client[...], _: Vendor) -> None:
    async for _session in client.sessions(**WHOLE):
        break


async def break_off_pages(client: Client[...], _: Vendor) -> None:
    async for _page in client.sessions(**WHOLE).pages():
        break


async def raise_in_the_body(client: Client[...], _: Vendor) -> None:
    with pytest.raises(BodyError):
        async for _session in client.sessions(**WHOLE):
            raise BodyError


async def fail_on_a_page(client: Client[...], vendor: Vendor) -> None:
    vendor.answer = lambda page: failing() if page == 4 else None
    with pytest.raises(InvalidQueryError):
        await client.sessions(**WHOLE).collect()


async def be_cancelled(client: Client[...], _: Vendor) -> None:
    task = asyncio.ensure_future(client.sessions(**WHOLE).collect())
    await asyncio.sleep(0.12)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def time_out(client: Client[...], _: Vendor) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.12):
            async for _session in client.sessions(**WHOLE):
                pass
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


EXITS = [
    read_all,
    break_in_the_block,
    break_without_a_block,
    break_off_pages,
    raise_in_the_body,
    fail_on_a_page,
    be_cancelled,
    time_out,
]


@pytest.mark.parametrize("leave", EXITS)
@pytest.mark.parametrize("ordered", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_nothing_is_left_behind(
    leave: Callable[[Client[...], Vendor], Awaitable[None]], *, ordered: bool
) -> None:
    for seed in range(20):
        vendor = Vendor(rows(1500))
        chance = random.Random(seed)
        vendor.latency_s = lambda _page, chance=chance: chance.uniform(0.001, 0.2)
        run_virtual(leave_and_look(leave, vendor, ordered=ordered))


async def leave_and_look(
    leave: Callable[[Client[...], Vendor], Awaitable[None]], vendor: Vendor, *, ordered: bool
) -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    client = vendor.client(concurrency=7)
    sessions = client.sessions
    client.sessions = lambda **query: sessions(**query).with_options(ordered=ordered)
    await leave(client, vendor)
    gc.collect()
    for _ in range(5):
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert vendor.in_flight == 0
    await client.aclose()
    assert complaints == []


@pytest.mark.parametrize("cancels", [1, 2, 3, 4, 5])
def test_rapid_cancels_leave_nothing_behind(cancels: int) -> None:
    for seed in range(20):
        run_virtual(cancel_rapidly(cancels, random.Random(seed)))


async def cancel_rapidly(cancels: int, chance: random.Random) -> None:
    vendor = Vendor(rows(1500))
    vendor.latency_s = lambda _: chance.uniform(0.001, 0.2)

    async def clean_up_slowly(page: int) -> None:
        try:
            await asyncio.sleep(vendor.latency_s(page))
        finally:
            await asyncio.sleep(0.01)  # a transport that needs time to let go

    honest = vendor.send

    async def send(request: Any, *, timeout_s: float) -> Any:
        await clean_up_slowly(1)
        return await honest(request, timeout_s=timeout_s)

    vendor.send = send
    client = vendor.client(concurrency=7)
    task = asyncio.ensure_future(client.sessions(**WHOLE).collect())
    await asyncio.sleep(chance.uniform(0, 0.5))
    for _ in range(cancels):
        task.cancel()
        for _ in range(chance.randrange(3)):
            await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert vendor.in_flight == 0
    await client.aclose()


def test_closing_the_client_ends_its_streams() -> None:
    vendor = Vendor(rows(1500))

    async def pull() -> None:
        client = vendor.client()
        pages = client.sessions(**WHOLE).pages()
        await anext(pages)
        await client.aclose()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        with pytest.raises(ConfigurationError, match="closed before its end"):
            await anext(pages)

    run_virtual(pull())
