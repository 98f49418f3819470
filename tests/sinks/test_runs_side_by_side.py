"""Several runs of one provider in a target: none costs another its pages or its budget."""

from __future__ import annotations

import pytest

from asyncsessions.core.journal import Answered, Setting
from asyncsessions.errors import SinkError
from asyncsessions.sinks import open_target
from asyncsessions.sinks.holdings import months_in, open_holdings
from tests.invented_sessions import (
    DAY,
    HOUR,
    MADE_AT,
    START,
    a_plan,
    a_report,
    a_sync,
    an_ask,
    begin,
    commit,
    every,
    pull,
)

SETTING = Setting(50, "strict")
OVER = a_plan(days=2, longest=DAY)
UNFINISHED = a_plan(days=4, longest=DAY, start=START + 9 * DAY, made_at=MADE_AT + HOUR)
LATER = {"made_at": MADE_AT + 2 * HOUR}
SESSIONS = every(HOUR, days=2)
WAITING = every(HOUR, days=4, start=START + 9 * DAY, tag="w")


@pytest.fixture(params=["out.duckdb", "out/"])
def target(request, tmp_path):
    return f"{tmp_path}/{request.param}"


def spend(journal, requests):
    for _ in range(requests):
        journal.spend()


def page(window):
    return Answered(an_ask(window), b"{}", MADE_AT)


def left(target, *, windows):
    """Let a run be left with so many windows, a page of the next one, and three requests."""
    store = open_target(target)
    standing = begin(store, UNFINISHED)
    spend(standing.journal, 3)
    commit(store, UNFINISHED.windows[:windows], WAITING)
    window = UNFINISHED.windows[windows]
    standing.journal.note(window, SETTING, page(window))
    store.leave(a_report(complete=False))
    return standing.run


def finished(target, plan, sessions, *, requests=1):
    """Pull a plan, or ask for it again, and return the last word."""
    store = open_target(target)
    standing = begin(store, plan)
    spend(standing.journal, 0 if standing.is_finished else requests)
    if not standing.is_finished:
        commit(store, plan.windows, sessions)
    return store.finish(a_report())


def only_asked(target, plan, **how):
    """Open a plan and leave it after a request."""
    store = open_target(target, **how)
    begin(store, plan).journal.spend()
    store.leave(a_report(complete=False))


OTHERS = {
    "the one that is over again": lambda target: finished(target, OVER, SESSIONS),
    "a sync": lambda target: finished(target, a_sync(days=2, **LATER), SESSIONS),
    "another range": lambda target: finished(target, a_plan(days=1, **LATER), SESSIONS),
    "another range that is left": lambda target: only_asked(target, a_plan(days=3, **LATER)),
    "another provider": lambda target: finished(
        target, a_plan(provider="other", **LATER), every(HOUR, provider="other")
    ),
    "fresh that brings nothing": lambda target: only_asked(
        target, a_plan(filters=(("term", "x"),), **LATER), fresh=True
    ),
}


@pytest.mark.parametrize("windows", [0, 2])
@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_a_run_keeps_its_pages_and_its_budget_whatever_runs_meanwhile(target, other, windows):
    finished(target, OVER, SESSIONS)
    run = left(target, windows=windows)
    for _ in range(2):
        other(target)
    store = open_target(target)
    standing = begin(store, UNFINISHED)
    assert standing.run.id == run.id
    assert standing.journal.spent == 3
    assert standing.journal.planned() == UNFINISHED.windows
    window = UNFINISHED.windows[windows]
    assert standing.journal.story(window, SETTING) == [page(window)]
    standing.journal.spend()
    commit(store, UNFINISHED.windows[windows:], WAITING)
    assert store.finish(a_report()).startswith("96 rows written")
    with open_holdings(target) as holdings:
        stream = next(each for each in holdings.streams() if each.provider == "hum")
        (found,) = [each for each in stream.runs if each.id == run.id]
        assert sum(found.requests.values()) >= 4
        assert stream.rows == 96 + 48


def test_every_request_is_counted_once_whoever_ends_first(target):
    finished(target, OVER, SESSIONS)
    left(target, windows=1)
    for _ in range(2):
        finished(target, OVER, SESSIONS)
        finished(target, a_sync(days=2, **LATER), SESSIONS)
    finished(target, UNFINISHED, WAITING)
    with open_holdings(target) as holdings:
        (stream,) = holdings.streams()
        assert sum(months_in(holdings, stream).values()) == 1 + 3 + 2 + 1


def test_what_fresh_has_replaced_is_not_gone_on_with(target):
    finished(target, OVER, SESSIONS)
    run = left(target, windows=1)
    store = open_target(target, fresh=True)
    standing = begin(store, UNFINISHED)
    assert standing.run.id != run.id
    commit(store, UNFINISHED.windows, WAITING)
    store.finish(a_report())
    store = open_target(target)
    again = store.open(UNFINISHED)
    assert again.is_finished
    assert again.run.id == standing.run.id
    store.finish(a_report())
    with open_holdings(target) as holdings:
        (stream,) = holdings.streams()
        assert sum(months_in(holdings, stream).values()) == 1 + 3


