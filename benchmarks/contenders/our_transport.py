"""The bytes alone, through the package's own transport: what its care costs without retries."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from asyncsessions.core.http import Request
from asyncsessions.transport.aiohttp import AiohttpTransport
from benchmarks.contenders.floor_default import HEADERS

RANGE = (("start_date", "2026-01-01T00:00:00Z"), ("end_date", "2026-03-30T23:59:59Z"))


async def run(base_url: str, pages: int, concurrency: int) -> int:
    numbers = iter(range(1, pages + 1))
    transport = AiohttpTransport()
    try:
        workers = [_work(transport, base_url, numbers) for _ in range(concurrency)]
        return sum(await asyncio.gather(*workers))
    finally:
        await transport.aclose()


async def _work(transport: AiohttpTransport, base_url: str, numbers: Iterator[int]) -> int:
    read = 0
    for page in numbers:
        request = Request(
            method="GET",
            url=f"{base_url}/analytics/sessions",
            headers=HEADERS,
            params=(("page", str(page)), *RANGE),
            page=page,
        )
        answer = await transport.send(request, timeout_s=30)
        read += bool(answer.body)
    return read
