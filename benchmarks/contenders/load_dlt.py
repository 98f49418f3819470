"""dlt pipelines into DuckDB that merge: with our source, and with dlt's own ``rest_api``.

Each merges as its user would: ours by days, ``rest_api`` by the vendor's id.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.contenders.sink_dlt import RANGE, rest_api  # sets dlt up: first

import dlt  # isort: skip

from asyncsessions import Hum
from asyncsessions.integrations.dlt import sessions_source
from benchmarks.listing import END

MERGE: dict[str, Any] = {"write_disposition": "merge", "primary_key": "id"}


def _load(source: Any, folder: Path, **how: Any) -> Path:
    target = folder / "sessions.duckdb"
    pipeline = dlt.pipeline(
        "sessions",
        pipelines_dir=str(folder / "dlt"),
        destination=dlt.destinations.duckdb(str(target)),
        dataset_name="vendor",
    )
    pipeline.run(source, **how).raise_on_failed_jobs()
    return target


def ours(base_url: str, pages: int, concurrency: int, folder: Path) -> Path:
    source = sessions_source(
        Hum("invented", base_url=base_url),
        start=END - timedelta(minutes=pages),
        end=END.date() - timedelta(days=1),  # the list ends with that day
        concurrency=concurrency,
    )
    source.hum_sessions.apply_hints(table_name="sessions")
    return _load(source, folder)


def rest_api_defaults(base_url: str, _: int, __: int, folder: Path) -> Path:
    return _load(rest_api(base_url, [RANGE], defaults=MERGE), folder)


def rest_api_parquet(base_url: str, _: int, __: int, folder: Path) -> Path:
    source = rest_api(base_url, [RANGE], defaults=MERGE)
    return _load(source, folder, loader_file_format="parquet")
