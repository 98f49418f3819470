"""How a script gets the rows: page 1 says how many pages there are, then the others side by side."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import aiohttp

from benchmarks.contenders.floor_default import HEADERS, QUERY

Row = dict[str, Any]
Loads = Callable[[str], Any]


def read_rows(base_url: str, concurrency: int, *, loads: Loads = json.loads) -> list[Row]:
    return asyncio.run(_rows(base_url, concurrency, loads))


async def _rows(base_url: str, concurrency: int, loads: Loads) -> list[Row]:
    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(headers=HEADERS, connector=connector) as http:
        first, last = await _page(http, base_url, 1, loads)
        numbers = range(2, last + 1)
        others = await asyncio.gather(*[_page(http, base_url, n, loads) for n in numbers])
    return [row for rows in (first, *(rows for rows, _ in others)) for row in rows]


async def _page(
    http: aiohttp.ClientSession, base_url: str, page: int, loads: Loads
) -> tuple[list[Row], int]:
    async with http.get(f"{base_url}/analytics/sessions?page={page}&{QUERY}") as answer:
        body = await answer.json(loads=loads)
    return body["data"], body["meta"]["pages"]
