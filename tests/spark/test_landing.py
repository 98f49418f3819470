"""Landing buys once, writes once, and destroys nothing of others."""

from __future__ import annotations

import pytest

from asyncsessions import BudgetExceededError, ConfigurationError, SinkError
from asyncsessions.core.digest import digest
from asyncsessions.integrations.spark import Landed, land
from asyncsessions.testing import FakeHum
from tests.spark.reading import asked, options_of

pytestmark = [pytest.mark.spark, pytest.mark.timeout(300), pytest.mark.filterwarnings("default")]


def test_what_is_landed_is_bought_once_whatever_is_asked_of_it(spark, tmp_path):
    to = str(tmp_path / "landed")
    with FakeHum(rows=1_500, latency_s=0.01).in_thread() as fake:
        landed = land(spark, to=to, with_digest=True, **options_of(fake, rows_per_partition=200))
        assert set(asked(fake).values()) == {1}
        bought = len(fake.requests)
        assert fake.max_in_flight <= 8
        frame = spark.read.parquet(landed.path)
        assert frame.count() == frame.distinct().count() == 1_500
        assert frame.rdd.getNumPartitions() >= 1
        assert len(fake.requests) == bought
    assert isinstance(landed, Landed)
    assert (landed.path, landed.format, landed.rows) == (to, "parquet", 1_500)
    assert landed.digest == digest(frame.toArrow())
    (outcome,) = landed.outcomes
    assert (outcome.tenant, outcome.rows, outcome.error) == (None, 1_500, None)
    assert landed.complete
    assert landed.requests == bought
    assert "report" not in frame.columns


def test_a_landing_is_replaced_only_when_that_is_said(spark, tmp_path):
    to = str(tmp_path / "landed")
    with FakeHum(rows=60).in_thread() as fake:
        assert land(spark, to=to, **options_of(fake)).rows == 60
        with pytest.raises(SinkError, match=r"there is something at .* already: give mode="):
            land(spark, to=to, **options_of(fake))
        assert len(fake.requests) == 2
        options = options_of(fake, end="2026-02-01")
        again = land(spark, to=to, mode="overwrite", with_clicks=False, **options)
        assert 0 < again.rows < 60
        assert again.digest is None


def test_what_is_not_a_landing_is_replaced_only_by_force(spark, tmp_path):
    spark.range(5).write.parquet(str(tmp_path / "table"))
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("mine")
    with FakeHum(rows=60).in_thread() as fake:
        for name in ("table", "notes"):
            to = str(tmp_path / name)
            with pytest.raises(SinkError, match="was not written by land"):
                land(spark, to=to, mode="overwrite", **options_of(fake))
        assert fake.requests == []
        assert land(spark, to=to, mode="force", **options_of(fake)).rows == 60
        assert spark.read.parquet(to).count() == 60


def test_a_file_system_that_spark_does_not_reach_is_not_taken_for_something_that_is_there(spark):
    with FakeHum(rows=60).in_thread() as fake:
        said = "cannot see what is at nowhere://lake/sessions: No FileSystem for scheme"
        with pytest.raises(SinkError, match=said):
            land(spark, to="nowhere://lake/sessions", **options_of(fake))
        assert fake.requests == []


def test_what_keeps_a_landing_from_being_written_is_told(spark, tmp_path):
    (tmp_path / "file").write_text("mine")
    with FakeHum(rows=60).in_thread() as fake, pytest.raises(SinkError) as caught:
        land(spark, to=f"{tmp_path}/file/landed", **options_of(fake))
    assert str(caught.value).startswith("Parent path is not a directory: ")


def test_a_landing_that_failed_can_be_tried_again(spark, tmp_path):
    to = str(tmp_path / "landed")
    with FakeHum(rows=600).in_thread() as fake:
        with pytest.raises(BudgetExceededError, match="reading takes 11 requests"):
            land(spark, to=to, **options_of(fake, max_requests=3))
        assert land(spark, to=to, mode="overwrite", **options_of(fake)).rows == 600


def test_wrong_arguments_are_refused_before_anything_is_asked(spark, tmp_path):
    to = str(tmp_path / "landed")
    with FakeHum(rows=60).in_thread() as fake:
        for wrong, sentence in (
            ({"format": "csv"}, "format must be 'parquet' or 'delta'"),
            ({"mode": "append"}, "mode must be 'error', 'overwrite' or 'force'"),
            ({"format": "delta"}, "this Spark has no format 'delta'"),
            ({"campaign": "x"}, "there is no option campaign for hum"),
        ):
            with pytest.raises(ConfigurationError, match=sentence):
                land(spark, to=to, **wrong, **options_of(fake))
        assert fake.requests == []
