"""Datasets on a full disk, with damaged parts, and after death at any step."""

from __future__ import annotations

import errno
import os
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from asyncsessions.errors import SinkError
from asyncsessions.sinks import parts
from asyncsessions.sinks.dataset_files import change_files, dataset_files
from asyncsessions.sinks.manifest import Manifest
from tests.invented_sessions import DAY, HOUR, a_report, every
from tests.sinks.datasets import (
    changes_in,
    commit,
    ids_in,
    names_in,
    opened,
    planned,
    pulled,
    rows_in,
    synced,
)


@pytest.fixture
def target(tmp_path):
    return tmp_path / "out"


# ---------------------------------------------------------------------- what goes wrong


def test_a_full_disk_is_one_sentence_and_loses_nothing(target, monkeypatch):
    plan = planned(hours=48, longest=DAY)
    store, _ = opened(target, plan)
    commit(store, plan.windows[0], every(HOUR, days=2))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", _full)
        with pytest.raises(SinkError) as caught:
            commit(store, plan.windows[1], every(HOUR, days=2))
    assert str(caught.value) == f"{target} cannot be written: No space left on device"
    assert store.leave(a_report(complete=False)).startswith(
        f"24 rows written to {target}, 1 window"
    )
    assert not list(target.rglob("*.tmp"))
    assert pulled(target, plan, every(HOUR, days=2)) == f"48 rows written to {target}"
    assert len(ids_in(target)) == 48


def test_a_disk_that_is_full_from_the_beginning_leaves_nothing(target, monkeypatch):
    store, _ = opened(target, planned())
    with monkeypatch.context() as patch:
        patch.setattr(parts.parquet, "write_table", _full)
        with pytest.raises(SinkError, match="No space left on device"):
            commit(store, planned().windows[0], every(HOUR))
    store.leave(a_report(complete=False))
    assert not target.exists()


@pytest.mark.parametrize("is_there", [True, False])
def test_a_manifest_that_cannot_be_replaced_commits_nothing(target, monkeypatch, is_there):
    if is_there:
        pulled(target, planned(asked="zero"), every(HOUR))
    store, _ = opened(target, planned())
    with monkeypatch.context() as patch:
        patch.setattr("asyncsessions.sinks.books_file.replace_file", _full)
        with pytest.raises(SinkError, match="No space left on device"):
            commit(store, planned().windows[0], every(HOUR, campaign="x"))
    assert store.leave(a_report(complete=False)).startswith("nothing was written")
    assert target.exists() is is_there
    if is_there:
        assert {row["campaign"] for row in rows_in(target)} == {None}


def test_what_pyarrow_refuses_is_one_sentence_without_values(target, monkeypatch):
    def refuse(*_, **__):
        raise pa.ArrowInvalid("not a good value: me@example.com")

    store, _ = opened(target, planned())
    monkeypatch.setattr(parts.parquet, "write_table", refuse)
    with pytest.raises(SinkError) as caught:
        commit(store, planned().windows[0], every(HOUR))
    assert str(caught.value) == f"{target} cannot be written: pyarrow refuses the rows"
    store.leave(a_report(complete=False))


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda path: path.write_bytes(b"PAR1"), "it is damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:-20] + b"PAR1" * 5), "it is damaged"),
        (
            lambda path: pq.write_table(pa.table({"a": [1] * 24}), path),
            "it is not what was written there",
        ),
    ],
)
def test_a_part_that_cannot_be_read_stops_what_would_cut_it(target, spoil, problem):
    pulled(target, planned(), every(HOUR))
    (file,) = dataset_files(target)
    spoil(file)
    before = (target / "_manifest.json").read_bytes()
    with pytest.raises(SinkError) as caught:
        pulled(target, planned(asked="two", hours=12), every(HOUR, tag="n"))
    assert str(caught.value) == f"{file} cannot be read: {problem}"
    assert (target / "_manifest.json").read_bytes() == before


