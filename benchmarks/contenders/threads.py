"""requests in a pool of threads, and cattrs."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import local

import requests

from benchmarks.contenders.cattrs_loop import Session, converter
from benchmarks.contenders.floor_default import HEADERS, QUERY

own = local()


def _page(base_url: str, page: int) -> int:
    if not hasattr(own, "http"):
        own.http = requests.Session()
        own.http.headers.update(HEADERS)
    answer = own.http.get(f"{base_url}/analytics/sessions?page={page}&{QUERY}", timeout=30)
    return len(converter.structure(answer.json()["data"], list[Session]))


def _read(base_url: str, pages: int, concurrency: int) -> int:
    with ThreadPoolExecutor(concurrency) as pool:
        return sum(pool.map(lambda page: _page(base_url, page), range(1, pages + 1)))


async def run(base_url: str, pages: int, concurrency: int) -> int:
    return await asyncio.to_thread(_read, base_url, pages, concurrency)
