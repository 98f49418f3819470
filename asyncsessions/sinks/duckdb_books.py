"""The books of a DuckDB file in SQL: streams, runs, windows, and the rows they speak of."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa

from asyncsessions.core.books import Run, StoredWindow, Stream
from asyncsessions.core.changes import changes_schema
from asyncsessions.core.columns import COLUMNS, arrow_schema, column_definitions
from asyncsessions.core.tiles import Span
from asyncsessions.core.windows import TimeRange, to_datetime

__all__ = ["TABLES", "DuckDBBooks"]

_ROW = ", ".join(f'"{column.name}" {column.kind.value}' for column in COLUMNS)
TABLES = {
    "sessions": column_definitions(),
    "session_changes": (
        "found_at TIMESTAMPTZ NOT NULL, run VARCHAR NOT NULL, provider VARCHAR NOT NULL, "
        "id VARCHAR NOT NULL, started_at TIMESTAMPTZ NOT NULL, change VARCHAR NOT NULL, "
        f"old STRUCT({_ROW}), new STRUCT({_ROW})"
    ),
    "_asyncsessions_streams": "provider VARCHAR NOT NULL, filters VARCHAR NOT NULL",
    "_asyncsessions_runs": (
        "provider VARCHAR NOT NULL, run VARCHAR NOT NULL, kind VARCHAR NOT NULL, "
        "asked VARCHAR NOT NULL, range_start TIMESTAMPTZ NOT NULL, range_end TIMESTAMPTZ NOT NULL, "
        "is_closed BOOLEAN NOT NULL, begun_at TIMESTAMPTZ NOT NULL, ended_at TIMESTAMPTZ"
    ),
    "_asyncsessions_requests": (
        "provider VARCHAR NOT NULL, run VARCHAR NOT NULL, month VARCHAR NOT NULL, "
        "requests BIGINT NOT NULL"
    ),
    "_asyncsessions_windows": (
        "provider VARCHAR NOT NULL, lo TIMESTAMPTZ NOT NULL, hi TIMESTAMPTZ NOT NULL, "
        "rows BIGINT NOT NULL, complete BOOLEAN NOT NULL, digest VARCHAR NOT NULL, "
        "read_from TIMESTAMPTZ NOT NULL, read_to TIMESTAMPTZ NOT NULL, "
        "committed_at TIMESTAMPTZ NOT NULL, run VARCHAR NOT NULL"
    ),
}
"""Our tables and their columns."""

BOOKS = [name for name in TABLES if name.startswith("_")]
IN_RANGE = "provider = ? AND started_at >= ? AND started_at < ?"
OVERLAPPING = "provider = ? AND lo < ? AND hi > ?"
FIND_WINDOWS = f"""
    SELECT epoch_us(lo), epoch_us(hi), rows, complete, digest, epoch_us(read_from),
    epoch_us(read_to), epoch_us(committed_at), run
    FROM _asyncsessions_windows WHERE {OVERLAPPING} ORDER BY hi DESC
"""  # noqa: S608 - constants
FIND_RUNS = """
    SELECT run, kind, asked, epoch_us(range_start), epoch_us(range_end), is_closed,
    epoch_us(begun_at), epoch_us(ended_at)
    FROM _asyncsessions_runs WHERE provider = ? ORDER BY begun_at DESC, rowid DESC
