"""What a landing decides before and after Spark works: shares, options, and whose error it was."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from asyncsessions import (
    BudgetExceededError,
    ConfigurationError,
    IncompleteError,
    QuotaExceededError,
    SinkError,
)
from asyncsessions.integrations._spark.landing import _completed, slots, told

HUM = {"provider": "hum", "base_url": "http://127.0.0.1:9", "start": "2026-01-01"}


def spark_with(**conf):
    settings = {f"spark.{name.replace('_', '.')}": value for name, value in conf.items()}
    return SimpleNamespace(conf=SimpleNamespace(get=settings.get))


@pytest.mark.parametrize(
    ("conf", "expected"),
    [
        ({"master": "local"}, 1),
        ({"master": "local[3]"}, 3),
        ({"master": "local[2,4]"}, 2),
        ({"master": "local[*]"}, os.cpu_count()),
        ({"master": "yarn"}, None),
        ({"master": "yarn", "executor_instances": "3"}, None),
        ({"master": "yarn", "executor_instances": "3", "executor_cores": "4"}, 12),
        (
            {
                "master": "yarn",
                "executor_instances": "3",
                "executor_cores": "4",
                "dynamicAllocation_enabled": "true",
            },
            None,
        ),
    ],
)
def test_how_many_tasks_run_at_once_is_only_said_where_it_is_certain(conf, expected):
    assert slots(spark_with(**conf)) == expected


def test_options_become_texts_and_the_tasks_at_once_are_known_better_on_the_driver():
    given = _completed(
        spark_with(master="local[2]"),
        HUM | {"with_clicks": True, "end": None, "max_concurrency": 6, "token_ids": []},
    )
    assert given == HUM | {
        "with_clicks": "true",
        "max_concurrency": "6",
        "token_ids": "",
        "tasks_at_once": "2",
        "with_reports": "true",
    }


@pytest.mark.parametrize("options", [{"max_concurrency": 2}, {"tasks_at_once": 1}])
def test_the_tasks_at_once_are_left_alone_where_they_are_given_or_too_many(options):
    given = _completed(spark_with(master="local[3]"), HUM | options)
    assert given.get("tasks_at_once") == ("1" if "tasks_at_once" in options else None)


def test_a_landing_of_tenants_skips_who_fails_unless_told_otherwise():
    tenants = {"tenants": "tenants.toml", "start": "2026-01-01"}
    given = _completed(spark_with(master="yarn"), tenants)
    assert (given["on_tenant_error"], given["on_incomplete"]) == ("skip", "warn")
    strict = _completed(spark_with(master="yarn"), tenants | {"on_tenant_error": "fail"})
    assert strict["on_tenant_error"] == "fail"


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (IncompleteError, "not proven complete: x (y); pull that range again [hum]"),
        (QuotaExceededError, "the month's quota of requests is used up (5 of 5)"),
        (BudgetExceededError, "tenant acme: max_requests=3 is used up"),
    ],
)
def test_an_error_of_ours_is_found_in_the_text_of_a_failed_job(kind, sentence):
    text = (
        "Job aborted: Lost task 0.3 ...: Traceback (most recent call last):\n"
        '  File "source.py", line 70, in read\n    raise error\n'
        f"asyncsessions.errors.{kind.__name__}: {sentence}\n\n\tat org.apache.spark.Whatever\n"
    )
    error = told(RuntimeError(text))
    assert type(error) is kind
    assert str(error) == sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("No space left on device\n\tat org.apache.hadoop", "No space left on device"),
        (
            (
                "An error occurred while calling o53.load.\n"
                ": org.apache.hadoop.fs.UnsupportedFileSystemException: No FileSystem for scheme\n"
                "\tat org.apache.hadoop.fs.FileSystem"
            ),
            "No FileSystem for scheme",
        ),
        (
            (
                "An error occurred while calling o141.save.\n"
                ": org.apache.spark.SparkException: Job aborted due to stage failure: Task 0\n\tat x\n"
                "Caused by: java.io.IOException: Mkdirs failed to create file:/x (exists=false)\n\tat y"
            ),
            "Mkdirs failed to create file:/x (exists=false)",
        ),
        (
            (
                "An error occurred while calling o141.save.\n"
                ": org.apache.spark.SparkException: Job aborted due to stage failure: Task 0\n\tat x\n"
                "Caused by: org.apache.spark.api.python.PythonException: Traceback (most recent call "
                'last):\n  File "acme.py", line 7, in read\n    raise KeyError\n'
                "KeyError: 'rows'\n\n\tat org.apache.spark.Whatever"
            ),
            "KeyError: 'rows'",
        ),
    ],
)
def test_any_other_failure_of_spark_is_told_by_what_went_wrong_first(text, sentence):
    error = told(RuntimeError(text))
    assert type(error) is SinkError
    assert str(error) == sentence


def test_a_format_that_spark_does_not_have_is_named():
    missing = told(
        RuntimeError(": ...[DATA_SOURCE_NOT_FOUND] Failed to find the data source: delta")
    )
    assert type(missing) is ConfigurationError
    assert "has no format 'delta'" in str(missing)