def test_an_incomplete_report_ends_the_run_and_is_told(target):
    store = open_target(target)
    begin(store, OVER)
    commit(store, OVER.windows[:1], SESSIONS)
    commit(store, OVER.windows[1:], SESSIONS, complete=False)
    said = store.finish(a_report(complete=False))
    assert said.startswith("48 rows written to ")
    assert said.endswith(", 1 window complete: the pull is not complete")
    with open_holdings(target) as holdings:
        (stream,) = holdings.streams()
        assert [run.ended_at is not None for run in stream.runs] == [True]
    store = open_target(target)
    assert not store.open(OVER).is_finished
    store.leave(a_report(complete=False))


def test_a_run_that_is_over_counts_what_a_later_one_has_read_again(target):
    finished(target, OVER, SESSIONS)
    finished(target, a_sync(days=1, start=START + DAY, **LATER), SESSIONS)
    far = START + 5 * DAY
    finished(target, a_plan(start=far, **LATER), every(HOUR, start=far, tag="far"))
    assert finished(target, OVER, SESSIONS).startswith("48 rows written to ")


def test_requests_survive_fresh(target):
    for count in range(1, 4):
        store = open_target(target, fresh=True)
        standing = begin(store, OVER)
        spend(standing.journal, 2)
        commit(store, OVER.windows, SESSIONS)
        store.finish(a_report())
        with open_holdings(target) as holdings:
            (stream,) = holdings.streams()
            assert len(stream.runs) == 1
            assert sum(holdings.requests("hum").values()) == 2 * count


FILES = pytest.mark.parametrize("name", ["out.jsonl", "out.csv", "out.parquet"])


def requests_in(target):
    with open_holdings(target) as holdings:
        return sum(holdings.requests("hum").values())


@FILES
@pytest.mark.parametrize("fresh", [True, False])
def test_requests_survive_fresh_and_a_removed_file(tmp_path, name, fresh):
    target = tmp_path / name
    for count in range(1, 4):
        store = open_target(target, fresh=fresh)
        spend(begin(store, OVER).journal, 2)
        commit(store, OVER.windows, SESSIONS)
        store.finish(a_report())
        assert requests_in(target) == 2 * count
        if not fresh:
            target.unlink()
            store = open_target(target)
            begin(store, OVER)
            store.leave(a_report(complete=False))


@FILES
def test_requests_survive_fresh_that_died_without_rows(tmp_path, name):
    target, other = tmp_path / name, a_plan(filters=(("term", "x"),))
    finished(target, OVER, SESSIONS, requests=2)
    only_asked(target, other, fresh=True)
    # The file that is there is asked for again: that costs the other nothing.
    assert finished(target, OVER, SESSIONS).startswith("48 rows")
    assert requests_in(target) == 2
    store = open_target(target)
    standing = begin(store, other)
    assert standing.journal.spent == 1
    commit(store, other.windows, every(HOUR))
    assert store.finish(a_report()) == f"24 rows written to {target}"
    assert requests_in(target) == 3


@FILES
def test_rows_of_one_pull_are_not_lost_to_pages_of_another(tmp_path, name):
    target, other = tmp_path / name, a_plan(days=3, longest=DAY, **LATER)
    store = open_target(target)
    journal = begin(store, other).journal
    journal.spend()
    journal.note(other.windows[0], SETTING, page(other.windows[0]))
    store.leave(a_report(complete=False))
    store = open_target(target)
    begin(store, OVER)
    commit(store, OVER.windows[:1], SESSIONS)
    store.leave(a_report(complete=False))
    with pytest.raises(SinkError, match="is to hold, when it is finished, a pull of hum"):
        open_target(target).open(other)
    store = open_target(target)
    assert len(begin(store, OVER).stored) == 1
    commit(store, OVER.windows[1:], SESSIONS)
    assert store.finish(a_report()) == f"48 rows written to {target}"
    beside = target.with_name(f"{name}.pull")
    assert [path.name for path in beside.iterdir()] == ["books.json"]


@FILES
def test_an_incomplete_report_leaves_a_file_unfinished(tmp_path, name):
    target = tmp_path / name
    store = open_target(target)
    begin(store, OVER)
    commit(store, OVER.windows, SESSIONS, complete=False)
    said = store.finish(a_report(complete=False))
    assert said.startswith("48 rows written to ")
    assert said.endswith(": the pull is not complete")
    assert not target.exists()
    assert pull(open_target(target), OVER, SESSIONS) == f"48 rows written to {target}"
