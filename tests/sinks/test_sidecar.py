"""The folder beside a target that an unfinished pull lives in."""

from __future__ import annotations

import errno
import json
import os
import stat
import threading
from contextlib import suppress

import pytest
from attrs import evolve

from asyncsessions.core.books import StoredWindow
from asyncsessions.core.journal import Answered, Asked, Setting
from asyncsessions.core.windows import split
from asyncsessions.errors import SinkError
from asyncsessions.sinks.base import Journal
from asyncsessions.sinks.sidecar import MOST_OPEN, Sidecar, sidecar_of
from tests.invented_sessions import (
    DAY,
    MADE_AT,
    Disk,
    a_plan,
    a_run,
    an_ask,
    permissive,
)

SETTING = Setting(50, "strict")
PLAN = a_plan(days=12, longest=DAY)
RUN = a_run(plan=PLAN)
FILTERS = (("campaign", "x"),)


def page(window, number=1):
    return Answered(an_ask(window, number), f"page {number}".encode(), MADE_AT)


@pytest.fixture
def folder(tmp_path):
    return sidecar_of(tmp_path / "out.jsonl")


def opened(folder, stream="hum"):
    return Sidecar(folder, stream, target=folder.with_name("out.jsonl"))


def begun(folder, run=RUN, *, stream="hum"):
    sidecar = opened(folder, stream)
    sidecar.begin(run, provider=stream, filters=FILTERS)
    return sidecar


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_it_lies_beside_the_target_and_is_a_journal(folder):
    assert folder.name == "out.jsonl.pull"
    sidecar = begun(folder)
    assert isinstance(sidecar, Sidecar)
    assert {name for name in vars(Journal) if not name.startswith("_")} <= set(dir(sidecar))
    sidecar.close()


# ---------------------------------------------------------------------- the lock


def test_a_stream_is_written_by_one_pull_at_a_time_and_others_beside_it(folder):
    first, other = opened(folder), opened(folder, "attributionhub")
    with pytest.raises(SinkError) as caught:
        opened(folder)
    assert str(caught.value) == (
        f"{folder.with_name('out.jsonl')} is being written by another pull"
    )
    first.close()
    opened(folder).close()
    with pytest.raises(SinkError):
        opened(folder, "attributionhub")
    other.close()
    assert not folder.exists()


def test_who_closes_while_others_open_takes_nothing_from_them(folder):
    """The folder goes and comes under their feet."""
    won = []

    def compete():
        while len(won) < 200:
            with suppress(SinkError):
                sidecar = opened(folder)
                won.append(os.path.samestat(os.fstat(sidecar._lock), (folder / "hum.lock").stat()))
                sidecar.close()

    threads = [threading.Thread(target=compete) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(won)
    assert not folder.exists()


def test_closing_twice_is_closing_once(folder):
    sidecar = begun(folder)
    sidecar.close()
    sidecar.close()
    assert not folder.exists()


def test_a_lock_whose_ledger_cannot_be_opened_is_let_go(folder, monkeypatch):
    def refuse(*_):
        raise SinkError("no ledger")

    with monkeypatch.context() as patch, pytest.raises(SinkError, match="no ledger"):
        patch.setattr("asyncsessions.sinks.sidecar.Ledger", refuse)
        opened(folder)
    assert not folder.exists()
    opened(folder).close()


def test_a_missing_directory_is_named(tmp_path):
    with pytest.raises(SinkError) as caught:
        opened(tmp_path / "no" / "out.jsonl.pull")
    assert str(caught.value) == (
        f"{tmp_path / 'no' / 'out.jsonl'} cannot be written: "
        f"there is no directory {tmp_path / 'no'}"
    )


@pytest.mark.parametrize("in_the_way", ["file", "link to nowhere"])
def test_what_is_no_folder_is_refused_and_not_waited_for(folder, in_the_way):
    if in_the_way == "file":
        folder.write_text("mine")
    else:
        folder.symlink_to(folder.with_name("nowhere"))
    with pytest.raises(SinkError) as caught:
        opened(folder)
    assert str(caught.value) == (
        f"{folder.with_name('out.jsonl')} cannot be written: {os.strerror(errno.ENOTDIR)}"
    )
    assert os.path.lexists(folder)


def test_everything_is_its_owners_alone(folder):
    with permissive():
        sidecar = begun(folder)
        sidecar.spend()
        sidecar.plan(PLAN.windows)
        sidecar.note(PLAN.windows[0], SETTING, page(PLAN.windows[0]))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = [stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()]
    assert modes == [0o600] * 4
    sidecar.close()


# ---------------------------------------------------------------------- the plan


def test_a_plan_is_read_back_by_the_next_process(folder):
    sidecar = begun(folder)
    assert sidecar.planned() is None
    assert sidecar.begun == []
    sidecar.plan(PLAN.windows[3:])
    assert sidecar.planned() == PLAN.windows[3:]
    sidecar.close()
    sidecar = opened(folder)
    (stream,) = sidecar.begun
    assert (stream.provider, stream.filters, stream.runs) == ("hum", FILTERS, (RUN,))
    sidecar.begin(RUN, provider="hum", filters=FILTERS)
    assert sidecar.planned() == PLAN.windows[3:]
    sidecar.plan([])
    assert sidecar.planned() == []
    sidecar.close()


def test_a_window_that_is_asked_wider_than_it_is_owned_stays_so(folder):
    (window,) = split(evolve(RUN.pinned, end=MADE_AT.replace(microsecond=5)), None)
    assert window.asked_end != window.owned.hi
    sidecar = begun(folder)
    sidecar.plan([window])
    assert sidecar.planned() == [window]
    sidecar.close()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"stream": {}, "windows": []}', b"\xff"])
