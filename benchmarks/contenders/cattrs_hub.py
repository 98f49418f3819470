"""The hand-written loop for AttributionHub: aiohttp and cattrs, page by page or all at once."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import aiohttp
from attrs import frozen

from benchmarks.contenders.cattrs_loop import converter
from benchmarks.contenders.floor_default import HUB_BODY, HUB_HEADERS


@frozen
class Conversion:
    timestamp: datetime
    email: str | None = None
    conversion_page: str | None = None
    previous_page: str | None = None


@frozen
class Exit:
    timestamp: datetime
    exit_page: str | None = None
    previous_page: str | None = None


@frozen
class Session:
    timestamp: datetime
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    content: str | None = None
    term: str | None = None
    landing_page: str | None = None
    conversion: Conversion | None = None
    exit: Exit | None = None
    duration: int | None = None


async def _page(http: aiohttp.ClientSession, base_url: str, page: int) -> tuple[list[Session], int]:
    body = {"page": page, **HUB_BODY}
    async with http.post(f"{base_url}/api/v1/sessions", json=body) as answer:
        sent: dict[str, Any] = await answer.json()
    last: int = sent["pagination"]["total_pages"]
    return converter.structure(sent["records"], list[Session]), last


async def sequential(base_url: str, pages: int, _: int) -> int:
    sessions = 0
    async with aiohttp.ClientSession(headers=HUB_HEADERS) as http:
        for page in range(1, pages + 1):
            rows, _last = await _page(http, base_url, page)
            sessions += len(rows)
    return sessions


async def gathered(base_url: str, pages: int, _: int) -> int:
    async with aiohttp.ClientSession(headers=HUB_HEADERS) as http:
        first, last = await _page(http, base_url, 1)
        others = [_page(http, base_url, page) for page in range(2, min(pages, last) + 1)]
        return len(first) + sum([len(rows) for rows, _ in await asyncio.gather(*others)])
