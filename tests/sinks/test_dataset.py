"""Parquet datasets: directories of parts with a manifest."""

from __future__ import annotations

import json
import os
import stat
import threading

import duckdb
import pyarrow.parquet as pq
import pytest

from asyncsessions.core.answer import Ask
from asyncsessions.core.columns import arrow_schema
from asyncsessions.core.journal import Answered
from asyncsessions.errors import SinkError
from asyncsessions.sinks.dataset_files import change_files, dataset_files
from asyncsessions.sinks.manifest import Manifest
from tests.invented_sessions import DAY, HOUR, START, a_report, every
from tests.sinks.datasets import (
    SETTING,
    commit,
    ids_in,
    names_in,
    opened,
    planned,
    pulled,
    spans_in,
)


@pytest.fixture
def target(tmp_path):
    return tmp_path / "out"


# ---------------------------------------------------------------------- what is written


def test_a_pull_is_a_directory_with_a_manifest_and_parts(target):
    sessions = every(HOUR, days=2)
    plan = planned(hours=48, longest=DAY)
    assert pulled(target, plan, sessions) == f"48 rows written to {target}"
    assert names_in(target) == ["_manifest.json", "data"]
    assert ids_in(target) == [s.id for s in sessions]
    assert spans_in(target) == [(24, 48, 24), (0, 24, 24)]
    stream = Manifest(target, target=target).stream("hum")
    assert [run.ended_at is not None for run in stream.runs] == [True]
    assert json.loads((target / "_manifest.json").read_bytes())["version"] == 1


def test_the_parts_have_the_schema_of_every_table(target):
    pulled(target, planned(), every(HOUR))
    (file,) = dataset_files(target)
    assert pq.read_schema(file).equals(arrow_schema(), check_metadata=True)


def test_duckdb_reads_the_files_of_the_manifest(target):
    pulled(target, planned(), every(HOUR))
    pulled(target, planned(provider="other", hours=12), every(HOUR, days=0.5, provider="other"))
    files = [str(path) for path in dataset_files(str(target))]
    query = (
        "SELECT provider, count(*), min(started_at) = ? FROM read_parquet(?) GROUP BY 1 ORDER BY 1"
    )
    found = duckdb.execute(query, [START, files]).fetchall()
    assert found == [("hum", 24, True), ("other", 12, True)]


def test_a_window_without_rows_is_a_part_that_can_be_read(target):
    assert pulled(target, planned(), []) == f"0 rows written to {target}"
    files = [str(path) for path in dataset_files(target)]
    assert duckdb.execute("SELECT count(*) FROM read_parquet(?)", [files]).fetchall() == [(0,)]


def test_everything_is_its_owners_alone(target):
    before = os.umask(0)
    try:
        store, standing = opened(target, planned(kind="sync"))
        standing.journal.plan(planned().windows)
        commit(store, planned().windows[0], every(HOUR))
        store.finish(a_report())
        pulled(target, planned(kind="sync"), every(HOUR, campaign="x"))
        for path in [target, *target.rglob("*")]:
            expected = 0o700 if path.is_dir() else 0o600
            assert stat.S_IMODE(path.stat().st_mode) == expected, path
    finally:
        os.umask(before)


def test_an_empty_directory_is_filled_and_keeps_its_mode(target):
    target.mkdir(0o755)
    pulled(target, planned(), every(HOUR))
    assert stat.S_IMODE(target.stat().st_mode) == 0o755
    assert len(ids_in(target)) == 24


def test_a_link_to_a_directory_stays_one(target):
    real = target.parent / "real"
    real.mkdir()
    target.symlink_to(real)
    assert pulled(target, planned(), every(HOUR)) == f"24 rows written to {target}"
    assert target.is_symlink()
    assert len(ids_in(real)) == 24


# ---------------------------------------------------------------------- runs


def test_the_same_pull_again_is_finished_already(target):
    pulled(target, planned(), every(HOUR))
    before = (target / "_manifest.json").read_bytes()
    store, standing = opened(target, planned())
    assert standing.is_finished
    assert store.finish(a_report()) == f"24 rows written to {target}"
    assert (target / "_manifest.json").read_bytes() == before
    assert names_in(target) == ["_manifest.json", "data"]


