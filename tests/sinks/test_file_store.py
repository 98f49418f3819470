"""A target that is a single file, over many goes: what it goes on with, and what it begins anew."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest

from asyncsessions.core.journal import Answered, Asked, Setting
from asyncsessions.core.windows import TimeRange
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
    pull,
)
from tests.sinks.files import (
    LATER,
    PLAN,
    SESSIONS,
    START_OVER,
    begun,
    beside,
    books,
    content,
    die,
    dying,
    gone_on,
)


@pytest.fixture(params=[".jsonl", ".csv"])
def target(request, tmp_path):
    return tmp_path / f"out{request.param}"


@pytest.fixture
def whole(tmp_path_factory, target):
    return content(tmp_path_factory, target, SESSIONS)


def test_the_same_pull_goes_on_with_its_run_and_its_rows(target, whole):
    first = begun(target)
    second = gone_on(target)
    assert second.run == first.run
    assert [window.rows for window in second.stored] == [24, 24]
    assert not second.is_finished
    assert target.read_bytes() == whole


def test_a_pull_that_reaches_to_now_goes_on_to_the_end_that_was_pinned(target, whole):
    first = begun(target, plan=open_plan(days=4, longest=DAY))
    tomorrow = open_plan(days=5, longest=DAY, made_at=MADE_AT + DAY)
    second = gone_on(target, plan=tomorrow)
    assert second.run == first.run
    assert second.run.pinned == PLAN.pinned
    assert target.read_bytes() == whole


def test_a_pull_without_rows_yet_goes_on_too(target, whole):
    store = open_target(target)
    first = begin(store, PLAN)
    first.journal.spend()
    die(store)
    second = gone_on(target)
    assert second.run == first.run
    assert second.journal.spent == 1
    assert target.read_bytes() == whole


def test_a_window_that_was_committed_twice_is_there_once_and_in_its_place(target, whole):
    store = open_target(target)
    begin(store, PLAN)
    commit(store, PLAN.windows, LATER[10:60], complete=False)
    store.leave(a_report(complete=False))
    store = open_target(target)
    standing = store.open(PLAN)
    assert [window.complete for window in standing.stored] == [False] * 4
    commit(store, [PLAN.windows[index] for index in (1, 3, 0, 2)], SESSIONS)
    assert store.finish(a_report()) == f"96 rows written to {target}"
    assert target.read_bytes() == whole


def test_a_smaller_window_gives_way_to_the_one_around_it(target, whole):
    store = open_target(target)
    begin(store, PLAN)
    commit(store, PLAN.windows, LATER, complete=False)
    (wide,) = a_plan(days=4).windows
    commit(store, [wide], SESSIONS)
    assert store.finish(a_report()) == f"96 rows written to {target}"
    assert target.read_bytes() == whole
    assert len(books(target).windows) == 1


def test_requests_of_all_goes_are_entered_by_month_and_only_books_stay(target):
    for _ in range(2):
        store = open_target(target)
        journal = begin(store, PLAN).journal
        journal.spend()
        commit(store, PLAN.windows[:1], SESSIONS)
        store.leave(a_report(complete=False))
    gone_on(target)
    (run,) = books(target).runs
    assert sum(run.requests.values()) == 2
    assert run.ended_at is not None
    assert [path.name for path in beside(target).iterdir()] == ["books.json"]


def test_the_books_say_where_the_rows_of_a_window_lie(target):
    gone_on(target)
    held, stored = target.read_bytes(), books(target).windows
    assert [window.owned for window in stored] == [window.owned for window in PLAN.windows]
    for window in stored:
        piece = held[window.offset : window.offset + window.length]
        assert piece.count(b"\n") == window.rows == 24
        assert b"2026-01-0" in piece


# ---------------------------------------------------------------------- a pull that is over


def untouched(target):
    """Which file it is and when it was written; that it was read is no harm."""
    found = target.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def test_a_finished_pull_stays_finished_and_only_says_where_its_rows_are(target, whole):
    begun(target, windows=0)
    gone_on(target)
    before = untouched(target)
    store = open_target(target)
    standing = store.open(PLAN)
    assert standing.is_finished
    assert [window.rows for window in standing.stored] == [24] * 4
    assert store.finish(a_report()) == f"96 rows written to {target}"
    assert untouched(target) == before
    assert [path.name for path in beside(target).iterdir()] == ["books.json"]


def test_a_pull_that_reaches_to_now_begins_anew_and_replaces_the_file_at_its_end(target):
    pull(open_target(target), open_plan(days=4, longest=DAY), SESSIONS)
    before = target.read_bytes()
    plan = open_plan(days=5, longest=DAY)
    store = open_target(target)
    standing = begin(store, plan)
    assert not standing.is_finished
    assert standing.stored == ()
    commit(store, plan.windows, every(HOUR, days=5, tag="new"))
    assert target.read_bytes() == before
    assert store.finish(a_report()) == f"120 rows written to {target}"
    assert b"s-" not in target.read_bytes()
    assert len(books(target).runs) == 2


def test_a_new_run_takes_no_rows_of_the_one_before(target):
    """Also when it died between its rows and its books, with a range that has moved on."""
    short = a_plan(days=1, start=START + 3 * DAY, asked="-1d/now", is_open=True)
    pull(open_target(target), short, every(HOUR / 60, days=1, start=START + 3 * DAY, tag="old"))
    moved = a_plan(days=1, start=START + 4 * DAY, asked="-1d/now", is_open=True)
    rows = every(HOUR / 60, days=1, start=START + 4 * DAY, tag="new")
    store = open_target(target)
    begin(store, moved)
    with pytest.MonkeyPatch.context() as patch, suppress(KeyboardInterrupt):
        dying(patch, "write_books")
        commit(store, moved.windows, rows)
    die(store)
    standing = gone_on(target, plan=moved, sessions=rows)
    assert standing.stored == ()
    assert target.read_bytes().count(b"new-") == 1440
    assert b"old-" not in target.read_bytes()


def test_a_file_that_the_user_removed_is_pulled_anew(target, whole):
    gone_on(target)
    run = books(target).runs[0]
    target.unlink()
    store = open_target(target)
    standing = begin(store, PLAN)
    assert not standing.is_finished
    assert standing.run.id != run.id
    assert standing.stored == ()
    commit(store, PLAN.windows, SESSIONS)
    store.finish(a_report())
    assert target.read_bytes() == whole


def test_a_file_of_others_in_the_place_of_a_removed_one_is_kept(target):
    gone_on(target)
    target.write_text("mine")
    with pytest.raises(SinkError, match="is not a file of ours"):
        open_target(target).open(PLAN)
    assert target.read_text() == "mine"


OTHERS = {
    "another range": a_plan(days=5, longest=DAY),
    "other filters": a_plan(days=4, longest=DAY, filters=(("campaign", "x"),)),
    "another provider": a_plan(days=4, longest=DAY, provider="attributionhub"),
    "a moving end": open_plan(days=4, longest=DAY),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_another_pull_is_refused_unless_it_shall_replace(target, other):
    begun(target)
    with pytest.raises(SinkError) as caught:
        open_target(target).open(other)
    whose = "a pull of hum with other filters or another range"
    assert str(caught.value) == (f"{target} is to hold, when it is finished, {whose}: {START_OVER}")
    gone_on(target)
    with pytest.raises(SinkError) as caught:
        open_target(target).open(other)
    assert str(caught.value) == f"{target} holds {whose}: {START_OVER}"
    assert target.read_bytes().count(b"s-") == 96
    pull(open_target(target, fresh=True), other, every(HOUR, days=5, tag="new"))
    assert b"s-" not in target.read_bytes()
    assert (books(target).provider, books(target).filters) == (other.provider, other.filters)


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_a_name_whose_file_was_removed_is_free_for_any_pull_and_its_goes(target, other):
    gone_on(target)
    target.unlink()
    begun(target, plan=other)
    standing = gone_on(target, plan=other)
    assert len(standing.stored) == 2
    assert (books(target).provider, books(target).filters) == (other.provider, other.filters)


def test_fresh_begins_anew_and_goes_on_without_being_said_again(target):
    gone_on(target)
    begun(target, fresh=True, sessions=LATER)
    standing = gone_on(target, sessions=LATER)
    assert len(standing.stored) == 2
    assert target.read_bytes().count(b"later") == 96


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_fresh_that_died_without_rows_is_gone_on_with_and_the_old_file_stays_till_then(
    target, other
):
    gone_on(target)
    before = target.read_bytes()
    store = open_target(target, fresh=True)
    first = begin(store, other)
    first.journal.spend()
    die(store)
    assert target.read_bytes() == before
    second = gone_on(target, plan=other, sessions=LATER)
    assert second.run == first.run
    assert second.journal.spent == 1
    assert (books(target).provider, books(target).filters) == (other.provider, other.filters)
    assert target.read_bytes().count(b"later") == 96


def test_fresh_drops_what_an_unfinished_pull_has_brought(target, whole):
    first = begun(target, sessions=LATER)
    store = open_target(target, fresh=True)
    standing = begin(store, PLAN)
    assert standing.run.id != first.run.id
    assert standing.stored == ()
    commit(store, PLAN.windows, SESSIONS)
    store.finish(a_report())
    assert target.read_bytes() == whole


def test_a_pull_that_brought_nothing_leaves_a_name_as_free_as_it_was(target):
    gone_on(target)
    target.unlink()
    store = open_target(target)
    begin(store, PLAN)
    store.leave(a_report(complete=False))
    assert not list(target.parent.iterdir())


def test_pages_that_came_are_kept_also_without_rows(target):
    store, ask = open_target(target), an_ask(PLAN.windows[0])
    journal = begin(store, PLAN).journal
    setting = Setting(50, "strict")
    journal.note(PLAN.windows[0], setting, Answered(ask, b"{}", MADE_AT))
    said = store.leave(a_report(complete=False))
    assert said == (
        f"nothing was written to {target}, and the pages that came wait for the next go: "
        "the pull is not complete"
    )
    assert not target.with_name(target.name + ".partial").exists()
    store = open_target(target)
    (event,) = begin(store, PLAN).journal.story(PLAN.windows[0], setting)
    assert event.body == b"{}"
    store.leave(a_report(complete=False))


@pytest.mark.parametrize("requests", [0, 2])
def test_what_was_only_asked_leaves_what_it_has_cost(target, requests):
    store, window = open_target(target), PLAN.windows[0]
    first = begin(store, PLAN)
    first.journal.note(window, Setting(50, "strict"), Asked(an_ask(window), 4))
    for _ in range(requests):
        first.journal.spend()
    said = store.leave(a_report(complete=False))
    assert said == f"nothing was written to {target}: the pull is not complete"
    assert list(target.parent.iterdir()) == [beside(target)] * bool(requests)
    store = open_target(target)
    second = begin(store, PLAN)
    assert second.journal.spent == requests
    assert (second.run == first.run) is bool(requests)
    store.leave(a_report(complete=False))


def test_a_range_is_pinned_as_the_books_have_it(target):
    begun(target, plan=open_plan(days=4, longest=DAY))
    (run,) = books(target).runs
    assert run.pinned == TimeRange(START, START + timedelta(days=4), closed=False)
    assert run.asked == "2026-01-01T00:00:00+00:00/now"