"""


class DuckDBBooks:
    """The books behind a connection, which the caller has put into a transaction to write."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def _run(self, sql: str, *values: object) -> duckdb.DuckDBPyConnection:
        return self._connection.execute(sql, list(values))

    # ------------------------------------------------------------------ streams and runs

    @property
    def has_streams(self) -> bool:
        """Whether anything was ever committed."""
        return self._run("FROM _asyncsessions_streams LIMIT 1").fetchone() is not None

    def providers(self) -> list[str]:
        """Return the providers of which there is a stream, by name."""
        found = self._run("SELECT provider FROM _asyncsessions_streams ORDER BY 1").fetchall()
        return [provider for (provider,) in found]

    def stream(self, provider: str) -> Stream | None:
        """Return what is stored of a provider, ``None`` if nothing ever was."""
        sql = "SELECT filters FROM _asyncsessions_streams WHERE provider = ?"
        found = self._run(sql, provider).fetchone()
        if found is None:
            return None
        filters = tuple((name, value) for name, value in json.loads(found[0]))
        return Stream(
            provider=provider,
            filters=filters,
            runs=self._runs(provider),
            windows=self.windows(provider),
        )

    def _runs(self, provider: str) -> list[Run]:
        requests: dict[str, dict[str, int]] = {}
        sql = "SELECT run, month, requests FROM _asyncsessions_requests WHERE provider = ?"
        for run, month, count in self._run(sql, provider).fetchall():
            requests.setdefault(run, {})[month] = count
        return [
            Run(
                id=run,
                kind=kind,
                asked=asked,
                pinned=TimeRange(to_datetime(start), to_datetime(end), is_closed),
                begun_at=to_datetime(begun_at),
                ended_at=None if ended_at is None else to_datetime(ended_at),
                requests=requests.get(run, {}),
            )
            for run, kind, asked, start, end, is_closed, begun_at, ended_at in self._run(
                FIND_RUNS, provider
            ).fetchall()
        ]

    def requests(self, provider: str) -> dict[str, int]:
        """Return how many requests were sent in each month, also by runs that are gone."""
        sql = (
            "SELECT month, sum(requests)::BIGINT FROM _asyncsessions_requests "
            "WHERE provider = ? GROUP BY 1 ORDER BY 1"
        )
        return dict(self._run(sql, provider).fetchall())

    def claim(self, provider: str, filters: tuple[tuple[str, str], ...]) -> None:
        """Enter a stream, or leave it as it is."""
        self._run("DELETE FROM _asyncsessions_streams WHERE provider = ?", provider)
        values = provider, json.dumps(filters)
        self._run("INSERT INTO _asyncsessions_streams VALUES (?, ?)", *values)

    def put_run(self, provider: str, run: Run) -> None:
        """Enter a run with its requests, or change it."""
        for table in "_asyncsessions_runs", "_asyncsessions_requests":
            sql = f"DELETE FROM {table} WHERE provider = ? AND run = ?"  # noqa: S608 - ours
            self._run(sql, provider, run.id)
        pinned = run.pinned
        self._run(
            "INSERT INTO _asyncsessions_runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(provider, run.id, run.kind, run.asked),
            *(pinned.start, pinned.end, pinned.closed, run.begun_at, run.ended_at),
        )
        for month, count in run.requests.items():
            values = provider, run.id, month, count
            self._run("INSERT INTO _asyncsessions_requests VALUES (?, ?, ?, ?)", *values)

    def drop(self, provider: str) -> None:
        """Remove all that is stored of a provider, but not what it has cost."""
        for table in TABLES:
            if table != "_asyncsessions_requests":
                self._run(f"DELETE FROM {table} WHERE provider = ?", provider)  # noqa: S608 - ours

    # ------------------------------------------------------------------ windows

    def windows(self, provider: str, span: Span | None = None) -> list[StoredWindow]:
        """Return the windows that overlap a span (``None`` = all), newest first."""
        bounds = _bounds(span)
        found = self._run(FIND_WINDOWS, provider, bounds[1], bounds[0]).fetchall()
        return [
            StoredWindow(
                owned=Span(lo, hi),
                rows=rows,
                complete=complete,
                digest=digest,
                as_of=(to_datetime(read_from), to_datetime(read_to)),
                committed_at=to_datetime(committed_at),
                run=run,
            )
            for lo, hi, rows, complete, digest, read_from, read_to, committed_at, run in found
        ]

    def remove_windows(self, provider: str, span: Span) -> None:
        """Remove the windows that overlap a span."""
        lo, hi = _bounds(span)
        self._run(f"DELETE FROM _asyncsessions_windows WHERE {OVERLAPPING}", provider, hi, lo)  # noqa: S608 - ours

    def add_window(self, provider: str, window: StoredWindow) -> None:
        """Enter a window."""
        self._run(
            "INSERT INTO _asyncsessions_windows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(provider, *_bounds(window.owned), window.rows, window.complete, window.digest),
            *(*window.as_of, window.committed_at, window.run),
        )

    # ------------------------------------------------------------------ rows

    def rows(self, provider: str, span: Span) -> pa.Table:
        """Return the rows of a span."""
        sql = f"SELECT * FROM sessions WHERE {IN_RANGE}"  # noqa: S608 - constants
        found: Any = self._connection.sql(sql, params=[provider, *_bounds(span)])
        table: pa.Table = found.to_arrow_table().cast(arrow_schema())
        return table

    def replace_rows(self, provider: str, span: Span, table: pa.Table) -> None:
        """Put rows into a span in the place of what is there."""
        self._run(f"DELETE FROM sessions WHERE {IN_RANGE}", provider, *_bounds(span))  # noqa: S608
        self._insert("sessions", table)

    def add_changes(self, table: pa.Table) -> None:
        """Add to the table of changes."""
        self._insert("session_changes", table.cast(changes_schema()))

    def _insert(self, name: str, table: pa.Table) -> None:
        if not table.num_rows:
            return
        self._connection.register("batch", table)
        try:
            self._run(f"INSERT INTO {name} FROM batch")
        finally:
            self._connection.unregister("batch")


def _bounds(span: Span | None) -> tuple[datetime, datetime]:
    if span is None:
        return datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    return to_datetime(span.lo), to_datetime(span.hi)
