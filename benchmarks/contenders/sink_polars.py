"""polars: aiohttp and orjson, one frame, and its own writers."""

from __future__ import annotations

from pathlib import Path

import orjson
import polars as pl
import pyarrow as pa

from benchmarks.contenders.sink_pages import read_rows

TIMES = ("created_at", "ordered_at", "installed_at")
SCHEMA = {
    "id": pl.String,
    "created_at": pl.String,
    "campaign_id": pl.String,
    "address": pl.Struct(
        dict.fromkeys(("street1", "street2", "city", "state", "zip"), pl.String),
    ),
    "furthest_step": pl.Int64,
    "order_number": pl.String,
    "ordered_at": pl.String,
    "installed": pl.Boolean,
    "installed_at": pl.String,
    "commission_cents": pl.Int64,
}


def _frame(base_url: str, concurrency: int) -> pl.DataFrame:
    frame = pl.DataFrame(read_rows(base_url, concurrency, loads=orjson.loads), schema=SCHEMA)
    times = pl.col(*TIMES).str.to_datetime(time_zone="UTC")
    return frame.with_columns(times).unnest("address")


def arrow(base_url: str, _: int, concurrency: int, __: Path) -> pa.Table:
    return _frame(base_url, concurrency).to_arrow()


def parquet(base_url: str, _: int, concurrency: int, folder: Path) -> Path:
    target = folder / "sessions.parquet"
    _frame(base_url, concurrency).write_parquet(target)
    return target


def jsonl(base_url: str, _: int, concurrency: int, folder: Path) -> Path:
    target = folder / "sessions.jsonl"
    _frame(base_url, concurrency).write_ndjson(target)
    return target


def csv(base_url: str, _: int, concurrency: int, folder: Path) -> Path:
    target = folder / "sessions.csv"
    _frame(base_url, concurrency).write_csv(target)
    return target
