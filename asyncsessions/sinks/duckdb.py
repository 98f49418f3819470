"""The table ``sessions`` in a DuckDB file: many pulls, each session once.

The rows of a window gather in a temporary table, batch by batch, and move into ``sessions`` in
one transaction that first deletes what was there of the window's provider and range.  So the same
pull again replaces and never doubles, whatever the windows of earlier pulls were, and a process
that dies leaves whole windows only.

Two bookkeeping tables stand beside it.  ``_asyncsessions_streams`` has one row for each provider,
with the filters of its sessions: the same provider with other filters would double rows, and is
refused.  ``_asyncsessions_windows`` has one row for each range that was pulled: half-open
``lo``..``hi``, never overlapping, with the number of rows in it, whether it is proven complete,
and which run committed it when.  A later window cuts what it replaces out of the earlier ones.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from asyncsessions.core.columns import import_arrow, to_table
from asyncsessions.core.plan import PullPlan
from asyncsessions.core.records import Session
from asyncsessions.core.report import Report
from asyncsessions.core.tiles import Span
from asyncsessions.core.windows import to_datetime
from asyncsessions.errors import SinkError
from asyncsessions.sinks.duckdb_file import DuckDBFile
from asyncsessions.sinks.wording import NOT_COMPLETE, START_OVER, counted, shown

__all__ = ["DuckDBSink"]

BATCH_ROWS = 2_000

FIND_FILTERS = "SELECT filters FROM _asyncsessions_streams WHERE provider = ?"
DELETE_RANGE = "DELETE FROM sessions WHERE provider = ? AND started_at >= ? AND started_at < ?"
COUNT_RANGE = (
    "SELECT count(*) FROM sessions WHERE provider = ? AND started_at >= ? AND started_at < ?"
)
RECORD = "INSERT INTO _asyncsessions_windows VALUES (?, ?, ?, ?, ?, ?, ?)"
TAKE_OVERLAPPING = """
    DELETE FROM _asyncsessions_windows WHERE provider = ? AND lo < ? AND hi > ?
    RETURNING epoch_us(lo), epoch_us(hi), complete, epoch_us(committed_at), run
