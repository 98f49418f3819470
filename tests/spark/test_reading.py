"""A DataFrame of a real Spark: the rows of a pull, bought once, however its tasks fare."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pyarrow as pa
import pytest
from pyarrow import parquet

from asyncsessions import IncompleteError
from asyncsessions.core.columns import COLUMNS, arrow_schema
from asyncsessions.core.digest import digest
from asyncsessions.integrations._spark.landing import told
from asyncsessions.integrations._spark.source import SessionsDataSource
from asyncsessions.testing import ATTRIBUTIONHUB_KEY, HUM_TOKEN, Drift, FakeHum
from tests.spark.reading import FAKES, RANGE, asked, frame_of, options_of

pytestmark = [pytest.mark.spark, pytest.mark.timeout(300), pytest.mark.filterwarnings("default")]


def pulled(fake, vendor, target):
    """Return the table that the command line pulls into a file."""
    words = ["pull", vendor, "--base-url", fake.base_url, "--to", str(target)]
    words += ["--start", RANGE["start"], "--end", RANGE["end"]]
    subprocess.run([sys.executable, "-m", "asyncsessions", *words, "-q"], check=True)
    return parquet.read_table(target)


@pytest.mark.parametrize("vendor", FAKES)
def test_a_frame_has_the_digest_of_a_pull_and_asks_for_each_page_once(spark, vendor, tmp_path):
    with FAKES[vendor](rows=2_337).in_thread() as fake:
        frame = frame_of(spark, fake, vendor, rows_per_partition=500)
        assert fake.requests == []  # nothing is bought before an action
        table = frame.toArrow()
        assert set(asked(fake).values()) == {1}
        pages = -(-2_337 // 50)
        windows = len({(seen.start, seen.end) for seen in fake.requests})
        assert pages <= len(fake.requests) <= pages + windows
        assert frame.rdd.getNumPartitions() >= 4
        with_cli = pulled(fake, vendor, tmp_path / "x.parquet")
    assert table.num_rows == with_cli.num_rows
    assert digest(table) == digest(with_cli)


def test_every_action_buys_again_but_counts_only_once(spark):
    with FakeHum(rows=600).in_thread() as fake:
        frame = frame_of(spark, fake, rows_per_partition=200)
        assert frame.count() == 600
        first = len(fake.requests)
        assert frame.count() == frame.filter("campaign IS NULL OR TRUE").count() == 600
        partitions = frame.rdd.getNumPartitions()
        # Those that were counted and told are not asked for again within five minutes.
        again = (len(fake.requests) - first) / 2
    assert partitions >= 3
    assert again == first - 1 - partitions


def test_the_schema_is_exactly_what_spark_makes_of_it(spark):
    from pyspark.sql.pandas.types import to_arrow_schema

    with FakeHum(rows=10).in_thread() as fake:
        schema = frame_of(spark, fake).schema
    assert to_arrow_schema(schema, timezone="UTC").equals(arrow_schema(), check_metadata=True)
    assert schema.names == [column.name for column in COLUMNS]


def test_a_schema_of_fewer_columns_brings_these_alone(spark):
    with FakeHum(rows=70).in_thread() as fake:
        reader = spark.read.format("asyncsessions").options(**options_of(fake))
        frame = reader.schema("id STRING, started_at TIMESTAMP").load()
        assert frame.columns == ["id", "started_at"]
        assert frame.distinct().count() == 70
        with pytest.raises(Exception, match="there is no column nothing"):
            reader.schema("nothing STRING").load().count()


def fails_at_first(rows):
    """Fail in the middle of a task that reads, but only at the first attempt."""
    from pyspark import TaskContext

    context = TaskContext.get()
    for number, row in enumerate(rows):
        if context.partitionId() == 1 and context.attemptNumber() == 0 and number == 100:
            raise OSError("the machine is gone")
        yield row.id


def test_a_task_that_fails_once_is_tried_again_and_nothing_doubles(spark):
    with FakeHum(rows=1_500).in_thread() as fake:
        frame = frame_of(spark, fake, rows_per_partition=400)
        ids = frame.rdd.mapPartitions(fails_at_first).collect()
        assert len(ids) == len(set(ids)) == 1_500
        times = set(asked(fake).values())
    assert times == {1, 2}  # the pages of the task that failed, but not those that were told


def test_the_limits_are_never_exceeded_by_all_tasks_together(spark):
    with FakeHum(rows=1_500, latency_s=0.02).in_thread() as fake:
        frame = frame_of(spark, fake, rows_per_partition=100, max_concurrency=3, max_requests=60)
        assert frame.count() == 1_500
        assert frame.rdd.getNumPartitions() == 3
        assert 2 <= fake.max_in_flight <= 3
        assert len(fake.requests) <= 60


def test_the_rate_is_never_exceeded_by_all_tasks_together(spark):
    rate, at_once = 20.0, 2
    # What is sent evenly may arrive in a bunch; twice the rate would still be refused.
    with FakeHum(rows=1_500, rate_per_s=rate, burst=10).in_thread() as fake:
        frame = frame_of(
            spark, fake, rows_per_partition=200, requests_per_second=rate, tasks_at_once=at_once
        )
        assert frame.count() == 1_500
        assert frame.rdd.getNumPartitions() > at_once
        assert {seen.status for seen in fake.requests} == {200}


def test_a_budget_that_does_not_suffice_is_told_before_a_task_runs(spark):
    with FakeHum(rows=1_500).in_thread() as fake:
        with pytest.raises(Exception, match="BudgetExceededError: reading takes 29 requests"):
            frame_of(spark, fake, max_requests=20).count()
        assert len(fake.requests) == 1


def test_what_is_not_proven_complete_fails_with_one_sentence(spark):
    drift = Drift(insert_on_instant_every=1)  # it never rests, whichever attempt reads it
    with FakeHum(drift=drift, rows=300, rows_on_one_instant=120).in_thread() as fake:
        with pytest.raises(Exception, match="not proven complete") as caught:
            frame_of(spark, fake).count()
        error = told(caught.value)
        assert isinstance(error, IncompleteError)
        assert "\n" not in str(error)
        assert frame_of(spark, fake, on_incomplete="warn").count() >= 300


# --- secrets ----------------------------------------------------------------------------------


def logged(event_log):
    return "".join(
        file.read_text(encoding="utf-8") for file in event_log.rglob("*") if file.is_file()
    )


def test_the_token_is_in_no_plan_no_event_log_and_no_error(spark, event_log):
    with FakeHum(rows=300).in_thread() as fake:
        frame = frame_of(spark, fake, token_provider="tests.spark.reading:vault_token")
        assert frame.count() == 300
        frame.createOrReplaceTempView("bought")
        plans = frame._jdf.queryExecution().toString() + json.dumps(frame.schema.jsonValue())
        emails = {mail for mail in frame.toArrow()["conversion_email"].to_pylist() if mail}
        with pytest.raises(Exception, match="token_provider names failed with OSError") as caught:
            frame_of(spark, fake, token_provider="tests.spark.reading:refused_token").count()
        with pytest.raises(Exception, match="looks like a credential") as refused:
            frame_of(spark, fake, api_key="s3cret-of-the-vault")
    events = logged(event_log)
    assert "SparkListenerTaskEnd" in events
    for name in ("HUM_API_TOKEN", "ATTRIBUTIONHUB_API_KEY"):
        assert f'"spark.executorEnv.{name}"' in events  # its value is redacted by Spark
    assert ATTRIBUTIONHUB_KEY not in events
    for text in (plans, events, str(caught.value), str(refused.value)):
        assert HUM_TOKEN not in text
        assert "s3cret-of-the-vault" not in text
        assert not any(mail in text for mail in emails)


def test_as_spark_comes_it_shows_settings_whose_names_it_does_not_take_for_secret(spark):
    # If this fails docs/spark.md warns of what is no danger any more.
    package = getattr(spark._jvm.org.apache.spark.internal.config, "package$")
    default = getattr(package, "MODULE$").SECRET_REDACTION_PATTERN().defaultValueString()
    assert re.search(default, "spark.executorEnv.HUM_API_TOKEN")
    assert not re.search(default, "spark.executorEnv.ATTRIBUTIONHUB_API_KEY")


def test_a_refused_token_costs_one_request(spark, monkeypatch):
    with FakeHum(rows=300, token="another-token").in_thread() as fake:
        with pytest.raises(Exception, match="AuthenticationError") as caught:
            frame_of(spark, fake).count()
        assert len(fake.requests) == 1
    assert HUM_TOKEN not in str(caught.value)


def test_the_source_and_its_reader_can_be_pickled(spark):
    from pyspark.cloudpickle import dumps, loads

    with FakeHum(rows=120).in_thread() as fake:
        options = {name: str(value) for name, value in options_of(fake).items()}
        source = loads(dumps(SessionsDataSource(options)))
        reader = source.reader(frame_of(spark, fake).schema)
        pickled = dumps(reader)
        (partition,) = loads(pickled).partitions()
        batches = list(loads(pickled).read(loads(dumps(partition))))
        assert pa.Table.from_batches(batches).num_rows == 120
        assert HUM_TOKEN.encode() not in pickled + dumps(partition)
