"""JSON lines and CSV files: what is in them, and who may read and replace them."""

from __future__ import annotations

import csv
import errno
import os
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from asyncsessions.core.columns import csv_header
from asyncsessions.core.convert import from_json
from asyncsessions.core.records import Conversion, Order, Session
from asyncsessions.errors import SinkError
from asyncsessions.sinks import locks, open_target
from tests.invented_sessions import (
    DAY,
    HOUR,
    Disk,
    a_plan,
    a_report,
    a_sync,
    begin,
    commit,
    every,
    permissive,
    pull,
)

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
BARE = Session(provider="hum", id="bare", started_at=NOON)
MONTH = a_plan(days=40)


def pulled(to, sessions, *, plan=MONTH, fresh=False):
    """Write a whole pull and return the target's last word."""
    return pull(open_target(to, fresh=fresh), plan, sessions)


def read_jsonl(path):
    return [from_json(line) for line in path.read_bytes().splitlines()]


def names(target):
    """Return what is in the target's folder, but the books of a whole file."""
    assert [path.name for path in beside(target).glob("*")] in ([], ["books.json"])
    return sorted(path.name for path in target.parent.iterdir() if path != beside(target))


def beside(target):
    return target.with_name(target.name + ".pull")


def partial(target):
    return target.with_name(target.name + ".partial")


@pytest.fixture(params=[".jsonl", ".csv"])
def target(request, tmp_path):
    return tmp_path / f"out{request.param}"


def test_a_line_of_jsonl_is_a_session(tmp_path):
    sessions = every(HOUR, days=3)
    said = pulled(tmp_path / "out.jsonl", sessions)
    assert read_jsonl(tmp_path / "out.jsonl") == sessions
    assert said == f"72 rows written to {tmp_path / 'out.jsonl'}"


def test_windows_may_be_committed_in_any_order_and_lie_newest_first(tmp_path):
    plan, sessions = a_plan(days=4, longest=DAY), every(HOUR, days=4)
    store = open_target(tmp_path / "out.jsonl")
    begin(store, plan)
    commit(store, [plan.windows[index] for index in (2, 0, 3, 1)], sessions)
    store.finish(a_report())
    assert read_jsonl(tmp_path / "out.jsonl") == sessions


def test_csv_is_rfc_4180(tmp_path):
    strange = evolve(
        BARE,
        campaign='say "hi", she said',
        source="two\r\nlines",
        medium="",
        content="=1+1",
        term="Frühling ☀",
        landing_page=" /padded ",
        order=Order(installed=False, commission_cents=0, ordered_at=NOON),
        conversion=Conversion(email="@a"),
        duration=timedelta(milliseconds=1500),
    )
    pulled(tmp_path / "out.csv", [strange])
    text = (tmp_path / "out.csv").read_bytes().decode()
    head, row = text.split("\r\n", 1)
    assert head == ",".join(csv_header())
    assert row.startswith(
        'hum,bare,2026-01-31T12:00:00Z,"say ""hi"", she said","two\r\nlines","",=1+1,Frühling ☀, '
    )
    assert row.endswith("1.5,\r\n")
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        (read,) = csv.DictReader(file)
    assert read["campaign"] == 'say "hi", she said'
    assert read["source"] == "two\r\nlines"
    assert (read["content"], read["conversion_email"]) == ("=1+1", "@a")
    assert (read["landing_page"], read["address_zip"]) == (" /padded ", "")
    assert (read["order_installed"], read["order_commission_cents"]) == ("false", "0")
    assert read["order_ordered_at"] == "2026-01-31T12:00:00Z"


def test_without_rows_csv_has_its_header_and_jsonl_is_empty(tmp_path):
    assert pulled(tmp_path / "out.csv", []).startswith("0 rows written")
    pulled(tmp_path / "out.jsonl", [])
    assert (tmp_path / "out.csv").read_text() == ",".join(csv_header()) + "\n"
    assert (tmp_path / "out.jsonl").read_bytes() == b""


# ---------------------------------------------------------------------- the name


