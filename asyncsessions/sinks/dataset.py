"""A Parquet dataset: a directory of part files with a manifest, for many pulls and syncs.

A window is a part, a Parquet file that is never altered.  To commit one is to write its part, then
to replace the manifest: it names the new part, no longer those that it replaces, and keeps the
books.  Windows that are replaced in part are cut: what is left of them is written as a new part.
The same stream with other filters would double rows, and is refused.  Parts of a tenant's sessions
have one more column, `tenant`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from attrs import evolve

from asyncsessions.core.books import ReadWindow, Run, Stream, cut_out
from asyncsessions.core.changes import Change, changes_table, compare
from asyncsessions.core.columns import ordered_table
from asyncsessions.core.digest import digest
from asyncsessions.core.plan import PullPlan
from asyncsessions.core.tiles import Span
from asyncsessions.sinks.base import Standing
from asyncsessions.sinks.books_file import FileStream, PlacedWindow
from asyncsessions.sinks.manifest import Manifest
from asyncsessions.sinks.partial import real_target
from asyncsessions.sinks.parts import (
    PARQUET,
    part_name,
    read_part,
    rows_in,
    write_part,
    writing_parquet,
)
from asyncsessions.sinks.sidecar import Sidecar
from asyncsessions.sinks.streams_store import StreamsStore
from asyncsessions.sinks.wording import shown

__all__ = ["DatasetStore"]


class DatasetStore(StreamsStore[PlacedWindow]):
    """Writes sessions into the directory of a dataset, one part and one manifest a window.

    A directory that holds anything else raises :class:`SinkError` in any case.
    """

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        super().__init__(path, fresh=fresh)
        self._manifest = Manifest(path, target=path)
        self._stream: FileStream | None = None
        self._is_removable = False

    # ------------------------------------------------------------------ opening, closing

    def open(self, plan: PullPlan) -> Standing:
        """Make or find the directory, and find the run that the plan goes on with, or begin one."""
        self._manifest = Manifest(real_target(self._path), target=self._path)
        self._is_removable = self._manifest.make_folder()
        try:
            standing = super().open(plan)
        except BaseException:
            self._remove_folder()
            raise
        if not standing.is_finished and standing.run.begun_at == plan.made_at:
            self._manifest.sweep(plan.stream)
        return standing

    def _open_sidecar(self, stream: str) -> Sidecar:
        return Sidecar(self._manifest.pull, stream, target=self._path)

    def _open_data(self) -> None:
        assert self._plan is not None
        plan = self._plan
        found = self._found(plan.stream)
        spent = found.stream.requests if found is not None else {}
        anew = FileStream(
            provider=plan.provider, filters=plan.filters, spent=spent, tenant=plan.tenant
        )
        self._stream = anew if found is None or self._fresh else found

    def _found(self, stream: str) -> FileStream | None:
        """Return what the manifest says of a stream, but for parts that are gone."""
        found = self._manifest.stream(stream)
        if found is None:
            return None
        return found.with_windows(
            window for window in found.windows if self._part(window).is_file()
        )

    def _held(self, stream: str) -> Stream | None:
        found = self._found(stream)
        return None if found is None else found.stream

    def _windows(self, stream: Stream | None) -> Sequence[PlacedWindow]:
        assert self._stream is not None
        return () if stream is None else self._stream.windows

    def _take_back(self) -> None:
        assert self._sidecar is not None
        assert self._plan is not None
        if not self._manifest.is_there:
            self._sidecar.clear()
            self._manifest.clean(self._plan.stream)

    def _close_data(self) -> None: ...

    def _end(self, outcome: str) -> str:
        said = super()._end(outcome)
        self._remove_folder()
        return said

    def _remove_folder(self) -> None:
        if self._is_removable:
            self._manifest.remove_folder()

    def _place(self) -> str:
        return shown(self._path)

    # ------------------------------------------------------------------ rows

    def _replace(self, read: ReadWindow) -> tuple[PlacedWindow, Sequence[Change]]:
        assert self._stream is not None
        assert self._run is not None
        table = ordered_table(read.rows)
        run, now = self._run.id, datetime.now(UTC)
        window = read.stored(PlacedWindow, digest=digest(table), run=run, committed_at=now)
        window = evolve(window, file=self._file(window))
        span, files, changes = window.owned, self._stream.changes, list[Change]()
        before = [other for other in self._stream.windows if other.owned & span]
        is_same = [(other.owned, other.digest) for other in before] == [(span, window.digest)]
        with writing_parquet(self._path):
            if not is_same or not self._part(window).is_file():
                write_part(self._part(window), table, tenant=self._stream.tenant)
            if not is_same and self._is_sync:
                changes = self._compare(before, span, table)
                files = self._write_changes(window, changes) + files
            rests = self._rests(span)
        stream = self._stream.with_windows([window, *rests]).with_run(self._run)
        self._put(evolve(stream, changes=files))
        return window, changes

    def _put(self, stream: FileStream) -> None:
        self._manifest.put(stream)
        self._stream = stream

    def _put_runs(self, runs: Sequence[Run]) -> None:
        assert self._stream is not None
        self._put(evolve(self._stream, runs=tuple(runs)))

    def _file(self, window: PlacedWindow) -> str:
        assert self._stream is not None
        return part_name(window.owned, window.digest, PARQUET, stream=self._stream.name)

    def _part(self, window: PlacedWindow) -> Path:
        return self._manifest.data / window.file

    def _rows(self, window: PlacedWindow, span: Span) -> pa.Table:
        return rows_in(read_part(self._part(window), rows=window.rows), span)

    def _rests(self, span: Span) -> list[PlacedWindow]:
        """Return what is left of the windows when a span is taken out of them."""
        assert self._stream is not None
        placed = {window.owned: window for window in self._stream.windows}
        return [
            self._rest(placed[window.owned], rest)
            for window, rest in cut_out(self._stream.windows, span)
        ]

    def _rest(self, window: PlacedWindow, rest: Span) -> PlacedWindow:
        if rest == window.owned:
            return window
        assert self._stream is not None
        table = self._rows(window, rest)
        left = evolve(window, owned=rest, rows=table.num_rows, digest=digest(table))
        left = evolve(left, file=self._file(left))
        write_part(self._part(left), table, tenant=self._stream.tenant)
        return left

    # ------------------------------------------------------------------ changes

    def _compare(self, before: Sequence[PlacedWindow], span: Span, table: pa.Table) -> list[Change]:
        """Return what became of the rows of a span."""
        olds = (self._rows(each, span).to_pylist() for each in before)
        return compare((row for rows in olds for row in rows), table.to_pylist())

    def _write_changes(self, window: PlacedWindow, changes: Sequence[Change]) -> tuple[str, ...]:
        """Write changes down and return the name of the file, if there are any."""
        assert self._stream is not None
        if not changes:
            return ()
        number = len(self._stream.changes) + 1
        file = f"{self._stream.name}-{window.run}-{number:06}.parquet"
        found = changes_table(changes, run=window.run, found_at=window.committed_at)
        # DuckDB before 1.2 does not read the dictionary of a nested column that is null throughout.
        place, tenant = self._manifest.changes / file, self._stream.tenant
        write_part(place, found, dictionaries=(), tenant=tenant)
        return (file,)
