"""Single Parquet files."""

from __future__ import annotations

import errno
import io
import os
import shutil
import stat
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from attrs import evolve

from asyncsessions.core.books import ReadWindow
from asyncsessions.core.columns import arrow_schema, to_table
from asyncsessions.core.digest import digest
from asyncsessions.core.windows import to_micros
from asyncsessions.errors import ConfigurationError, SinkError
from asyncsessions.sinks import SINKS, open_target, parquet, parts
from asyncsessions.sinks.books_file import read_books
from asyncsessions.sinks.dataset import DatasetStore
from asyncsessions.sinks.lines import LinesStore
from asyncsessions.sinks.parquet import ParquetStore
from tests.invented_sessions import DAY, HOUR, START, a_plan, a_report, every

ROWS = every(HOUR, days=2)


@pytest.fixture
def target(tmp_path):
    return tmp_path / "x.parquet"


def planned(*, asked="one", **more):
    return a_plan(**{"asked": asked, "days": 2, "longest": DAY, "made_at": START} | more)


def commit(store, window, sessions, *, complete=True):
    rows = [s for s in sessions if window.owned.holds(to_micros(s.started_at))]
    read = ReadWindow(window=window, rows=rows, complete=complete, as_of=(START, START))
    return store.commit(read)


def pulled(path, plan, sessions, *, fresh=False):
    """Bring a whole plan, or what is left of it, into a file, and return the last word."""
    store = open_target(path, fresh=fresh)
    standing = store.open(plan)
    done = {w.owned for w in standing.stored if w.run == standing.run.id and w.complete}
    if not standing.is_finished:
        standing.journal.plan(plan.windows)
        for window in plan.windows:
            if window.owned not in done:
                commit(store, window, sessions)
    return store.finish(a_report())


def ids_in(path):
    return pq.ParquetFile(path).read()["id"].to_pylist()


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def sidecar(path):
    return path.with_name(f"{path.name}.pull")


# ---------------------------------------------------------------------- what is written


def test_the_file_holds_the_sessions_newest_first(target):
    assert pulled(target, planned(), ROWS) == f"48 rows written to {target}"
    table = pq.ParquetFile(target).read()
    assert table.equals(to_table(ROWS))
    assert table.schema.equals(arrow_schema(), check_metadata=True)
    assert names_in(target.parent) == [target.name, f"{target.name}.pull"]
    assert names_in(sidecar(target)) == ["books.json"]


def test_duckdb_reads_it(target):
    pulled(target, planned(), ROWS)
    query = "SELECT count(*), min(started_at) = ? FROM read_parquet(?)"
    assert duckdb.execute(query, [START, str(target)]).fetchall() == [(48, True)]


def test_without_rows_it_has_its_columns(target):
    pulled(target, planned(), [])
    assert pq.read_schema(target).equals(arrow_schema())
    query = "SELECT count(*), count(duration_s) FROM read_parquet(?)"
    assert duckdb.execute(query, [str(target)]).fetchall() == [(0, 0)]


def test_the_books_say_what_each_window_holds(target):
    pulled(target, planned(), ROWS)
    (stream,) = read_books(sidecar(target) / "books.json")
    assert [(w.rows, w.digest) for w in stream.windows] == [
        (24, digest(to_table(ROWS[:24]))),
        (24, digest(to_table(ROWS[24:]))),
    ]


@pytest.mark.parametrize(("at_least", "groups"), [(1, 4), (24, 2), (30, 2), (1000, 1)])
def test_parts_are_put_together_to_row_groups(target, monkeypatch, at_least, groups):
    monkeypatch.setattr(parquet, "ROW_GROUP", at_least)
    pulled(target, planned(longest=DAY / 2), ROWS)
    assert pq.read_metadata(target).num_row_groups == groups
    assert ids_in(target) == [s.id for s in ROWS]


def test_everything_is_its_owners_alone_also_while_it_is_written(target):
    before = os.umask(0)
    try:
        plan = planned()
        store = open_target(target)
        store.open(plan)
        commit(store, plan.windows[0], ROWS)
        for path in target.parent.rglob("*"):
            expected = 0o700 if path.is_dir() else 0o600
            assert stat.S_IMODE(path.stat().st_mode) == expected, path
        commit(store, plan.windows[1], ROWS)
        store.finish(a_report())
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
    finally:
        os.umask(before)


