"""Making a DuckDB file that is its owner's alone, and never over what somebody else has there."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import duckdb

from asyncsessions.errors import SinkError
from asyncsessions.sinks.duckdb_words import NOT_DUCKDB, speaking
from asyncsessions.sinks.locks import PRIVATE
from asyncsessions.sinks.partial import writing
from asyncsessions.sinks.wording import shown

if sys.platform != "win32":
    import fcntl

__all__ = ["OFFLINE", "make_file"]

MAGIC, MAGIC_AT = b"DUCK", 8

# A file of another kind makes DuckDB fetch an extension for it from the internet.
OFFLINE = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}


def make_file(place: Path, *, wal: Path, target: Path) -> bool:
    """Make an empty database unless one is there; return whether the whole file is new.

    It is made in a private directory, so that nobody else can ever have opened it.  ``wal`` is
    where DuckDB keeps the log of it; ``target`` is what errors call it.  Raises :class:`SinkError`.
    """
    with writing(target):
        if place.is_dir():
            raise SinkError(f"{shown(target)} is a directory: give the name of a file")
        is_there = place.exists()
        if is_there and not place.is_file():
            raise SinkError(
                f"{shown(target)} is not a file of ours: give another name, or remove it"
            )
        if not is_there:  # a log of a file that somebody has removed would be replayed into it
            wal.unlink(missing_ok=True)
        if is_there and place.stat().st_size:
            _check_magic(place, target=target)
            return False
        with tempfile.TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as private:
            made = Path(private, place.name)
            with speaking(target):
                duckdb.connect(str(made), config={**OFFLINE}).close()
            if is_there:
                _fill(place, made.read_bytes())
                return False
            made.chmod(PRIVATE)
            return _move(made, place)


def _check_magic(place: Path, *, target: Path) -> None:
    """Raise :class:`SinkError` unless the file begins as DuckDB files do."""
    # Closing a file drops the locks that the process has on it, a caller's connection's too.
    if _is_open_here(place):
        return
    with place.open("rb") as file:
        head = file.read(MAGIC_AT + len(MAGIC))
    if not head.endswith(MAGIC) or len(head) != MAGIC_AT + len(MAGIC):
        raise SinkError(f"{shown(target)} cannot be written: {NOT_DUCKDB}")


def _move(made: Path, place: Path) -> bool:
    """Move a file to a place where nobody may have put one meanwhile; return whether it is there."""
    try:
        os.link(made, place)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        made.rename(place)
    return True


def _fill(place: Path, database: bytes) -> None:
    """Write a database into an empty file, unless somebody else just did."""
    # In append mode nothing that another process has written is overwritten.
    with place.open("ab", buffering=0) as file:
        if sys.platform != "win32":
            with suppress(OSError):  # a file system without locks
                fcntl.flock(file, fcntl.LOCK_EX)
        if not os.fstat(file.fileno()).st_size:
            file.write(database)


def _is_open_here(place: Path) -> bool:
    """Whether this process has the file open, as far as the system tells."""
    with suppress(OSError):
        wanted = place.stat()
        for number in os.listdir("/dev/fd"):  # noqa: PTH208  # no paths are wanted
            with suppress(OSError):
                if os.path.samestat(os.stat(int(number)), wanted):  # noqa: PTH116
                    return True
    return False
