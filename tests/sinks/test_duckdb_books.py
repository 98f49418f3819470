"""The books in a DuckDB file: runs, requests, windows, and what syncs found changed."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from asyncsessions.core.books import cut_out
from asyncsessions.core.columns import to_table
from asyncsessions.core.digest import digest
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
    a_sync,
    begin,
    commit,
    every,
)
from tests.sinks.duckdbs import (
    PLAN,
    SESSIONS,
    asked,
    begun,
    pulled,
    renewed,
    sessions_in,
    stream_in,
    stream_of,
    windows_in,
)


@pytest.fixture
def target(tmp_path):
    return tmp_path / "out.duckdb"


def test_a_run_is_entered_with_its_range_and_its_end(target):
    plan = a_plan(asked="2026-01-01/2026-01-02")
    store = open_target(target)
    run = begin(store, plan).run
    commit(store, plan.windows, [])
    assert [run.ended_at for run in stream_of(store).runs] == [None]
    store.finish(a_report())
    ((*found, ended_at),) = asked(target, "FROM _asyncsessions_runs")
    assert found == [
        *("hum", run.id, "pull", "2026-01-01/2026-01-02"),
        *(plan.pinned.start, plan.pinned.end, False, MADE_AT),
    ]
    assert timedelta(0) <= datetime.now(UTC) - ended_at < DAY
    (known,) = stream_in(target).runs
    assert evolve(known, ended_at=None) == run


def test_requests_are_entered_by_month_when_the_run_ends_and_the_ledger_goes(target):
    for _ in range(2):
        begun(target, windows=1)
    beside = target.with_name("out.duckdb.pull")
    run = stream_in(target).runs[0]
    assert run.requests == {}
    ledger = beside / "hum.ledger"
    ledger.write_text(f"2025-12-31T23:59:59Z {run.id} 40\n" + ledger.read_text())
    ledger.write_text("2025-11-30T23:59:59Z of-nobody 2\n" + ledger.read_text())
    pulled(target, PLAN, SESSIONS)
    assert not beside.exists()
    found = dict(
        asked(target, "SELECT month, requests FROM _asyncsessions_requests ORDER BY month LIMIT 2")
    )
    assert found == {"2025-11": 2, "2025-12": 40}
    assert sum(stream_in(target).runs[0].requests.values()) == 44
    assert stream_in(target).requests == stream_in(target).runs[0].requests


def test_rows_that_are_the_same_are_not_written_again(target):
    pulled(target, renewed(), every(HOUR))
    before = asked(target, "SELECT rowid, id FROM sessions")
    ((read_by,),) = asked(target, "SELECT run FROM _asyncsessions_windows")
    pulled(target, renewed(), every(HOUR)[::-1])
    assert asked(target, "SELECT rowid, id FROM sessions") == before
    ((run,),) = asked(target, "SELECT run FROM _asyncsessions_windows")
    assert run != read_by
    pulled(target, renewed(), [*every(HOUR)[:-1], evolve(every(HOUR)[-1], term="x")])
    assert asked(target, "SELECT rowid, id FROM sessions") != before


def test_the_same_rows_can_become_proven_or_not(target):
    pulled(target, renewed(), every(HOUR))
    pulled(target, renewed(), every(HOUR), complete=False)
    assert windows_in(target) == [("hum", 0, 24, 24, False)]
    pulled(target, renewed(), every(HOUR))
    assert windows_in(target) == [("hum", 0, 24, 24, True)]


def test_cut_windows_have_their_rows_their_digest_and_what_else_they_had(target):
    pulled(target, a_plan(days=3), every(HOUR, days=3))
    (before,) = stream_in(target).windows
    inner = a_plan(days=1, start=START + DAY)
    pulled(target, inner, every(HOUR / 2, start=START + DAY, tag="new"))
    newest, middle, oldest = stream_in(target).windows
    assert middle.rows == 48
    rests = cut_out([before], middle.owned)
    sides = {oldest.owned: every(HOUR, days=3)[48:], newest.owned: every(HOUR, days=3)[:24]}
    for cut, (_, rest) in zip((oldest, newest), rests, strict=True):
        rows = to_table(sides[rest])
        assert cut == evolve(before, owned=rest, rows=24, digest=digest(rows))


# ---------------------------------------------------------------------- changes


def synced(target, sessions, **more):
    return pulled(target, a_sync(**more), sessions)


CHANGES = "SELECT change, id FROM session_changes ORDER BY started_at"


def test_a_sync_records_what_was_added_changed_and_removed(target):
    pulled(target, a_plan(), every(HOUR))
    now = every(HOUR)
    now[3] = evolve(now[3], order=Order(number="9", installed=True))
    gone, new = now.pop(5), evolve(now[0], id="new", started_at=now[0].started_at + HOUR / 2)
    synced(target, [new, *now])
    assert Counter(asked(target, CHANGES)) == Counter(
        [("added", "new"), ("changed", now[3].id), ("removed", gone.id)]
    )
    ((was, is_now, number),) = asked(
        target,
        "SELECT old.order_installed, new.order_installed, new.order_number FROM session_changes "
        "WHERE new.order_installed",
    )
    assert (was, is_now, number) == (None, True, "9")
    found = asked(
        target,
        "SELECT DISTINCT c.run = r.run, c.provider, found_at <= ended_at FROM session_changes AS c "
        "JOIN _asyncsessions_runs AS r ON r.kind = 'sync'",
    )
    assert found == [(True, "hum", True)]
    assert asked(
        target, "SELECT new IS NULL, old.id FROM session_changes WHERE change = 'removed'"
    ) == [(True, gone.id)]
    assert asked(
        target, "SELECT old IS NULL, new.id FROM session_changes WHERE change = 'added'"
    ) == [(True, "new")]


def test_a_sync_that_finds_nothing_new_records_no_changes(target):
    pulled(target, a_plan(), every(HOUR))
    synced(target, every(HOUR))
    synced(target, every(HOUR))
    assert asked(target, CHANGES) == []
    kinds = asked(target, "SELECT kind, count(*) FROM _asyncsessions_runs GROUP BY 1 ORDER BY 1")
    assert kinds == [("pull", 1), ("sync", 2)]


def test_the_first_sync_of_an_empty_stream_records_no_changes(target):
    pulled(target, a_plan(provider="other"), every(HOUR, provider="other"))
    plan = a_sync(days=2, longest=DAY)
    store = open_target(target)
    begin(store, plan)
    commit(store, plan.windows[:1], every(HOUR, days=2))
    store.leave(a_report(complete=False))
    pulled(target, plan, every(HOUR, days=2))
    assert asked(target, CHANGES) == []
    assert stream_in(target).rows == 48


def test_a_pull_records_no_changes(target):
    pulled(target, renewed(), every(HOUR))
    pulled(target, renewed(), every(HOUR, campaign="later"))
    assert asked(target, CHANGES) == []


def test_a_sync_goes_on_with_the_one_that_was_begun_whatever_its_words(target):
    pulled(target, a_plan(days=2), every(HOUR, days=2))
    plan = a_sync(days=2, longest=DAY, asked="-7d/now")
    store = open_target(target)
    first = begin(store, plan)
    commit(store, plan.windows[:1], every(HOUR, days=2, term="x"))
    store.leave(a_report(complete=False))
    store = open_target(target)
    second = begin(store, a_sync(days=3, asked="-8d/now"))
    assert second.run == first.run
    commit(store, plan.windows[1:], every(HOUR, days=2, term="x"))
    store.finish(a_report())
    assert asked(target, "SELECT change, count(*) FROM session_changes GROUP BY 1") == [
        ("changed", 48)
    ]


def test_fresh_forgets_changes_as_well(target):
    pulled(target, a_plan(), every(HOUR))
    synced(target, [])
    assert len(asked(target, CHANGES)) == 24
    pulled(target, a_plan(), every(HOUR), fresh=True)
    assert asked(target, CHANGES) == []


def test_changes_go_with_the_rows_or_not_at_all(target, monkeypatch):
    pulled(target, a_plan(), every(HOUR))
    store = open_target(target)
    begin(store, a_sync())
    with monkeypatch.context() as patch, suppress(SinkError):
        patch.setattr(DuckDBBooks, "add_window", lambda *_: store._file._connection.execute("?"))
        commit(store, a_sync().windows, [])
    assert stream_of(store).rows == 24
    store.leave(a_report(complete=False))
    assert asked(target, CHANGES) == []
    assert sessions_in(target) == every(HOUR)
