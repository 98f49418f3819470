"""What DuckDB says, in one plain sentence."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from asyncsessions.errors import SinkError
from asyncsessions.sinks.wording import shown

__all__ = ["NOT_DUCKDB", "speaking"]

NOT_DUCKDB = "it is not a DuckDB file"

REASONS = {
    "Could not set lock": "it is in use by another process",
    "being used by another process": "it is in use by another process",
    "different configuration": "this process has it open already",
    "not a valid DuckDB database": NOT_DUCKDB,
    "database has been invalidated": "an earlier write into it failed",
} | {
    os.strerror(code): os.strerror(code)
    for code in (
        errno.ENOSPC,
        errno.EFBIG,
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.EIO,
        errno.EMFILE,
    )
}
"""What stands in DuckDB's messages, and the plain words for it."""

# "TransactionContext Error: Failed to commit: IO Error: …"
PREFIXES = re.compile(r"^(?:[A-Za-z][A-Za-z ]* Error: |Failed to commit: )+")


@contextmanager
def speaking(path: Path, doing: str = "written") -> Generator[None]:
    """Turn what DuckDB says into a :class:`SinkError` of one sentence: what cannot be done."""
    try:
        yield
    except duckdb.Error as error:
        raise SinkError(f"{shown(path)} cannot be {doing}: {_reason(error)}") from None


def _reason(error: duckdb.Error) -> str:
    text = str(error)
    for sign, reason in REASONS.items():
        if sign in text:
            return reason
    return PREFIXES.sub("", text).splitlines()[0]
