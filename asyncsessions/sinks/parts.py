"""Parts: files of one window each, written in one step, and what is read back of them.

The parts of a dataset are Parquet.  Those that wait to be joined into one file are Arrow's own
format (``.arrow``), which takes a fifth of the time to write and to read.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from errno import EINVAL
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.ipc
import pyarrow.parquet

from asyncsessions.core.columns import COLUMNS, Kind, arrow_schema
from asyncsessions.core.tiles import Span
from asyncsessions.errors import SinkError
from asyncsessions.sinks.locks import PRIVATE, PRIVATE_DIRECTORY
from asyncsessions.sinks.partial import writing
from asyncsessions.sinks.replacing import sync_directory
from asyncsessions.sinks.wording import shown

__all__ = [
    "ARROW",
    "COMPRESSION",
    "DICTIONARIES",
    "PARQUET",
    "compute",
    "has_our_columns",
    "parquet",
    "part_name",
    "private_file",
    "read_part",
    "rows_in",
    "write_part",
    "writing_parquet",
]

# The stubs of pyarrow leave much of both unknown.
compute: Any = pyarrow.compute
ipc: Any = pyarrow.ipc
parquet: Any = pyarrow.parquet

ARROW, PARQUET = ".arrow", ".parquet"
COMPRESSION = "zstd"
QUICKLY = ipc.IpcWriteOptions(compression="lz4")
TENANT = "tenant"
"""The name of the column, the last one, that parts of a tenant's sessions have besides."""
UNIQUE = {"id", "raw"}
DICTIONARIES = [
    column.name
    for column in COLUMNS
    if column.kind in {Kind.TEXT, Kind.INTEGER} and column.name not in UNIQUE
]
"""The columns of sessions in which values repeat; elsewhere a dictionary only costs."""
NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


@contextmanager
def writing_parquet(target: Path) -> Generator[None]:
    """Turn what the system or pyarrow says against writing a target into a :class:`SinkError`."""
    try:
        with writing(target):
            yield
    except pa.ArrowException:
        # What pyarrow says may quote a value.
        problem = SinkError(f"{shown(target)} cannot be written: pyarrow refuses the rows")
    else:
        return
    raise problem


@contextmanager
def private_file(path: Path) -> Generator[IO[bytes]]:
    """Make a file anew that is its owner's alone, to be filled and then synced; or remove it."""
    path.unlink(missing_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_FOLLOW, PRIVATE)
    try:
        with os.fdopen(fd, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        raise


def part_name(span: Span, digest: str, ending: str, *, stream: str = "") -> str:
    """Return the name of a part, which says what is in it: no other rows ever have that name."""
    lead = f"{stream}-" if stream else ""
    return f"{lead}{span.lo}-{digest[:16]}{ending}"


def write_part(
    path: Path,
    table: pa.Table,
    *,
    dictionaries: Sequence[str] = DICTIONARIES,
    tenant: str | None = None,
) -> None:
    """Write a table durably in one step, with its folder; raises ``OSError`` and pyarrow's errors.

    ``dictionaries``: the columns that Parquet keeps as one, where values repeat.  ``tenant`` becomes
    a column of its own, ``None`` none.
    """
    if tenant is not None:
        table, dictionaries = _with_tenant(table, tenant), (*dictionaries, TENANT)
    with suppress(FileExistsError):
        path.parent.mkdir(PRIVATE_DIRECTORY)
        sync_directory(path.parent.parent)
    written = path.with_name(path.name + ".tmp")
    with private_file(written) as file:
        if path.suffix == ARROW:
            with ipc.new_file(file, table.schema, options=QUICKLY) as writer:
                writer.write_table(table)
        else:
            dictionary = list(dictionaries)
            parquet.write_table(table, file, compression=COMPRESSION, use_dictionary=dictionary)
    try:
        written.replace(path)
    except BaseException:
        with suppress(OSError):
            written.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def read_part(path: Path, *, rows: int | None = None) -> pa.Table:
    """Return what is in a part, which must have so many ``rows`` (``None`` = any number).

    The column of tenants is left out.  Raises :class:`SinkError` if that cannot be read.
    """
    try:
        with path.open("rb") as file:
            if path.suffix == ARROW:
                table: pa.Table = ipc.open_file(file).read_all()
                if _is_ours(table.schema):
                    table.validate(full=True)  # nothing else looks whether it is damaged
            else:
                table = _without_tenant(parquet.ParquetFile(file).read())
    except OSError as error:
        # EINVAL: a place in the file that is none; nobody else asks the system for one.
        is_damaged = error.errno in {None, EINVAL}
        problem = "it is damaged" if is_damaged else str(error.strerror)
    # ValueError: of a name that is no text any more; MemoryError: of a length that is none any more.
    except (pa.ArrowException, ValueError, MemoryError):
        problem = "it is damaged"
    else:
        if rows in {None, table.num_rows} and _is_ours(table.schema):
            return table
        problem = "it is not what was written there"
    raise SinkError(f"{shown(path)} cannot be read: {problem}")


def has_our_columns(path: Path) -> bool:
    """Whether a file is a whole Parquet file of sessions; raises ``OSError`` if it cannot be opened."""
    with path.open("rb") as file:
        try:
            return _is_ours(parquet.read_schema(file))
        except (pa.ArrowException, OSError):  # a broken footer is an OSError without a number
            return False


def _with_tenant(table: pa.Table, tenant: str) -> pa.Table:
    arrow: Any = pa
    values = arrow.repeat(tenant, table.num_rows)
    longer: pa.Table = table.append_column(
        arrow.field(TENANT, arrow.string(), nullable=False), values
    )
    return longer


def _without_tenant(table: pa.Table) -> pa.Table:
    return table.drop_columns([TENANT]) if TENANT in table.column_names else table


def _is_ours(found: pa.Schema) -> bool:
    ours = arrow_schema()
    return (found.names, found.types) == (ours.names, ours.types)


def rows_in(table: pa.Table, span: Span) -> pa.Table:
    """Return the rows of a table of sessions whose instants lie in a span, in their order."""
    instants = compute.cast(table["started_at"], pa.int64())
    begun = compute.greater_equal(instants, span.lo)
    inside = compute.and_(begun, compute.less(instants, span.hi))
    rows: pa.Table = compute.filter(table, inside)
    return rows
