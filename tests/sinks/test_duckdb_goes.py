"""A pull into a DuckDB file over many goes: what it goes on with, and what it leaves."""

from __future__ import annotations

import pytest
from attrs import evolve

from asyncsessions.core.journal import Asked
from asyncsessions.core.records import Order
from asyncsessions.errors import SinkError
from asyncsessions.sinks import open_target
from tests.invented_sessions import (
    DAY,
    HOUR,
    MADE_AT,
    START,
    a_plan,
    a_report,
    an_ask,
    begin,
    commit,
    every,
    open_plan,
)
from tests.sinks.duckdbs import (
    PLAN,
    SESSIONS,
    SETTING,
    begun,
    check_digests,
    names,
    page,
    pulled,
    sessions_in,
    stream_in,
    stream_of,
    windows_in,
)


@pytest.fixture
def target(tmp_path):
    return tmp_path / "out.duckdb"


def test_the_same_pull_goes_on_with_its_run_and_its_rows(target):
    first = begun(target)
    store = open_target(target)
    second = begin(store, PLAN)
    assert second.run == first.run
    assert [window.owned for window in second.stored] == [w.owned for w in PLAN.windows[:2]]
    assert second.journal.spent == 1
    commit(store, PLAN.windows[2:], SESSIONS)
    assert store.finish(a_report()) == f"96 rows written to {target}, table sessions"
    assert sessions_in(target) == SESSIONS
    assert names(target) == ["out.duckdb"]


def test_a_pull_that_reaches_to_now_goes_on_to_the_end_that_was_pinned(target):
    first = begun(target, plan=open_plan(days=4, longest=DAY))
    store = open_target(target)
    second = begin(store, open_plan(days=5, longest=DAY, made_at=MADE_AT + DAY))
    assert second.run == first.run
    assert second.run.pinned == PLAN.pinned
    store.leave(a_report(complete=False))


def test_a_pull_with_bounds_stays_finished_and_one_to_now_begins_anew(target):
    for plan in PLAN, open_plan(days=4, longest=DAY):
        pulled(target, plan, SESSIONS)
    store = open_target(target)
    standing = store.open(PLAN)
    assert standing.is_finished
    said = store.finish(a_report())
    assert said.endswith(f"written to {target}, table sessions")
    store = open_target(target)
    standing = begin(store, open_plan(days=5, longest=DAY))
    assert not standing.is_finished
    assert standing.run.id not in {run.id for run in stream_of(store).runs}
    store.leave(a_report(complete=False))


def test_what_a_later_pull_left_unproven_is_read_again_by_the_one_that_was_over(target):
    pulled(target, PLAN, SESSIONS)
    pulled(target, a_plan(start=START + DAY), [], complete=False)
    store = open_target(target)
    standing = begin(store, PLAN)
    assert not standing.is_finished
    assert standing.journal.planned() == PLAN.windows
    commit(store, PLAN.windows, SESSIONS)
    store.finish(a_report())
    assert sessions_in(target) == SESSIONS
    store = open_target(target)
    assert store.open(PLAN).is_finished
    store.finish(a_report())


def test_another_range_begins_a_run_of_its_own_and_the_first_can_still_be_gone_on_with(target):
    first = begun(target)
    pulled(target, a_plan(start=START + DAY * 9), every(HOUR, start=START + DAY * 9))
    store = open_target(target)
    second = store.open(PLAN)
    assert second.run == first.run
    assert second.journal.planned() == PLAN.windows
    assert second.journal.spent == 1
    second.journal.spend()
    commit(store, PLAN.windows[2:], SESSIONS)
    store.finish(a_report())
    assert len(sessions_in(target)) == 96 + 24
    requests = {run.id: sum(run.requests.values()) for run in stream_in(target).runs}
    assert requests.pop(first.run.id) == 2
    assert list(requests.values()) == [0]
    assert names(target) == ["out.duckdb"]


def test_a_window_that_was_unproven_is_replaced_by_the_next_go(target):
    store = open_target(target)
    begin(store, PLAN)
    commit(store, PLAN.windows, SESSIONS[10:40], complete=False)
    said = store.leave(a_report(complete=False))
    assert said == (
        f"30 rows written to {target}, table sessions, 0 windows complete: the pull is not complete"
    )
    assert [complete for *_, complete in windows_in(target)] == [False] * 4
    pulled(target, PLAN, SESSIONS)
    assert sessions_in(target) == SESSIONS
    assert [complete for *_, complete in windows_in(target)] == [True] * 4


