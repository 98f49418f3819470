"""One Parquet file, moved into place when the pull is complete.

Until then each window is a part, a file of its own in the folder beside the target.  At the end the
parts are streamed into one file, newest rows first, a few of them in memory at a time.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
from attrs import evolve

from asyncsessions.core.books import ReadWindow
from asyncsessions.core.columns import arrow_schema, ordered_table
from asyncsessions.core.digest import digest
from asyncsessions.sinks.books_file import FileStream, PlacedWindow
from asyncsessions.sinks.file_store import FileStore
from asyncsessions.sinks.partial import partial_of, writing
from asyncsessions.sinks.parts import (
    ARROW,
    COMPRESSION,
    DICTIONARIES,
    has_our_columns,
    parquet,
    part_name,
    private_file,
    read_part,
    write_part,
    writing_parquet,
)
from asyncsessions.sinks.replacing import sync_directory
from asyncsessions.sinks.sidecar import sidecar_of
from asyncsessions.sinks.wording import shown

__all__ = ["ParquetStore"]

ROW_GROUP = 50_000
"""Parts are put together to row groups of at least so many rows."""


class ParquetStore(FileStore):
    """Writes the flat columns of :func:`core.columns.arrow_schema` into one Parquet file."""

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        super().__init__(path, fresh=fresh)
        self._is_placed = False

    def is_ours(self, path: Path) -> bool:
        """Whether a file is empty, or a Parquet file with our columns."""
        return not path.stat().st_size or has_our_columns(path)

    # ------------------------------------------------------------------ parts

    @property
    def _parts(self) -> Path:
        return sidecar_of(self._target) / "parts"

    def _open_data(self, windows: Sequence[PlacedWindow]) -> list[PlacedWindow]:
        kept = [window for window in windows if (self._parts / window.file).is_file()]
        named = {window.file for window in kept}
        with writing(self._path):
            for path in self._parts.glob("*"):  # what a process that died had no time to enter
                if path.name not in named:
                    path.unlink(missing_ok=True)
        return kept

    def _add(self, read: ReadWindow) -> PlacedWindow:
        table = ordered_table(read.rows)
        window = self._placed(read, digest=digest(table))
        window = evolve(window, file=part_name(window.owned, window.digest, ARROW))
        with writing_parquet(self._path):
            write_part(self._parts / window.file, table)
        return window

    # ------------------------------------------------------------------ the whole file

    def _arrange(self, windows: Sequence[PlacedWindow]) -> list[PlacedWindow]:
        with (
            writing_parquet(self._path),
            private_file(partial_of(self._target)) as file,
            parquet.ParquetWriter(
                file, arrow_schema(), compression=COMPRESSION, use_dictionary=DICTIONARIES
            ) as writer,
        ):
            waiting = list[pa.Table]()
            for window in windows:
                waiting.append(read_part(self._parts / window.file, rows=window.rows))
                if sum(table.num_rows for table in waiting) >= ROW_GROUP:
                    writer.write_table(pa.concat_tables(waiting))
                    waiting.clear()
            if waiting:
                writer.write_table(pa.concat_tables(waiting))
        return list(windows)

    def _place(self) -> None:
        with writing(self._path):
            partial_of(self._target).replace(self._target)
            sync_directory(self._target.parent)
        self._is_placed = True

    def _is_whole(self, stream: FileStream) -> bool:
        is_there = super()._is_whole(stream)
        # Only then the parts may go.
        self._is_placed = is_there and _holds(self._target, stream.windows)
        return self._is_placed

    def _has_unplaced(self, windows: Sequence[PlacedWindow]) -> bool:
        return _holds(partial_of(self._target), windows)

    # ------------------------------------------------------------------ the end

    def _close_data(self, *, remove: bool) -> None:
        if remove:
            with suppress(OSError):
                partial_of(self._target).unlink()
        if remove or self._is_placed:  # a part holds personal data, and is of no use any more
            shutil.rmtree(self._parts, ignore_errors=True)

    def _kept_at(self) -> str:
        name = shown(Path(self._path.name))
        return f"{shown(self._parts)}, parts that were not joined into {name}"


def _holds(path: Path, windows: Sequence[PlacedWindow]) -> bool:
    """Whether a file is a whole Parquet file with as many rows as the windows have."""
    try:
        with path.open("rb") as file:
            rows: int = parquet.read_metadata(file).num_rows
    except (pa.ArrowException, OSError):
        return False
    return rows == sum(window.rows for window in windows)
