"""A hand-written loop: aiohttp and cattrs into one attrs class, page by page or all at once."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import aiohttp
from attrs import frozen
from cattrs.preconf.json import make_converter

from benchmarks.contenders.floor_default import HEADERS, QUERY


@frozen
class Address:
    street1: str | None
    street2: str | None
    city: str | None
    state: str | None
    zip: str | None


@frozen
class Session:
    id: str
    created_at: datetime
    campaign_id: str | None
    address: Address
    furthest_step: int | None
    order_number: str | None
    ordered_at: datetime | None
    installed: bool | None
    installed_at: datetime | None
    commission_cents: int | None


converter = make_converter()
converter.register_structure_hook(datetime, lambda text, _: datetime.fromisoformat(text))


async def read_page(
    http: aiohttp.ClientSession, base_url: str, page: int
) -> tuple[list[Session], int]:
    async with http.get(f"{base_url}/analytics/sessions?page={page}&{QUERY}") as answer:
        body: dict[str, Any] = await answer.json()
    return converter.structure(body["data"], list[Session]), body["meta"]["pages"]


async def sequential(base_url: str, pages: int, _: int) -> int:
    sessions = 0
    async with aiohttp.ClientSession(headers=HEADERS) as http:
        for page in range(1, pages + 1):
            rows, _last = await read_page(http, base_url, page)
            sessions += len(rows)
    return sessions


async def gathered(base_url: str, pages: int, _: int) -> int:
    async with aiohttp.ClientSession(headers=HEADERS) as http:
        first, last = await read_page(http, base_url, 1)
        others = [read_page(http, base_url, page) for page in range(2, min(pages, last) + 1)]
        return len(first) + sum([len(rows) for rows, _ in await asyncio.gather(*others)])
