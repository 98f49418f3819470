"""dlt: its ``rest_api`` source as its documents show it, and two ways in which experts make it quicker.

The pages of one resource come one after the other; nothing in dlt's settings changes that.  So
experts cut the range by hand into resources that run in parallel, or leave ``rest_api`` for an async
resource of their own that yields Arrow tables.  Whatever goes into DuckDB goes as Parquet, which dlt
loads quicker than its default.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

os.environ.update(RUNTIME__DLTHUB_TELEMETRY="false", RUNTIME__LOG_LEVEL="ERROR")

import aiohttp
import dlt
import orjson
import pyarrow as pa
from dlt.sources.rest_api import rest_api_source

from benchmarks.contenders.floor_default import HEADERS, QUERY
from benchmarks.contenders.sink_script import SENT, WANTED
from benchmarks.listing import END

APPEND: dict[str, Any] = {"write_disposition": "append"}
RANGE = {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-03-31T00:00:00Z"}


def rest_api(
    base_url: str, ranges: list[dict[str, str]], *, defaults: dict[str, Any] = APPEND
) -> Any:
    return rest_api_source(
        {
            "client": {
                "base_url": base_url,
                "headers": dict(HEADERS),
                "paginator": {"type": "page_number", "base_page": 1, "total_path": "meta.pages"},
            },
            "resource_defaults": {"table_name": "sessions", **defaults},
            "resources": [
                {
                    "name": f"sessions_{number}",
                    "endpoint": {
                        "path": "analytics/sessions",
                        "params": dict(asked),
                        "data_selector": "data",
                    },
                }
                for number, asked in enumerate(ranges)
            ],
        },
        parallelized=len(ranges) > 1,
    )


def _run(data: Any, destination: Any, folder: Path) -> None:
    pipeline = dlt.pipeline(
        "sessions",
        pipelines_dir=str(folder / "dlt"),
        destination=destination,
        dataset_name="vendor",
    )
    pipeline.run(data, loader_file_format="parquet").raise_on_failed_jobs()


def _into_duckdb(data: Any, folder: Path) -> Path:
    target = folder / "sessions.duckdb"
    _run(data, dlt.destinations.duckdb(str(target)), folder)
    return target


def _into_parquet(data: Any, folder: Path) -> Path:
    _run(data, dlt.destinations.filesystem(bucket_url=(folder / "lake").as_uri()), folder)
    return folder / "lake" / "vendor" / "sessions"


def duckdb(base_url: str, _: int, __: int, folder: Path) -> Path:
    return _into_duckdb(rest_api(base_url, [RANGE]), folder)


def parquet(base_url: str, _: int, __: int, folder: Path) -> Path:
    return _into_parquet(rest_api(base_url, [RANGE]), folder)


def duckdb_ranges(base_url: str, pages: int, concurrency: int, folder: Path) -> Path:
    os.environ["EXTRACT__WORKERS"] = str(concurrency)
    os.environ["EXTRACT__MAX_PARALLEL_ITEMS"] = str(concurrency)
    minutes = [pages * number // concurrency for number in range(concurrency + 1)]
    ranges = [
        {
            "start_date": f"{END - timedelta(minutes=last):%Y-%m-%dT%H:%M:%SZ}",
            "end_date": f"{END - timedelta(minutes=first, seconds=1):%Y-%m-%dT%H:%M:%SZ}",
        }
        for first, last in pairwise(minutes)
    ]
    return _into_duckdb(rest_api(base_url, ranges), folder)


async def _tables(base_url: str, concurrency: int) -> AsyncIterator[pa.Table]:
    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(headers=HEADERS, connector=connector) as http:
        first, last = await _page(http, base_url, 1)
        yield first
        for begin in range(2, last + 1, 5 * concurrency):
            numbers = range(begin, min(begin + 5 * concurrency, last + 1))
            pages = await asyncio.gather(*[_page(http, base_url, number) for number in numbers])
            yield pa.concat_tables([table for table, _ in pages])


async def _page(http: aiohttp.ClientSession, base_url: str, page: int) -> tuple[pa.Table, int]:
    async with http.get(f"{base_url}/analytics/sessions?page={page}&{QUERY}") as answer:
        body = await answer.json(loads=orjson.loads)
    table = pa.Table.from_pylist(body["data"], schema=SENT).cast(WANTED).flatten()
    return table, body["meta"]["pages"]


def duckdb_arrow(base_url: str, _: int, concurrency: int, folder: Path) -> Path:
    resource = dlt.resource(_tables, name="sessions")(base_url, concurrency)
    return _into_duckdb(resource, folder)
