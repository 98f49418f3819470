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

import pyarrow as pa
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
        self._is_new = False

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
        while True:
            with self._file.working() as connection:
                books = self._file.books(connection)
                found = books.stream(stream)
            if books.has_tenants == self._file.has_tenants:
                return found

    def _held_runs(self, stream: str) -> Sequence[Run]:
        assert self._file is not None
        if self._is_new:
            return ()  # but for its own
        with self._file.working() as connection:
            return self._file.books(connection).runs(stream)

    def _windows(self, stream: Stream | None) -> Sequence[StoredWindow]:
        return () if stream is None else stream.windows

    def _take_back(self) -> None:
        assert self._file is not None
        assert self._sidecar is not None
        with self._file.working() as connection:
            is_new = not self._file.books(connection).has_streams
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
        assert self._run is not None
        table = ordered_table(read.rows)
        run, now = self._run.id, datetime.now(UTC)
        window = read.stored(StoredWindow, digest=digest(table), run=run, committed_at=now)
        changes = self._file.change(lambda books: self._put(books, window, table))
        self._has_claimed = True
        return window, changes

    def _put(self, books: DuckDBBooks, window: StoredWindow, table: pa.Table) -> list[Change]:
        """Put rows and window in the place of what is there, and return what has changed."""
        assert self._plan is not None
        stream, span, changes = self._plan.stream, window.owned, list[Change]()
        if not self._has_claimed:
            self._claim(books)
        # Of a stream that this pull has begun there is nothing but what it has committed itself.
        mine = [window for owned, window in self._brought.items() if owned & span]
        before = mine if self._is_new else books.windows(stream, span)
        if [(w.owned, w.digest) for w in before] != [(span, window.digest)]:
            if self._is_sync:
                changes = compare(books.rows(stream, span).to_pylist(), table.to_pylist())
                found = changes_table(changes, run=window.run, found_at=window.committed_at)
                books.add_changes(stream, found)
            if before or not self._is_new:
                books.remove_rows(stream, span)
            books.add_rows(stream, table)
        if before:
            self._cut_out(books, before, span)
        books.add_window(stream, window)
        return changes

    def _claim(self, books: DuckDBBooks) -> None:
        """Write down whose sessions these are, and make room if they shall replace others."""
        assert self._plan is not None
        assert self._run is not None
        plan = self._plan
        filters = books.filters(plan.stream)  # another pull of this process may have come first
        if self._fresh and filters is not None:
            books.drop(plan.stream)
            filters = None
        elif filters is not None:
            self._refuse_other_filters(filters)
        if filters is None:
            books.claim(plan.stream, plan.filters)
        self._is_new = filters is None
        books.put_run(plan.stream, self._run, is_new=self._is_new)

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
        stream = self._plan.stream

        def put(books: DuckDBBooks) -> None:
            for run in runs:
                books.put_run(stream, run)

        self._file.change(put)
