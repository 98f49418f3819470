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
COUNTS = "SELECT provider, count(*) FROM sessions GROUP BY 1 ORDER BY 1"
MOMENTS = "SELECT epoch_us(started_at), campaign FROM sessions WHERE provider = ?"


class DuckDBHoldings:
    """The tables of a DuckDB file, read only; see :class:`~asyncsessions.sinks.holdings.Holdings`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = open_to_read(path)
        self._books = DuckDBBooks(self._connection)

    def streams(self) -> Sequence[Stream]:
        """Return what the books say."""
        with speaking(self._path, "read"):
            found = [self._books.stream(provider) for provider in self._books.providers()]
        return [stream for stream in found if stream is not None]

    def requests(self, provider: str) -> Mapping[str, int]:
        """Return the requests of each month as the books have them."""
        with speaking(self._path, "read"):
            return self._books.requests(provider)

    def ledger(self, provider: str) -> Path:
        """Return where requests are that are not in the books yet."""
        return sidecar_of(self._path.resolve()) / f"{provider}.ledger"

    def recount(self, provider: str, window: StoredWindow) -> tuple[int, str]:
        """Count the rows of a window and take their digest anew."""
        with speaking(self._path, "read"):
            rows = self._books.rows(provider, window.owned)
        return rows.num_rows, digest(rows)

    def strays(self) -> Sequence[str]:
        """Say which rows are there that no window has."""
        known = {stream.provider: stream.rows for stream in self.streams()}
        with speaking(self._path, "read"):
            found = self._connection.cursor().execute(COUNTS).fetchall()
        return [
            f"{provider}: {rows:,} rows are in the table, {known.get(provider, 0):,} in the books"
            for provider, rows in found
            if rows != known.get(provider, 0)
        ]

    def moments(self, provider: str) -> Iterator[tuple[int, str | None]]:
        """Yield the start of each session and its campaign."""
        with speaking(self._path, "read"):
            found = self._connection.cursor().execute(MOMENTS, [provider])
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