def test_a_part_that_goes_while_a_pull_is_open_stops_what_would_cut_it(target):
    pulled(target, planned(), every(HOUR))
    (file,) = dataset_files(target)
    plan = planned(asked="two", hours=12)
    store, _ = opened(target, plan)
    file.unlink()
    with pytest.raises(SinkError) as caught:
        commit(store, plan.windows[0], every(HOUR, tag="n"))
    assert str(caught.value) == f"{file} cannot be read: No such file or directory"
    store.leave(a_report(complete=False))


def test_a_window_whose_part_is_gone_is_not_stored(target):
    plan, sessions = planned(hours=48, longest=DAY), every(HOUR, days=2)
    pulled(target, plan, sessions)
    gone, _ = dataset_files(target)
    gone.unlink()
    for again in plan, planned(kind="sync", asked=""):
        store, standing = opened(target, again)
        assert not standing.is_finished
        assert [window.owned for window in standing.stored] == [plan.windows[1].owned]
        store.leave(a_report(complete=False))
    pulled(target, planned(asked="two", hours=12), every(HOUR, tag="n"))
    assert gone not in dataset_files(target)
    pulled(target, plan, sessions)
    assert ids_in(target) == [s.id for s in sessions]


def test_a_manifest_that_is_spoiled_meanwhile_is_told_and_the_lock_is_let_go(target):
    store, _ = opened(target, planned())
    (target / "_manifest.json").write_text("[]")
    with pytest.raises(SinkError, match="cannot be read"):
        commit(store, planned().windows[0], every(HOUR))
    assert store.leave(a_report(complete=False)).startswith("nothing was written")
    (target / "_manifest.json").unlink()
    shutil.rmtree(target / "data")
    assert pulled(target, planned(), every(HOUR)) == f"24 rows written to {target}"


def _full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


# ---------------------------------------------------------------------- death at every step


@pytest.mark.slow
def test_death_at_any_step_leaves_books_that_agree_with_the_rows(target, mortal):
    base = target.parent / "base"
    old, new = every(HOUR, days=2, campaign="old"), every(HOUR, days=2, campaign="new")
    pulled(base, planned(hours=48), old)
    pulled(base, planned(provider="other"), every(HOUR, provider="other"))
    plan = planned(kind="sync", first=6, hours=36, longest=DAY)
    for lives in range(1, 1000):
        shutil.copytree(base, target)
        survived = mortal(lives, lambda: pulled(target, plan, new))
        rows = [row for row in rows_in(target) if row["provider"] == "hum"]
        assert [row["id"] for row in rows] == [s.id for s in old]
        assert {row["campaign"] for row in rows[:6] + rows[-6:]} == {"old"}
        assert len(rows_in(target)) == 72
        found = {row["id"] for row in changes_in(target)}
        assert found == {row["id"] for row in rows if row["campaign"] == "new"}
        pulled(target, plan, new)
        # Who died after the end began a sync anew, which found nothing.
        assert len(changes_in(target)) == 36
        synced(target, old)
        named = [path.name for path in dataset_files(target) + change_files(target)]
        opened(target, planned(kind="sync"))[0].leave(a_report(complete=False))
        there = names_in(target / "changes") + names_in(target / "data")
        assert sorted(named) == sorted(there)
        assert set(names_in(target)) <= {"_manifest.json", "_pull", "changes", "data"}
        shutil.rmtree(target)
        if survived:
            return
    pytest.fail("it has no end")


@pytest.mark.slow
def test_death_at_any_step_of_a_first_pull_can_be_gone_on_with(target, mortal):
    plan = planned(hours=48, longest=DAY)
    sessions = every(HOUR, days=2)
    for lives in range(1, 1000):
        survived = mortal(lives, lambda: pulled(target, plan, sessions))
        assert pulled(target, plan, sessions) == f"48 rows written to {target}"
        assert ids_in(target) == [s.id for s in sessions]
        assert len(Manifest(target, target=target).stream("hum").runs) == 1
        pulled(target, planned(asked="two"), sessions)
        assert names_in(target) == ["_manifest.json", "data"]
        assert len(names_in(target / "data")) <= 3
        shutil.rmtree(target)
        if survived:
            return
    pytest.fail("it has no end")