def test_everything_is_the_owners_alone_also_while_it_is_written(target):
    plan = a_plan(days=2, longest=DAY)
    with permissive():
        store = open_target(target)
        standing = begin(store, plan)
        standing.journal.spend()
        commit(store, plan.windows[::-1], every(HOUR, days=2))
        modes = {
            path.relative_to(target.parent).as_posix(): stat.S_IMODE(path.stat().st_mode)
            for path in target.parent.rglob("*")
        }
        store.finish(a_report())
    assert modes.pop(beside(target).name) == 0o700
    assert len(modes) == 5
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert stat.S_IMODE((beside(target) / "books.json").stat().st_mode) == 0o600


def test_nothing_lies_under_the_name_before_the_end(target):
    store = open_target(target)
    begin(store, MONTH)
    commit(store, MONTH.windows, [BARE])
    assert not target.exists()
    store.finish(a_report())
    assert names(target) == [target.name]


def test_an_incomplete_pull_leaves_the_partial_file_and_says_so(target):
    store = open_target(target)
    begin(store, MONTH)
    commit(store, MONTH.windows, [BARE], complete=False)
    said = store.leave(a_report(complete=False))
    assert said == (
        f"1 row written to {partial(target)}, which was not moved to {target.name}: "
        "the pull is not complete"
    )
    assert not target.exists()
    assert BARE.id in partial(target).read_text()


def test_without_rows_an_incomplete_pull_leaves_nothing(target):
    store = open_target(target)
    begin(store, MONTH)
    said = store.leave(a_report(complete=False))
    assert said == f"nothing was written to {target}: the pull is not complete"
    assert not list(target.parent.iterdir())


def test_leaving_after_the_end_or_before_the_beginning_harms_nothing(target):
    store = open_target(target)
    assert store.leave(a_report(complete=False)).startswith("nothing was written")
    store = open_target(target)
    begin(store, MONTH)
    commit(store, MONTH.windows, [BARE])
    said = store.finish(a_report())
    assert store.leave(a_report(complete=False)) == said
    assert target.exists()


def test_an_existing_file_of_unknown_origin_is_kept_unless_it_shall_be_replaced(target):
    pulled(target, [evolve(BARE, id="earlier")])
    (beside(target) / "books.json").unlink()
    with pytest.raises(SinkError) as caught:
        pulled(target, [BARE])
    assert str(caught.value) == (
        f"{target} exists already: start over with fresh (--fresh), or give another name"
    )
    assert "earlier" in target.read_text()
    assert names(target) == [target.name]
    pulled(target, [BARE], fresh=True)
    assert "earlier" not in target.read_text()
    assert BARE.id in target.read_text()


def test_a_pull_that_fails_does_not_harm_the_file_that_it_should_replace(target):
    pulled(target, [evolve(BARE, id="earlier")])
    before = target.read_bytes()
    store = open_target(target, fresh=True)
    begin(store, MONTH)
    commit(store, MONTH.windows, [BARE], complete=False)
    store.leave(a_report(complete=False))
    assert target.read_bytes() == before


def test_a_file_that_appeared_meanwhile_is_kept(target):
    store = open_target(target)
    begin(store, MONTH)
    commit(store, MONTH.windows, [BARE])
    target.write_text("mine")
    with pytest.raises(SinkError, match="is not a file of ours"):
        store.finish(a_report())
    assert "1 row written to" in store.leave(a_report())
    assert target.read_text() == "mine"


def test_the_rest_of_a_pull_that_nobody_knows_is_replaced_and_made_private(target):
    partial(target).write_text("stale" * 100)
    partial(target).chmod(0o644)
    store = open_target(target)
    begin(store, MONTH)
    assert stat.S_IMODE(partial(target).stat().st_mode) == 0o600
    commit(store, MONTH.windows, [])
    store.finish(a_report())
    assert "stale" not in target.read_text()


def test_a_sync_is_not_for_a_single_file(target):
    with pytest.raises(SinkError) as caught:
        open_target(target).open(a_sync())
    assert str(caught.value) == (
        f"{target} is the file of one pull: sync needs a .duckdb file or a dataset, "
        "a directory that is named with a / at the end"
    )
    assert not list(target.parent.iterdir())