def test_a_damaged_plan_is_none(folder, content):
    sidecar = begun(folder)
    (folder / f"hum_{RUN.id}.plan").write_bytes(content)
    assert sidecar.planned() is None
    assert sidecar.begun == []
    sidecar.close()


def test_a_plan_for_which_there_is_no_room_leaves_the_old_one(folder, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    sidecar = begun(folder)
    sidecar.plan(PLAN.windows)
    with monkeypatch.context() as patch, pytest.raises(SinkError) as caught:
        patch.setattr(os, "fsync", full)
        sidecar.plan([])
    assert str(caught.value) == (
        f"{folder.with_name('out.jsonl')} cannot be written: No space left on device"
    )
    assert sidecar.planned() == PLAN.windows
    sidecar.close()


def stored(windows):
    return [
        StoredWindow(
            owned=window.owned,
            rows=0,
            complete=False,
            digest="",
            as_of=(MADE_AT, MADE_AT),
            committed_at=MADE_AT,
            run=RUN.id,
        )
        for window in windows
    ]


def test_a_plan_is_doubted_where_neither_it_nor_the_target_has_a_window(folder):
    sidecar = begun(folder)
    sidecar.plan(PLAN.windows[4:])
    sidecar.doubt(stored(PLAN.windows[:4]))
    assert sidecar.planned() == PLAN.windows[4:]
    sidecar.doubt(stored(PLAN.windows[:3]))
    assert sidecar.planned() is None
    sidecar.doubt([])
    sidecar.close()


# ---------------------------------------------------------------------- pages


def test_a_story_is_told_to_the_next_process_and_only_in_its_setting(folder):
    window, other = PLAN.windows[:2]
    sidecar = begun(folder)
    sidecar.plan(PLAN.windows)
    events = [Asked(an_ask(window), 4), page(window), page(window, 2)]
    for event in events:
        sidecar.note(window, SETTING, event)
    assert sidecar.story(other, SETTING) == []
    sidecar.close()
    sidecar = begun(folder)
    assert sidecar.story(window, SETTING) == events
    sidecar.close()
    sidecar = begun(folder)
    assert sidecar.story(window, evolve(SETTING, page_size=10)) == []
    sidecar.close()


def test_more_windows_may_be_told_of_than_files_are_open(folder):
    windows = a_plan(days=MOST_OPEN + 4, longest=DAY).windows
    sidecar = begun(folder)
    sidecar.plan(windows)
    for number in 1, 2:
        for window in windows:
            sidecar.note(window, SETTING, page(window, number))
            opened = [each for each in sidecar._spools.values() if each._fd is not None]
            assert len(opened) <= MOST_OPEN
    sidecar.close()
    sidecar = begun(folder)
    for window in windows:
        assert sidecar.story(window, SETTING) == [page(window, 1), page(window, 2)]
    sidecar.close()


def test_a_story_can_be_forgotten_and_begun_anew(folder):
    window, other = PLAN.windows[:2]
    sidecar = begun(folder)
    for each in window, other:
        sidecar.note(each, SETTING, page(each))
    sidecar.forget(window)
    sidecar.forget(window)
    assert sidecar.story(window, SETTING) == []
    sidecar.note(window, SETTING, page(window, 5))
    sidecar.close()
    sidecar = begun(folder)
    sidecar.plan([])
    sidecar.close()


def test_a_plan_forgets_the_pages_of_other_windows(folder):
    sidecar = begun(folder)
    sidecar.plan(PLAN.windows)
    for window in PLAN.windows[:3]:
        sidecar.note(window, SETTING, page(window))
    sidecar.plan(PLAN.windows[1:2])
    assert len(list(folder.glob("*.spool"))) == 1
    assert sidecar.story(PLAN.windows[0], SETTING) == []
    sidecar.note(PLAN.windows[1], SETTING, page(PLAN.windows[1], 2))
    sidecar.close()
    sidecar = begun(folder)
    assert len(sidecar.story(PLAN.windows[1], SETTING)) == 2
    sidecar.close()


def test_only_an_answer_is_a_page(folder):
    window = PLAN.windows[0]
    sidecar, other = begun(folder), begun(folder, stream="attributionhub")
    assert not sidecar.has_pages
    sidecar.note(window, SETTING, Asked(an_ask(window), 4))
    other.note(window, SETTING, page(window))
    assert not sidecar.has_pages
    assert other.has_pages
    sidecar.note(window, SETTING, page(window))
    assert sidecar.has_pages
    sidecar.forget(window)
    assert not sidecar.has_pages
    sidecar.close()
    other.close()


def test_a_page_for_which_there_is_no_room_is_one_sentence(folder, monkeypatch):
    window = PLAN.windows[0]
    sidecar = begun(folder)
    sidecar.plan(PLAN.windows)
    for room in 0, 40:
        with monkeypatch.context() as patch, pytest.raises(SinkError, match="No space left"):
            patch.setattr(os, "write", Disk(room).write)
            sidecar.note(window, SETTING, page(window))
    sidecar.note(window, SETTING, page(window))
    sidecar.close()
    sidecar = begun(folder)
    assert sidecar.story(window, SETTING) == [page(window)]
    sidecar.close()


# ---------------------------------------------------------------------- runs


def test_requests_count_for_the_run_over_all_goes(folder):
    for before in 0, 2:
        sidecar = begun(folder)
        sidecar.plan([])
        assert sidecar.spent == before
        sidecar.spend()
        sidecar.spend()
        sidecar.close()
    sidecar = opened(folder)
    assert sum(sidecar.requests[RUN.id].values()) == 4
    sidecar.close()


def test_another_run_takes_neither_pages_nor_plan_nor_what_was_spent(folder):
    window = PLAN.windows[0]
    sidecar = begun(folder)
    sidecar.plan(PLAN.windows)
    sidecar.note(window, SETTING, page(window))
    sidecar.spend()
    sidecar.close()
    sidecar = begun(folder, evolve(RUN, id="run-2"))
    assert sidecar.planned() is None
    assert sidecar.story(window, SETTING) == []
    assert sidecar.spent == 0
    sidecar.spend()
    assert {run: sum(counts.values()) for run, counts in sidecar.requests.items()} == {
        "run-1": 1,
        "run-2": 1,
    }
    sidecar.close()
    sidecar = begun(folder)
    assert sidecar.planned() == PLAN.windows
    assert sidecar.story(window, SETTING) == [page(window)]
    assert sidecar.spent == 1
    sidecar.close()


OTHER = evolve(RUN, id="run-2", asked="other words", begun_at=RUN.begun_at + DAY)


def two_begun(folder, other=OTHER):
    """Let two runs begin with a plan, a page and a request each."""
    for run in RUN, other:
        sidecar = begun(folder, run)
        sidecar.plan(PLAN.windows)
        sidecar.note(PLAN.windows[0], SETTING, page(PLAN.windows[0]))
        sidecar.spend()
        sidecar.close()


def runs_in(folder):
    return {name.split("_")[1].removesuffix(".plan") for name in names(folder) if "_" in name}


def test_all_runs_under_way_are_listed_the_last_one_begun_first(folder):
    two_begun(folder)
    sidecar = opened(folder)
    assert [stream.runs for stream in sidecar.begun] == [(OTHER,), (RUN,)]
    sidecar.close()


def test_a_plan_without_a_run_is_none(folder):
    two_begun(folder)
    path = folder / "hum_run-1.plan"
    plain = json.loads(path.read_bytes())
    plain["stream"]["runs"] = []
    path.write_text(json.dumps(plain))
    sidecar = opened(folder)
    assert [stream.runs for stream in sidecar.begun] == [(OTHER,)]
    sidecar.close()


@pytest.mark.parametrize("kept", [(), ("run-9",)])
def test_who_is_over_clears_its_own_and_the_ledger_goes_on_with_the_others(folder, kept):
    two_begun(folder)
    sidecar = begun(folder, OTHER)
    sidecar.clear(kept=kept)
    sidecar.close()
    assert runs_in(folder) == {"run-1"}
    sidecar = begun(folder)
    assert set(sidecar.requests) == {"run-1"}
    assert sidecar.story(PLAN.windows[0], SETTING) == [page(PLAN.windows[0])]
    sidecar.close()


def test_who_has_not_begun_clears_nothing_of_others(folder):
    two_begun(folder)
    before = names(folder)
    sidecar = opened(folder)
    sidecar.clear()
    sidecar.close()
    assert names(folder) == before


def test_others_can_be_dropped_with_their_pages(folder):
    two_begun(folder)
    sidecar = begun(folder)
    sidecar.drop_others()
    assert runs_in(folder) == {"run-1"}
    assert sidecar.has_pages
    sidecar.clear()
    sidecar.close()
    assert not folder.exists()


@pytest.mark.parametrize(
    ("other", "left"), [(OTHER, {"run-1", "run-2"}), (evolve(RUN, id="run-2"), {"run-2"})]
)
def test_only_what_the_same_command_had_begun_is_replaced(folder, other, left):
    two_begun(folder, other)
    sidecar = begun(folder, other)
    sidecar.drop_replaced()
    sidecar.close()
    assert runs_in(folder) == left


def test_a_plan_that_was_being_written_at_a_death_is_removed(folder):
    two_begun(folder)
    before = names(folder)
    (folder / "hum_run-3.plan.new").write_text("{")
    (folder / "hum-2_run-3.plan.new").write_text("{")
    opened(folder).close()
    assert names(folder) == sorted([*before, "hum-2_run-3.plan.new"])


# ---------------------------------------------------------------------- the end


def test_when_all_is_cleared_nothing_is_left(folder):
    sidecar = begun(folder)
    sidecar.plan(PLAN.windows)
    sidecar.spend()
    for window in PLAN.windows:
        sidecar.note(window, SETTING, page(window))
    sidecar.clear()
    sidecar.close()
    assert not folder.exists()


def test_the_folder_stays_as_long_as_anything_is_in_it(folder):
    sidecar = begun(folder)
    (folder / "books.json").write_text("{}")
    sidecar.spend()
    sidecar.clear()
    sidecar.close()
    assert names(folder) == ["books.json"]


def test_clearing_one_stream_leaves_the_other(folder):
    window = PLAN.windows[0]
    first, second = begun(folder), begun(folder, stream="attributionhub")
    for sidecar in first, second:
        sidecar.plan(PLAN.windows)
        sidecar.spend()
        sidecar.note(window, SETTING, page(window))
    first.clear()
    first.close()
    assert second.planned() == PLAN.windows
    second.close()
    second = begun(folder, stream="attributionhub")
    assert second.spent == 1
    assert second.story(window, SETTING) == [page(window)]
    second.close()
    assert not any(name.startswith("hum") for name in names(folder))
