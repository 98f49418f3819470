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
    if _is_sorted(untyped):
        return table
    ordered: pa.Table = untyped.sort_by(ORDER)
    return ordered


def _is_sorted(table: Any) -> bool:
    """Whether the rows are in our order; rows from a vendor usually are, and sorting takes copies."""
    arrow, functions = _arrow()
    instants = _whole(arrow, table["started_at"]).cast(arrow.int64())
    is_later = functions.greater(instants[:-1], instants[1:])
    if _all(functions, is_later):
        return True
    ids = _whole(arrow, table["id"])
    is_twin = functions.equal(instants[:-1], instants[1:])
    is_next = functions.and_(is_twin, functions.less_equal(ids[:-1], ids[1:]))
    return _all(functions, functions.or_(is_later, is_next))


def _all(functions: Any, flags: Any) -> bool:
    # A null, which only a damaged file has, is not true.
    return functions.all(flags, skip_nulls=False, min_count=0).as_py() is True


def digest(table: pa.Table) -> str:
    """Return 32 hexadecimal digits for the rows of a table with our columns, in any order."""
    arrow, functions = _arrow()
    schema: Any = arrow_schema()
    untyped: Any = table
    if untyped.schema.names != schema.names or untyped.schema.types != schema.types:
        untyped = untyped.select(schema.names).cast(schema)
    ordered: Any = sorted_rows(untyped)
    total = blake2b(digest_size=16, person=b"sessions-rows-1")
    total.update(ordered.num_rows.to_bytes(8, "little"))
    for column in ordered.columns:
        for part in _parts(arrow, functions, _whole(arrow, column)):
            total.update(part)
    return total.hexdigest()


def _arrow() -> tuple[Any, Any]:
    arrow: Any = import_arrow()
    from pyarrow import compute

    return arrow, compute


def _whole(arrow: Any, column: Any) -> Any:
    """Return a column in one piece."""
    if column.num_chunks == 1:
        return column.chunk(0)
    return arrow.concat_arrays(column.chunks) if column.num_chunks else arrow.array([], column.type)


def _parts(arrow: Any, functions: Any, values: Any) -> list[bytes | memoryview]:
    """Return bytes that together say which values of a column are null and what the others are."""
    kind, count = values.type, len(values)
    is_text = arrow.types.is_string(kind)
    if values.null_count == count:
        width = 4 if is_text else max(kind.bit_width // 8, 1)
        return [b"\1" * count, bytes(width * count)]
    if not values.null_count:
        nulls: bytes | memoryview = bytes(count)
    else:
        nulls = _fixed(functions.is_null(values).cast(arrow.uint8()))
        empty = "" if is_text else False if arrow.types.is_boolean(kind) else 0
        if arrow.types.is_timestamp(kind):
            values = values.view(arrow.int64())
        values = functions.fill_null(values, arrow.scalar(empty, values.type))
    if arrow.types.is_boolean(kind):
        values = values.cast(arrow.uint8())
    if not is_text:
        return [nulls, _fixed(values)]
    _, offsets, data = values.buffers()
    bounds: Any = memoryview(offsets).cast("i")
    begin: int = bounds[values.offset]
    end: int = bounds[values.offset + count]
    lengths = _fixed(functions.binary_length(values))
    return [nulls, lengths, memoryview(data or b"")[begin:end]]


def _fixed(values: Any) -> bytes | memoryview:
    """Return the values of a column of fixed width, byte for byte."""
    width = values.type.bit_width // 8
    begin = values.offset * width
    return memoryview(values.buffers()[-1])[begin : begin + len(values) * width]
