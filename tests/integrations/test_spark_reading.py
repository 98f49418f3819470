"""What a Spark job does, without Spark: plan on the driver, read each task somewhere else."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest

from asyncsessions import BudgetExceededError, ConfigurationError, IncompleteError
from asyncsessions.blocking import Client
from asyncsessions.core.columns import COLUMNS, arrow_schema
from asyncsessions.core.digest import digest
from asyncsessions.integrations._spark.columns import check_schema, ddl, fit
from asyncsessions.integrations._spark.reading import plan, read
from asyncsessions.integrations._spark.settings import Settings
from asyncsessions.providers.attributionhub import AttributionHub
from asyncsessions.providers.hum import Hum
from asyncsessions.testing import ATTRIBUTIONHUB_KEY, HUM_TOKEN, Drift, FakeAttributionHub, FakeHum

RANGE = {"start": "2026-01-01", "end": "2026-03-31"}
HUM = {"provider": "hum", "base_url": "http://127.0.0.1:9"} | RANGE
PLAIN = Settings.of(HUM)
FAKES = {"hum": FakeHum, "attributionhub": FakeAttributionHub}


@pytest.fixture(autouse=True)
def tokens(monkeypatch):
    monkeypatch.setenv("HUM_API_TOKEN", HUM_TOKEN)
    monkeypatch.setenv("ATTRIBUTIONHUB_API_KEY", ATTRIBUTIONHUB_KEY)


def settings_for(fake, vendor="hum", **options):
    given = {name: str(value) for name, value in options.items()}
    return Settings.of({"provider": vendor, "base_url": fake.base_url} | RANGE | given)


def copied(thing):
    return pickle.loads(pickle.dumps(thing))


def read_all(tasks, attempt=0):
    """Read every task as a worker does: from pickles, and each with its own loop."""
    return [list(read(copied(task), attempt=attempt)) for task in tasks]


def table_of(batches):
    return pa.Table.from_batches(
        [batch for of_task in batches for batch in of_task], arrow_schema()
    )


def client_of(fake, vendor):
    if vendor == "hum":
        return Client(Hum(fake.token, base_url=fake.base_url))
    return Client(AttributionHub(fake.key, base_url=fake.base_url))


@pytest.mark.parametrize("vendor", FAKES)
def test_the_tasks_hold_the_rows_of_a_plain_pull_and_no_page_is_asked_for_twice(vendor):
    with FAKES[vendor](rows=1_200).in_thread() as fake:
        settings = settings_for(fake, vendor, rows_per_partition=250)
        tasks = plan(settings)
        assert 3 <= len(tasks) <= 8
        table = table_of(read_all(tasks))
        asked = Counter((seen.start, seen.end, seen.page) for seen in fake.requests)
        assert set(asked.values()) == {1}
        with client_of(fake, vendor) as client:
            whole = client.sessions(**RANGE).to_arrow()
    assert table.num_rows == whole.num_rows
    assert digest(table) == digest(whole)


def test_reading_again_buys_all_but_the_first_pages_again():
    with FakeHum(rows=600).in_thread() as fake:
        settings = settings_for(fake, rows_per_partition=200)
        tasks = plan(settings)
        counted = len(fake.requests)
        first = table_of(read_all(tasks))
        once = len(fake.requests) - counted
        again = table_of(read_all(tasks))
        assert digest(first) == digest(again)
        assert len(fake.requests) == counted + 2 * once
        assert once == sum(task.part.requests for task in tasks)


def test_tasks_side_by_side_stay_within_the_concurrency_of_the_whole():
    with FakeHum(rows=1_500, latency_s=0.01).in_thread() as fake:
        settings = settings_for(fake, rows_per_partition=100, max_concurrency=5)
        tasks = plan(settings)
        assert len(tasks) == 5
        with ThreadPoolExecutor(len(tasks)) as pool:
            rows = pool.map(lambda task: table_of(read_all([task])).num_rows, tasks)
            assert sum(rows) == 1_500
        assert 3 <= fake.max_in_flight <= 5


def test_the_budget_holds_over_all_tasks_and_their_attempts():
    with FakeHum(rows=600).in_thread() as fake:
        settings = settings_for(fake, rows_per_partition=200, max_requests=30)
        tasks = plan(settings)
        for task in tasks:
            for attempt in range(task.share.attempts):
                list(read(task, attempt=attempt))
            with pytest.raises(BudgetExceededError, match="does not suffice for attempt"):
                list(read(task, attempt=task.share.attempts))
        assert 14 <= len(fake.requests) <= 30


def test_a_read_beyond_the_budget_is_refused_on_the_driver():
    with FakeHum(rows=600).in_thread() as fake:
        with pytest.raises(BudgetExceededError, match="reading takes"):
            plan(settings_for(fake, max_requests=5))
        assert len(fake.requests) == 1


def test_a_task_begins_with_the_pause_that_its_rate_asks_for(monkeypatch):
    pauses = []
    monkeypatch.setattr("asyncsessions.integrations._spark.reading.time.sleep", pauses.append)
    with FakeHum(rows=120).in_thread() as fake:
        settings = settings_for(fake, requests_per_second=200)
        tasks = plan(settings)
        read_all(tasks)
    assert pauses == [1 / 200]


@pytest.mark.parametrize("on_incomplete", ["raise", "warn"])
def test_what_is_not_proven_complete_fails_its_task_unless_a_warning_is_enough(on_incomplete):
    drift = Drift(insert_on_instant_every=1, delete_every=1)
    with FakeHum(drift=drift, rows_on_one_instant=300).in_thread() as fake:
        settings = settings_for(fake, on_incomplete=on_incomplete)
        tasks = plan(settings)
        if on_incomplete == "warn":
            assert table_of(read_all(tasks)).num_rows >= 300
            return
        with pytest.raises(IncompleteError, match="not proven complete"):
            read_all(tasks)


def test_a_reader_that_stops_early_leaves_no_request_behind():
    with FakeHum(rows=5_000, latency_s=0.01).in_thread() as fake:
        settings = settings_for(fake)
        (task, *_) = plan(settings)
        batches = read(task, attempt=0)
        assert next(batches).num_rows >= 2_500
        batches.close()
        assert len(fake.requests) < 90


def test_neither_settings_nor_tasks_hold_the_token():
    with FakeHum(rows=300).in_thread() as fake:
        settings = settings_for(fake)
        tasks = plan(settings)
        assert HUM_TOKEN.encode() not in pickle.dumps((settings, tasks))
        assert HUM_TOKEN not in repr((settings, tasks))


# --- schemas ----------------------------------------------------------------------------------


def test_the_columns_are_those_of_every_table():
    told = ddl(PLAIN)
    assert [each.split()[0] for each in told.split(", ")] == [column.name for column in COLUMNS]
    assert told.startswith("provider STRING NOT NULL, id STRING NOT NULL, started_at TIMESTAMP")
    assert told.count("NOT NULL") == 3


def test_a_tenant_comes_first_and_a_report_last(tmp_path):
    settings = Settings.of({"tenants": str(tmp_path / "x.toml"), "start": "2026-01-01"})
    assert ddl(settings).startswith("tenant STRING NOT NULL, provider STRING NOT NULL, id ")
    told = ddl(Settings.of(HUM | {"with_reports": "true"}))
    assert told.endswith(", raw STRING, report STRING")
    assert "NOT NULL" not in told  # a row that holds a report holds nothing else


def test_fewer_columns_and_nullable_ones_are_fitted():
    table = pa.Table.from_pylist(
        [{"provider": "hum", "id": "1", "started_at": 0}], schema=arrow_schema()
    )
    (batch,) = table.to_batches()
    assert fit(batch, arrow_schema()) is batch
    wanted = pa.schema([pa.field("campaign", pa.string()), pa.field("id", pa.string())])
    check_schema(wanted, PLAIN)
    assert fit(batch, wanted).schema.equals(wanted, check_metadata=True)
    assert fit(batch, wanted).to_pylist() == [{"campaign": None, "id": "1"}]


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        (pa.field("nothing", pa.string()), "there is no column nothing: there are provider, id, "),
        (pa.field("id", pa.int64()), "the column id is string not null, not int64"),
        (
            pa.field("campaign", pa.string(), nullable=False),
            "the column campaign is string, not string not null",
        ),
    ],
)
def test_a_schema_of_other_columns_is_refused(field, sentence):
    with pytest.raises(ConfigurationError) as caught:
        check_schema(pa.schema([field]), PLAIN)
    assert str(caught.value).startswith(sentence)


def test_a_schema_with_a_column_twice_is_refused_since_spark_cannot_read_what_it_brings():
    twice = pa.schema([pa.field("id", pa.string()), pa.field("id", pa.string())])
    with pytest.raises(ConfigurationError, match="the schema has the column id twice"):
        check_schema(twice, PLAIN)


# --- without Spark ----------------------------------------------------------------------------

SENTENCE = 'the Spark integration needs an extra: pip install "asyncsessions[spark]"'


@pytest.mark.parametrize("module", ["asyncsessions.integrations.spark", "pyspark_asyncsessions"])
def test_without_spark_importing_says_in_one_sentence_which_extra_it_takes(module):
    code = (
        "import sys; sys.modules['pyspark'] = None\n"
        f"try: import {module}\n"
        "except ImportError as error: print(error, error.name)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{SENTENCE} pyspark\n"


def test_planning_needs_no_spark():
    code = (
        "import sys; sys.modules['pyspark'] = None\n"
        "import asyncsessions.integrations._spark.reading"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
