"""JSON lines and CSV files."""

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
from asyncsessions.sinks import open_sink, partial
from tests.invented_sessions import DAY, HOUR, a_plan, a_report, every, write

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
BARE = Session(provider="hum", id="1", started_at=NOON)


def pulled(to, sessions, *, plan=None, fresh=False, complete=True):
    """Write a whole pull and return the target's last word."""
    sink, plan = open_sink(to, fresh=fresh), plan or a_plan(days=40)
    sink.begin(plan)
    write(sink, plan, sessions)
    return sink.finish(a_report(complete=complete))


def read_jsonl(path):
    return [from_json(line) for line in path.read_bytes().splitlines()]


@pytest.fixture(params=[".jsonl", ".csv"])
def target(request, tmp_path):
    return tmp_path / f"out{request.param}"


def test_a_line_of_jsonl_is_a_session(tmp_path):
    sessions = every(HOUR, days=3)
    said = pulled(tmp_path / "out.jsonl", sessions)
    assert read_jsonl(tmp_path / "out.jsonl") == sessions
    assert said == f"72 rows written to {tmp_path / 'out.jsonl'}"


def test_the_rows_of_windows_may_come_in_turns(tmp_path):
    plan, sessions = a_plan(days=2, longest=DAY), every(HOUR, days=2)
    sink = open_sink(tmp_path / "out.jsonl")
    sink.begin(plan)
    sink.write(1, sessions[24:40])
    sink.write(0, sessions[:24])
    sink.commit(0, is_complete=True)
    sink.write(1, sessions[40:])
    sink.commit(1, is_complete=True)
    sink.finish(a_report())
    assert sorted(s.id for s in read_jsonl(tmp_path / "out.jsonl")) == sorted(
        s.id for s in sessions
    )


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
        'hum,1,2026-01-31T12:00:00Z,"say ""hi"", she said","two\r\nlines","",=1+1,Frühling ☀, '
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


def test_the_file_is_its_owners_alone_also_while_it_is_written(target):
    before = os.umask(0)
    try:
        sink = open_sink(target)
        sink.begin(a_plan())
        partial_file = target.with_name(target.name + ".partial")
        assert stat.S_IMODE(partial_file.stat().st_mode) == 0o600
        sink.finish(a_report())
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_nothing_lies_under_the_name_before_the_end(target):
    sink = open_sink(target)
    sink.begin(a_plan())
    sink.write(0, [BARE])
    sink.commit(0, is_complete=True)
    assert not target.exists()
    sink.finish(a_report())
    assert [path.name for path in target.parent.iterdir()] == [target.name]


@pytest.mark.parametrize("end", ["finish", "abort"])
def test_an_incomplete_pull_leaves_the_partial_file_and_says_so(target, end):
    sink = open_sink(target)
    sink.begin(a_plan())
    sink.write(0, [BARE])
    said = getattr(sink, end)(a_report(complete=False))
    partial_file = target.with_name(target.name + ".partial")
    assert said == (
        f"1 row written to {partial_file}, which was not moved to {target.name}: "
        "the pull is not complete"
    )
    assert list(target.parent.iterdir()) == [partial_file]
    assert BARE.id in partial_file.read_text()


@pytest.mark.parametrize("end", ["finish", "abort"])
def test_without_rows_an_incomplete_pull_leaves_nothing(target, end):
    sink = open_sink(target)
    sink.begin(a_plan())
    said = getattr(sink, end)(a_report(complete=False))
    assert said == f"nothing was written to {target}: the pull is not complete"
    assert not list(target.parent.iterdir())


def test_an_abort_after_the_end_or_before_the_beginning_harms_nothing(target):
    sink = open_sink(target)
    assert sink.abort(a_report(complete=False)).startswith("nothing was written")
    sink = open_sink(target)
    sink.begin(a_plan())
    sink.write(0, [BARE])
    said = sink.finish(a_report())
    assert sink.abort(a_report(complete=False)) == said
    assert target.exists()


def test_an_existing_file_is_kept_unless_it_shall_be_replaced(target):
    pulled(target, [evolve(BARE, id="earlier")])
    with pytest.raises(SinkError) as caught:
        pulled(target, [BARE])
    assert str(caught.value) == (
        f"{target} exists already: start over with fresh (--fresh), or give another name"
    )
    assert "earlier" in target.read_text()
    assert list(target.parent.iterdir()) == [target]
    pulled(target, [BARE], fresh=True)
    assert "earlier" not in target.read_text()
    assert BARE.id in target.read_text()


def test_a_pull_that_fails_does_not_harm_the_file_that_it_should_replace(target):
    pulled(target, [evolve(BARE, id="earlier")])
    before = target.read_bytes()
    sink = open_sink(target, fresh=True)
    sink.begin(a_plan())
    sink.write(0, [BARE])
    sink.abort(a_report(complete=False))
    assert target.read_bytes() == before


def test_a_file_that_appeared_meanwhile_is_kept(target):
    sink = open_sink(target)
    sink.begin(a_plan())
    sink.write(0, [BARE])
    target.write_text("mine")
    with pytest.raises(SinkError, match="is not a file of ours"):
        sink.finish(a_report())
    assert "1 row written to" in sink.abort(a_report())
    assert target.read_text() == "mine"


