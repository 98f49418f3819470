"""The table ``sessions`` in a DuckDB file: many pulls, each session once.

A window moves into ``sessions`` in one transaction that first deletes what was there of its
stream and range, and enters it in the books.  So the same pull again replaces and never doubles,
whatever the windows of earlier pulls were, and a process that dies leaves whole windows only.

The books are tables beside it.  ``_asyncsessions_streams`` has one row for each stream, a provider
or one tenant of it, with the filters of its sessions: the same stream with other filters would
double rows, and is refused.
``_asyncsessions_runs`` has its pulls and syncs, ``_asyncsessions_requests`` what they have spent.
``_asyncsessions_windows`` has one row for each range that was read: half-open ``lo``..``hi``, never
overlapping, with the number of rows in it and their digest, whether it is proven complete, when it
was read, and by which run.  A later window cuts what it replaces out of the earlier ones.
``session_changes`` is for analysts: what each sync found added, changed or removed.

With the first tenant all of them get a column ``tenant``; a file without tenants has none.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime
from pathlib import Path

from attrs import evolve

from asyncsessions.core.books import ReadWindow, Run, StoredWindow, Stream, cut_out
from asyncsessions.core.changes import Change, changes_table, compare
from asyncsessions.core.columns import import_arrow, ordered_table
from asyncsessions.core.digest import digest
from asyncsessions.core.tiles import Span
from asyncsessions.errors import SinkError
from asyncsessions.sinks.duckdb_books import DuckDBBooks
from asyncsessions.sinks.duckdb_file import DuckDBFile
from asyncsessions.sinks.sidecar import Sidecar, sidecar_of
from asyncsessions.sinks.streams_store import StreamsStore
from asyncsessions.sinks.wording import shown

__all__ = ["DuckDBStore"]


class DuckDBStore(StreamsStore[StoredWindow]):
    """Writes sessions into the table ``sessions`` of a DuckDB file, one transaction a window.

    Raises :class:`ConfigurationError` where pyarrow is not installed.
    """

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        import_arrow('.duckdb needs the extra "duckdb": pip install "asyncsessions[duckdb]"')
        super().__init__(path, fresh=fresh)
        self._file: DuckDBFile | None = None
        self._has_claimed = False

    # ------------------------------------------------------------------ opening, closing

    def _open_sidecar(self, stream: str) -> Sidecar:
        try:
            place = self._path.resolve()
        except (OSError, RuntimeError):  # the latter is Python's word for links in a circle
            reason = os.strerror(errno.ELOOP)
            raise SinkError(f"{shown(self._path)} cannot be written: {reason}") from None
        return Sidecar(sidecar_of(place), stream, target=self._path)

    def _open_data(self) -> None:
        self._file = DuckDBFile(self._path)

    def keep_open(self) -> AbstractContextManager[object]:
        """Keep the file open."""
        return closing(DuckDBFile(self._path))

    def _held(self, stream: str) -> Stream | None:
        assert self._file is not None
        with self._file.working() as connection:
            return DuckDBBooks(connection).stream(stream)

    def _windows(self, stream: Stream | None) -> Sequence[StoredWindow]:
        return () if stream is None else stream.windows

    def _take_back(self) -> None:
        assert self._file is not None
        assert self._sidecar is not None
        with self._file.working() as connection:
            is_new = not DuckDBBooks(connection).has_streams
        if is_new:
            self._sidecar.clear()

    def _close_data(self) -> None:
        if self._file is not None:
            self._file.close()

    def _place(self) -> str:
        text = f"{shown(self._path)}, table sessions"
        if self._file is not None and self._file.others_can_read():
            text += " (which its permissions let other users read)"
        return text

    # ------------------------------------------------------------------ rows

    def _replace(self, read: ReadWindow) -> tuple[StoredWindow, Sequence[Change]]:
        assert self._file is not None
        assert self._plan is not None
        assert self._run is not None
        stream, span = self._plan.stream, read.window.owned
        table = ordered_table(read.rows)
        run, now = self._run.id, datetime.now(UTC)
        window = read.stored(StoredWindow, digest=digest(table), run=run, committed_at=now)
        changes: list[Change] = []
        with self._file.transaction() as connection:
            books = DuckDBBooks(connection)
            if not self._has_claimed:
                self._claim(books)
            before = books.windows(stream, span)
            if [(w.owned, w.digest) for w in before] != [(span, window.digest)]:
                if self._is_sync:
                    changes = compare(books.rows(stream, span).to_pylist(), table.to_pylist())
                    moment = window.committed_at
                    found = changes_table(changes, run=window.run, found_at=moment)
                    books.add_changes(stream, found)
                books.replace_rows(stream, span, table)
            if before:
                self._cut_out(books, before, span)
            books.add_window(stream, window)
        self._has_claimed = True
        return window, changes

    def _claim(self, books: DuckDBBooks) -> None:
        """Write down whose sessions these are, and make room if they shall replace others."""
        assert self._plan is not None
        assert self._run is not None
        plan = self._plan
        held = books.stream(plan.stream)  # another pull of this process may have come first
        if self._fresh:
            books.drop(plan.stream)
        elif held is not None:
            self._refuse_other_filters(held.filters)
        books.claim(plan.stream, plan.filters)
        books.put_run(plan.stream, self._run)

    def _cut_out(self, books: DuckDBBooks, earlier: Sequence[StoredWindow], span: Span) -> None:
        """Cut a range out of the windows that were recorded before."""
        assert self._plan is not None
        stream = self._plan.stream
        books.remove_windows(stream, span)
        for window, rest in cut_out(earlier, span):
            rows = books.rows(stream, rest)
            left = evolve(window, owned=rest, rows=rows.num_rows, digest=digest(rows))
            books.add_window(stream, left)

    def _put_runs(self, runs: Sequence[Run]) -> None:
        assert self._file is not None
        assert self._plan is not None
        with self._file.transaction() as connection:
            for run in runs:
                DuckDBBooks(connection).put_run(self._plan.stream, run)
