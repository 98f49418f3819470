"""The table of sessions in a DuckDB file: what is in it after which pulls."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from itertools import pairwise

import duckdb
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from asyncsessions.core.columns import arrow_schema
from asyncsessions.core.records import Order
from asyncsessions.errors import SinkError
from asyncsessions.sinks import open_target
from asyncsessions.sinks.duckdb_books import DuckDBBooks
from tests.invented_sessions import (
    DAY,
    HOUR,
    MADE_AT,
    START,
    a_plan,
    a_report,
    begin,
    commit,
    every,
)
from tests.sinks.duckdbs import (
    SETTING,
    START_OVER,
    asked,
    check_digests,
    names,
    page,
    pulled,
    renewed,
    sessions_in,
    stream_in,
    windows_in,
)


@pytest.fixture
def target(tmp_path):
    return tmp_path / "out.duckdb"


def test_the_table_holds_the_sessions(target):
    sessions = [
        evolve(s, order=Order(installed=False), duration=timedelta(microseconds=1500001))
        for s in every(HOUR, days=3)
    ]
    said = pulled(target, a_plan(days=3), sessions)
    assert sessions_in(target) == sessions
    assert said == f"72 rows written to {target}, table sessions"


def test_the_columns_are_those_of_every_table(target):
    pulled(target, a_plan(), [])
    with duckdb.connect(str(target), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        table = connection.sql("FROM sessions").to_arrow_table()
    assert [(f.name, f.type) for f in table.schema] == [(f.name, f.type) for f in arrow_schema()]
    assert table.num_rows == 0


def test_the_times_can_be_fetched_as_python_objects(target):
    sessions = every(HOUR, days=1)
    pulled(target, a_plan(), sessions)
    found = asked(target, "SELECT started_at FROM sessions ORDER BY started_at, id")
    assert [at for (at,) in found] == sorted(s.started_at for s in sessions)


def test_each_window_is_recorded_with_its_rows(target):
    pulled(target, a_plan(days=3, longest=DAY), every(HOUR, days=3))
    assert windows_in(target) == [
        ("hum", 0, 24, 24, True),
        ("hum", 24, 48, 24, True),
        ("hum", 48, 72, 24, True),
    ]
    found = asked(
        target,
        "SELECT DISTINCT w.run = r.run, read_from, read_to, committed_at >= '2026-01-01' "
        "FROM _asyncsessions_windows AS w, _asyncsessions_runs AS r",
    )
    assert found == [(True, MADE_AT, MADE_AT + HOUR, True)]


def test_the_stream_is_recorded_with_its_filters(target):
    pulled(target, a_plan(filters=(("campaign", "ä"),)), [])
    ((provider, filters),) = asked(target, "FROM _asyncsessions_streams")
    assert (provider, json.loads(filters)) == ("hum", [["campaign", "ä"]])


# ---------------------------------------------------------------------- pulls and their ranges


def test_the_same_pull_again_replaces_and_never_doubles(target):
    sessions = every(HOUR, days=3)
    pulled(target, renewed(3), sessions)
    edited = [evolve(s, campaign="late") for s in sessions[:-10]]
    pulled(target, renewed(3), edited)
    assert sessions_in(target) == edited
    assert windows_in(target) == [("hum", 0, 72, 62, True)]


def test_a_later_pull_replaces_only_its_own_range(target):
    before = every(HOUR, days=9, tag="old")
    pulled(target, a_plan(days=9, longest=3 * DAY), before)
    fresh = every(2 * HOUR, days=4, start=START + DAY, tag="new")
    pulled(target, a_plan(days=4, start=START + DAY), fresh)
    inside = range(24, 5 * 24)
    kept = [s for n, s in enumerate(reversed(before)) if n not in inside]
    assert {s.id for s in sessions_in(target)} == {s.id for s in [*kept, *fresh]}
    assert windows_in(target) == [
        ("hum", 0, 24, 24, True),
        ("hum", 24, 120, 48, True),
        ("hum", 120, 144, 24, True),
        ("hum", 144, 216, 72, True),
    ]
    check_digests(target)


def test_a_pull_inside_an_earlier_window_leaves_both_of_its_sides(target):
    pulled(target, a_plan(days=3), every(HOUR, days=3))
    pulled(target, a_plan(days=1, start=START + DAY), [], complete=False)
    assert windows_in(target) == [
        ("hum", 0, 24, 24, True),
        ("hum", 24, 48, 0, False),
        ("hum", 48, 72, 24, True),
    ]


@pytest.mark.slow
@settings(max_examples=settings().max_examples // 10)  # each one syncs many files
@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.integers(1, 6), st.sampled_from([1, 2, 9])),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_the_ranges_each_hour_has_the_rows_of_its_last_pull(tmp_path_factory, pulls):
    target = tmp_path_factory.mktemp("law") / "out.duckdb"
    truth = {}
    for run, (first, days, longest) in enumerate(pulls):
        start = START + first * DAY
        sessions = every(6 * HOUR, days=days, start=start, tag=f"run{run}")
        plan = a_plan(days=days, start=start, longest=longest * DAY, asked=str(run))
        pulled(target, plan, sessions)
        truth |= {s.started_at: s for s in sessions}
    assert sessions_in(target) == sorted(truth.values(), key=lambda s: s.started_at, reverse=True)
    windows = windows_in(target)
    assert sum(rows for *_, rows, _ in windows) == len(truth)
    assert all(a[2] <= b[1] for a, b in pairwise(windows))
    check_digests(target)


def test_two_providers_share_a_file(target):
    pulled(target, a_plan(), every(HOUR))
    pulled(target, a_plan(provider="attributionhub"), every(HOUR, provider="attributionhub"))
    pulled(target, a_plan(asked="other words"), every(2 * HOUR))
    assert asked(target, "SELECT provider, count(*) FROM sessions GROUP BY 1 ORDER BY 1") == [
        ("attributionhub", 24),
        ("hum", 12),
    ]


# ---------------------------------------------------------------------- several pulls at once


def test_two_pulls_of_one_process_may_write_the_same_file_at_once(target):
    plans = {name: a_plan(days=2, longest=DAY, provider=name) for name in ("hum", "other")}
    stores = {name: open_target(target) for name in plans}
    for name, store in stores.items():
        begin(store, plans[name]).journal.spend()
    for window in 0, 1:
        for name, store in stores.items():
            commit(
                store, plans[name].windows[window : window + 1], every(HOUR, days=2, provider=name)
            )
    stores["other"].leave(a_report(complete=False))
    stores["hum"].finish(a_report())
    assert asked(target, "SELECT provider, count(*) FROM sessions GROUP BY 1 ORDER BY 1") == [
        ("hum", 48),
        ("other", 48),
    ]
    (run,) = stream_in(target, "other").runs
    assert names(target) == [
        *("other.ledger", f"other_{run.id}.plan", "out.duckdb", "out.duckdb.pull")
    ]
    store = open_target(target)
    assert len(begin(store, plans["other"]).stored) == 2
    store.finish(a_report())
    assert names(target) == ["out.duckdb"]


def test_the_same_provider_twice_at_once_is_refused(target):
    first = open_target(target)
    begin(first, a_plan())
    for plan in a_plan(), a_plan(filters=(("with_clicks", "true"),)):
        for fresh in False, True:
            with pytest.raises(SinkError) as caught:
                open_target(target, fresh=fresh).open(plan)
            assert str(caught.value) == f"{target} is being written by another pull"
    commit(first, a_plan().windows, every(HOUR))
    first.finish(a_report())
    assert sessions_in(target) == every(HOUR)


PROGRAM = """
import sys
import duckdb
with duckdb.connect(sys.argv[1]) as connection:
    connection.execute("CREATE TABLE IF NOT EXISTS mine (one INTEGER)")
    print("open", flush=True)
    sys.stdin.read()
