"""The columns that Spark gets: ours, a tenant before them, and reports behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asyncsessions.core.columns import COLUMNS, Kind, arrow_schema, import_arrow
from asyncsessions.errors import ConfigurationError

if TYPE_CHECKING:
    import pyarrow as pa

    from asyncsessions.integrations._spark.settings import Settings

__all__ = ["FORMAT", "REPORT", "TENANT", "check_schema", "ddl", "dressed", "fit", "report_row"]

FORMAT = "asyncsessions"
"""The name of the source, as in ``spark.read.format(…)``."""
TENANT = "tenant"
REPORT = "report"
TYPES = {
    Kind.TEXT: "STRING",
    Kind.INTEGER: "BIGINT",
    Kind.NUMBER: "DOUBLE",
    Kind.FLAG: "BOOLEAN",
    Kind.INSTANT: "TIMESTAMP",
}


def ddl(settings: Settings) -> str:
    """Return the columns of a read as Spark's DDL.

    Rows of reports hold nothing else, so with them every column may be null.
    """
    columns = [(column.name, TYPES[column.kind], column.is_required) for column in COLUMNS]
    if settings.tenants is not None:
        columns.insert(0, (TENANT, "STRING", True))
    if settings.with_reports:
        columns = [(name, kind, False) for name, kind, _ in [*columns, (REPORT, "STRING", False)]]
    return ", ".join(
        f"{name} {kind}{' NOT NULL' if is_required else ''}" for name, kind, is_required in columns
    )


def whole_schema(settings: Settings) -> pa.Schema:
    """Return the same as an Arrow schema."""
    arrow: Any = import_arrow()
    fields = list[Any](arrow_schema())
    if settings.tenants is not None:
        fields.insert(0, arrow.field(TENANT, arrow.string(), nullable=False))
    if settings.with_reports:
        fields = [each.with_nullable(nullable=True) for each in fields]
        fields.append(arrow.field(REPORT, arrow.string()))
    schema: pa.Schema = arrow.schema(fields)
    return schema


def check_schema(schema: pa.Schema, settings: Settings) -> None:
    """Refuse a schema that is not some of the columns; raises :class:`ConfigurationError`."""
    ours: Any = whole_schema(settings)
    fields: Any = schema
    names = [wanted.name for wanted in fields]
    for wanted in fields:
        name = wanted.name
        if names.count(name) > 1:
            raise ConfigurationError(f"the schema has the column {name} twice")
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


def dressed(batch: pa.RecordBatch, settings: Settings, tenant: str | None) -> pa.RecordBatch:
    """Return a batch of our columns with those that come on top of them."""
    arrow: Any = import_arrow()
    untyped: Any = batch
    schema: Any = whole_schema(settings)
    own = {
        TENANT: lambda: arrow.repeat(arrow.scalar(tenant, arrow.string()), len(untyped)),
        REPORT: lambda: arrow.nulls(len(untyped), arrow.string()),
    }
    columns = [own[name]() if name in own else untyped.column(name) for name in schema.names]
    whole: pa.RecordBatch = arrow.RecordBatch.from_arrays(columns, schema=schema)
    return whole


def report_row(text: str, settings: Settings, tenant: str | None) -> pa.RecordBatch:
    """Return a row that holds a report, and whose it is."""
    arrow: Any = import_arrow()
    schema: Any = whole_schema(settings)
    held = {TENANT: tenant, REPORT: text}
    columns = [arrow.array([held.get(each.name)], type=each.type) for each in schema]
    row: pa.RecordBatch = arrow.RecordBatch.from_arrays(columns, schema=schema)
    return row


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
