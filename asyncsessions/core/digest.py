"""A digest of rows that says whether two tables hold the same ones.

It is taken over the columns of an Arrow table, in the order of time and id, so that it does not
depend on how a target keeps its rows: a DuckDB table, Parquet files and a Spark frame of the same
sessions have the same digest.  Of each column the nulls and the values are hashed one after the
other, with zero or the empty text in the place of a null, whose bits Arrow leaves open.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal

from asyncsessions.core.columns import arrow_schema, import_arrow

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["digest", "sorted_rows"]

ORDER: list[tuple[str, Literal["ascending", "descending"]]] = [
    ("started_at", "descending"),
    ("id", "ascending"),
]


def sorted_rows(table: pa.Table) -> pa.Table:
    """Return the rows newest first, those of one instant by their ids."""
    untyped: Any = table  # the stubs leave much unknown
    ordered: pa.Table = untyped.sort_by(ORDER)
    return ordered


def digest(table: pa.Table) -> str:
    """Return 32 hexadecimal digits for the rows of a table with our columns, in any order."""
    arrow: Any = import_arrow()
    from pyarrow import compute

    functions: Any = compute
    untyped: Any = table
    ordered: Any = sorted_rows(untyped.select(arrow_schema().names).cast(arrow_schema()))
    total = blake2b(digest_size=16, person=b"sessions-rows-1")
    total.update(ordered.num_rows.to_bytes(8, "little"))
    for column in ordered.columns:
        kind = column.type
        values = arrow.concat_arrays(column.chunks) if column.num_chunks else arrow.array([], kind)
        if arrow.types.is_timestamp(kind):
            values = values.cast(arrow.int64())
        empty = "" if arrow.types.is_string(kind) else False if arrow.types.is_boolean(kind) else 0
        nulls = functions.is_null(values).cast(arrow.uint8())
        filled = functions.fill_null(values, arrow.scalar(empty, values.type))
        if arrow.types.is_boolean(kind):
            filled = filled.cast(arrow.uint8())
        for part in (_fixed(nulls), *_parts(arrow, functions, filled)):
            total.update(part)
    return total.hexdigest()


def _parts(arrow: Any, functions: Any, values: Any) -> list[bytes | memoryview]:
    """Return bytes that together say what the values are; none of them is null."""
    if not arrow.types.is_string(values.type):
        return [_fixed(values)]
    lengths = functions.binary_length(values)
    if not len(values):
        return [_fixed(lengths)]
    _, offsets, data = values.buffers()
    bounds: Any = memoryview(offsets).cast("i")
    begin: int = bounds[values.offset]
    end: int = bounds[values.offset + len(values)]
    return [_fixed(lengths), memoryview(data or b"")[begin:end]]


def _fixed(values: Any) -> bytes | memoryview:
    width = values.type.bit_width // 8
    buffer = values.buffers()[-1]
    begin = values.offset * width
    return b"" if buffer is None else memoryview(buffer)[begin : begin + len(values) * width]
