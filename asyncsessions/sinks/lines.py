"""Text files: ``.jsonl`` and ``.csv``, moved into place when the pull is complete.

CSV is RFC 4180 in UTF-8: lines end in CRLF, the header is always there, and a value is quoted
where it must be.  ``None`` is empty, the empty text is ``""``; times are ISO 8601 ending in
``Z``, flags ``true`` and ``false``.  Values that begin with ``=``, ``+``, ``-`` or ``@`` are
written as they are, because an altered value is wrong for every program that reads it: a
spreadsheet that takes them for formulas must be told to import the columns as text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

from attrs import evolve

from asyncsessions.core.books import ReadWindow
from asyncsessions.core.columns import COLUMNS, Kind, columns_of, csv_header
from asyncsessions.core.convert import instant_text, to_json
from asyncsessions.core.lines import encode_lines, lines_of
from asyncsessions.core.records import Session
from asyncsessions.core.rows import SentRows
from asyncsessions.sinks.books_file import FileStream, PlacedWindow
from asyncsessions.sinks.file_store import FileStore
from asyncsessions.sinks.partial import PartialFile, copy_of, has_first_line, partial_of
from asyncsessions.sinks.wording import shown

__all__ = ["LinesStore", "csv_line", "digest_of_lines"]

KEYS = {"provider", "id", "started_at"}
"""What every session has, as JSON."""

must_quote = re.compile(r'[",\r\n]').search


class LinesStore(FileStore):
    """Writes one session a line, as JSON or, for a path that ends in ``.csv``, as a flat row.

    The rows of a window are added to the partial file in one piece, and count once the books say
    where that piece lies.  A window that had to be read again is added behind the others; the
    pieces are brought into the order of time at the end.
    """

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        super().__init__(path, fresh=fresh)
        is_csv = path.suffix.lower() == ".csv"
        self._header = csv_line(csv_header()) if is_csv else b""
        self._encode = _csv_lines if is_csv else _json_lines
        self._file: PartialFile | None = None

    def is_ours(self, path: Path) -> bool:
        """Whether a file is empty or begins as ours do."""
        return has_first_line(path, self._is_our_line)

    def _is_our_line(self, first_line: bytes) -> bool:
        if self._header:
            return first_line.rstrip(b"\r\n") == self._header.rstrip(b"\r\n")
        return _is_json_line(first_line)

    # ------------------------------------------------------------------ the partial file

    def _open_data(self, windows: Sequence[PlacedWindow]) -> list[PlacedWindow]:
        there = self._size_of_partial()
        kept = [window for window in windows if window.offset + window.length <= there]
        length = max((window.offset + window.length for window in kept), default=0)
        self._file = PartialFile(self._target, length=length, header=self._header)
        return kept

    def _size_of_partial(self) -> int:
        with suppress(OSError):
            return partial_of(self._target).stat().st_size
        return 0

    def _add(self, read: ReadWindow) -> PlacedWindow:
        assert self._file is not None
        lines = self._encode(read.rows)
        offset = self._file.add(lines)
        return self._placed(read, digest=digest_of_lines(lines), offset=offset, length=len(lines))

    def _arrange(self, windows: Sequence[PlacedWindow]) -> list[PlacedWindow]:
        assert self._file is not None
        at, arranged = len(self._header), list[PlacedWindow]()
        for window in windows:
            arranged.append(evolve(window, offset=at))
            at += window.length
        if arranged != list(windows):
            pieces = [(window.offset, window.length) for window in windows]
            self._file.copied([(0, len(self._header)), *pieces])
        else:
            self._file.drop_copy()
        return arranged

    def _place(self) -> None:
        assert self._file is not None
        self._file.place()

    def _has_unplaced(self, windows: Sequence[PlacedWindow]) -> bool:
        length = sum((window.length for window in windows), len(self._header))
        copy, partial = copy_of(self._target), partial_of(self._target)
        with suppress(OSError):
            return (copy if copy.exists() else partial).stat().st_size == length
        return False

    def _is_whole(self, stream: FileStream) -> bool:
        # Somebody may have cut it, or added to it.
        size = len(self._header) + sum(window.length for window in stream.windows)
        return super()._is_whole(stream) and self._target.stat().st_size == size

    def _close_data(self, *, remove: bool) -> None:
        if self._file is not None:
            self._file.close(remove=remove)

    def _kept_at(self) -> str:
        return f"{shown(partial_of(self._target))}, which was not moved to {shown(Path(self._path.name))}"


def digest_of_lines(lines: bytes) -> str:
    """Return 32 hexadecimal digits for lines as they stand in a file."""
    return blake2b(lines, digest_size=16, person=b"sessions-text-1").hexdigest()


def _json_lines(sessions: Sequence[Session]) -> bytes:
    # What comes of a vendor's rows is in UTC and has no `raw`; of others' sessions nobody knows.
    if isinstance(sessions, SentRows):
        return encode_lines(lines_of(sessions))
    return b"".join([to_json(session) + b"\n" for session in sessions])


def _is_json_line(line: bytes) -> bool:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.keys() >= KEYS


def _csv_lines(sessions: Sequence[Session]) -> bytes:
    columns, nothing = columns_of(sessions), [""] * len(sessions)
    fields = [
        map(FIELDS[column.kind], columns[column.name]) if column.name in columns else nothing
        for column in COLUMNS
    ]
    lines = [",".join(values) + "\r\n" for values in zip(*fields, strict=True)]
    return "".join(lines).encode(errors="replace")


def _csv_flag(value: bool | None) -> str:
    return "" if value is None else "true" if value else "false"


def _csv_instant(value: datetime | None) -> str:
    return "" if value is None else instant_text(value)


def _csv_number(value: float | None) -> str:
    return "" if value is None else str(value)


def csv_line(values: Iterable[str | None]) -> bytes:
    """Return a line of CSV with these values; ``None`` is empty."""
    return (",".join(map(_csv_field, values)) + "\r\n").encode(errors="replace")


def _csv_field(text: str | None) -> str:
    if text is None:
        return ""
    if text and not must_quote(text):
        return text
    return '"' + text.replace('"', '""') + '"'


FIELDS: dict[Kind, Callable[[Any], str]] = {
    Kind.TEXT: _csv_field,
    Kind.INTEGER: _csv_number,
    Kind.NUMBER: _csv_number,
    Kind.FLAG: _csv_flag,
    Kind.INSTANT: _csv_instant,
}
"""What makes a field of a flat value."""
