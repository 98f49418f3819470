"""asyncsessions: pages, items, lists; in order or as they come; with proof or without."""

from __future__ import annotations

from asyncsessions import AttributionHub, Client, Hum, Sessions

RANGE = {"start": "2026-01-01", "end": "2026-03-30"}
HUB_RANGE = {"start": "2026-03-02", "end": "2026-03-30"}  # one window


def _client(base_url: str, concurrency: int) -> Client[...]:
    return Client(Hum("invented", base_url=base_url), concurrency=concurrency)


def _hub(base_url: str, concurrency: int) -> Client[...]:
    return Client(AttributionHub("invented", base_url=base_url), concurrency=concurrency)


async def _count_pages(query: Sessions) -> int:
    return sum([len(page) async for page in query.pages()])


async def _count_items(query: Sessions) -> int:
    count = 0
    async for _session in query:
        count += 1
    return count


async def pages(base_url: str, _: int, concurrency: int) -> int:
    async with _client(base_url, concurrency) as client:
        return await _count_pages(client.sessions(**RANGE))


async def pages_hundred(base_url: str, _: int, __: int) -> int:
    async with _client(base_url, 100) as client:
        return await _count_pages(client.sessions(**RANGE))


async def pages_unordered(base_url: str, _: int, concurrency: int) -> int:
    async with _client(base_url, concurrency) as client:
        return await _count_pages(client.sessions(**RANGE).with_options(ordered=False))


async def pages_without_proof(base_url: str, _: int, concurrency: int) -> int:
    async with _client(base_url, concurrency) as client:
        return await _count_pages(client.sessions(**RANGE).with_options(consistency="off"))


async def pages_strict(base_url: str, _: int, concurrency: int) -> int:
    async with _client(base_url, concurrency) as client:
        return await _count_pages(client.sessions(**RANGE).with_options(consistency="strict"))


async def items(base_url: str, _: int, concurrency: int) -> int:
    async with _client(base_url, concurrency) as client:
        return await _count_items(client.sessions(**RANGE))


async def collected(base_url: str, _: int, concurrency: int) -> int:
    async with _client(base_url, concurrency) as client:
        return len(await client.sessions(**RANGE).collect())


async def hub_pages(base_url: str, _: int, concurrency: int) -> int:
    async with _hub(base_url, concurrency) as client:
        return await _count_pages(client.sessions(**HUB_RANGE))


async def hub_items(base_url: str, _: int, concurrency: int) -> int:
    async with _hub(base_url, concurrency) as client:
        return await _count_items(client.sessions(**HUB_RANGE))
