"""Plain scripts: aiohttp, json, and the module that writes the format."""

from __future__ import annotations

import csv as csv_module
import json
from pathlib import Path

import duckdb as duckdb_module
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.contenders.sink_pages import Row, read_rows

TIMES = ("created_at", "ordered_at", "installed_at")
ADDRESS = ("street1", "street2", "city", "state", "zip")
SENT = pa.schema(
    {
        "id": pa.string(),
        "created_at": pa.string(),
        "campaign_id": pa.string(),
        "address": pa.struct(dict.fromkeys(ADDRESS, pa.string()).items()),
        "furthest_step": pa.int64(),
        "order_number": pa.string(),
        "ordered_at": pa.string(),
        "installed": pa.bool_(),
        "installed_at": pa.string(),
        "commission_cents": pa.int64(),
    }
)
WANTED = pa.schema(
    [pa.field(f.name, pa.timestamp("us", tz="UTC")) if f.name in TIMES else f for f in SENT]
)


def _table(rows: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=SENT).cast(WANTED)


def _flat(row: Row) -> Row:
    address = row.pop("address") or {}
    return row | {f"address_{name}": address.get(name) for name in ADDRESS}


def arrow(base_url: str, _: int, concurrency: int, __: Path) -> pa.Table:
    return _table(read_rows(base_url, concurrency))


def parquet(base_url: str, _: int, concurrency: int, folder: Path) -> Path:
    target = folder / "sessions.parquet"
    pq.write_table(_table(read_rows(base_url, concurrency)), target, compression="zstd")
    return target


def duckdb(base_url: str, _: int, concurrency: int, folder: Path) -> Path:
    target = folder / "sessions.duckdb"
    table = _table(read_rows(base_url, concurrency))
    with duckdb_module.connect(str(target)) as connection:
        connection.register("batch", table)
        connection.execute("CREATE TABLE sessions AS FROM batch")
    return target


def jsonl(base_url: str, _: int, concurrency: int, folder: Path) -> Path:
    target = folder / "sessions.jsonl"
    with target.open("w", encoding="utf-8") as file:
        for row in read_rows(base_url, concurrency):
            file.write(json.dumps(row) + "\n")
    return target


def csv(base_url: str, _: int, concurrency: int, folder: Path) -> Path:
    target = folder / "sessions.csv"
    rows = [_flat(row) for row in read_rows(base_url, concurrency)]
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv_module.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return target