# ---------------------------------------------------------------------- runs


def test_nothing_lies_under_the_name_before_the_end_and_a_later_go_completes_it(target):
    plan, store = planned(), open_target(target)
    first = store.open(plan)
    commit(store, plan.windows[0], ROWS)
    assert store.leave(a_report(complete=False)) == (
        f"24 rows written to {sidecar(target)}/parts, parts that were not joined into x.parquet: "
        "the pull is not complete"
    )
    assert not target.exists()
    store = open_target(target)
    second = store.open(plan)
    assert second.run == first.run
    assert [w.owned for w in second.stored] == [plan.windows[0].owned]
    commit(store, plan.windows[1], ROWS)
    assert store.finish(a_report()) == f"48 rows written to {target}"
    assert ids_in(target) == [s.id for s in ROWS]


def test_a_window_that_is_read_again_replaces_its_rows(target):
    plan, store = planned(), open_target(target)
    store.open(plan)
    commit(store, plan.windows[0], ROWS[1:], complete=False)
    commit(store, plan.windows[1], ROWS)
    commit(store, plan.windows[0], ROWS)
    assert store.finish(a_report()) == f"48 rows written to {target}"
    assert ids_in(target) == [s.id for s in ROWS]
    assert names_in(sidecar(target)) == ["books.json"]


def test_the_same_pull_again_is_finished_already(target):
    pulled(target, planned(), ROWS)
    number = target.stat().st_ino
    store = open_target(target)
    assert store.open(planned()).is_finished
    assert store.finish(a_report()) == f"48 rows written to {target}"
    assert target.stat().st_ino == number


def test_a_window_whose_part_is_gone_is_to_be_read_again(target):
    plan, store = planned(), open_target(target)
    store.open(plan)
    lost = commit(store, plan.windows[0], ROWS)
    kept = commit(store, plan.windows[1], ROWS)
    store.leave(a_report(complete=False))
    (sidecar(target) / "parts" / lost.file).unlink()
    (sidecar(target) / "parts" / "orphan.arrow.tmp").touch()
    store = open_target(target)
    assert list(store.open(plan).stored) == [kept]
    assert names_in(sidecar(target) / "parts") == [kept.file]
    store.leave(a_report(complete=False))
    assert pulled(target, plan, ROWS) == f"48 rows written to {target}"


def test_a_part_with_a_flipped_byte_is_refused_or_still_a_table_of_as_many_rows(tmp_path):
    part = tmp_path / "parts" / "1-2.arrow"
    parts.write_part(part, to_table(ROWS[:5]))
    content, said, found = part.read_bytes(), set(), []
    for at in range(0, len(content), 3):
        part.write_bytes(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])
        try:
            found.append(parts.read_part(part, rows=5))
        except SinkError as error:
            said.add(str(error).partition(" cannot be read: ")[2])
    assert said == {"it is damaged", "it is not what was written there"}
    assert {table.num_rows for table in found} == {5}
    assert all(len(digest(table)) == 32 for table in found)


@pytest.mark.parametrize("spoiled", [b"PAR1", None])
def test_a_part_that_cannot_be_read_is_named(target, spoiled):
    plan, store = planned(), open_target(target)
    store.open(plan)
    window = commit(store, plan.windows[0], ROWS)
    part = sidecar(target) / "parts" / window.file
    if spoiled is None:
        parts.write_part(part, to_table(ROWS[:3]))
    else:
        part.write_bytes(spoiled)
    with pytest.raises(SinkError) as caught:
        store.finish(a_report())
    problem = "it is damaged" if spoiled else "it is not what was written there"
    assert str(caught.value) == f"{part} cannot be read: {problem}"
    store.leave(a_report(complete=False))
    assert names_in(target.parent) == [f"{target.name}.pull"]


def test_a_pull_that_brought_nothing_leaves_nothing(target):
    store = open_target(target)
    store.open(planned())
    said = store.leave(a_report(complete=False))
    assert said == f"nothing was written to {target}: the pull is not complete"
    assert names_in(target.parent) == []


def test_a_sync_is_refused(target):
    with pytest.raises(SinkError, match="is the file of one pull"):
        open_target(target).open(planned(kind="sync"))


