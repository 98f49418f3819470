"""The bytes alone, with aiohttp set up as our transport sets it up: the floor."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import aiohttp
from yarl import URL

from benchmarks.contenders.floor_default import HEADERS, QUERY


async def run(base_url: str, pages: int, concurrency: int) -> int:
    numbers = iter(range(1, pages + 1))
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
    ) as http:
        workers = [_work(http, base_url, numbers) for _ in range(concurrency)]
        return sum(await asyncio.gather(*workers))


async def _work(http: aiohttp.ClientSession, base_url: str, numbers: Iterator[int]) -> int:
    read = 0
    for page in numbers:
        url = URL(f"{base_url}/analytics/sessions?page={page}&{QUERY}", encoded=True)
        async with http.get(url, headers=HEADERS, allow_redirects=False) as answer:
            read += bool(await answer.read())
    return read
