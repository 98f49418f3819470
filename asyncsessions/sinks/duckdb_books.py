"""The books of a DuckDB file in SQL: streams, runs, windows, and the rows they speak of."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa

from asyncsessions.core.books import Run, StoredWindow, Stream, owner_of, stream_name
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

TENANT = "tenant"
"""The last column of all of them, in a file that has been given tenants; NULL = no tenant."""

SESSION = ", ".join(f'"{column.name}"' for column in COLUMNS)
IN_RANGE = "started_at >= ? AND started_at < ?"
OVERLAPPING = "lo < ? AND hi > ?"
FIND_WINDOWS = """
    SELECT epoch_us(lo), epoch_us(hi), rows, complete, digest, epoch_us(read_from),
    epoch_us(read_to), epoch_us(committed_at), run
    FROM _asyncsessions_windows
"""
FIND_RUNS = """
    SELECT run, kind, asked, epoch_us(range_start), epoch_us(range_end), is_closed,
    epoch_us(begun_at), epoch_us(ended_at)
    FROM _asyncsessions_runs
"""


class DuckDBBooks:
    """The books behind a connection, which the caller has put into a transaction to write.

    A stream is called by its name, as of :func:`core.books.stream_name`.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, *, has_tenants: bool | None = None
    ) -> None:
        self._connection = connection
        self._knows_tenants = has_tenants

    def _run(self, sql: str, *values: object) -> duckdb.DuckDBPyConnection:
        return self._connection.execute(sql, list(values))

    # ------------------------------------------------------------------ tenants

    @property
    def has_tenants(self) -> bool:
        """Whether the tables have the column of tenants; looked up where it was not said."""
        if self._knows_tenants is None:
            columns = self._run("FROM _asyncsessions_streams LIMIT 0").description or ()
            self._knows_tenants = any(name == TENANT for name, *_ in columns)
        return self._knows_tenants

    def add_tenants(self) -> None:
        """Give every table the column of tenants, unless it has it."""
        if not self.has_tenants:
            for table in TABLES:
                self._run(f"ALTER TABLE {table} ADD COLUMN {TENANT} VARCHAR")
            self._knows_tenants = True

    def _of(self, stream: str, *values: object, also: str = "") -> tuple[str, list[object]]:
        """Return the condition for rows of a stream that ``also`` hold something, and its values."""
        provider, tenant = owner_of(stream)
        condition, own = "provider = ?", [provider]
        if tenant is not None:
            condition += f" AND {TENANT} = ?" if self.has_tenants else " AND ? IS NULL"
            own.append(tenant)
        elif self.has_tenants:
            condition += f" AND {TENANT} IS NULL"
        return f"WHERE {condition}{also and f' AND {also}'}", [*own, *values]

    def _find(self, sql: str, stream: str, *values: object, also: str = "", then: str = "") -> Any:
        condition, given = self._of(stream, *values, also=also)
        return self._run(f"{sql} {condition} {then}", *given)

    def _remove(self, table: str, stream: str, *values: object, also: str = "") -> None:
        self._find(f"DELETE FROM {table}", stream, *values, also=also)  # noqa: S608 - ours

    def _enter(self, table: str, stream: str, *values: object) -> None:
        """Add a row about a stream."""
        provider, tenant = owner_of(stream)
        row = [provider, *values, *((tenant,) if self.has_tenants else ())]
        self._run(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", *row)  # noqa: S608

    # ------------------------------------------------------------------ streams and runs

    @property
    def has_streams(self) -> bool:
        """Whether anything was ever committed."""
        return self._run("FROM _asyncsessions_streams LIMIT 1").fetchone() is not None

    def streams(self) -> list[str]:
        """Return the names of the streams."""
        tenant = TENANT if self.has_tenants else "NULL"
        sql = f"SELECT provider, {tenant} FROM _asyncsessions_streams"  # noqa: S608 - constants
        return sorted(stream_name(*found) for found in self._run(sql).fetchall())

    def stream(self, stream: str) -> Stream | None:
        """Return what is stored of a stream, ``None`` if nothing ever was."""
        filters = self.filters(stream)
        if filters is None:
            return None
        provider, tenant = owner_of(stream)
        return Stream(
            provider=provider,
            filters=filters,
            runs=self.runs(stream),
            windows=self.windows(stream),
            tenant=tenant,
        )

    def filters(self, stream: str) -> tuple[tuple[str, str], ...] | None:
        """Return of which filters a stream's sessions are, ``None`` if there is no such stream."""
        found = self._find("SELECT filters FROM _asyncsessions_streams", stream).fetchone()
        return (
            None if found is None else tuple((name, value) for name, value in json.loads(found[0]))
        )

    def runs(self, stream: str) -> list[Run]:
        """Return the runs of a stream, newest first."""
        requests: dict[str, dict[str, int]] = {}
        sql = "SELECT run, month, requests FROM _asyncsessions_requests"
        for run, month, count in self._find(sql, stream).fetchall():
            requests.setdefault(run, {})[month] = count
        newest_first = "ORDER BY begun_at DESC, rowid DESC"
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
            for run, kind, asked, start, end, is_closed, begun_at, ended_at in self._find(
                FIND_RUNS, stream, then=newest_first
            ).fetchall()
        ]

    def requests(self, stream: str) -> dict[str, int]:
        """Return how many requests were sent in each month, also by runs that are gone."""
        sql = "SELECT month, sum(requests)::BIGINT FROM _asyncsessions_requests"
        return dict(self._find(sql, stream, then="GROUP BY 1 ORDER BY 1").fetchall())

    def claim(self, stream: str, filters: tuple[tuple[str, str], ...]) -> None:
        """Enter a stream that is not there."""
        if owner_of(stream)[1] is not None:
            self.add_tenants()
        self._enter("_asyncsessions_streams", stream, json.dumps(filters))

    def put_run(self, stream: str, run: Run, *, is_new: bool = False) -> None:
        """Enter a run with its requests, or change it unless it ``is_new``."""
        for table in () if is_new else ("_asyncsessions_runs", "_asyncsessions_requests"):
            self._remove(table, stream, run.id, also="run = ?")
        pinned = run.pinned
        self._enter(
            *("_asyncsessions_runs", stream, run.id, run.kind, run.asked),
            *(pinned.start, pinned.end, pinned.closed, run.begun_at, run.ended_at),
        )
        for month, count in run.requests.items():
            self._enter("_asyncsessions_requests", stream, run.id, month, count)

    def drop(self, stream: str) -> None:
        """Remove all that is stored of a stream, but not what it has cost."""
        for table in TABLES:
            if table != "_asyncsessions_requests":
                self._remove(table, stream)

    # ------------------------------------------------------------------ windows

    def windows(self, stream: str, span: Span | None = None) -> list[StoredWindow]:
        """Return the windows that overlap a span (``None`` = all), newest first."""
        lo, hi = _bounds(span)
        found = self._find(
            FIND_WINDOWS, stream, hi, lo, also=OVERLAPPING, then="ORDER BY hi DESC"
        ).fetchall()
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

    def remove_windows(self, stream: str, span: Span) -> None:
        """Remove the windows that overlap a span."""
        lo, hi = _bounds(span)
        self._remove("_asyncsessions_windows", stream, hi, lo, also=OVERLAPPING)

    def add_window(self, stream: str, window: StoredWindow) -> None:
        """Enter a window."""
        self._enter(
            *("_asyncsessions_windows", stream, *_bounds(window.owned), window.rows),
            *(window.complete, window.digest, *window.as_of, window.committed_at, window.run),
        )

    # ------------------------------------------------------------------ rows

    def rows(self, stream: str, span: Span) -> pa.Table:
        """Return the rows of a span, as sessions."""
        condition, values = self._of(stream, *_bounds(span), also=IN_RANGE)
        sql = f"SELECT {SESSION} FROM sessions {condition}"  # noqa: S608 - constants
        found: Any = self._connection.sql(sql, params=values)
        table: pa.Table = found.to_arrow_table().cast(arrow_schema())
        return table

    def count_rows(self) -> dict[str, int]:
        """Return how many rows are in the table of each stream, also of those that are not known."""
        tenant = TENANT if self.has_tenants else "NULL"
        sql = f"SELECT provider, {tenant}, count(*) FROM sessions GROUP BY ALL"  # noqa: S608
        found = self._run(sql).fetchall()
        return {
            stream_name(provider, whose): rows for provider, whose, rows in sorted(found, key=str)
        }

    def moments(self, stream: str) -> duckdb.DuckDBPyConnection:
        """Select the start of each session, in microseconds since 1970, and its campaign."""
        condition, values = self._of(stream)
        sql = f"SELECT epoch_us(started_at), campaign FROM sessions {condition}"  # noqa: S608
        return self._connection.cursor().execute(sql, values)

    def remove_rows(self, stream: str, span: Span) -> None:
        """Remove the rows of a span."""
        self._remove("sessions", stream, *_bounds(span), also=IN_RANGE)

    def add_rows(self, stream: str, table: pa.Table) -> None:
        """Add rows."""
        self._insert("sessions", table, owner_of(stream)[1])

    def add_changes(self, stream: str, table: pa.Table) -> None:
        """Add to the table of changes."""
        self._insert("session_changes", table.cast(changes_schema()), owner_of(stream)[1])

    def _insert(self, name: str, table: pa.Table, tenant: str | None) -> None:
        if not table.num_rows:
            return
        self._connection.register("batch", table)
        try:
            if self.has_tenants:
                self._run(f"INSERT INTO {name} SELECT *, ? FROM batch", tenant)  # noqa: S608 - ours
            else:
                self._run(f"INSERT INTO {name} FROM batch")
        finally:
            self._connection.unregister("batch")


def _bounds(span: Span | None) -> tuple[datetime, datetime]:
    if span is None:
        return datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    return to_datetime(span.lo), to_datetime(span.hi)
