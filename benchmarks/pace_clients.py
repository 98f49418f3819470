"""Who asks in ``benchmarks.pace``: our client, and a loop with a fixed number of workers.

Both fetch one page first, as whoever reads a list does, and then as much as they can until a moment;
they return how many pages they gave up.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from functools import partial

import aiohttp

from asyncsessions import Client, Hum, SessionsError
from asyncsessions.core.http import Request, Response
from asyncsessions.core.meter import Meter

__all__ = ["adaptive", "fixed"]

ATTEMPTS = 8
BACKOFF_S, MAX_BACKOFF_S = 0.25, 10.0
REFUSALS = {429, 503}

Fetch = Callable[[], Awaitable[bool]]


async def adaptive(url: str, concurrency: int, seconds: float) -> int:
    """Ask through our client as it comes; only pages and their proof are left out."""
    async with Client(Hum("none", base_url=url), concurrency=concurrency) as client:
        return await _all(partial(_fetched, client, url), concurrency, seconds)


async def _fetched(client: Client[...], url: str) -> bool:
    try:
        await client.fetch(Request(method="GET", url=url), _body, Meter())
    except SessionsError:
        return False
    return True


def _body(response: Response) -> bytes:
    return response.body


async def fixed(url: str, concurrency: int, seconds: float) -> int:
    """Ask as most scripts do: so many workers, refusals repeated after a jittered backoff."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:
        return await _all(partial(_persisted, http, url), concurrency, seconds)


async def _persisted(http: aiohttp.ClientSession, url: str) -> bool:
    for attempt in range(ATTEMPTS):
        async with http.get(url) as answer:
            await answer.read()
        if answer.status not in REFUSALS:
            return True
        await asyncio.sleep(random.uniform(0, min(MAX_BACKOFF_S, BACKOFF_S * 2**attempt)))
    return False


async def _all(fetch: Fetch, workers: int, seconds: float) -> int:
    given_up = 0

    async def work() -> None:
        nonlocal given_up
        while True:
            if not await fetch():
                given_up += 1

    await fetch()
    tasks = [asyncio.create_task(work()) for _ in range(workers)]
    await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    failed = [task for task in tasks if task.done()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for task in failed:
        task.result()
    return given_up
