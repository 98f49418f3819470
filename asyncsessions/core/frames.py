"""Tables for analysis: Arrow with the report in its metadata, and polars and pandas made of that.

All three are imported on use; whoever asks for a frame is told at once which extra is missing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from asyncsessions.core.columns import arrow_schema, import_arrow
from asyncsessions.core.report import Report
from asyncsessions.errors import ConfigurationError

if TYPE_CHECKING:
    from types import ModuleType

    import pandas as pd
    import polars as pl
    import pyarrow as pa

__all__ = [
    "REPORT_KEY",
    "import_pandas",
    "import_polars",
    "pandas_of",
    "polars_of",
    "table_of",
]

REPORT_KEY = "asyncsessions.report"
"""Where a table and a pandas frame keep the report of the pull that brought them."""
POLARS_IS_MISSING = 'frames of polars need an extra: pip install "asyncsessions[polars]"'
PANDAS_IS_MISSING = 'frames of pandas need an extra: pip install "asyncsessions[pandas]"'


def import_polars() -> ModuleType:
    """Return polars; raises :class:`ConfigurationError` where it or pyarrow is not installed."""
    import_arrow(POLARS_IS_MISSING)
    try:
        import polars as pl
    except ImportError:
        raise ConfigurationError(POLARS_IS_MISSING) from None
    return pl


def import_pandas() -> ModuleType:
    """Return pandas; raises :class:`ConfigurationError` where it or pyarrow is not installed."""
    import_arrow(PANDAS_IS_MISSING)
    try:
        import pandas as pd
    except ImportError:
        raise ConfigurationError(PANDAS_IS_MISSING) from None
    return pd


def table_of(batches: Sequence[pa.RecordBatch], report: Report) -> pa.Table:
    """Return the batches as one table, which tells the report as JSON in its schema's metadata."""
    table: pa.Table = import_arrow().Table.from_batches(batches, schema=arrow_schema())
    return table.replace_schema_metadata({REPORT_KEY: json.dumps(report.to_dict())})


def polars_of(table: pa.Table) -> pl.DataFrame:
    """Return the table as a frame of polars, which has no place for a report."""
    frame: pl.DataFrame = import_polars().from_arrow(table)
    return frame


def pandas_of(table: pa.Table) -> pd.DataFrame:
    """Return the table as a frame of pandas, with the report in its ``attrs``.

    Whole numbers and flags are pandas' nullable ones, for the usual way makes floats and objects
    of them as soon as one is missing.  Text is ``string[pyarrow]``, whatever the version.
    """
    pandas, arrow = import_pandas(), import_arrow()
    types: dict[Any, Any] = {
        arrow.string(): pandas.StringDtype("pyarrow"),
        arrow.int64(): pandas.Int64Dtype(),
        arrow.bool_(): pandas.BooleanDtype(),
    }
    whole: Any = table  # not every version of pyarrow's stubs knows all of its arguments
    frame: pd.DataFrame = whole.to_pandas(types_mapper=types.get)
    frame.attrs[REPORT_KEY] = json.loads(whole.schema.metadata[REPORT_KEY.encode()])
    return frame
