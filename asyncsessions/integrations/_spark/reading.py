"""Planning on the driver and reading in a task: all that does not need to know what Spark is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from asyncsessions.core.columns import COLUMNS, Kind, arrow_schema, import_arrow
from asyncsessions.engine.batches import WHOLE_TABLE
from asyncsessions.errors import ConfigurationError
from asyncsessions.integrations._spark.settings import Settings
from asyncsessions.integrations._spark.shares import Task, tasks_of

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["check_schema", "ddl", "fit", "plan", "read"]

TYPES = {
    Kind.TEXT: "STRING",
    Kind.INTEGER: "BIGINT",
    Kind.NUMBER: "DOUBLE",
    Kind.FLAG: "BOOLEAN",
    Kind.INSTANT: "TIMESTAMP",
}


def ddl() -> str:
    """Return the columns as Spark's DDL: those of all our tables."""
    return ", ".join(
        f"{column.name} {TYPES[column.kind]}{' NOT NULL' if column.is_required else ''}"
        for column in COLUMNS
    )


def plan(settings: Settings) -> list[Task]:
    """Count what there is, with one request a window, and divide it and the limits into tasks.

    The end is fixed here, so that all tasks see the same one.  Raises what asking raises, and
    :class:`BudgetExceededError` for a read that ``max_requests`` does not allow.
    """
    limits = settings.limits
    with settings.client(settings.secret()) as client:
        question = settings.ask(client, max_requests=limits.max_requests)
        parts = question.parts(settings.rows_per_partition, most=limits.most_parts)
    return tasks_of(parts, limits)


def read(settings: Settings, task: Task, *, attempt: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a task as record batches; ``attempt`` counts from 0.

    The loop and its connections live as long as the iteration: workers are used again, and each
    task needs its own.  Raises what iterating raises.
    """
    share = task.share
    budget = share.budget(attempt)
    client = settings.client(
        settings.secret(),
        concurrency=share.concurrency,
        requests_per_second=share.requests_per_second,
    )
    with client:
        question = settings.ask(client, max_requests=budget)
        if share.requests_per_second is not None and task.part.requests:
            # The task that had this share before may have sent a request just now.
            time.sleep(1 / share.requests_per_second)
        with question.batches(WHOLE_TABLE, part=task.part) as batches:
            yield from batches


def check_schema(schema: pa.Schema) -> None:
    """Refuse a schema that is not some of our columns; raises :class:`ConfigurationError`."""
    ours: Any = arrow_schema()
    fields: Any = schema
    for wanted in fields:
        name = wanted.name
        if name not in ours.names:
            raise ConfigurationError(
                f"there is no column {name}: there are {', '.join(ours.names)}"
            )
        own = ours.field(name)
        if wanted.type != own.type or (own.nullable and not wanted.nullable):
            raise ConfigurationError(
                f"the column {name} is {own.type}{'' if own.nullable else ' not null'}, "
                f"not {wanted.type}{'' if wanted.nullable else ' not null'}"
            )


def fit(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return the columns that a checked schema has, with exactly that schema.

    Spark compares schemas with all of their details, and reads memory as the schema says.
    """
    if batch.schema.equals(schema, check_metadata=True):
        return batch
    arrow: Any = import_arrow()
    untyped: Any = batch
    columns = [untyped.column(name) for name in schema.names]
    fitted: pa.RecordBatch = arrow.RecordBatch.from_arrays(columns, schema=schema)
    return fitted
