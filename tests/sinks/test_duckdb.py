"""The table of sessions in a DuckDB file: what is in it after which pulls."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise

import duckdb
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from asyncsessions.core.columns import arrow_schema
from asyncsessions.core.convert import from_row
from asyncsessions.core.records import Order
from asyncsessions.core.windows import to_micros
from asyncsessions.errors import SinkError
from asyncsessions.sinks import duckdb as module
from asyncsessions.sinks import open_sink
from tests.invented_sessions import DAY, HOUR, START, a_plan, a_report, every, write

US_PER_HOUR = 3_600_000_000


@pytest.fixture
def target(tmp_path):
    return tmp_path / "out.duckdb"


def pulled(target, plan, sessions, *, fresh=False, complete=True):
    """Write a whole pull and return the target's last word."""
    sink = open_sink(target, fresh=fresh)
    sink.begin(plan)
    write(sink, plan, sessions, complete=complete)
    return sink.finish(a_report(complete=complete))


def asked(target, sql, *values):
    with duckdb.connect(str(target), read_only=True) as connection:
        return connection.execute(sql, values).fetchall()


def sessions_in(target):
    with duckdb.connect(str(target), read_only=True) as connection:
        rows = connection.sql("FROM sessions ORDER BY started_at DESC, id").to_arrow_table()
    return [from_row(row) for row in rows.to_pylist()]


def windows_in(target):
    """Return the recorded windows: provider, hours since the start, rows, completeness."""
    begin = to_micros(START)
    found = asked(
        target,
        "SELECT provider, epoch_us(lo), epoch_us(hi), rows, complete FROM _asyncsessions_windows "
        "ORDER BY provider, lo",
    )
    return [
        (provider, (lo - begin) / US_PER_HOUR, (hi - begin) / US_PER_HOUR, rows, complete)
        for provider, lo, hi, rows, complete in found
    ]


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
    runs = asked(
        target, "SELECT count(DISTINCT run), count(committed_at) FROM _asyncsessions_windows"
    )
    assert runs == [(1, 3)]


def test_the_stream_is_recorded_with_its_filters(target):
    pulled(target, a_plan(filters=(("campaign", "ä"),)), [])
    ((provider, filters),) = asked(target, "FROM _asyncsessions_streams")
    assert (provider, json.loads(filters)) == ("hum", [["campaign", "ä"]])


def test_the_same_pull_again_replaces_and_never_doubles(target):
    sessions = every(HOUR, days=3)
    pulled(target, a_plan(days=3), sessions)
    edited = [evolve(s, campaign="late") for s in sessions[:-10]]
    pulled(target, a_plan(days=3), edited)
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


def test_a_pull_inside_an_earlier_window_leaves_both_of_its_sides(target):
    pulled(target, a_plan(days=3), every(HOUR, days=3))
    pulled(target, a_plan(days=1, start=START + DAY), [], complete=False)
    assert windows_in(target) == [
        ("hum", 0, 24, 24, True),
        ("hum", 24, 48, 0, False),
        ("hum", 48, 72, 24, True),
    ]


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
        pulled(target, a_plan(days=days, start=start, longest=longest * DAY), sessions)
        truth |= {s.started_at: s for s in sessions}
    assert sessions_in(target) == sorted(truth.values(), key=lambda s: s.started_at, reverse=True)
    windows = windows_in(target)
    assert sum(rows for *_, rows, _ in windows) == len(truth)
    assert all(a[2] <= b[1] for a, b in pairwise(windows))


def test_two_providers_share_a_file(target):
    pulled(target, a_plan(), every(HOUR))
    pulled(target, a_plan(provider="attributionhub"), every(HOUR, provider="attributionhub"))
    pulled(target, a_plan(), every(2 * HOUR))
    assert asked(target, "SELECT provider, count(*) FROM sessions GROUP BY 1 ORDER BY 1") == [
        ("attributionhub", 24),
        ("hum", 12),
    ]


def test_two_pulls_of_one_process_may_write_the_same_file_at_once(target):
    plans = {name: a_plan(days=2, longest=DAY, provider=name) for name in ("hum", "other")}
    sinks = {name: open_sink(target) for name in plans}
    for name, sink in sinks.items():
        sink.begin(plans[name])
    for window in 0, 1:
        for name, sink in sinks.items():
            sink.write(window, every(HOUR, start=START + (1 - window) * DAY, provider=name))
    for window in 0, 1:
        for sink in sinks.values():
            sink.commit(window, is_complete=True)
    sinks["other"].abort(a_report(complete=False))
    sinks["hum"].finish(a_report())
    assert asked(target, "SELECT provider, count(*) FROM sessions GROUP BY 1 ORDER BY 1") == [
        ("hum", 48),
        ("other", 48),
    ]
    assert [path.name for path in target.parent.iterdir()] == ["out.duckdb"]


