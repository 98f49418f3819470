"""A DuckDB file of ours: private, checked, and written by one process at a time."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock

import duckdb
from attrs import define

from asyncsessions.core.columns import COLUMNS
from asyncsessions.errors import SinkError
from asyncsessions.sinks.duckdb_books import TABLES
from asyncsessions.sinks.partial import writing
from asyncsessions.sinks.wording import shown

if sys.platform != "win32":
    import fcntl

__all__ = ["DuckDBFile", "open_to_read", "speaking"]

PRIVATE, PRIVATE_DIRECTORY = 0o600, 0o700

NOT_DUCKDB = "it is not a DuckDB file"
MAGIC, MAGIC_AT = b"DUCK", 8

# A file of another kind makes DuckDB fetch an extension for it from the internet.
OFFLINE = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}

MEMORY = "64MB"
"""For DuckDB's own buffers; a window takes a few, and what does not fit is written to the disk."""

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

COLUMNS_THERE = """
    SELECT column_name, data_type FROM duckdb_columns()
    WHERE database_name = current_database() AND schema_name = 'main' AND table_name = ?
    ORDER BY column_index
"""

lock = RLock()
"""DuckDB lets one process open a file twice: then its pulls take turns at it."""


@define
class Opened:
    """A file that pulls of this process have open, and what the first of them had to make."""

    is_new: bool
    pulls: int = 0
    has_new_tables: bool = False


opened: dict[Path, Opened] = {}


