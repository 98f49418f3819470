"""The flat columns of a session, declared once; whatever lists columns derives from here.

A nested value is named after its place: ``conversion.at`` is ``conversion_at``.  ``duration``
becomes ``duration_s``, a number of seconds.  Every column but the first three may be null.  A
part of which the vendor said nothing (``address=Address()``) looks like a part that is not there
(``address=None``), and the cart of a ``SessionDetail`` has no place in a flat row.

pyarrow is imported on use: everything else here works without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from asyncsessions.core.records import Session
from asyncsessions.core.rows import SentRows, in_order
from asyncsessions.core.windows import EPOCH
from asyncsessions.errors import ConfigurationError, SinkError

if TYPE_CHECKING:
    from types import ModuleType

    import pyarrow as pa

__all__ = [
    "COLUMNS",
    "Column",
    "Kind",
    "arrow_schema",
    "column_definitions",
    "columns_of",
    "csv_header",
    "import_arrow",
    "ordered_table",
    "to_batch",
    "to_table",
]

TABLES_NEED_ARROW = 'tables need pyarrow: pip install "asyncsessions[arrow]"'


class Kind(Enum):
    """What a column holds; the value is its type in DuckDB."""

    TEXT = "VARCHAR"
    INTEGER = "BIGINT"
    NUMBER = "DOUBLE"
    FLAG = "BOOLEAN"
    INSTANT = "TIMESTAMP WITH TIME ZONE"


def _same(value: Any) -> Any:
    return value


def _seconds(value: Any) -> float:
    seconds: float = value.total_seconds()
    return seconds


def _text(value: bytes) -> str:
    # JSON is UTF-8; one wrong byte in a text that nobody reads must not cost the whole row.
    return value.decode(errors="replace")


@frozen
class Column:
    """A column: its name, what it holds, and where in a :class:`Session` that is.

    ``part`` is the record that holds it (``None`` = the session itself), ``attribute`` its name
    there, ``flatten`` makes the flat value of one that is not ``None``.
    """

    name: str
    kind: Kind
    part: str | None
    attribute: str
    is_required: bool = False
    flatten: Callable[[Any], Any] = field(default=_same, repr=False)

    def of(self, session: Session) -> Any:
        """Return the value of one session; ``None`` = the vendor did not say."""
        holder = session if self.part is None else getattr(session, self.part)
        value = None if holder is None else getattr(holder, self.attribute)
        return None if value is None else self.flatten(value)


def _of(part: str, **kinds: Kind) -> tuple[Column, ...]:
    return tuple(Column(f"{part}_{name}", kind, part, name) for name, kind in kinds.items())


COLUMNS: tuple[Column, ...] = (
    Column("provider", Kind.TEXT, None, "provider", is_required=True),
    Column("id", Kind.TEXT, None, "id", is_required=True),
    Column("started_at", Kind.INSTANT, None, "started_at", is_required=True),
    Column("campaign", Kind.TEXT, None, "campaign"),
    Column("source", Kind.TEXT, None, "source"),
    Column("medium", Kind.TEXT, None, "medium"),
    Column("content", Kind.TEXT, None, "content"),
    Column("term", Kind.TEXT, None, "term"),
    Column("landing_page", Kind.TEXT, None, "landing_page"),
    *_of(
        "address",
        street1=Kind.TEXT,
        street2=Kind.TEXT,
        city=Kind.TEXT,
        state=Kind.TEXT,
        zip=Kind.TEXT,
    ),
    Column("furthest_step", Kind.INTEGER, None, "furthest_step"),
    *_of(
        "order",
        number=Kind.TEXT,
        ordered_at=Kind.INSTANT,
        installed=Kind.FLAG,
        installed_at=Kind.INSTANT,
        commission_cents=Kind.INTEGER,
    ),
    *_of(
        "conversion",
        at=Kind.INSTANT,
        email=Kind.TEXT,
        page=Kind.TEXT,
        previous_page=Kind.TEXT,
    ),
    *_of("exit", at=Kind.INSTANT, page=Kind.TEXT, previous_page=Kind.TEXT),
    Column("duration_s", Kind.NUMBER, None, "duration", flatten=_seconds),
    Column("raw", Kind.TEXT, None, "raw", flatten=_text),
)
"""All columns, in the order of every table and file."""


def csv_header() -> list[str]:
    """Return the names of the columns, in order."""
    return [column.name for column in COLUMNS]


def column_definitions() -> str:
    """Return the columns as in DuckDB's ``CREATE TABLE``."""
    return ", ".join(
        f'"{column.name}" {column.kind.value}{" NOT NULL" if column.is_required else ""}'
        for column in COLUMNS
    )