"""


@pytest.mark.slow
def test_a_file_that_another_process_has_open_is_one_sentence_and_left_alone(target):
    pulled(target, a_plan(), every(HOUR))
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(target)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout.readline() == "open\n"
        with pytest.raises(SinkError) as caught:
            open_target(target).open(renewed())
        other.stdin.close()
    assert str(caught.value) == f"{target} cannot be written: it is in use by another process"
    assert names(target) == ["out.duckdb"]
    pulled(target, renewed(), every(2 * HOUR))
    assert len(sessions_in(target)) == 12


# ---------------------------------------------------------------------- filters and fresh


def test_other_filters_of_the_same_provider_are_refused(target):
    pulled(target, a_plan(), every(HOUR))
    with pytest.raises(SinkError) as caught:
        pulled(target, a_plan(filters=(("with_clicks", "true"),)), [])
    assert str(caught.value) == (
        f"{target} holds sessions of hum for other filters, and rows would double: {START_OVER}"
    )
    assert sessions_in(target) == every(HOUR)
    pulled(target, a_plan(provider="attributionhub", filters=(("term", "x"),)), [])


def test_of_two_filters_with_pages_the_first_to_commit_has_the_stream(target):
    plans = a_plan(), a_plan(filters=(("with_clicks", "true"),))
    for plan in plans:
        store = open_target(target)
        journal = begin(store, plan).journal
        journal.note(plan.windows[0], SETTING, page(plan.windows[0]))
        store.leave(a_report(complete=False))
    assert not target.exists()
    store = open_target(target)
    assert list(begin(store, plans[1]).journal.story(plans[1].windows[0], SETTING))
    commit(store, plans[1].windows, every(HOUR))
    store.finish(a_report())
    with pytest.raises(SinkError, match="for other filters"):
        open_target(target).open(plans[0])
    assert sessions_in(target) == every(HOUR)


def test_other_filters_that_came_first_meanwhile_are_refused_at_the_commit(target):
    store = open_target(target)
    begin(store, a_plan())
    with store._file.transaction() as connection:  # as where a file system has no locks
        DuckDBBooks(connection).claim("hum", (("with_clicks", "true"),))
    with pytest.raises(SinkError, match="for other filters"):
        commit(store, a_plan().windows, every(HOUR))
    store.leave(a_report(complete=False))
    assert sessions_in(target) == []


def test_fresh_replaces_all_sessions_of_the_provider_and_no_others(target):
    pulled(target, a_plan(days=9), every(HOUR, days=9))
    pulled(target, a_plan(provider="other"), every(HOUR, provider="other"))
    new = every(HOUR, tag="new")
    pulled(target, a_plan(filters=(("with_clicks", "true"),)), new, fresh=True)
    assert [s for s in sessions_in(target) if s.provider == "hum"] == new
    assert windows_in(target) == [("hum", 0, 24, 24, True), ("other", 0, 24, 24, True)]
    assert stream_in(target).filters == (("with_clicks", "true"),)


def test_fresh_keeps_what_is_there_until_the_first_window_is_whole(target):
    pulled(target, a_plan(), every(HOUR))
    store = open_target(target, fresh=True)
    standing = begin(store, a_plan())
    assert not standing.is_finished
    assert standing.stored == ()
    store.leave(a_report(complete=False))
    assert sessions_in(target) == every(HOUR)


def test_fresh_takes_away_once_and_not_with_every_window_or_go(target):
    plan = a_plan(days=3, longest=DAY)
    pulled(target, a_plan(days=9), every(HOUR, days=9, tag="old"))
    store = open_target(target, fresh=True)
    begin(store, plan)
    commit(store, plan.windows[:2], every(HOUR, days=3))
    store.leave(a_report(complete=False))
    store = open_target(target)
    assert len(begin(store, plan).stored) == 2
    commit(store, plan.windows[2:], every(HOUR, days=3))
    store.finish(a_report())
    assert sessions_in(target) == every(HOUR, days=3)


def test_fresh_keeps_what_earlier_pulls_have_cost(target):
    store = open_target(target)
    begin(store, a_plan()).journal.spend()
    commit(store, a_plan().windows, [])
    store.finish(a_report())
    pulled(target, a_plan(), every(HOUR), fresh=True)
    assert asked(target, "SELECT sum(requests)::INT FROM _asyncsessions_requests") == [(1,)]
