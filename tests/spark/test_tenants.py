"""The tenants of one file, on a real Spark: the rows of the command line, whoever fails."""

from __future__ import annotations

import os
import subprocess
import sys

import duckdb
import pytest
from pyspark.errors import PySparkException

from asyncsessions.core.digest import digest
from asyncsessions.integrations.spark import land
from asyncsessions.testing import FakeAttributionHub, FakeHum, FakeTenants
from tests.spark.conftest import ENVIRONMENT
from tests.spark.reading import RANGE, asked

pytestmark = [pytest.mark.spark, pytest.mark.timeout(300), pytest.mark.filterwarnings("default")]


@pytest.fixture
def tenants():
    fakes = {
        "acme": FakeHum(rows=700),
        "bolt": FakeAttributionHub(rows=400),
        "shut": FakeHum(rows=100),
    }
    with FakeTenants(fakes, {"acme": {"concurrency": 2}}).in_thread() as serving:
        yield serving


def pulled(file, target):
    """Return what the command line pulls of the same file, as a table."""
    words = ["pull", "--tenants", str(file), "--to", str(target), "-q"]
    words += ["--start", RANGE["start"], "--end", RANGE["end"]]
    environment = {**os.environ, **ENVIRONMENT}
    subprocess.run([sys.executable, "-m", "asyncsessions", *words], env=environment, check=False)
    with duckdb.connect(str(target)) as connection:
        return connection.sql("SELECT * FROM sessions").to_arrow_table()


def test_all_tenants_land_but_those_that_fail_which_are_named(spark, tenants, tmp_path):
    file = tenants.write(tmp_path / "tenants.toml")
    to = str(tmp_path / "landed")
    landed = land(spark, tenants=str(file), to=to, rows_per_partition=200, **RANGE)
    for name in ("acme", "bolt"):
        assert set(asked(tenants.fakes[name]).values()) == {1}
    assert len(tenants.fakes["shut"].requests) == 1
    assert tenants.fakes["acme"].max_in_flight <= 2
    assert landed.rows == 1_100
    assert not landed.complete
    acme, bolt, shut = landed.outcomes
    assert [(each.tenant, each.rows, each.complete) for each in landed.outcomes] == [
        ("acme", 700, True),
        ("bolt", 400, True),
        ("shut", 0, False),
    ]
    assert acme.requests == len(tenants.fakes["acme"].requests)
    assert bolt.requests == len(tenants.fakes["bolt"].requests)
    assert shut.error.startswith("AuthenticationError: ")
    frame = spark.read.parquet(to)
    assert frame.columns[0] == "tenant"
    assert "report" not in frame.columns
    ours = frame.toArrow()
    theirs = pulled(file, tmp_path / "x.duckdb")
    assert set(ours["tenant"].to_pylist()) == {"acme", "bolt"}
    assert digest(ours) == digest(theirs)


def test_a_frame_fails_with_the_name_of_the_tenant_unless_it_may_skip_it(spark, tenants, tmp_path):
    options = {"tenants": str(tenants.write(tmp_path / "tenants.toml"))} | RANGE
    reader = spark.read.format("asyncsessions").options(**options)
    with pytest.raises(PySparkException, match="AuthenticationError: tenant shut: "):
        reader.load().count()
    skipping = reader.options(on_tenant_error="skip", with_reports="true").load()
    counts = skipping.filter("report IS NULL").groupBy("tenant").count().collect()
    assert dict(counts) == {"acme": 700, "bolt": 400}
