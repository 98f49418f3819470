"""Look into JSON lines and CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from io import StringIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from asyncsessions.core.books import StoredWindow, Stream
from asyncsessions.core.columns import csv_header
from asyncsessions.core.windows import to_micros
from asyncsessions.errors import SinkError
from asyncsessions.sinks.books_file import FileStream, read_books
from asyncsessions.sinks.file_store import BOOKS, STREAM
from asyncsessions.sinks.lines import csv_line, digest_of_lines
from asyncsessions.sinks.partial import partial_of, real_target
from asyncsessions.sinks.sidecar import sidecar_of
from asyncsessions.sinks.wording import shown

__all__ = ["LinesHoldings"]


class LinesHoldings:
    """A text file, or the partial file of an unfinished pull; see :class:`Holdings`.

    Raises :class:`SinkError` if there are no books beside it: then nothing is known of it.
    """

    def __init__(self, path: Path) -> None:
        self._target = real_target(path)
        books = read_books(sidecar_of(self._target) / BOOKS)
        if not books:
            raise SinkError(
                f"{shown(path)} has no books beside it, in {shown(sidecar_of(self._target))}"
            )
        self._stream: FileStream = books[0]
        self._path = self._target
        if self._stream.runs[0].ended_at is None or self._is_waiting():
            self._path = partial_of(self._target)
        try:
            self._file = self._path.open("rb")
        except OSError as error:
            raise SinkError(f"{shown(self._path)} cannot be read: {error.strerror}") from None

    def _is_waiting(self) -> bool:
        """Whether the file is whole but was not moved, since the process died before."""
        end = max((window.offset + window.length for window in self._stream.windows), default=0)
        partial = partial_of(self._target)
        return partial.is_file() and partial.stat().st_size == end

    def streams(self) -> Sequence[Stream]:
        """Return what the books say."""
        return [self._stream.stream]

    def requests(self, stream: str) -> Mapping[str, int]:  # noqa: ARG002 - there is only one
        """Return the requests of each month as the books have them."""
        return self._stream.stream.requests

    def ledger(self, stream: str) -> Path:  # noqa: ARG002 - there is only one
        """Return where requests are that are not in the books yet."""
        return sidecar_of(self._target) / f"{STREAM}.ledger"

    def recount(self, stream: str, window: StoredWindow) -> tuple[int, str]:  # noqa: ARG002
        """Count the rows of a window and take their digest anew."""
        placed = next(each for each in self._stream.windows if each.owned == window.owned)
        self._file.seek(placed.offset)
        lines = self._file.read(placed.length)
        if self._target.suffix.lower() == ".csv":
            text = StringIO(lines.decode(errors="replace"), newline="")
            count = sum(1 for _ in csv.reader(text))
        else:
            count = lines.count(b"\n")
        return count, digest_of_lines(lines)

    def strays(self) -> Sequence[str]:
        """Say whether anything stands before, behind or between the windows."""
        header = csv_line(csv_header()) if self._target.suffix.lower() == ".csv" else b""
        self._file.seek(0)
        begins = self._file.read(len(header)) == header
        size = len(header) + sum(window.length for window in self._stream.windows)
        whole = self._path != self._target or self._path.stat().st_size == size
        return [] if begins and whole else [f"{shown(self._path)} has lines that were not written"]

    def moments(self, stream: str) -> Iterator[tuple[int, str | None]]:  # noqa: ARG002
        """Yield the start of each session and its campaign."""
        try:
            for row in self._rows():
                started_at = datetime.fromisoformat(row["started_at"])
                yield to_micros(started_at), row["campaign"] or None
        except (ValueError, KeyError, TypeError):
            problem = SinkError(f"{shown(self._path)} cannot be read: a line is not as written")
        else:
            return
        raise problem

    def _rows(self) -> Iterator[dict[str, Any]]:
        if self._target.suffix.lower() == ".csv":
            with self._path.open(newline="", encoding="utf-8") as file:
                yield from csv.DictReader(file)
        else:
            self._file.seek(0)
            yield from map(json.loads, self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()
