"""Many tenants on Spark, without Spark: each in its own limits, and none stops another."""

from __future__ import annotations

import pickle
from collections import Counter
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from asyncsessions import AuthenticationError, BudgetExceededError, ConfigurationError
from asyncsessions.integrations._spark.outcomes import Outcome, together
from asyncsessions.integrations._spark.reading import plan, read
from asyncsessions.integrations._spark.settings import Settings
from asyncsessions.testing import Drift, FakeAttributionHub, FakeHum, FakeTenants

RANGE = {"start": "2026-01-01", "end": "2026-03-31"}
SKIP = {"on_tenant_error": "skip", "with_reports": "true"}


@pytest.fixture
def crowd(monkeypatch, tmp_path):
    """Serve tenants, set their keys, and return the options of a read of all."""

    def serve(tenants):
        for name, value in tenants.environment.items():
            monkeypatch.setenv(name, value)
        return {"tenants": str(tenants.write(tmp_path / "tenants.toml"))} | RANGE

    return serve


def read_all(tasks):
    batches = [
        batch for task in tasks for batch in read(pickle.loads(pickle.dumps(task)), attempt=0)
    ]
    return pa.Table.from_batches(batches).to_pylist()


def outcomes_in(rows):
    found = together(Outcome.from_json(row["report"]) for row in rows if row["report"])
    return {each.tenant: each for each in found}


def test_every_tenant_is_read_in_its_own_limits_and_named_in_each_row(crowd):
    fakes = {"acme": FakeHum(rows=700, latency_s=0.005), "bolt": FakeAttributionHub(rows=300)}
    settings = {"acme": {"concurrency": 3}, "bolt": {"max_requests": 50}}
    with FakeTenants(fakes, settings).in_thread() as tenants:
        options = crowd(tenants)
        tasks = plan(Settings.of(options | {"rows_per_partition": "200"}))
        assert {task.tenant for task in tasks} == {"acme", "bolt"}
        assert len(tasks) > 2
        rows = read_all(tasks)
        for fake in fakes.values():
            asked = Counter((seen.start, seen.end, seen.page) for seen in fake.requests)
            assert set(asked.values()) == {1}
        assert fakes["acme"].max_in_flight <= 3
    assert Counter(row["tenant"] for row in rows) == {"acme": 700, "bolt": 300}
    assert list(rows[0])[:2] == ["tenant", "provider"]
    for value in tenants.environment.values():
        assert value.encode() not in pickle.dumps(tasks)


def refusing():
    """Five tenants, of which one can be read: the others are refused, poor, broke and restless."""
    return FakeTenants(
        {
            "fine": FakeHum(rows=120),
            "refused": FakeHum(rows=120),
            "poor": FakeHum(rows=500),
            "broke": FakeAttributionHub(rows=500, quota=5),
            "restless": FakeHum(
                rows=300, rows_on_one_instant=120, drift=Drift(insert_on_instant_every=1)
            ),
        },
        {"poor": {"max_requests": 4}},
    )


def test_what_stops_a_tenant_becomes_a_report_and_stops_no_other(crowd, monkeypatch):
    with refusing().in_thread() as tenants:
        options = crowd(tenants)
        monkeypatch.setenv("REFUSED_KEY", "another-token")
        rows = read_all(plan(Settings.of(options | SKIP)))
        counts = {name: len(fake.requests) for name, fake in tenants.fakes.items()}
    sessions = Counter(row["tenant"] for row in rows if row["report"] is None)
    assert sessions == {"fine": 120}  # of a part that fails no row is delivered
    outcomes = outcomes_in(rows)
    assert list(outcomes) == ["broke", "fine", "poor", "refused", "restless"]
    assert {name: outcome.requests for name, outcome in outcomes.items()} == counts
    fine = outcomes["fine"]
    assert (fine.rows, fine.complete, fine.error) == (120, True, None)
    assert fine.as_of is not None
    told = {name: each.error.partition(":")[0] for name, each in outcomes.items() if each.error}
    assert told == {
        "broke": "QuotaExceededError",
        "poor": "BudgetExceededError",
        "refused": "AuthenticationError",
        "restless": "IncompleteError",
    }
    assert not any(each.complete for name, each in outcomes.items() if name != "fine")


def test_with_a_warning_the_rows_of_an_unproven_part_come_and_its_report_says_so(crowd):
    with refusing().in_thread() as tenants:
        options = crowd(tenants) | SKIP | {"on_incomplete": "warn"}
        rows = read_all(plan(Settings.of(options)))
    outcome = outcomes_in(rows)["restless"]
    assert outcome.rows >= 300
    assert (outcome.complete, outcome.error) == (False, None)


def test_unless_they_are_skipped_a_tenant_that_fails_ends_the_read_by_name(crowd, monkeypatch):
    with FakeTenants({"acme": FakeHum(rows=10), "bolt": FakeHum(rows=10)}).in_thread() as tenants:
        options = crowd(tenants)
        monkeypatch.setenv("BOLT_KEY", "another-token")
        with pytest.raises(AuthenticationError, match=r"^tenant bolt: "):
            plan(Settings.of(options))
        monkeypatch.delenv("BOLT_KEY")
        with pytest.raises(ConfigurationError, match=r"^tenant bolt: no credentials: set BOLT_KEY"):
            plan(Settings.of(options))


def test_a_task_of_a_tenant_that_fails_names_it(crowd):
    fake = FakeHum(rows=300)
    with FakeTenants({"acme": fake}, {"acme": {"max_requests": 6}}).in_thread() as tenants:
        (task,) = plan(Settings.of(crowd(tenants)))
        list(read(task, attempt=0))
        with pytest.raises(BudgetExceededError, match=r"^tenant acme: max_requests does not"):
            list(read(task, attempt=1))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "cannot be read: No such file"),
        ({"provider": "hum"}, "there is no option provider for a file of tenants"),
        ({"api_key": "x"}, "api_key looks like a credential"),
        ({"on_tenant_error": "ignore"}, "on_tenant_error must be 'fail' or 'skip'"),
        ({"on_tenant_error": "skip"}, "on_tenant_error=skip needs with_reports=true"),
        ({"end": "2025-01-01"}, "later than end"),
        ({"with_reports": "1"}, "with_reports must be true or false"),
    ],
)
def test_a_wrong_option_is_refused(options, sentence, tmp_path):
    given = {"tenants": str(tmp_path / "none.toml")} | RANGE | options
    with pytest.raises(ValueError, match=sentence):
        plan(Settings.of(given))


def test_outcomes_add_up_and_travel_as_text():
    noon, later = datetime(2026, 4, 1, 12, tzinfo=UTC), datetime(2026, 4, 1, 13, tzinfo=UTC)
    one = Outcome(tenant="a", rows=1, requests=2, as_of=(noon, noon))
    other = Outcome(tenant="a", rows=2, requests=3, complete=False, as_of=(later, later), error="x")
    third = Outcome(tenant="b", requests=1)
    assert Outcome.from_json(one.to_json()) == one
    assert Outcome.from_json(third.to_json()) == third
    assert together([one, third, other]) == [
        Outcome(tenant="a", rows=3, requests=5, complete=False, as_of=(noon, later), error="x"),
        third,
    ]