"""
DELETE_PROVIDER = {
    "sessions": "DELETE FROM sessions WHERE provider = ?",
    "windows": "DELETE FROM _asyncsessions_windows WHERE provider = ?",
    "streams": "DELETE FROM _asyncsessions_streams WHERE provider = ?",
}


class DuckDBSink:
    """Writes sessions into the table ``sessions`` of a DuckDB file, one transaction a window.

    ``fresh`` replaces all sessions of the provider, with the first window.  Raises
    :class:`ConfigurationError` where pyarrow is not installed.
    """

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        import_arrow('.duckdb needs the extra "duckdb": pip install "asyncsessions[duckdb]"')
        self._path = path
        self._fresh = fresh
        self._run = uuid4().hex
        self._plan: PullPlan | None = None
        self._file: DuckDBFile | None = None
        self._staged: dict[int, list[Session]] = {}
        self._committed: dict[int, bool] = {}
        self._rows = 0
        self._outcome: str | None = None

    def begin(self, plan: PullPlan) -> None:
        """Open or create the file; refuse one that is not ours or holds other filters."""
        self._plan = plan
        self._file = DuckDBFile(self._path)
        try:
            with self._file.working() as connection:
                self._check_filters(connection)
        except BaseException:
            self._file.close()
            raise

    def _check_filters(self, connection: Any) -> None:
        assert self._plan is not None
        found = connection.execute(FIND_FILTERS, [self._provider]).fetchone()
        if found is not None and found[0] != _filters(self._plan) and not self._fresh:
            raise SinkError(
                f"{shown(self._path)} holds sessions of {self._provider} for other filters, and "
                f"rows would double: {START_OVER}"
            )

    @property
    def _provider(self) -> str:
        assert self._plan is not None
        return self._plan.provider

    def _execute(self, sql: str) -> None:
        assert self._file is not None
        with self._file.working() as connection:
            connection.execute(sql)

    # ------------------------------------------------------------------ rows

    def write(self, window: int, rows: Sequence[Session]) -> None:
        """Gather rows of a window; at most a batch of them stays in Python's memory."""
        if window not in self._staged:
            self._execute(f"CREATE OR REPLACE TEMP TABLE {_stage(window)} AS FROM sessions LIMIT 0")
            self._staged[window] = []
        batch = self._staged[window]
        batch.extend(rows)
        if len(batch) >= BATCH_ROWS:
            self._stage(window)

    def _stage(self, window: int) -> None:
        assert self._file is not None
        table = to_table(self._staged[window])
        with self._file.working() as connection:
            connection.register("batch", table)
            connection.execute(f"INSERT INTO {_stage(window)} FROM batch")
            connection.unregister("batch")
        self._staged[window].clear()

    def commit(self, window: int, *, is_complete: bool) -> None:
        """Replace the window's range by the rows that were gathered for it."""
        assert self._file is not None
        assert self._plan is not None
        span = self._plan.windows[window].owned
        is_staged = window in self._staged
        if is_staged:
            self._stage(window)
        with self._file.transaction() as connection:
            if not self._committed:
                self._claim(connection)
            bounds = [self._provider, to_datetime(span.lo), to_datetime(span.hi)]
            connection.execute(DELETE_RANGE, bounds)
            if is_staged:
                connection.execute(f"INSERT INTO sessions FROM {_stage(window)}")
            self._cut_out(connection, span)
            rows = self._record(connection, span, self._run, is_complete, datetime.now(UTC))
        self._committed[window] = is_complete
        self._rows += rows
        if is_staged:
            self._execute(f"DROP TABLE {_stage(window)}")
            del self._staged[window]

    def _claim(self, connection: Any) -> None:
        """Write down whose sessions these are, and make room if they shall replace others."""
        assert self._plan is not None
        self._check_filters(connection)  # another pull of this process may have come first
        for what in DELETE_PROVIDER if self._fresh else ["streams"]:
            connection.execute(DELETE_PROVIDER[what], [self._provider])
        connection.execute(
            "INSERT INTO _asyncsessions_streams VALUES (?, ?)",
            [self._provider, _filters(self._plan)],
        )

    def _cut_out(self, connection: Any, span: Span) -> None:
        """Cut a range out of the windows that were recorded before."""
        overlapped = [self._provider, to_datetime(span.hi), to_datetime(span.lo)]
        earlier = connection.execute(TAKE_OVERLAPPING, overlapped).fetchall()
        for lo, hi, complete, committed_at, run in earlier:
            for rest in Span(lo, span.lo), Span(span.hi, hi):
                if rest:
                    self._record(connection, rest, run, complete, to_datetime(committed_at))

    def _record(
        self, connection: Any, span: Span, run: str, is_complete: bool, committed_at: datetime
    ) -> int:
        bounds = [self._provider, to_datetime(span.lo), to_datetime(span.hi)]
        rows: int = connection.execute(COUNT_RANGE, bounds).fetchone()[0]
        connection.execute(RECORD, [*bounds, rows, is_complete, committed_at, run])
        return rows

    # ------------------------------------------------------------------ the end

    def finish(self, report: Report) -> str:
        """Close the file and say what is in it."""
        return self._end(is_complete=report.complete)

    def abort(self, report: Report) -> str:  # noqa: ARG002  # it never is complete
        """Close the file; the windows that were committed stay."""
        return self._end(is_complete=False)

    def _end(self, *, is_complete: bool) -> str:
        if self._outcome is None:
            if self._file is not None:
                self._file.close()
            self._outcome = self._said(is_complete=is_complete)
        return self._outcome

    def _said(self, *, is_complete: bool) -> str:
        if not self._committed:
            return f"nothing was written to {shown(self._path)}: {NOT_COMPLETE}"
        assert self._plan is not None
        text = f"{counted(self._rows)} written to {shown(self._path)}, table sessions"
        if self._file is not None and self._file.others_can_read():
            text += " (which its permissions let other users read)"
        if is_complete:
            return text
        done, of = sum(self._committed.values()), len(self._plan.windows)
        return f"{text}, {done} of {of} window{'s' * (of > 1)} complete: {NOT_COMPLETE}"


def _stage(window: int) -> str:
    return f"temp.staged_{window}"


def _filters(plan: PullPlan) -> str:
    return json.dumps(plan.filters)
