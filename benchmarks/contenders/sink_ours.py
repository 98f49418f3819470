"""asyncsessions: ``pull`` into each target, in order, proven, and able to be stopped at any moment."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pyarrow as pa

from asyncsessions import AttributionHub, Client, Hum, Sessions
from asyncsessions.core.columns import to_table
from benchmarks.listing import END


def _sessions(client: Client[...], pages: int) -> Sessions:
    # The server lists a page a minute: so the rows lie evenly in the range, as a vendor's do.
    return client.sessions(start=END - timedelta(minutes=pages), end=END)


async def _pull(base_url: str, pages: int, concurrency: int, target: Path) -> Path:
    async with Client(Hum("invented", base_url=base_url), concurrency=concurrency) as client:
        await _sessions(client, pages).pull(target)
    return target


async def _pull_hub(base_url: str, pages: int, concurrency: int, target: Path) -> Path:
    provider = AttributionHub("invented", base_url=base_url)
    async with Client(provider, concurrency=concurrency) as client:
        await _sessions(client, pages).pull(target)
    return target


async def _table(base_url: str, pages: int, concurrency: int) -> pa.Table:
    async with Client(Hum("invented", base_url=base_url), concurrency=concurrency) as client:
        return await _sessions(client, pages).to_arrow()


async def _table_of_sessions(base_url: str, pages: int, concurrency: int) -> pa.Table:
    async with Client(Hum("invented", base_url=base_url), concurrency=concurrency) as client:
        return to_table(await _sessions(client, pages).collect())


def arrow(base_url: str, pages: int, concurrency: int, _: Path) -> pa.Table:
    return asyncio.run(_table(base_url, pages, concurrency))


def arrow_of_sessions(base_url: str, pages: int, concurrency: int, _: Path) -> pa.Table:
    return asyncio.run(_table_of_sessions(base_url, pages, concurrency))


def parquet(base_url: str, pages: int, concurrency: int, folder: Path) -> Path:
    return asyncio.run(_pull(base_url, pages, concurrency, folder / "sessions.parquet"))


def dataset(base_url: str, pages: int, concurrency: int, folder: Path) -> Path:
    target = folder / "sessions"
    target.mkdir()
    return asyncio.run(_pull(base_url, pages, concurrency, target))


def duckdb(base_url: str, pages: int, concurrency: int, folder: Path) -> Path:
    return asyncio.run(_pull(base_url, pages, concurrency, folder / "sessions.duckdb"))


def jsonl(base_url: str, pages: int, concurrency: int, folder: Path) -> Path:
    return asyncio.run(_pull(base_url, pages, concurrency, folder / "sessions.jsonl"))


def csv(base_url: str, pages: int, concurrency: int, folder: Path) -> Path:
    return asyncio.run(_pull(base_url, pages, concurrency, folder / "sessions.csv"))


def hub_parquet(base_url: str, pages: int, concurrency: int, folder: Path) -> Path:
    return asyncio.run(_pull_hub(base_url, pages, concurrency, folder / "sessions.parquet"))


def hub_duckdb(base_url: str, pages: int, concurrency: int, folder: Path) -> Path:
    return asyncio.run(_pull_hub(base_url, pages, concurrency, folder / "sessions.duckdb"))
