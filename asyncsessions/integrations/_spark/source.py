"""The data source as Spark knows it: a thin face of :mod:`asyncsessions.integrations._spark.reading`.

Spark makes each of these objects in Python workers of its own and sends them about in pickles, so
they hold options and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pyspark import TaskContext
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition

from asyncsessions.errors import SessionsError
from asyncsessions.integrations._spark.columns import FORMAT, check_schema, ddl, fit
from asyncsessions.integrations._spark.reading import plan, read
from asyncsessions.integrations._spark.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql.types import StructType

__all__ = ["SessionsDataSource"]


class SessionsDataSource(DataSource):
    """Sessions of a vendor: ``spark.read.format("asyncsessions").option("provider", "hum")…``.

    Registered by itself where ``pyspark_asyncsessions`` can be imported, which is wherever this
    package is installed.  Docs: ``docs/spark.md``.
    """

    @classmethod
    def name(cls) -> str:
        """Return the name of the format."""
        return FORMAT

    def schema(self) -> str:
        """Return our columns; raises for options that cannot be, before anything is planned."""
        return ddl(Settings.of(self.options))

    def reader(self, schema: StructType) -> SessionsReader:
        """Return what reads; columns may be left out by giving a schema of fewer."""
        return SessionsReader(Settings.of(self.options), schema)


class SessionsReader(DataSourceReader):
    """Reads the sessions of one DataFrame, anew for each action."""

    def __init__(self, settings: Settings, schema: StructType) -> None:
        self._settings = settings
        self._schema = schema
        check_schema(_arrow(schema), settings)

    def partitions(self) -> list[InputPartition]:
        """Count and divide, on the driver."""
        try:
            return [InputPartition(task) for task in plan(self._settings)]
        except SessionsError as error:
            raise error.with_traceback(
                None
            ) from None  # Spark prints all of it, and the text is enough

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """Read one partition, on an executor."""
        schema = _arrow(self._schema)
        try:
            for batch in read(partition.value, attempt=_attempt()):
                yield fit(batch, schema)
        except SessionsError as error:
            raise error.with_traceback(None) from None


def _arrow(schema: StructType) -> pa.Schema:
    """Return the Arrow schema that Spark expects of batches: it compares them in UTC, always."""
    from pyspark.sql.pandas.types import to_arrow_schema

    return to_arrow_schema(schema, timezone="UTC")


def _attempt() -> int:
    """Return how often this task has been tried before; 0 outside of one."""
    context = TaskContext.get()
    return 0 if context is None else context.attemptNumber()