# ---------------------------------------------------------------------- what is there


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize(
    "content", [b"mine", b"PAR1", b"PAR1" + b"x" * 500 + b"\x10\0\0\0PAR1", None]
)
def test_a_file_of_others_is_kept_also_with_fresh(target, fresh, content):
    if content is None:
        pq.write_table(pa.table({"id": ["mine"]}), target)
    else:
        target.write_bytes(content)
    before = target.read_bytes()
    with pytest.raises(SinkError) as caught:
        pulled(target, planned(), ROWS, fresh=fresh)
    assert str(caught.value) == f"{target} is not a file of ours: give another name, or remove it"
    assert target.read_bytes() == before
    assert names_in(target.parent) == [target.name]


@pytest.mark.parametrize("is_empty", [True, False])
def test_a_file_of_ours_is_replaced_with_fresh_only(target, is_empty):
    pq.write_table(to_table(ROWS[:1]), target)
    if is_empty:
        target.write_bytes(b"")
    with pytest.raises(SinkError, match="exists already: start over with fresh"):
        pulled(target, planned(), ROWS)
    assert pulled(target, planned(), ROWS, fresh=True) == f"48 rows written to {target}"
    assert len(ids_in(target)) == 48


def test_fresh_keeps_the_old_file_until_the_end(target):
    pulled(target, planned(), ROWS)
    store, plan = open_target(target, fresh=True), planned()
    store.open(plan)
    commit(store, plan.windows[0], every(HOUR, days=2, tag="n"))
    assert ids_in(target) == [s.id for s in ROWS]
    commit(store, plan.windows[1], every(HOUR, days=2, tag="n"))
    store.finish(a_report())
    assert ids_in(target) == [f"n-{n}" for n in reversed(range(48))]


def test_a_directory_is_refused(target):
    target.mkdir()
    with pytest.raises(SinkError, match="is a directory: give the name of a file"):
        pulled(target, planned(), ROWS, fresh=True)


