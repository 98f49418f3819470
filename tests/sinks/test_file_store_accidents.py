"""A target that is a single file, after deaths and on full disks: nothing is lost."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress

import pytest

from asyncsessions.core.journal import Asked, Setting
from asyncsessions.errors import SinkError
from asyncsessions.sinks import open_target
from tests.invented_sessions import (
    DAY,
    HOUR,
    Disk,
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
    begun,
    beside,
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


OTHERS = {
    "another range": a_plan(days=5, longest=DAY),
    "other filters": a_plan(days=4, longest=DAY, filters=(("campaign", "x"),)),
    "another provider": a_plan(days=4, longest=DAY, provider="attributionhub"),
    "a moving end": open_plan(days=4, longest=DAY),
}


# ---------------------------------------------------------------------- deaths


@pytest.mark.parametrize("after", [False, True])
def test_a_death_around_the_entry_into_the_books_costs_at_most_the_window(
    target, whole, monkeypatch, after
):
    store = open_target(target)
    begin(store, PLAN)
    commit(store, PLAN.windows[:2], SESSIONS)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        dying(patch, "write_books", after=after)
        commit(store, PLAN.windows[2:3], LATER)
    die(store)
    standing = gone_on(target, sessions=LATER if after else SESSIONS)
    assert len(standing.stored) == 2 + after
    assert target.read_bytes().count(b"s-") == 96
    assert (target.read_bytes() == whole) is not after


@pytest.mark.parametrize("in_order", [True, False])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", ["write_books", "check_target"])
def test_a_death_at_the_end_loses_nothing(target, whole, monkeypatch, in_order, after, step):
    store = open_target(target)
    begin(store, PLAN)
    commit(store, PLAN.windows[:: 1 if in_order else -1], SESSIONS)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        dying(patch, step, after=after)
        store.finish(a_report())
    die(store)
    store = open_target(target)
    standing = store.open(PLAN)
    assert [window.rows for window in standing.stored] == [24] * 4
    assert standing.is_finished is (after and step == "write_books")
    assert store.finish(a_report()) == f"96 rows written to {target}"
    assert target.read_bytes() == whole
    assert [path.name for path in beside(target).iterdir()] == ["books.json"]
    assert len(list(target.parent.iterdir())) == 2


@pytest.mark.parametrize("in_order", [True, False])
@pytest.mark.parametrize("renames", [0, 1, 2])
@pytest.mark.parametrize("other", [PLAN, open_plan(days=4, longest=DAY)])
def test_a_death_between_books_and_name_is_made_good_by_the_next_go(
    target, whole, monkeypatch, in_order, renames, other
):
    store, left = open_target(target), [renames]
    begin(store, other)
    commit(store, PLAN.windows[:: 1 if in_order else -1], SESSIONS)
    real = os.replace

    def place(*_):
        from asyncsessions.sinks.partial import copy_of, partial_of

        for source, end in (
            (copy_of(target), partial_of(target)),
            (partial_of(target), target),
        ):
            if not left[0]:
                break
            if source.exists():
                real(source, end)
                left[0] -= 1
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(type(store), "_place", place)
        store.finish(a_report())
    die(store)
    if renames == 2 or (in_order and renames):
        assert target.exists()
    else:
        assert open_target(target).open(other).is_finished
    if not target.exists():
        pytest.fail("it is not in its place")
    assert target.read_bytes() == whole


def test_a_whole_file_that_waits_for_its_name_is_not_given_up_for_another_pull(
    target, whole, monkeypatch
):
    store = open_target(target)
    begin(store, PLAN)
    commit(store, PLAN.windows, SESSIONS)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(type(store), "_place", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        store.finish(a_report())
    die(store)
    for other in OTHERS.values():
        with pytest.raises(SinkError, match="holds a pull of hum"):
            open_target(target).open(other)
    store = open_target(target)
    assert store.open(PLAN).is_finished
    store.finish(a_report())
    assert target.read_bytes() == whole


@pytest.mark.slow
def test_whatever_step_a_process_dies_at_the_next_go_makes_it_whole(
    target, whole, mortal, tmp_path_factory
):
    survived, lives = False, 0
    while not survived:
        folder = tmp_path_factory.mktemp("death")
        there, store = folder / target.name, open_target(folder / target.name)

        def live(store=store):
            journal = begin(store, PLAN).journal
            journal.spend()
            commit(store, PLAN.windows[:3], LATER, complete=False)
            journal.note(PLAN.windows[3], Setting(50, "strict"), Asked(an_ask(PLAN.windows[3]), 4))
            commit(store, PLAN.windows[::-1], SESSIONS)
            store.finish(a_report())

        survived = mortal(lives, live)
        store = open_target(there)
        standing = begin(store, PLAN)
        if not standing.is_finished:
            commit(store, [PLAN.windows[index] for index in (1, 3, 0, 2)], SESSIONS)
        assert store.finish(a_report()) == f"96 rows written to {there}"
        assert there.read_bytes() == whole
        assert sorted(path.name for path in folder.rglob("*")) == sorted(
            [there.name, beside(there).name, "books.json"]
        )
        lives += 1
    assert lives > 60


def test_what_a_dead_process_wrote_behind_the_books_is_cut_off(target, whole):
    begun(target)
    with target.with_name(target.name + ".partial").open("ab") as file:
        file.write(b'{"torn')
    gone_on(target)
    assert target.read_bytes() == whole


@pytest.mark.parametrize("keep", [0, 1_000, 5_000])
def test_rows_that_were_lost_since_are_read_again(target, whole, keep):
    """The plan of the second go leaves out what the first has committed."""
    begun(target)
    begun(target, windows=0)
    store = open_target(target)
    standing = begin(store, PLAN)
    standing.journal.plan(PLAN.windows[2:])
    store.leave(a_report(complete=False))
    partial = target.with_name(target.name + ".partial")
    os.truncate(partial, keep)
    if not keep:
        partial.unlink()
    gone_on(target)
    assert target.read_bytes() == whole


def test_without_its_books_a_pull_begins_anew(target, whole):
    begun(target, sessions=LATER)
    shutil.rmtree(beside(target))
    gone_on(target)
    assert target.read_bytes() == whole


# ---------------------------------------------------------------------- full disks


def test_a_full_disk_while_rows_are_added_loses_nothing(target, whole, monkeypatch):
    store = open_target(target)
    begin(store, PLAN)
    commit(store, PLAN.windows[:2], SESSIONS)
    with monkeypatch.context() as patch, pytest.raises(SinkError, match="No space left"):
        patch.setattr(os, "write", Disk(700).write)
        commit(store, PLAN.windows[2:], SESSIONS)
    assert store.leave(a_report(complete=False)).startswith("48 rows written to")
    assert len(gone_on(target).stored) == 2
    assert target.read_bytes() == whole


def test_a_window_that_found_no_room_can_be_committed_once_there_is(target, whole, monkeypatch):
    store = open_target(target)
    begin(store, PLAN)
    for window in PLAN.windows:
        with monkeypatch.context() as patch, pytest.raises(SinkError, match="No space left"):
            patch.setattr(os, "write", Disk(700).write)
            commit(store, [window], SESSIONS)
        commit(store, [window], SESSIONS)
    store.finish(a_report())
    assert target.read_bytes() == whole


def test_a_disk_that_is_full_when_it_is_opened_can_be_tried_again(target, whole, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", Disk(0).write)
        with suppress(SinkError):  # JSON lines have nothing to write yet
            store = open_target(target)
            store.open(PLAN)
            store.leave(a_report(complete=False))
    gone_on(target)
    assert target.read_bytes() == whole


def no_room(*_):
    raise OSError(28, "No space left on device")


def test_a_full_disk_while_the_books_are_written_loses_nothing(target, whole, monkeypatch):
    store = open_target(target)
    begin(store, PLAN)
    commit(store, PLAN.windows[:2], SESSIONS)
    with monkeypatch.context() as patch:
        patch.setattr("asyncsessions.sinks.replacing.os.fsync", no_room)
        patch.setattr("asyncsessions.sinks.partial.PartialFile.add", lambda *_: 0)
        with pytest.raises(SinkError, match=r"out\.\w+ cannot be written: No space left"):
            commit(store, PLAN.windows[2:3], SESSIONS)
    assert store.leave(a_report(complete=False)).startswith("48 rows written to")
    gone_on(target)
    assert target.read_bytes() == whole


@pytest.mark.parametrize("in_order", [True, False])
@pytest.mark.parametrize("step", ["asyncsessions.sinks.partial._copy", "os.fsync", "os.replace"])
def test_a_full_disk_at_the_end_leaves_the_partial_file_to_go_on_with(
    target, whole, monkeypatch, in_order, step
):
    store = open_target(target)
    begin(store, PLAN)
    commit(store, PLAN.windows[:: 1 if in_order else -1], SESSIONS)
    with monkeypatch.context() as patch, suppress(SinkError):
        patch.setattr(step, no_room)
        store.finish(a_report())
    store.leave(a_report(complete=False))
    store = open_target(target)
    standing = store.open(PLAN)
    assert [window.rows for window in standing.stored] == [24] * 4
    store.finish(a_report())
    assert target.read_bytes() == whole
    assert len(list(target.parent.iterdir())) == 2


def test_a_copy_that_the_books_never_spoke_of_is_not_taken_for_the_file(target, whole, monkeypatch):
    """It was made from windows that have been read again since, and happens to be as long."""
    store = open_target(target)
    begin(store, PLAN)
    commit(store, PLAN.windows[::-1], every(HOUR, days=4, tag="z"))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        dying(patch, "write_books")
        store.finish(a_report())
    die(store)
    pull(open_target(target, fresh=True), PLAN, SESSIONS)
    assert target.read_bytes() == whole
