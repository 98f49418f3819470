"""One Spark for all tests: a session takes ten seconds to start, and its first workers as long."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from shutil import which

import pytest

from asyncsessions.testing import ATTRIBUTIONHUB_KEY, HUM_TOKEN

ROOT = Path(__file__).parents[2]

# `make test-spark` has an environment of its own: pyspark is half a gigabyte.
if find_spec("pyspark") is None:
    collect_ignore_glob = ["test_*.py"]

REDACTION = "(?i)secret|password|token|access[.]?key|api.?key"
"""As docs/spark.md says: what Spark comes with, and names like ATTRIBUTIONHUB_API_KEY."""
ENVIRONMENT = {
    "HUM_API_TOKEN": HUM_TOKEN,
    "ATTRIBUTIONHUB_API_KEY": ATTRIBUTIONHUB_KEY,
    "ACME_KEY": HUM_TOKEN,
    "BOLT_KEY": ATTRIBUTIONHUB_KEY,
    "SHUT_KEY": "a-token-that-is-refused",
    "PYSPARK_PYTHON": sys.executable,  # else the workers are whatever python3 is
    "PYTHONPATH": str(ROOT),  # the workers import functions of the tests
    "SPARK_LOCAL_IP": "127.0.0.1",
}


@pytest.fixture(scope="session")
def event_log(tmp_path_factory):
    """Where Spark writes down everything that it does."""
    return tmp_path_factory.mktemp("events")


@pytest.fixture(scope="session")
def spark(event_log):
    """Two cores, and up to four attempts for each task."""
    if which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.fail("Spark needs Java 17 or later")
    from pyspark.sql import SparkSession

    before = dict(os.environ)
    os.environ.update(ENVIRONMENT)
    session = (
        SparkSession.builder.master("local[2,4]")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.eventLog.enabled", "true")
        .config("spark.eventLog.dir", event_log.as_uri())
        .config("spark.eventLog.compress", "false")
        .config("spark.executorEnv.HUM_API_TOKEN", HUM_TOKEN)
        .config("spark.executorEnv.ATTRIBUTIONHUB_API_KEY", ATTRIBUTIONHUB_KEY)
        .config("spark.redaction.regex", REDACTION)
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("OFF")  # failures are told by what the tests assert
    yield session
    session.stop()
    os.environ.clear()
    os.environ.update(before)
