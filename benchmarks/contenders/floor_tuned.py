"""The bytes alone, with aiohttp set up as our transport sets it up: the floor."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import aiohttp
from yarl import URL

from benchmarks.contenders.floor_default import HEADERS, HUB_HEADERS, HUB_RANGE, QUERY


def _http() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
    )


async def run(base_url: str, pages: int, concurrency: int) -> int:
    numbers = iter(range(1, pages + 1))
    async with _http() as http:
        workers = [_work(http, base_url, numbers) for _ in range(concurrency)]
        return sum(await asyncio.gather(*workers))


async def _work(http: aiohttp.ClientSession, base_url: str, numbers: Iterator[int]) -> int:
    read = 0
    for page in numbers:
        url = URL(f"{base_url}/analytics/sessions?page={page}&{QUERY}", encoded=True)
        async with http.get(url, headers=HEADERS, allow_redirects=False) as answer:
            read += bool(await answer.read())
    return read


async def attributionhub(base_url: str, pages: int, concurrency: int) -> int:
    numbers = iter(range(1, pages + 1))
    url = URL(f"{base_url}/api/v1/sessions", encoded=True)
    async with _http() as http:
        workers = [_work_hub(http, url, numbers) for _ in range(concurrency)]
        return sum(await asyncio.gather(*workers))


async def _work_hub(http: aiohttp.ClientSession, url: URL, numbers: Iterator[int]) -> int:
    read = 0
    headers = {**HUB_HEADERS, "Content-Type": "application/json"}
    for page in numbers:
        body = b'{"page":%d,%s}' % (page, HUB_RANGE)
        async with http.post(url, data=body, headers=headers, allow_redirects=False) as answer:
            read += bool(await answer.read())
    return read