def test_the_rest_of_a_dead_pull_is_replaced_and_made_private(target):
    stale = target.with_name(target.name + ".partial")
    stale.write_text("stale" * 100)
    stale.chmod(0o644)
    sink = open_sink(target)
    sink.begin(a_plan())
    assert stat.S_IMODE(stale.stat().st_mode) == 0o600
    sink.finish(a_report())
    assert "stale" not in target.read_text()


def test_a_second_pull_into_the_same_file_is_refused(target):
    first, second = open_sink(target), open_sink(target)
    first.begin(a_plan())
    first.write(0, [BARE])
    with pytest.raises(SinkError) as caught:
        second.begin(a_plan())
    assert str(caught.value) == f"{target} is being written by another pull"
    first.finish(a_report())
    assert BARE.id in target.read_text()


def test_a_second_process_is_refused_too(target):
    first = open_sink(target)
    first.begin(a_plan())
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from asyncsessions.errors import SinkError\n"
        "from asyncsessions.sinks.partial import PartialFile\n"
        "try: PartialFile(Path(sys.argv[1]), is_ours=bool)\n"
        "except SinkError as error: sys.exit(str(error))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(target)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.stderr.strip() == f"{target} is being written by another pull"
    first.abort(a_report())


def test_a_partial_file_that_was_moved_away_before_it_was_locked_is_made_again(target, monkeypatch):
    lock, moved = partial.PartialFile._lock, []

    def locking(self, fd):
        if not moved:
            moved.append(self.path.rename(target.with_name("elsewhere")))
        lock(self, fd)

    monkeypatch.setattr(partial.PartialFile, "_lock", locking)
    pulled(target, [BARE])
    assert BARE.id in target.read_text()
    assert not moved[0].read_bytes()


def test_a_file_system_without_locks_is_no_reason_to_refuse(target, monkeypatch):
    def flock(fd, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(partial.fcntl, "flock", flock)
    pulled(target, [BARE])
    assert BARE.id in target.read_text()


def test_a_link_in_place_of_the_partial_file_is_not_followed(target, tmp_path):
    (tmp_path / "precious").write_text("mine")
    target.with_name(target.name + ".partial").symlink_to(tmp_path / "precious")
    with pytest.raises(SinkError, match="cannot be written"):
        open_sink(target).begin(a_plan())
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_missing_directory_is_named(tmp_path):
    with pytest.raises(SinkError) as caught:
        open_sink(tmp_path / "no" / "out.jsonl").begin(a_plan())
    assert str(caught.value) == (
        f"{tmp_path / 'no' / 'out.jsonl'} cannot be written: "
        f"there is no directory {tmp_path / 'no'}"
    )


def test_a_directory_is_no_file(tmp_path):
    (tmp_path / "out.jsonl").mkdir()
    with pytest.raises(SinkError, match="is a directory: give the name of a file"):
        open_sink(tmp_path / "out.jsonl", fresh=True).begin(a_plan())


def test_a_disk_that_fills_up_leaves_whole_lines_and_says_how_many(target, monkeypatch):
    real_write, room = os.write, [200_000]

    def write_while_there_is_room(fd, data):
        if room[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        done = real_write(fd, data[: room[0]])
        room[0] -= done
        return done

    monkeypatch.setattr(partial, "BUFFER_BYTES", 60_000)
    monkeypatch.setattr(partial.os, "write", write_while_there_is_room)
    sink = open_sink(target)
    sink.begin(a_plan(days=100))
    with pytest.raises(SinkError) as caught:
        for session in every(timedelta(minutes=10), days=100):
            sink.write(0, [session])
    assert str(caught.value) == f"{target} cannot be written: No space left on device"
    said = sink.abort(a_report(complete=False))
    partial_file = target.with_name(target.name + ".partial")
    text = partial_file.read_text()
    rows = text.count("\n") - (target.suffix == ".csv")
    assert text.endswith("\n")
    assert rows > 300
    assert said.startswith(f"{rows:,} rows written to {partial_file}")


def test_a_disk_that_is_full_at_the_end_leaves_nothing_in_place(target, monkeypatch):
    def fsync(fd):
        raise OSError(errno.ENOSPC, "No space left on device")

    sink = open_sink(target)
    sink.begin(a_plan())
    sink.write(0, [BARE])
    monkeypatch.setattr(partial.os, "fsync", fsync)
    with pytest.raises(SinkError, match="No space left on device"):
        sink.finish(a_report())
    assert sink.abort(a_report()).startswith("1 row written to")
    assert not target.exists()


def test_the_steps_may_come_from_different_threads(target):
    sink, plan = open_sink(target), a_plan()
    for step in (
        lambda: sink.begin(plan),
        lambda: sink.write(0, [BARE]),
        lambda: sink.commit(0, is_complete=True),
        lambda: sink.finish(a_report()),
    ):
        thread = threading.Thread(target=step)
        thread.start()
        thread.join()
    assert BARE.id in target.read_text()