def test_a_pull_that_was_left_is_gone_on_with(target):
    plan = planned(hours=48, longest=DAY)
    store, first = opened(target, plan)
    first.journal.spend()
    commit(store, plan.windows[0], every(HOUR, days=2))
    assert store.leave(a_report(complete=False)) == (
        f"24 rows written to {target}, 1 window complete: the pull is not complete"
    )
    assert len(ids_in(target)) == 24
    store, second = opened(target, plan)
    assert second.run == first.run
    assert [w.owned for w in second.stored] == [plan.windows[0].owned]
    assert second.journal.spent == 1
    second.journal.spend()
    commit(store, plan.windows[1], every(HOUR, days=2))
    assert store.finish(a_report()) == f"48 rows written to {target}"
    (run,) = Manifest(target, target=target).stream("hum").runs
    assert sum(run.requests.values()) == 2
    assert names_in(target) == ["_manifest.json", "data"]


def test_a_run_that_has_only_heard_pages_is_gone_on_with(target):
    plan = planned()
    store, first = opened(target, plan)
    first.journal.plan(plan.windows)
    first.journal.note(plan.windows[0], SETTING, Answered(Ask(plan.windows[0], 1), b"{}", START))
    assert store.leave(a_report(complete=False)) == (
        f"nothing was written to {target}, and the pages that came wait for the next go: "
        "the pull is not complete"
    )
    assert names_in(target) == ["_pull"]
    with pytest.raises(SinkError, match="is not a dataset of ours"):
        dataset_files(target)
    store, second = opened(target, plan)
    assert second.run == first.run
    assert list(second.journal.story(plan.windows[0], SETTING))
    commit(store, plan.windows[0], every(HOUR))
    store.finish(a_report())
    assert names_in(target) == ["_manifest.json", "data"]


def test_a_pull_that_brought_nothing_leaves_nothing(target):
    store, standing = opened(target, planned())
    standing.journal.plan(planned().windows)
    said = store.leave(a_report(complete=False))
    assert said == f"nothing was written to {target}: the pull is not complete"
    assert store.leave(a_report(complete=False)) == said
    assert not target.exists()


def test_what_a_pull_that_brought_nothing_has_spent_stays_spent(target):
    store, first = opened(target, planned())
    first.journal.plan(planned().windows)
    first.journal.spend()
    said = store.leave(a_report(complete=False))
    assert said == f"nothing was written to {target}: the pull is not complete"
    store, second = opened(target, planned())
    assert (second.run, second.journal.spent) == (first.run, 1)
    store.leave(a_report(complete=False))


def test_an_empty_directory_of_the_users_is_left(target):
    target.mkdir()
    store, _ = opened(target, planned())
    store.leave(a_report(complete=False))
    assert names_in(target) == []


def test_requests_of_a_run_that_brought_nothing_are_charged_to_the_next(target):
    pulled(target, planned(), every(HOUR))
    store, standing = opened(target, planned(asked="two", hours=30))
    standing.journal.spend()
    store.leave(a_report(complete=False))
    pulled(target, planned(asked="three", hours=30), every(HOUR))
    newest, oldest = Manifest(target, target=target).stream("hum").runs
    assert (newest.asked, sum(newest.requests.values())) == ("three", 1)
    assert (oldest.asked, sum(oldest.requests.values())) == ("one", 0)


def test_fresh_drops_what_was_there_with_the_first_window(target):
    pulled(target, planned(hours=48), every(HOUR, days=2))
    pulled(target, planned(kind="sync"), every(HOUR, campaign="x"))
    pulled(target, planned(provider="other"), every(HOUR, provider="other", tag="o"))
    assert change_files(target)
    plan = planned(filters=(("medium", "email"),))
    store, standing = opened(target, plan, fresh=True)
    assert not standing.stored
    assert len(ids_in(target)) == 72
    commit(store, plan.windows[0], every(HOUR, tag="n"))
    store.finish(a_report())
    found = ids_in(target)
    assert {name[0] for name in found} == {"n", "o"}
    assert len(found) == 48
    stream = Manifest(target, target=target).stream("hum")
    assert (len(stream.runs), stream.filters, stream.changes) == (1, plan.filters, ())
    assert not change_files(target)


# ---------------------------------------------------------------------- refusals


