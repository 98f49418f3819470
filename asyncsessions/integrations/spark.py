"""Read sessions with Spark; needs ``pip install "asyncsessions[spark]"`` on driver and executors.

The whole of it::

    from asyncsessions.integrations.spark import land

    landed = land(spark, provider="hum", environment="production", start="2026-01-01", to=path)
    spark.read.parquet(landed.path).groupBy("campaign").count().show()

``spark.read.format("asyncsessions").option(…).load()`` is the same as a DataFrame of which every
action asks the vendor again.  Tokens come from the environment; what else there is to know is in
``docs/spark.md``.
"""

from __future__ import annotations

try:
    import pyspark as _  # noqa: F401 - only to see whether it is there
except ImportError:
    raise ImportError(
        'the Spark integration needs an extra: pip install "asyncsessions[spark]"',
        name="pyspark",
    ) from None

from asyncsessions.integrations._spark.landing import Landed, land
from asyncsessions.integrations._spark.outcomes import Outcome
from asyncsessions.integrations._spark.source import SessionsDataSource

__all__ = ["Landed", "Outcome", "SessionsDataSource", "land"]
