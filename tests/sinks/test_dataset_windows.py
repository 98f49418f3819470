"""Windows of a dataset that overlap, and what syncs find changed in them."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from asyncsessions.sinks import parts
from asyncsessions.sinks.dataset_files import change_files, dataset_files
from asyncsessions.sinks.manifest import Manifest
from tests.invented_sessions import DAY, HOUR, START, a_report, every
from tests.sinks.datasets import (
    changes_in,
    commit,
    ids_in,
    names_in,
    opened,
    planned,
    pulled,
    rows_in,
    spans_in,
    synced,
)


@pytest.fixture
def target(tmp_path):
    return tmp_path / "out"


# ---------------------------------------------------------------------- windows that overlap


def test_a_window_is_cut_out_of_earlier_ones(target):
    pulled(target, planned(hours=48), every(HOUR, days=2, tag="old"))
    before = Manifest(target, target=target).stream("hum").windows[0]
    pulled(target, planned(asked="two", first=10, hours=10), every(HOUR, tag="new"))
    assert spans_in(target) == [(20, 48, 28), (10, 20, 10), (0, 10, 10)]
    tags = [name.split("-")[0] for name in ids_in(target)]
    assert tags == ["old"] * 28 + ["new"] * 10 + ["old"] * 10
    newest, _, oldest = Manifest(target, target=target).stream("hum").windows
    for rest in newest, oldest:
        assert rest == evolve(
            before, owned=rest.owned, rows=rest.rows, digest=rest.digest, file=rest.file
        )


def test_replaced_parts_stay_until_a_later_run(target):
    pulled(target, planned(), every(HOUR))
    (old,) = dataset_files(target)
    pulled(target, planned(asked="two"), every(HOUR, campaign="x"))
    assert pq.read_table(old).num_rows == 24
    (target / "data" / f"{old.name}.tmp").write_bytes(b"torn")
    (target / "data" / "mine.parquet").write_bytes(b"mine")
    opened(target, planned(asked="two"))[0].leave(a_report(complete=False))  # finished already
    assert old.exists()
    store, _ = opened(target, planned(asked="three"))
    (new,) = dataset_files(target)
    assert names_in(target / "data") == sorted([new.name, "mine.parquet"])
    store.leave(a_report(complete=False))


def test_a_part_of_a_provider_whose_name_begins_alike_is_not_swept(target):
    pulled(target, planned(provider="hum-1"), every(HOUR, provider="hum-1"))
    pulled(target, planned(), every(HOUR))
    pulled(target, planned(asked="two"), every(HOUR))
    assert len(ids_in(target)) == 48


# ---------------------------------------------------------------------- changes


def test_the_first_sync_and_any_pull_find_no_changes(target):
    synced(target, every(HOUR))
    pulled(target, planned(), every(HOUR, campaign="x"))
    assert not change_files(target)


def test_a_sync_writes_down_what_it_found_changed(target):
    sessions = every(HOUR)
    pulled(target, planned(), sessions)
    newer = [evolve(sessions[0], campaign="x"), *sessions[1:-1], *every(DAY, tag="n")]
    synced(target, newer)
    found = {row["change"]: row for row in changes_in(target)}
    assert {kind: row["id"] for kind, row in found.items()} == {
        "changed": sessions[0].id,
        "removed": sessions[-1].id,
        "added": "n-0",
    }
    changed = found["changed"]
    assert (changed["old"]["campaign"], changed["new"]["campaign"]) == (None, "x")
    assert (found["added"]["old"], found["removed"]["new"]) == (None, None)
    assert {row["run"] for row in found.values()} == {
        Manifest(target, target=target).stream("hum").runs[0].id
    }
    assert ids_in(target) == [s.id for s in newer]


def test_only_the_range_that_was_read_is_compared(target):
    pulled(target, planned(hours=48), every(HOUR, days=2))
    synced(target, every(HOUR, campaign="x"), first=20, hours=2)
    assert [row["id"] for row in changes_in(target)] == ["s-21", "s-20"]
    assert spans_in(target) == [(22, 48, 26), (20, 22, 2), (0, 20, 20)]


def test_each_sync_adds_to_the_changes_the_newest_first(target):
    pulled(target, planned(), every(HOUR))
    for campaign in "x", "y", "x":
        synced(target, every(HOUR, campaign=campaign)[:1] + every(HOUR)[1:])
    assert [row["new"]["campaign"] for row in changes_in(target)] == ["x", "y", "x"]
    files = [str(path) for path in change_files(target)]
    query = "SELECT count(*), count(old.campaign) FROM read_parquet(?)"
    assert duckdb.execute(query, [files]).fetchall() == [(3, 2)]


def test_a_window_that_is_committed_twice_by_a_run_keeps_both_changes(target):
    pulled(target, planned(), every(HOUR))
    plan = planned(kind="sync")
    store, _ = opened(target, plan)
    for campaign in "x", "y", "x":
        commit(store, plan.windows[0], every(HOUR, campaign=campaign), complete=campaign == "x")
    store.finish(a_report())
    assert len(changes_in(target)) == 72


def test_a_sync_that_finds_the_same_writes_the_books_alone(target, monkeypatch):
    pulled(target, planned(), every(HOUR))
    (before,) = dataset_files(target)
    plan = planned(kind="sync")
    store, _ = opened(target, plan)
    monkeypatch.setattr(parts.parquet, "write_table", None)
    commit(store, plan.windows[0], every(HOUR), as_of=START + DAY)
    store.finish(a_report())
    assert dataset_files(target) == [before]
    assert not change_files(target)
    (window,) = Manifest(target, target=target).stream("hum").windows
    assert window.as_of == (START + DAY, START + DAY)


def test_a_part_that_is_gone_is_written_again_where_the_same_is_found(target):
    pulled(target, planned(), every(HOUR))
    dataset_files(target)[0].unlink()
    synced(target, every(HOUR))
    assert len(ids_in(target)) == 24


# ---------------------------------------------------------------------- law

PULLS = st.lists(
    st.tuples(
        st.sampled_from(["pull", "sync"]),
        st.integers(0, 47),
        st.integers(1, 30),
        st.integers(1, 30),
        st.sampled_from(["hum", "other"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=5,
)


@pytest.mark.slow
@settings(max_examples=40)
@given(PULLS)
def test_each_hour_has_the_rows_of_its_last_pull(pulls):
    with tempfile.TemporaryDirectory() as folder:
        path, expected = Path(folder, "out"), {}
        for number, (kind, first, hours, longest, provider, leaves) in enumerate(pulls):
            campaign = f"c{number}"
            sessions = every(HOUR, days=4, provider=provider, campaign=campaign)
            plan = planned(
                kind=kind,
                asked=campaign,
                first=first,
                hours=hours,
                longest=timedelta(hours=longest),
                provider=provider,
            )
            store, _ = opened(path, plan)
            for window in plan.windows:
                commit(store, window, sessions)
            (store.leave if leaves else store.finish)(a_report(complete=not leaves))
            expected |= {(provider, f"s-{n}"): campaign for n in range(first, first + hours)}
            found = {(row["provider"], row["id"]): row["campaign"] for row in rows_in(path)}
            assert found == expected
            assert len(rows_in(path)) == len(expected)