def test_a_pull_with_other_filters_is_refused(target):
    pulled(target, planned(), every(HOUR))
    for kind in "pull", "sync":
        with pytest.raises(SinkError) as caught:
            opened(target, planned(asked="two", kind=kind, filters=(("medium", "email"),)))
        assert str(caught.value) == (
            f"{target} holds sessions of hum for other filters, and rows would double: start over "
            "with fresh (--fresh), or give another name"
        )
    assert names_in(target) == ["_manifest.json", "data"]


def test_of_two_filters_with_pages_the_first_to_commit_has_the_stream(target):
    plans = planned(), planned(filters=(("medium", "email"),))
    window = planned().windows[0]
    for plan in plans:
        store, standing = opened(target, plan)
        standing.journal.plan(plan.windows)
        standing.journal.note(window, SETTING, Answered(Ask(window, 1), b"{}", START))
        store.leave(a_report(complete=False))
    store, standing = opened(target, plans[1])
    assert list(standing.journal.story(window, SETTING))
    commit(store, window, every(HOUR))
    store.finish(a_report())
    with pytest.raises(SinkError, match="for other filters"):
        opened(target, plans[0])
    pulled(target, plans[0], every(HOUR), fresh=True)


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("name", ["a.txt", "data", "_pull.txt", "a.parquet"])
def test_a_directory_of_others_is_refused(target, fresh, name):
    target.mkdir()
    (target / name).write_text("mine")
    with pytest.raises(SinkError) as caught:
        opened(target, planned(), fresh=fresh)
    assert str(caught.value) == (
        f"{target} is not a dataset of ours: give another name, or remove it"
    )
    assert names_in(target) == [name]


@pytest.mark.parametrize("fresh", [True, False])
def test_a_manifest_that_is_not_ours_is_refused(target, fresh):
    target.mkdir()
    (target / "_manifest.json").write_text('{"version": 7}')
    with pytest.raises(SinkError, match="it was written by another version"):
        opened(target, planned(), fresh=fresh)
    assert names_in(target) == ["_manifest.json"]


def test_a_file_at_that_path_is_refused(target):
    target.write_text("mine")
    with pytest.raises(SinkError) as caught:
        opened(target, planned(), fresh=True)
    assert str(caught.value) == (
        f"{target} is not a directory, as a dataset is: give another name, or remove it"
    )
    assert target.read_text() == "mine"


def test_a_directory_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SinkError) as caught:
        opened(tmp_path / "no" / "out", planned())
    assert str(caught.value) == (
        f"{tmp_path}/no/out cannot be written: there is no directory {tmp_path}/no"
    )


def test_what_is_no_dataset_has_no_files(tmp_path):
    for path in tmp_path, tmp_path / "nothing":
        for list_files in dataset_files, change_files:
            with pytest.raises(SinkError) as caught:
                list_files(path)
            assert str(caught.value) == f"{path} is not a dataset of ours"


# ---------------------------------------------------------------------- two pulls at once


def test_two_providers_are_pulled_at_once_and_the_same_one_is_refused(target):
    one, _ = opened(target, planned())
    two, _ = opened(target, planned(provider="other"))
    with pytest.raises(SinkError) as caught:
        opened(target, planned())
    assert str(caught.value) == f"{target} is being written by another pull"
    commit(two, planned().windows[0], every(HOUR, provider="other", tag="o"))
    commit(one, planned().windows[0], every(HOUR))
    two.finish(a_report())
    one.finish(a_report())
    assert len(ids_in(target)) == 48
    assert spans_in(target) == spans_in(target, "other") == [(0, 24, 24)]
    assert names_in(target) == ["_manifest.json", "data"]


def test_one_that_brings_nothing_takes_nothing_from_the_other(target):
    one, standing = opened(target, planned())
    standing.journal.spend()
    two, _ = opened(target, planned(provider="other"))
    two.leave(a_report(complete=False))
    commit(one, planned().windows[0], every(HOUR))
    one.finish(a_report())
    assert len(ids_in(target)) == 24


def test_many_commits_at_the_same_time_are_all_in_the_manifest(target):
    problems = []

    def pull(provider):
        try:
            plan = planned(provider=provider, hours=20, longest=HOUR)
            pulled(target, plan, every(HOUR, provider=provider))
        except BaseException as error:  # noqa: BLE001 - whatever it is
            problems.append(error)

    threads = [threading.Thread(target=pull, args=(name,)) for name in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    assert len(ids_in(target)) == 60
    assert names_in(target) == ["_manifest.json", "data"]
