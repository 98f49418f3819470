"""The tables that are given to dlt: whole days, each of which replaces what was loaded of it.

A *day* (``started_on``, UTC) is the unit of replacing: dlt deletes all rows of the days that a load
brings, and inserts the new ones.  So a row that changed, moved to another of these days or vanished
is right after the load.  A day of which no row is left would bring nothing and therefore keep its
old rows; it is given as one row with ``is_empty_day``, which dlt takes for the deletion of that day
and never inserts (a *hard delete*).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from asyncsessions.core.columns import arrow_schema, import_arrow
from asyncsessions.engine.proven import WindowTable

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["HINTS", "MERGE_KEY", "day_table", "days_of", "to_midnight"]

MERGE_KEY = ("provider", "started_on")
"""Not the ``id`` as well: with two keys dlt deletes where one *or* the other matches, for which
DuckDB compares each row with each (42,000 rows into a million: minutes instead of 10 ms)."""
HINTS: Mapping[str, Any] = {
    "started_on": {"data_type": "date", "nullable": False},
    "read_at": {"data_type": "timestamp", "nullable": False},
    "is_empty_day": {"data_type": "bool", "nullable": True, "hard_delete": True},
}
"""What dlt is told of the columns that a session does not have."""
DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)


def to_midnight(day: date) -> datetime:
    """Return the first instant of a day, UTC."""
    return datetime.combine(day, time(), UTC)


def days_of(window: WindowTable) -> Iterator[date]:
    """Return the days that a window has a part in, oldest first."""
    day, last = window.start.date(), (window.end - INSTANT).date()
    while day < last:
        yield day
        day += DAY
    yield last


def day_table(
    window: WindowTable, *, provider: str, read_at: datetime, with_empty_days: bool
) -> pa.Table:
    """Return the rows of a window with their days, and a row for each day that has none."""
    arrow: Any = import_arrow()
    rows: Any = window.table
    started_on = rows["started_at"].cast(arrow.date32())
    table = _with_day(arrow, rows, started_on, read_at, is_empty=False)
    if with_empty_days:
        filled = set(started_on.unique().to_pylist())
        if empty := [day for day in days_of(window) if day not in filled]:
            table = arrow.concat_tables([table, _empty(arrow, empty, provider, read_at)])
    found: pa.Table = table
    return found


def _empty(arrow: Any, days: list[date], provider: str, read_at: datetime) -> Any:
    values = {
        "provider": [provider] * len(days),
        "id": [f"no session on {day}" for day in days],
        "started_at": [to_midnight(day) for day in days],
    }
    schema: Any = arrow_schema()
    columns = [
        arrow.array(values[field.name], field.type)
        if field.name in values
        else arrow.nulls(len(days), field.type)
        for field in schema
    ]
    rows = arrow.Table.from_arrays(columns, schema=schema)
    return _with_day(arrow, rows, arrow.array(days, arrow.date32()), read_at, is_empty=True)


def _with_day(arrow: Any, rows: Any, days: Any, read_at: datetime, *, is_empty: bool) -> Any:
    instant = arrow.timestamp("us", tz="UTC")
    added = {
        arrow.field("started_on", arrow.date32(), nullable=False): days,
        arrow.field("read_at", instant, nullable=False): arrow.scalar(read_at, instant),
        arrow.field("is_empty_day", arrow.bool_()): arrow.scalar(is_empty),
    }
    for column, value in added.items():
        is_one = isinstance(value, arrow.Scalar)
        values = arrow.repeat(value, rows.num_rows) if is_one else value
        rows = rows.append_column(column, values)
    return rows
