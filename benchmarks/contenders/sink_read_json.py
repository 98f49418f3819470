"""DuckDB alone: the answers as they are in a file of lines, and ``read_json`` over it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import duckdb as duckdb_module
import orjson

from benchmarks.contenders.floor_default import HEADERS, QUERY

UNNEST = """
    CREATE TABLE sessions AS
    SELECT unnest(data, recursive := true)
    FROM read_json(?, format = 'newline_delimited', maximum_object_size = 67108864)
"""


async def _answers(base_url: str, concurrency: int) -> list[bytes]:
    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(headers=HEADERS, connector=connector) as http:
        first = await _answer(http, base_url, 1)
        numbers = range(2, orjson.loads(first)["meta"]["pages"] + 1)
        return [first, *await asyncio.gather(*[_answer(http, base_url, n) for n in numbers])]


async def _answer(http: aiohttp.ClientSession, base_url: str, page: int) -> bytes:
    async with http.get(f"{base_url}/analytics/sessions?page={page}&{QUERY}") as answer:
        return await answer.read()


def duckdb(base_url: str, _: int, concurrency: int, folder: Path) -> Path:
    lines, target = folder / "answers.jsonl", folder / "sessions.duckdb"
    lines.write_bytes(b"\n".join(asyncio.run(_answers(base_url, concurrency))))
    with duckdb_module.connect(str(target)) as connection:
        connection.execute(UNNEST, [str(lines)])
    return target
