"""pandas: aiohttp and orjson, ``json_normalize``, and its own writers."""

from __future__ import annotations

from pathlib import Path

import orjson
import pandas as pd

from benchmarks.contenders.sink_pages import read_rows

TIMES = ("created_at", "ordered_at", "installed_at")


def _frame(base_url: str, concurrency: int) -> pd.DataFrame:
    frame = pd.json_normalize(read_rows(base_url, concurrency, loads=orjson.loads), sep="_")
    for name in TIMES:
        frame[name] = pd.to_datetime(frame[name], utc=True)
    return frame


def parquet(base_url: str, _: int, concurrency: int, folder: Path) -> Path:
    target = folder / "sessions.parquet"
    _frame(base_url, concurrency).to_parquet(target, index=False)
    return target


def csv(base_url: str, _: int, concurrency: int, folder: Path) -> Path:
    target = folder / "sessions.csv"
    _frame(base_url, concurrency).to_csv(target, index=False)
    return target