class DuckDBFile:
    """An open file with our tables in it.

    A file that is not there is created, and an empty one filled.  If nothing has been committed when it is closed, it is
    left as it was, or removed again.  Raises :class:`SinkError` for a file that is not DuckDB, is
    in use by another process, or holds a table ``sessions`` that is not ours.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with lock:
            with writing(path):
                self._place = path.resolve()
            self._check_name()
            self._wal = self._place.with_name(self._place.name + ".wal")
            self._spill = self._place.with_name(self._place.name + ".tmp")
            self._state = opened.get(self._place) or Opened(is_new=self._create())
            self._connection: duckdb.DuckDBPyConnection | None = self._connect()
            if not self._state.pulls:
                self._remove_spilled()
            self._state.pulls += 1
            opened[self._place] = self._state
            try:
                self._state.has_new_tables |= self._make_tables()
            except BaseException:
                self.close()
                raise

    # ------------------------------------------------------------------ opening

    def _check_name(self) -> None:
        try:
            str(self._place).encode()
        except UnicodeEncodeError:
            raise SinkError(
                f"{shown(self._path)} cannot be written: DuckDB takes names in UTF-8 only"
            ) from None

    def _create(self) -> bool:
        """Make an empty database unless one is there; return whether the whole file is new.

        It is made in a private directory, so that nobody else can ever have opened it.
        """
        place = self._place
        with writing(self._path):
            if place.is_dir():
                raise SinkError(f"{shown(self._path)} is a directory: give the name of a file")
            is_there = place.exists()
            if is_there and not place.is_file():
                raise SinkError(
                    f"{shown(self._path)} is not a file of ours: give another name, or remove it"
                )
            if not is_there:  # a log of a file that somebody has removed would be replayed into it
                self._wal.unlink(missing_ok=True)
            if is_there and place.stat().st_size:
                self._check_magic()
                return False
            with tempfile.TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as private:
                made = Path(private, place.name)
                with speaking(self._path):
                    duckdb.connect(str(made), config={**OFFLINE}).close()
                if is_there:
                    _fill(place, made.read_bytes())
                    return False
                made.chmod(PRIVATE)
                return _move(made, place)

    def _check_magic(self) -> None:
        """Raise :class:`SinkError` unless the file begins as DuckDB files do."""
        # Closing a file drops the locks that the process has on it, a caller's connection's too.
        if _is_open_here(self._place):
            return
        with self._place.open("rb") as file:
            head = file.read(MAGIC_AT + len(MAGIC))
        if not head.endswith(MAGIC) or len(head) != MAGIC_AT + len(MAGIC):
            raise SinkError(f"{shown(self._path)} cannot be written: {NOT_DUCKDB}")

    def _connect(self) -> duckdb.DuckDBPyConnection:
        """Connect, with a private place for rows that do not fit into memory."""
        config: dict[str, str | bool | int | float | list[str]] = {
            **OFFLINE,
            "temp_directory": str(self._spill),
            "memory_limit": MEMORY,
            "threads": 1,
        }
        is_spill_ours = False
        try:
            with writing(self._path), suppress(FileExistsError):
                self._spill.mkdir(PRIVATE_DIRECTORY)
                is_spill_ours = True
            with speaking(self._path):
                return duckdb.connect(str(self._place), config=config)
        except BaseException:
            if is_spill_ours:
                self._remove_spill()
            raise

    def _remove_spilled(self) -> None:
        """Remove what a pull that died has left; the file is ours alone by now."""
        for spilled in self._spill.glob("duckdb_temp*"):
            with suppress(OSError):
                spilled.unlink()

    def _make_tables(self) -> bool:
        """Create our tables unless they are there; return whether they had to be."""
        with self.working() as connection:
            there = {name: connection.execute(COLUMNS_THERE, [name]).fetchall() for name in TABLES}
        if any(there.values()):
            wanted = [(column.name, column.kind.value) for column in COLUMNS]
            if there["sessions"] != wanted or not all(there.values()):
                raise SinkError(
                    f"{shown(self._path)} has a table `sessions` that this version did not make: "
                    "give another file"
                )
            return False
        with self.transaction() as connection:
            for name, columns in TABLES.items():
                connection.execute(f"CREATE TABLE {name} ({columns})")
        return True

    # ------------------------------------------------------------------ working

    @contextmanager
    def working(self) -> Generator[duckdb.DuckDBPyConnection]:
        """Lend the connection; raises :class:`SinkError` for what DuckDB says."""
        assert self._connection is not None
        with speaking(self._path):
            yield self._connection

    @contextmanager
    def transaction(self) -> Generator[duckdb.DuckDBPyConnection]:
        """Lend the connection for one transaction, rolled back if anything fails."""
        with lock, self.working() as connection:
            with writing(self._path):
                # DuckDB would make its log readable for everybody; it takes one that is there.
                os.close(os.open(self._wal, os.O_WRONLY | os.O_CREAT, PRIVATE))
            connection.execute("BEGIN")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with suppress(duckdb.Error):
                    connection.execute("ROLLBACK")
                raise

    def others_can_read(self) -> bool:
        """Whether the file's mode lets users read it who do not own it."""
        if sys.platform == "win32":  # modes say nothing there
            return False
        with suppress(OSError):
            return bool(self._place.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
        return False

    # ------------------------------------------------------------------ closing

    def close(self) -> None:
        """Close the file, and take back what was made for nothing.  May be called again."""
        with lock:
            connection, self._connection = self._connection, None
            if connection is None:
                return
            self._state.pulls -= 1
            if not self._state.pulls:
                del opened[self._place]
                if self._state.has_new_tables:
                    self._take_back(connection)
            with suppress(duckdb.Error):
                connection.close()
            if not self._state.pulls:
                self._remove_spill()

    def _take_back(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Remove our tables, or the whole file, if nothing was ever committed."""
        with suppress(duckdb.Error, OSError):
            if connection.execute("FROM _asyncsessions_streams LIMIT 1").fetchone() is None:
                for name in TABLES:
                    connection.execute(f"DROP TABLE {name}")
                connection.execute("CHECKPOINT")
                if self._state.is_new:
                    # While it is locked: once closed it could be another process's already.
                    self._place.unlink()

    def _remove_spill(self) -> None:
        """Remove the private place for spilled rows, if it is empty as it should be."""
        with suppress(OSError):
            self._spill.rmdir()


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


@contextmanager
def speaking(path: Path, doing: str = "written") -> Generator[None]:
    """Turn what DuckDB says into a :class:`SinkError` of one sentence: what cannot be done."""
    try:
        yield
    except duckdb.Error as error:
        raise SinkError(f"{shown(path)} cannot be {doing}: {_reason(error)}") from None


def open_to_read(path: Path) -> duckdb.DuckDBPyConnection:
    """Connect to a file with our tables without changing anything; raises :class:`SinkError`."""
    if not path.is_file():
        raise SinkError(f"{shown(path)} cannot be read: there is no such file")
    with speaking(path, "read"):
        connection = duckdb.connect(str(path), read_only=True, config={**OFFLINE})
        try:
            if all(connection.execute(COLUMNS_THERE, [name]).fetchall() for name in TABLES):
                return connection
            connection.close()
        except BaseException:
            connection.close()
            raise
    raise SinkError(f"{shown(path)} is no target of ours: it has no books in it")


def _reason(error: duckdb.Error) -> str:
    text = str(error)
    for sign, reason in REASONS.items():
        if sign in text:
            return reason
    return PREFIXES.sub("", text).splitlines()[0]
