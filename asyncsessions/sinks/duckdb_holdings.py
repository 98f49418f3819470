"""Look into a DuckDB file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from asyncsessions.core.books import StoredWindow, Stream
from asyncsessions.core.digest import digest
from asyncsessions.sinks.duckdb_books import DuckDBBooks
from asyncsessions.sinks.duckdb_file import open_to_read
from asyncsessions.sinks.duckdb_words import speaking
from asyncsessions.sinks.sidecar import sidecar_of

__all__ = ["DuckDBHoldings"]

BATCH = 10_000


class DuckDBHoldings:
    """The tables of a DuckDB file, read only; see :class:`~asyncsessions.sinks.holdings.Holdings`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = open_to_read(path)
        self._books = DuckDBBooks(self._connection)

    def streams(self) -> Sequence[Stream]:
        """Return what the books say."""
        with speaking(self._path, "read"):
            found = [self._books.stream(name) for name in self._books.streams()]
        return [each for each in found if each is not None]

    def requests(self, stream: str) -> Mapping[str, int]:
        """Return the requests of each month as the books have them."""
        with speaking(self._path, "read"):
            return self._books.requests(stream)

    def ledger(self, stream: str) -> Path:
        """Return where requests are that are not in the books yet."""
        return sidecar_of(self._path.resolve()) / f"{stream}.ledger"

    def recount(self, stream: str, window: StoredWindow) -> tuple[int, str]:
        """Count the rows of a window and take their digest anew."""
        with speaking(self._path, "read"):
            rows = self._books.rows(stream, window.owned)
        return rows.num_rows, digest(rows)

    def strays(self) -> Sequence[str]:
        """Say which rows are there that no window has."""
        known = {stream.name: stream.rows for stream in self.streams()}
        with speaking(self._path, "read"):
            found = self._books.count_rows()
        return [
            f"{name}: {rows:,} rows are in the table, {known.get(name, 0):,} in the books"
            for name, rows in found.items()
            if rows != known.get(name, 0)
        ]

    def moments(self, stream: str) -> Iterator[tuple[int, str | None]]:
        """Yield the start of each session and its campaign."""
        with speaking(self._path, "read"):
            found = self._books.moments(stream)
            while rows := found.fetchmany(BATCH):
                yield from rows

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connection.close()
