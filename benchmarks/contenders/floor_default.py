"""The bytes alone, with aiohttp as it comes: what everybody's first version does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import aiohttp

QUERY = "start_date=2026-01-01T00:00:00Z&end_date=2026-03-31T00:00:00Z"
HEADERS = {"Authorization": "Bearer invented", "Accept": "application/json"}
HUB_HEADERS = {"Authentication": "invented", "Accept": "application/json"}
HUB_RANGE = b'"start_date":"2026-03-02T00:00:00Z","end_date":"2026-03-30T23:59:59Z"'
HUB_BODY = {"start_date": "2026-03-02T00:00:00Z", "end_date": "2026-03-30T23:59:59Z"}


async def run(base_url: str, pages: int, concurrency: int) -> int:
    numbers = iter(range(1, pages + 1))
    async with aiohttp.ClientSession(headers=HEADERS) as http:
        workers = [_work(http, base_url, numbers) for _ in range(concurrency)]
        return sum(await asyncio.gather(*workers))


async def _work(http: aiohttp.ClientSession, base_url: str, numbers: Iterator[int]) -> int:
    read = 0
    for page in numbers:
        async with http.get(f"{base_url}/analytics/sessions?page={page}&{QUERY}") as answer:
            read += bool(await answer.read())
    return read


async def attributionhub(base_url: str, pages: int, concurrency: int) -> int:
    numbers = iter(range(1, pages + 1))
    async with aiohttp.ClientSession(headers=HUB_HEADERS) as http:
        workers = [_work_hub(http, base_url, numbers) for _ in range(concurrency)]
        return sum(await asyncio.gather(*workers))


async def _work_hub(http: aiohttp.ClientSession, base_url: str, numbers: Iterator[int]) -> int:
    read = 0
    for page in numbers:
        body = {"page": page, **HUB_BODY}
        async with http.post(f"{base_url}/api/v1/sessions", json=body) as answer:
            read += bool(await answer.read())
    return read