def test_other_filters_of_the_same_provider_are_refused(target):
    pulled(target, a_plan(), every(HOUR))
    with pytest.raises(SinkError) as caught:
        pulled(target, a_plan(filters=(("with_clicks", "true"),)), [])
    assert str(caught.value) == (
        f"{target} holds sessions of hum for other filters, and rows would double: "
        "start over with fresh (--fresh), or give another name"
    )
    assert sessions_in(target) == every(HOUR)
    pulled(target, a_plan(provider="attributionhub", filters=(("term", "x"),)), [])


def test_other_filters_are_also_refused_between_two_pulls_at_once(target):
    first, second = open_sink(target), open_sink(target)
    first.begin(a_plan())
    second.begin(a_plan(filters=(("with_clicks", "true"),)))
    first.commit(0, is_complete=True)
    second.write(0, every(HOUR))
    with pytest.raises(SinkError, match="for other filters"):
        second.commit(0, is_complete=True)
    second.abort(a_report(complete=False))
    first.finish(a_report())
    assert sessions_in(target) == []


def test_fresh_replaces_all_sessions_of_the_provider_and_no_others(target):
    pulled(target, a_plan(days=9), every(HOUR, days=9))
    pulled(target, a_plan(provider="other"), every(HOUR, provider="other"))
    new = every(HOUR, tag="new")
    pulled(target, a_plan(filters=(("with_clicks", "true"),)), new, fresh=True)
    assert [s for s in sessions_in(target) if s.provider == "hum"] == new
    assert windows_in(target) == [("hum", 0, 24, 24, True), ("other", 0, 24, 24, True)]


def test_fresh_keeps_what_is_there_until_the_first_window_is_whole(target):
    pulled(target, a_plan(), every(HOUR))
    sink = open_sink(target, fresh=True)
    sink.begin(a_plan())
    sink.write(0, every(HOUR, tag="new"))
    sink.abort(a_report(complete=False))
    assert sessions_in(target) == every(HOUR)


def test_fresh_takes_away_once_and_not_with_every_window(target):
    pulled(target, a_plan(days=3, longest=DAY), every(HOUR, days=3), fresh=True)
    assert len(sessions_in(target)) == 72


def test_windows_may_take_turns_and_each_is_committed_as_a_whole(target, monkeypatch):
    monkeypatch.setattr(module, "BATCH_ROWS", 5)
    plan, sessions = a_plan(days=2, longest=DAY), every(HOUR, days=2)
    sink = open_sink(target)
    sink.begin(plan)
    sink.write(1, sessions[24:36])
    sink.write(0, sessions[:20])
    sink.write(1, sessions[36:])
    sink.commit(1, is_complete=True)
    sink.write(0, sessions[20:24])
    said = sink.abort(a_report(complete=False))
    assert sessions_in(target) == sessions[24:]
    assert said == (
        f"24 rows written to {target}, table sessions, 1 of 2 windows complete: "
        "the pull is not complete"
    )


def test_at_most_a_batch_of_rows_waits_in_memory(target, monkeypatch):
    monkeypatch.setattr(module, "BATCH_ROWS", 100)
    sink = open_sink(target)
    sink.begin(a_plan(days=100))
    most = 0
    for session in every(HOUR, days=100):
        sink.write(0, [session])
        most = max(most, sum(map(len, sink._staged.values())))
    assert most < 100
    sink.commit(0, is_complete=True)
    sink.finish(a_report())
    assert len(sessions_in(target)) == 2_400


def test_an_unproven_window_is_kept_and_marked(target):
    said = pulled(target, a_plan(), every(HOUR), complete=False)
    assert windows_in(target) == [("hum", 0, 24, 24, False)]
    assert said == (
        f"24 rows written to {target}, table sessions, 0 of 1 window complete: "
        "the pull is not complete"
    )


def test_an_abort_after_the_end_or_before_the_beginning_harms_nothing(target):
    sink = open_sink(target)
    assert sink.abort(a_report()) == f"nothing was written to {target}: the pull is not complete"
    sink = open_sink(target)
    sink.begin(a_plan())
    sink.commit(0, is_complete=True)
    said = sink.finish(a_report())
    assert sink.abort(a_report(complete=False)) == said


def test_a_value_that_fits_no_column_is_one_sentence(target):
    (session,) = every(DAY)
    sink = open_sink(target)
    sink.begin(a_plan())
    sink.write(0, [evolve(session, order=Order(commission_cents=2**70))])
    with pytest.raises(SinkError, match="a value of the column order_commission_cents is no"):
        sink.commit(0, is_complete=True)
    sink.abort(a_report())
    assert not target.exists()
