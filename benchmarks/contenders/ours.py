"""asyncsessions: pages, items, lists; in order or as they come; with proof or without."""

from __future__ import annotations

from asyncsessions import Client, Hum, Sessions

RANGE = {"start": "2026-01-01", "end": "2026-03-30"}


def _client(base_url: str, concurrency: int) -> Client[...]:
    return Client(Hum("invented", base_url=base_url), concurrency=concurrency)


async def _count_pages(query: Sessions) -> int:
    return sum([len(page) async for page in query.pages()])


async def pages(base_url: str, _: int, concurrency: int) -> int:
    async with _client(base_url, concurrency) as client:
        return await _count_pages(client.sessions(**RANGE))


async def pages_unordered(base_url: str, _: int, concurrency: int) -> int:
    async with _client(base_url, concurrency) as client:
        return await _count_pages(client.sessions(**RANGE).with_options(ordered=False))


async def pages_without_proof(base_url: str, _: int, concurrency: int) -> int:
    async with _client(base_url, concurrency) as client:
        return await _count_pages(client.sessions(**RANGE).with_options(consistency="off"))


async def items(base_url: str, _: int, concurrency: int) -> int:
    count = 0
    async with _client(base_url, concurrency) as client:
        async for _session in client.sessions(**RANGE):
            count += 1
    return count


async def collected(base_url: str, _: int, concurrency: int) -> int:
    async with _client(base_url, concurrency) as client:
        return len(await client.sessions(**RANGE).collect())
