"""Sessions in Spark: landed once as Parquet, then asked as often as one likes.

Against the fakes, with the extra ``spark`` and Java 17::

    python -m asyncsessions.testing -- python examples/spark_read.py
"""

from __future__ import annotations

import os
import sys
from tempfile import TemporaryDirectory

from pyspark.sql import SparkSession

from asyncsessions.integrations.spark import land


def main(folder: str) -> None:
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    landed = land(
        spark,
        provider="hum",
        base_url=os.environ["HUM_BASE_URL"],  # with an account: environment="production"
        start="2026-01-01",
        end="2026-03-31",
        rows_per_partition=1_000,
        max_concurrency=8,
        to=f"{folder}/sessions",
        with_digest=True,
    )
    print(f"{landed.rows} sessions landed as {landed.format}, digest {landed.digest}")
    spark.read.parquet(landed.path).groupBy("campaign").count().orderBy("campaign").show()
    spark.stop()


if __name__ == "__main__":
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # else the workers are any python3
    with TemporaryDirectory() as folder:
        main(folder)