# ---------------------------------------------------------------------- one at a time


def test_a_second_pull_into_the_same_file_is_refused(target):
    first, second = open_target(target), open_target(target, fresh=True)
    begin(first, MONTH)
    with pytest.raises(SinkError) as caught:
        second.open(MONTH)
    assert str(caught.value) == f"{target} is being written by another pull"
    commit(first, MONTH.windows, [BARE])
    first.finish(a_report())
    assert BARE.id in target.read_text()


@pytest.mark.parametrize("name", ["out.jsonl.partial", "out.jsonl.pull/pull.lock"])
def test_a_second_process_is_refused_too(tmp_path, name):
    first = open_target(tmp_path / "out.jsonl")
    begin(first, MONTH)
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from asyncsessions.errors import SinkError\n"
        "from asyncsessions.sinks.locks import open_alone\n"
        "try: open_alone(Path(sys.argv[1]), target=Path('it'))\n"
        "except SinkError as error: sys.exit(str(error))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / name)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.stderr.strip() == "it is being written by another pull"
    first.leave(a_report(complete=False))


def test_a_file_system_without_locks_is_no_reason_to_refuse(target, monkeypatch):
    def flock(fd, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", flock)
    pulled(target, [BARE])
    assert BARE.id in target.read_text()


def test_a_link_in_place_of_the_partial_file_is_not_followed(target, tmp_path):
    (tmp_path / "precious").write_text("mine")
    partial(target).symlink_to(tmp_path / "precious")
    with pytest.raises(SinkError, match="cannot be written"):
        open_target(target).open(MONTH)
    assert (tmp_path / "precious").read_text() == "mine"


# ---------------------------------------------------------------------- no place for it


def test_a_missing_directory_is_named(tmp_path):
    with pytest.raises(SinkError) as caught:
        open_target(tmp_path / "no" / "out.jsonl").open(MONTH)
    assert str(caught.value) == (
        f"{tmp_path / 'no' / 'out.jsonl'} cannot be written: "
        f"there is no directory {tmp_path / 'no'}"
    )


def test_a_directory_is_no_file(tmp_path):
    (tmp_path / "out.jsonl").mkdir()
    with pytest.raises(SinkError, match="is a directory: give the name of a file"):
        open_target(tmp_path / "out.jsonl", fresh=True).open(MONTH)
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


def test_a_folder_that_cannot_be_written_is_one_sentence(target, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    with pytest.raises(SinkError) as caught:
        open_target(target).open(MONTH)
    assert str(caught.value) == f"{target} cannot be written: Permission denied"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_read_only_folder_is_one_sentence_and_stays_empty(target):
    target.parent.chmod(0o500)
    try:
        with pytest.raises(SinkError) as caught:
            open_target(target).open(MONTH)
    finally:
        target.parent.chmod(0o700)
    assert str(caught.value) == f"{target} cannot be written: Permission denied"
    assert not list(target.parent.iterdir())


def test_a_disk_that_fills_up_leaves_whole_windows_and_says_how_many_rows(target, monkeypatch):
    plan = a_plan(days=100, longest=DAY)
    sessions = every(timedelta(minutes=10), days=100)
    store, done, disk = open_target(target), 0, Disk(600_000)
    begin(store, plan)
    monkeypatch.setattr(os, "write", disk.write)
    with pytest.raises(SinkError) as caught:
        for window in plan.windows:
            commit(store, [window], sessions)
            done += 144
    assert str(caught.value) == f"{target} cannot be written: No space left on device"
    said = store.leave(a_report(complete=False))
    text = partial(target).read_text()
    assert text.endswith("\n")
    assert text.count("\n") - (target.suffix == ".csv") == done > 300
    assert said.startswith(f"{done:,} rows written to {partial(target)}")


def test_the_steps_may_come_from_different_threads(target):
    store = open_target(target)
    for step in (
        lambda: begin(store, MONTH),
        lambda: commit(store, MONTH.windows, [BARE]),
        lambda: store.finish(a_report()),
    ):
        thread = threading.Thread(target=step)
        thread.start()
        thread.join()
    assert BARE.id in target.read_text()