def import_arrow(missing: str = TABLES_NEED_ARROW) -> ModuleType:
    """Return pyarrow, or raise :class:`ConfigurationError` with the sentence for one ``missing``."""
    try:
        import pyarrow as pa
    except ImportError:
        raise ConfigurationError(missing) from None
    return pa


def arrow_schema() -> pa.Schema:
    """Return the Arrow schema of the columns: times in microseconds UTC, ``duration_s`` float64.

    Raises :class:`ConfigurationError` where pyarrow is not installed.
    """
    arrow = import_arrow()
    types = {
        Kind.TEXT: arrow.string(),
        Kind.INTEGER: arrow.int64(),
        Kind.NUMBER: arrow.float64(),
        Kind.FLAG: arrow.bool_(),
        Kind.INSTANT: arrow.timestamp("us", tz="UTC"),
    }
    schema: pa.Schema = arrow.schema(
        [arrow.field(c.name, types[c.kind], nullable=not c.is_required) for c in COLUMNS]
    )
    return schema


def to_table(sessions: Iterable[Session]) -> pa.Table:
    """Return the sessions as an Arrow table, in their order, always of :func:`arrow_schema`.

    Raises :class:`ConfigurationError` where pyarrow is not installed, and :class:`SinkError`
    naming the column for a value that its type cannot hold.
    """
    batch = to_batch(sessions if isinstance(sessions, Sequence) else list(sessions))
    table: pa.Table = import_arrow().Table.from_batches([batch])
    return table


def to_batch(sessions: Sequence[Session]) -> pa.RecordBatch:
    """Return the same as one Arrow record batch."""
    arrow = import_arrow()
    schema: Any = arrow_schema()
    columns = columns_of(sessions)
    arrays = [
        _array(arrow, column, columns[column.name], data_type)
        if column.name in columns
        else arrow.nulls(len(sessions), data_type)
        for column, data_type in zip(COLUMNS, schema.types, strict=True)
    ]
    batch: pa.RecordBatch = arrow.RecordBatch.from_arrays(arrays, schema=schema)
    return batch


def columns_of(sessions: Sequence[Session]) -> Mapping[str, Sequence[Any]]:
    """Return the flat values by the name of their column; columns without any may be left out."""
    return sessions.columns() if isinstance(sessions, SentRows) else dict(_by_column(sessions))


def ordered_table(sessions: Sequence[Session]) -> pa.Table:
    """Return the same, newest first, those of one instant by their ids."""
    rows = sessions.in_order() if isinstance(sessions, SentRows) else in_order(sessions)
    return to_table(rows)


def _array(arrow: Any, column: Column, values: Sequence[Any], data_type: Any) -> Any:
    try:
        if column.kind is Kind.INSTANT:
            return _instants(arrow, values, data_type)
        return arrow.array(values, type=data_type)
    except (ValueError, TypeError, OverflowError):  # ArrowInvalid is a ValueError
        problem = SinkError(f"a value of the column {column.name} is no {column.kind.value}")
    raise problem


def _instants(arrow: Any, values: Sequence[Any], data_type: Any) -> Any:
    """Return aware times as an array; by way of durations, which takes a third of the time."""
    since = [None if value is None else value - EPOCH for value in values]
    return arrow.array(since, type=arrow.duration("us")).view(data_type)


def _by_column(rows: Sequence[Session]) -> Iterable[tuple[str, list[Any]]]:
    """Yield the values of one column after the other; each part is looked up once a row."""
    part, holders = None, list[Any](rows)
    for column in COLUMNS:
        if column.part != part:
            part = column.part
            holders = list(rows) if part is None else list(map(attrgetter(part), rows))
        name, flatten = column.attribute, column.flatten
        values = [None if holder is None else getattr(holder, name) for holder in holders]
        if flatten is not _same:
            values = [None if value is None else flatten(value) for value in values]
        yield column.name, values
