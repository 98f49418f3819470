"""Registers the format ``asyncsessions`` with Spark, which looks for modules named ``pyspark_…``.

Spark imports every such module whenever it first looks for a Python data source, and one that fails
takes all of them with it: nothing but the source itself is imported here.
"""

from __future__ import annotations

try:
    import pyspark as _  # noqa: F401 - only to see whether it is there
except ImportError:
    raise ImportError(
        'the Spark integration needs an extra: pip install "asyncsessions[spark]"',
        name="pyspark",
    ) from None

from asyncsessions.integrations._spark.source import SessionsDataSource as DefaultSource

__all__ = ["DefaultSource"]