def test_windows_that_went_with_the_file_are_planned_again(target):
    begun(target)
    store = open_target(target)
    begin(store, PLAN).journal.plan(PLAN.windows[2:])  # as the second go of a pull does
    store.leave(a_report(complete=False))
    target.unlink()
    store = open_target(target)
    standing = begin(store, PLAN)
    assert standing.stored == ()
    assert standing.journal.planned() == PLAN.windows
    commit(store, PLAN.windows, SESSIONS)
    store.finish(a_report())
    assert sessions_in(target) == SESSIONS


def test_windows_are_committed_each_as_a_whole(target):
    plan, sessions = a_plan(days=2, longest=DAY), every(HOUR, days=2)
    store = open_target(target)
    begin(store, plan)
    commit(store, plan.windows[1:], sessions)
    assert stream_of(store).rows == 24
    said = store.leave(a_report(complete=False))
    assert sessions_in(target) == sessions[24:]
    assert said == (
        f"24 rows written to {target}, table sessions, 1 window complete: the pull is not complete"
    )


def test_leaving_after_the_end_or_before_the_beginning_harms_nothing(target):
    store = open_target(target)
    nothing = f"nothing was written to {target}: the pull is not complete"
    assert store.leave(a_report()) == nothing
    store = open_target(target)
    begin(store, a_plan())
    commit(store, a_plan().windows, [])
    said = store.finish(a_report())
    assert store.leave(a_report(complete=False)) == said


def test_pages_wait_without_the_file(target):
    store, window = open_target(target), PLAN.windows[0]
    first = begin(store, PLAN)
    first.journal.note(window, SETTING, Asked(an_ask(window), 4))
    first.journal.note(window, SETTING, page(window))
    assert store.leave(a_report(complete=False)) == (
        f"nothing was written to {target}, and the pages that came wait for the next go: "
        "the pull is not complete"
    )
    assert not target.exists()
    store = open_target(target)
    second = begin(store, PLAN)
    assert second.run == first.run
    assert second.journal.story(window, SETTING) == [Asked(an_ask(window), 4), page(window)]
    store.leave(a_report(complete=False))


@pytest.mark.parametrize("requests", [0, 2])
def test_what_was_only_asked_leaves_what_it_has_cost(target, requests):
    store, window = open_target(target), PLAN.windows[0]
    first = begin(store, PLAN)
    first.journal.note(window, SETTING, Asked(an_ask(window), 4))
    for _ in range(requests):
        first.journal.spend()
    said = store.leave(a_report(complete=False))
    assert said == f"nothing was written to {target}: the pull is not complete"
    assert bool(names(target)) is bool(requests)
    assert not target.exists()
    store = open_target(target)
    second = begin(store, PLAN)
    assert second.journal.spent == requests
    assert (second.run == first.run) is bool(requests)
    store.leave(a_report(complete=False))


def test_a_value_that_fits_no_column_is_one_sentence(target):
    (session,) = every(DAY)
    store = open_target(target)
    begin(store, a_plan())
    with pytest.raises(SinkError, match="a value of the column order_commission_cents is no"):
        commit(store, a_plan().windows, [evolve(session, order=Order(commission_cents=2**70))])
    store.leave(a_report())
    assert not target.exists()


@pytest.mark.slow
def test_whatever_step_a_process_dies_at_the_next_go_makes_it_whole(tmp_path_factory, mortal):
    survived, lives = False, 0
    while not survived:
        target = tmp_path_factory.mktemp("death") / "out.duckdb"
        store = open_target(target)

        def live(store=store):
            begin(store, PLAN).journal.spend()
            commit(store, PLAN.windows[:2], SESSIONS[10:], complete=False)
            commit(store, PLAN.windows, SESSIONS)
            store.finish(a_report())

        survived = mortal(lives, live)
        if store._file is not None and store._file._connection is not None:
            store._file.close()  # a file is open in a process that lives on
        if survived or lives % 3 == 0:
            pulled(target, PLAN, SESSIONS)
            assert sessions_in(target) == SESSIONS
            check_digests(target)
            # An empty database that was being made has a name that nobody else can know.
            assert {name for name in names(target) if name[0] != "."} - {"out.duckdb"} == set()
        lives += 1
    assert lives > 20
