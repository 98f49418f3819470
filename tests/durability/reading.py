"""Reads back what a pull has written, whatever it was written to."""

from __future__ import annotations

import csv
import json
from pathlib import Path


def ids_in(target: Path, kind: str) -> list[str]:
    """Return the id of each row."""
    if kind == "duckdb":
        import duckdb

        with duckdb.connect(str(target), read_only=True) as connection:
            return [id_ for (id_,) in connection.execute("SELECT id FROM sessions").fetchall()]
    if kind == "csv":
        with target.open(newline="", encoding="utf-8") as file:
            return [row["id"] for row in csv.DictReader(file)]
    if kind == "jsonl":
        return [json.loads(line)["id"] for line in target.read_bytes().splitlines()]
    import pyarrow.parquet as pq

    if kind == "parquet":
        return pq.read_table(target, columns=["id"]).column("id").to_pylist()
    from asyncsessions.sinks.dataset_files import dataset_files

    return [
        id_
        for path in dataset_files(target)
        for id_ in pq.read_table(path, columns=["id"]).column("id").to_pylist()
    ]


FACTS = (
    "started_at",
    "order_number",
    "order_installed",
    "order_commission_cents",
    "conversion_email",
    "exit_page",
    "duration_s",
)


def rows_in(folder: Path, kind: str, *, name: str = "sessions") -> list[tuple[object, ...]]:
    """Return when each session began and what of it can change."""
    import duckdb

    if kind == "duckdb":
        with duckdb.connect(str(folder / f"{name}.duckdb"), read_only=True) as connection:
            found = connection.sql(f"SELECT {', '.join(FACTS)} FROM sessions")
            return found.fetchall()
    from asyncsessions.sinks.dataset_files import dataset_files

    files = [str(path) for path in dataset_files(folder / name)]
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT {', '.join(FACTS)} FROM read_parquet(?)", [files])
        return found.fetchall()
