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
from datetime import datetime
from pathlib import Path
from typing import Any

from asyncsessions.core.columns import COLUMNS, csv_header
from asyncsessions.core.convert import instant_text, to_json
from asyncsessions.core.plan import PullPlan
from asyncsessions.core.records import Session
from asyncsessions.core.report import Report
from asyncsessions.sinks.partial import PartialFile, check_target, real_target
from asyncsessions.sinks.wording import NOT_COMPLETE, counted, shown

__all__ = ["LinesSink"]

KEYS = {"provider", "id", "started_at"}
"""What every session has, as JSON."""

must_quote = re.compile(r'[",\r\n]').search


class LinesSink:
    """Writes one session a line, as JSON or, for a path that ends in ``.csv``, as a flat row.

    ``fresh`` replaces a file of ours that is there, at the end; a link stays a link.  A file that
    holds anything else raises :class:`SinkError` in any case.
    """

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        self._path = path
        self._fresh = fresh
        is_csv = path.suffix.lower() == ".csv"
        self._header = _csv_line(csv_header()) if is_csv else b""
        self._encode: Callable[[Session], bytes] = _csv_row if is_csv else _json_line
        self._file: PartialFile | None = None
        self._outcome: str | None = None

    def begin(self, plan: PullPlan) -> None:  # noqa: ARG002  # all plans look alike here
        """Open the partial file."""
        target = real_target(self._path)
        check_target(target, fresh=self._fresh, is_ours=self._is_ours)
        self._file = PartialFile(target, is_ours=self._is_ours)
        self._file.write(self._header, rows=0)

    def _is_ours(self, first_line: bytes) -> bool:
        if self._header:
            return first_line.rstrip(b"\r\n") == self._header.rstrip(b"\r\n")
        return _is_json_line(first_line)

    def write(self, window: int, rows: Sequence[Session]) -> None:  # noqa: ARG002
        """Add rows, in the order in which they come."""
        assert self._file is not None
        self._file.write(b"".join(map(self._encode, rows)), rows=len(rows))

    def commit(self, window: int, *, is_complete: bool) -> None:
        """Do nothing: the file is put in place as a whole."""

    def finish(self, report: Report) -> str:
        """Put the file in place if the pull is complete, else leave the partial file."""
        assert self._file is not None
        if not report.complete:
            return self._leave()
        self._file.place(fresh=self._fresh)
        self._outcome = f"{counted(self._file.rows)} written to {shown(self._path)}"
        return self._outcome

    def abort(self, report: Report) -> str:  # noqa: ARG002  # it never is complete
        """Leave the partial file if there are rows in it."""
        return self._leave()

    def _leave(self) -> str:
        if self._outcome is not None:
            return self._outcome
        if self._file is None:
            return f"nothing was written to {shown(self._path)}"
        rows = self._file.keep()
        self._outcome = (
            f"{counted(rows)} written to {shown(self._file.path)}, which was not moved to "
            f"{shown(Path(self._path.name))}: {NOT_COMPLETE}"
            if rows
            else f"nothing was written to {shown(self._path)}: {NOT_COMPLETE}"
        )
        return self._outcome


def _json_line(session: Session) -> bytes:
    return to_json(session) + b"\n"


def _is_json_line(line: bytes) -> bool:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.keys() >= KEYS


def _csv_row(session: Session) -> bytes:
    return _csv_line([_csv_text(column.of(session)) for column in COLUMNS])


def _csv_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return instant_text(value) if isinstance(value, datetime) else str(value)


def _csv_line(values: Iterable[str | None]) -> bytes:
    return (",".join(map(_csv_field, values)) + "\r\n").encode(errors="replace")


def _csv_field(text: str | None) -> str:
    if text is None:
        return ""
    if text and not must_quote(text):
        return text
    return '"' + text.replace('"', '""') + '"'
