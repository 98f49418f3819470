"""Look into a Parquet dataset, or into one Parquet file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from asyncsessions.core.books import StoredWindow, Stream
from asyncsessions.core.digest import digest
from asyncsessions.core.windows import to_datetime
from asyncsessions.errors import SinkError
from asyncsessions.sinks.books_file import FileStream, PlacedWindow, read_books
from asyncsessions.sinks.file_store import BOOKS, STREAM
from asyncsessions.sinks.manifest import Manifest
from asyncsessions.sinks.partial import real_target
from asyncsessions.sinks.parts import parquet, read_part, rows_in
from asyncsessions.sinks.sidecar import sidecar_of
from asyncsessions.sinks.wording import shown

__all__ = ["DatasetHoldings", "ParquetHoldings"]


class _ParquetHoldings(ABC):
    """What both share: streams from a books file, and windows that lie in Parquet files."""

    def __init__(self, path: Path, streams: Sequence[FileStream]) -> None:
        self._path = path
        self._streams = {stream.name: stream for stream in streams}

    @abstractmethod
    def _rows(self, window: PlacedWindow) -> pa.Table:
        """Return the rows of a window."""

    def streams(self) -> Sequence[Stream]:
        """Return what the books say."""
        return [stream.stream for stream in self._streams.values()]

    def requests(self, stream: str) -> Mapping[str, int]:
        """Return the requests of each month as the books have them."""
        return self._streams[stream].stream.requests

    def recount(self, stream: str, window: StoredWindow) -> tuple[int, str]:
        """Count the rows of a window and take their digest anew."""
        windows = self._streams[stream].windows
        rows = self._rows(next(placed for placed in windows if placed.owned == window.owned))
        return rows.num_rows, digest(rows)

    def strays(self) -> Sequence[str]:
        """Parts are read by window: nothing else is looked at."""
        return []

    def moments(self, stream: str) -> Iterator[tuple[int, str | None]]:
        """Yield the start of each session and its campaign."""
        for window in self._streams[stream].windows:
            rows: Any = self._rows(window)
            started_at = rows["started_at"].cast(pa.int64()).to_pylist()
            yield from zip(started_at, rows["campaign"].to_pylist(), strict=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(  # noqa: B027 - there is nothing open
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class DatasetHoldings(_ParquetHoldings):
    """The directory of a dataset; see :class:`~asyncsessions.sinks.holdings.Holdings`."""

    def __init__(self, path: Path) -> None:
        self._manifest = Manifest(path, target=path)
        if not self._manifest.is_there:
            raise SinkError(f"{shown(path)} is not a dataset of ours")
        super().__init__(path, self._manifest.streams())

    def ledger(self, stream: str) -> Path:
        """Return where requests are that are not in the books yet."""
        return self._manifest.pull / f"{stream}.ledger"

    def _rows(self, window: PlacedWindow) -> pa.Table:
        return rows_in(read_part(self._manifest.data / window.file), window.owned)


class ParquetHoldings(_ParquetHoldings):
    """A Parquet file, or the parts of an unfinished pull into one; see :class:`Holdings`.

    Raises :class:`SinkError` if there are no books beside it: then nothing is known of it.
    """

    def __init__(self, path: Path) -> None:
        self._target = real_target(path)
        self._sidecar = sidecar_of(self._target)
        books = read_books(self._sidecar / BOOKS)
        if not books:
            raise SinkError(f"{shown(path)} has no books beside it, in {shown(self._sidecar)}")
        super().__init__(path, books)
        self._is_whole = books[0].runs[0].ended_at is not None

    def ledger(self, stream: str) -> Path:  # noqa: ARG002 - there is only one
        """Return where requests are that are not in the books yet."""
        return self._sidecar / f"{STREAM}.ledger"

    def strays(self) -> Sequence[str]:
        """Say whether the file has rows that no window has."""
        known = sum(stream.rows for stream in self.streams())
        with suppress(OSError, pa.ArrowException):  # what cannot be read is told of its windows
            found: int = parquet.read_metadata(self._target).num_rows if self._is_whole else known
            if found != known:
                return [f"{found:,} rows are in the file, {known:,} in the books"]
        return []

    def _rows(self, window: PlacedWindow) -> pa.Table:
        if not self._is_whole:
            return read_part(self._sidecar / "parts" / window.file)
        lo, hi = to_datetime(window.owned.lo), to_datetime(window.owned.hi)
        wanted = [("started_at", ">=", lo), ("started_at", "<", hi)]
        try:
            table: pa.Table = parquet.read_table(self._target, filters=wanted)
        except (OSError, pa.ArrowException):
            problem = SinkError(f"{shown(self._path)} cannot be read: it is damaged or not there")
        else:
            return table
        raise problem
