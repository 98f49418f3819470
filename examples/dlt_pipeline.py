"""Both vendors into a DuckDB file with dlt: all of them at first, then what may have changed.

Against the fakes, with dlt's DuckDB destination (``pip install "dlt[duckdb]"``)::

    python -m asyncsessions.testing -- python examples/dlt_pipeline.py

In a project of yours the keys and addresses stand in dlt's ``secrets.toml`` and ``config.toml``; here
they come from the variables that the fakes set.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import dlt

from asyncsessions.integrations.dlt import sessions_source

ADDRESSES = {
    "SOURCES__ASYNCSESSIONS__HUM__API_KEY": "HUM_API_TOKEN",
    "SOURCES__ASYNCSESSIONS__HUM__BASE_URL": "HUM_BASE_URL",
    "SOURCES__ASYNCSESSIONS__ATTRIBUTIONHUB__API_KEY": "ATTRIBUTIONHUB_API_KEY",
    "SOURCES__ASYNCSESSIONS__ATTRIBUTIONHUB__BASE_URL": "ATTRIBUTIONHUB_BASE_URL",
}
COUNTS = """
    SELECT provider, count(*) AS sessions, count(DISTINCT started_on) AS days
    FROM (SELECT * FROM hum_sessions UNION ALL BY NAME SELECT * FROM attributionhub_sessions)
    GROUP BY provider ORDER BY provider
    """


def load(pipeline: Any) -> None:
    source = sessions_source(["hum", "attributionhub"], start="2026-01-01", concurrency=8)
    info = pipeline.run(source, loader_file_format="parquet")
    info.raise_on_failed_jobs()
    counts = pipeline.last_trace.last_normalize_info.row_counts
    loaded = {name: rows for name, rows in counts.items() if not name.startswith("_dlt")}
    print("rows and empty days that were read:", dict(sorted(loaded.items())))


def main() -> None:
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")  # dlt's own, to its makers
    for name, given in ADDRESSES.items():
        os.environ.setdefault(name, os.environ[given])
    with tempfile.TemporaryDirectory() as folder:
        pipeline = dlt.pipeline(
            "sessions",
            pipelines_dir=folder,
            destination=dlt.destinations.duckdb(str(Path(folder) / "sessions.duckdb")),
            dataset_name="vendors",
        )
        for _ in range(2):  # the second time only what is younger than the vendor's lookback
            load(pipeline)
        with pipeline.sql_client() as client:
            for provider, sessions, days in client.execute_sql(COUNTS) or []:
                print(f"{provider:<15}{sessions:>6,} sessions of {days} days")


if __name__ == "__main__":
    main()