def test_a_name_that_is_no_text_is_written(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.parquet")
    said = pulled(path, planned(), ROWS)
    assert said.encode() == f"48 rows written to {tmp_path}/bad\\udcff.parquet".encode()


# ---------------------------------------------------------------------- what goes wrong


class FullDisk(io.RawIOBase):
    """A file on a disk that has room for so many bytes."""

    def __init__(self, room):
        self.room = room

    def writable(self):
        return True

    def write(self, data):
        self.room -= len(data)
        if self.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return len(data)

    def fileno(self):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("room", [0, 4, 3000, 10**6])
@pytest.mark.parametrize("is_at_the_end", [True, False])
def test_a_full_disk_is_one_sentence_and_loses_nothing(target, monkeypatch, room, is_at_the_end):
    real = os.fdopen

    def small(fd, *mode):
        file = real(fd, *mode)
        file.close()
        return FullDisk(room)

    plan, store = planned(), open_target(target)
    store.open(plan)
    commit(store, plan.windows[0], ROWS)
    if is_at_the_end:
        commit(store, plan.windows[1], ROWS)
    with monkeypatch.context() as patch:
        patch.setattr(parts.os, "fdopen", small)
        with pytest.raises(SinkError) as caught:
            store.finish(a_report()) if is_at_the_end else commit(store, plan.windows[1], ROWS)
    assert str(caught.value) == f"{target} cannot be written: No space left on device"
    assert "parts that were not joined" in store.leave(a_report(complete=False))
    assert names_in(target.parent) == [f"{target.name}.pull"]
    assert pulled(target, plan, ROWS) == f"48 rows written to {target}"
    assert ids_in(target) == [s.id for s in ROWS]


def test_what_pyarrow_refuses_is_one_sentence_without_values(target, monkeypatch):
    def refuse(*_, **__):
        raise pa.ArrowInvalid("not a good value: me@example.com")

    plan, store = planned(), open_target(target)
    store.open(plan)
    monkeypatch.setattr(parts.ipc, "new_file", refuse)
    with pytest.raises(SinkError) as caught:
        commit(store, plan.windows[0], ROWS)
    assert str(caught.value) == f"{target} cannot be written: pyarrow refuses the rows"
    store.leave(a_report(complete=False))


def test_a_value_that_no_column_holds_is_named(target):
    plan, store = planned(), open_target(target)
    store.open(plan)
    with pytest.raises(SinkError, match="a value of the column furthest_step is no BIGINT"):
        commit(store, plan.windows[0], [evolve(ROWS[0], furthest_step=2**63)])
    store.leave(a_report(complete=False))


def test_a_file_that_could_not_be_moved_is_moved_by_the_next_go(target, monkeypatch):
    pulled(target, planned(), ROWS)
    plan, new = planned(), every(HOUR, days=2, tag="n")
    store = open_target(target, fresh=True)
    store.open(plan)
    for window in plan.windows:
        commit(store, window, new)
    with monkeypatch.context() as patch:
        patch.setattr(ParquetStore, "_place", _denied)
        with pytest.raises(SinkError, match="denied"):
            store.finish(a_report())
    store.leave(a_report(complete=False))
    assert ids_in(target) == [s.id for s in ROWS]
    assert pulled(target, plan, new) == f"48 rows written to {target}"
    assert ids_in(target) == [s.id for s in new]
    assert not (sidecar(target) / "parts").exists()


def test_parts_stay_if_the_file_under_the_name_is_not_theirs(target, monkeypatch):
    pulled(target, planned(), every(HOUR))
    plan, store = planned(), open_target(target, fresh=True)
    store.open(plan)
    for window in plan.windows:
        commit(store, window, ROWS)
    with monkeypatch.context() as patch:
        patch.setattr(ParquetStore, "_place", _denied)
        with pytest.raises(SinkError):
            store.finish(a_report())
    store.leave(a_report(complete=False))
    target.with_name(f"{target.name}.partial").unlink()
    with pytest.raises(SinkError, match="exists already: start over"):
        pulled(target, plan, ROWS)
    assert len(names_in(sidecar(target) / "parts")) == 2


def _denied(_):
    raise SinkError("denied")


@pytest.mark.slow
def test_death_at_any_step_can_be_gone_on_with(target, mortal):
    for lives in range(1, 1000):
        survived = mortal(lives, lambda: pulled(target, planned(), ROWS))
        assert not target.exists() or len(ids_in(target)) == 48
        assert pulled(target, planned(), ROWS) == f"48 rows written to {target}"
        assert ids_in(target) == [s.id for s in ROWS]
        assert names_in(target.parent) == [target.name, f"{target.name}.pull"]
        assert "parts" not in names_in(sidecar(target))
        target.unlink()
        shutil.rmtree(sidecar(target))
        if survived:
            return
    pytest.fail("it has no end")


# ---------------------------------------------------------------------- which target a path is


@pytest.mark.parametrize(
    ("to", "kind"),
    [
        ("x.parquet", ParquetStore),
        ("a/X.PARQUET", ParquetStore),
        ("out/", DatasetStore),
        ("x.parquet/", DatasetStore),
        ("x.jsonl/", DatasetStore),
        ("there", DatasetStore),
        (".", DatasetStore),
        ("there.d", DatasetStore),
        ("there.jsonl", LinesStore),
        ("there.parquet", ParquetStore),
    ],
)
def test_the_ending_decides_or_a_directory_that_is_there(to, kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in "there", "there.d", "there.jsonl", "there.parquet":
        (tmp_path / name).mkdir()
    assert type(open_target(to)) is kind
    assert len(names_in(tmp_path)) == 4


@pytest.mark.parametrize("to", ["out", "out.txt", ""])
def test_what_is_no_directory_and_has_no_ending_is_refused(to, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SinkError, match=r"must end in \.jsonl, \.csv, \.duckdb, \.parquet or /"):
        open_target(to)


@pytest.mark.parametrize(("to", "what"), [("x.parquet", ".parquet"), ("out/", "a dataset")])
def test_without_pyarrow_the_extra_is_named(to, what, monkeypatch):
    for name in "parquet", "dataset", "parts":
        monkeypatch.delitem(sys.modules, f"asyncsessions.sinks.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigurationError) as caught:
        open_target(to)
    assert str(caught.value) == (
        f'{what} needs the extra "parquet": pip install "asyncsessions[parquet]"'
    )
    assert SINKS[".parquet"].extra == SINKS["/"].extra == "parquet"
