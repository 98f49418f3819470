"""A DuckDB file of ours: private, checked, and written by one process at a time."""

from __future__ import annotations

import os
import stat
import sys
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

import duckdb
from attrs import define, field

from asyncsessions.core.columns import COLUMNS
from asyncsessions.errors import SinkError
from asyncsessions.sinks.duckdb_books import TABLES, TENANT, DuckDBBooks
from asyncsessions.sinks.duckdb_making import OFFLINE, make_file
from asyncsessions.sinks.duckdb_words import speaking
from asyncsessions.sinks.locks import PRIVATE, PRIVATE_DIRECTORY
from asyncsessions.sinks.partial import writing
from asyncsessions.sinks.wording import shown

__all__ = ["DuckDBFile", "open_to_read"]

MEMORY = "48MB"
"""For DuckDB's own buffers; a window takes a few, and what does not fit is written to the disk."""

LOG = "48MB"
"""So much waits in DuckDB's log before it is moved into the file.

Each time the last rows in the file are compressed anew: with DuckDB's 16 MB that takes twice as long.
"""

MOST_TOGETHER = 32
"""So many pulls share a transaction at most; what they have read waits in memory meanwhile."""

T = TypeVar("T")
FIND_COLUMNS = """
    SELECT table_name, column_name, data_type FROM duckdb_columns()
    WHERE database_name = current_database() AND schema_name = 'main'
    ORDER BY column_index
"""

lock = RLock()
"""For opening and closing files; their transactions have locks of their own."""


@define(eq=False)
class Step:
    """What one pull wants to have done in a transaction, and what came of it."""

    work: Callable[[DuckDBBooks], Any]
    is_done: bool = False
    result: Any = None
    error: BaseException | None = None


@define
class Opened:
    """A file that pulls of this process have open, and what the first of them had to make.

    DuckDB lets one process open a file twice: then its pulls take turns at the ``lock``.  ``steps`` wait for their transaction, from the first on.
    """

    is_new: bool
    pulls: int = 0
    has_new_tables: bool = False
    has_tenants: bool = False
    steps: deque[Step] = field(factory=deque[Step])
    lock: Any = field(factory=RLock)


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
            self._state = opened.get(self._place) or Opened(
                is_new=make_file(self._place, wal=self._wal, target=path)
            )
            self._connection: duckdb.DuckDBPyConnection | None = self._connect()
            if not self._state.pulls:
                self._remove_spilled()
            self._state.pulls += 1
            opened[self._place] = self._state
            try:
                if self._state.pulls == 1:  # nobody else can have altered them since
                    self._state.has_new_tables = self._make_tables()
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

    def _connect(self) -> duckdb.DuckDBPyConnection:
        """Connect, with a private place for rows that do not fit into memory."""
        config: dict[str, str | bool | int | float | list[str]] = {
            **OFFLINE,
            "temp_directory": str(self._spill),
            "memory_limit": MEMORY,
            "threads": 1,
            "wal_autocheckpoint": LOG,
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
            there = _columns_of_ours(connection)
        if there:
            wanted = [(column.name, column.kind.value) for column in COLUMNS]
            self._state.has_tenants = there.get("sessions") == [*wanted, (TENANT, "VARCHAR")]
            is_ours = self._state.has_tenants or there.get("sessions") == wanted
            if not is_ours or len(there) < len(TABLES):
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
        with self._state.lock, self.working() as connection:
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

    @property
    def has_tenants(self) -> bool:
        """Whether the tables have the column of tenants by now."""
        return self._state.has_tenants

    def books(self, connection: duckdb.DuckDBPyConnection) -> DuckDBBooks:
        """Return the books behind a connection that was lent."""
        return DuckDBBooks(connection, has_tenants=self.has_tenants)

    def change(self, work: Callable[[DuckDBBooks], T]) -> T:
        """Do something with the books and the rows, in one transaction: all of it or nothing.

        What other pulls of this process want to have done meanwhile shares the transaction, and so
        the wait for the disk.  Where it fails, each gets one of its own.
        """
        step = Step(work)
        self._state.steps.append(step)
        with self._state.lock:
            if not step.is_done:
                waiting = self._state.steps
                group = [waiting.popleft() for _ in range(min(len(waiting), MOST_TOGETHER))]
                if step not in group:
                    waiting.remove(step)
                    group.append(step)
                self._change_together(group)
        if step.error is not None:
            raise step.error
        result: T = step.result
        return result

    def _change_together(self, group: Sequence[Step]) -> None:
        try:
            self._do(group)
        except BaseException as error:  # noqa: BLE001 - raised by whoever it belongs to
            if len(group) == 1:
                group[0].error = error
            else:
                for step in group:
                    self._change_together([step])
        for step in group:
            step.is_done = True

    def _do(self, group: Sequence[Step]) -> None:
        with self.transaction() as connection:
            books = self.books(connection)
            results = [step.work(books) for step in group]
        self._state.has_tenants = books.has_tenants
        for step, result in zip(group, results, strict=True):
            step.result = result

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


def _columns_of_ours(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[str, str]]]:
    """Return name and type of the columns of those of our tables that are there."""
    there: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind in connection.execute(FIND_COLUMNS).fetchall():
        if table in TABLES:
            there.setdefault(table, []).append((column, kind))
    return there


def open_to_read(path: Path) -> duckdb.DuckDBPyConnection:
    """Connect to a file with our tables without changing anything; raises :class:`SinkError`."""
    if not path.is_file():
        raise SinkError(f"{shown(path)} cannot be read: there is no such file")
    with speaking(path, "read"):
        connection = duckdb.connect(str(path), read_only=True, config={**OFFLINE})
        try:
            if len(_columns_of_ours(connection)) == len(TABLES):
                return connection
            connection.close()
        except BaseException:
            connection.close()
            raise
    raise SinkError(f"{shown(path)} is no target of ours: it has no books in it")
