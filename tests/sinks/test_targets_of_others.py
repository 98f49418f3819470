"""What already lies under a target's name: ours, somebody else's, a link."""

from __future__ import annotations

import errno
import os
import sqlite3
from datetime import UTC, datetime

import duckdb
import pytest

from asyncsessions.core.columns import csv_header
from asyncsessions.core.records import Session
from asyncsessions.errors import SinkError
from asyncsessions.sinks import duckdb_making, open_target
from tests.invented_sessions import HOUR, a_plan, a_report, every, pull

BARE = Session(provider="hum", id="bare", started_at=datetime(2026, 1, 31, 12, tzinfo=UTC))
HEADER = ",".join(csv_header())


def pulled(to, sessions, *, fresh=False):
    """Write a whole pull and return the target's last word."""
    return pull(open_target(to, fresh=fresh), a_plan(days=40), sessions)


def beside(target):
    """Return the folder with the books of a file."""
    return target.with_name(target.name + ".pull")


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", b"mine"),
        ("a.jsonl", b"\n"),
        ("a.jsonl", b"\xff\xfe"),
        ("a.jsonl", b'{"id": "1", "provider": "hum"}\n'),
        ("a.jsonl", b'["provider", "id", "started_at"]\n'),
        ("a.jsonl", b"[" * 100_000),
        ("a.jsonl", HEADER.encode()),
        ("a.csv", b"name,age\r\nme,1\r\n"),
        ("a.csv", HEADER.encode() + b",more\r\n"),
        ("a.csv", b"\r\n"),
    ],
)
def test_a_text_file_of_others_is_kept_also_with_fresh(tmp_path, name, content, fresh):
    target = tmp_path / name
    target.write_bytes(content)
    with pytest.raises(SinkError) as caught:
        pulled(target, [BARE], fresh=fresh)
    assert str(caught.value) == (f"{target} is not a file of ours: give another name, or remove it")
    assert target.read_bytes() == content
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", ""),
        ("a.csv", ""),
        ("a.csv", HEADER + "\n"),
        ("a.jsonl", '{"started_at": "2026-01-31", "id": "1", "provider": "hum"}'),
    ],
)
def test_fresh_replaces_what_is_empty_or_ours(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    pulled(tmp_path / name, [BARE], fresh=True)
    assert "bare" in (tmp_path / name).read_text()


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet", "a.duckdb"])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(SinkError, match="is not a file of ours"):
        pulled(tmp_path / name, [BARE], fresh=True)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.parquet"])
def test_a_finished_file_that_cannot_be_opened_is_one_sentence(tmp_path, name, monkeypatch):
    target = tmp_path / name
    pulled(target, [BARE])
    real = type(target).open

    def refuse(path, *args, **more):
        if path == target:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(path, *args, **more)

    monkeypatch.setattr(type(target), "open", refuse)
    with pytest.raises(SinkError) as caught:
        open_target(target).open(a_plan(days=40))
    assert str(caught.value) == f"{target} cannot be written: Permission denied"


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_stays_and_its_file_is_written(tmp_path, ending, is_there):
    (tmp_path / "there").mkdir()
    link, real = tmp_path / f"link.{ending}", tmp_path / "there" / "real"
    link.symlink_to(real)
    if is_there:
        real.touch()
    said = pulled(link, [BARE], fresh=is_there)
    assert said == f"1 row written to {link}"
    assert link.is_symlink()
    assert "bare" in real.read_text()
    assert sorted(real.parent.iterdir()) == [real, beside(real)]
    assert sorted(tmp_path.iterdir()) == [link, tmp_path / "there"]
    assert open_target(link).open(a_plan(days=40)).is_finished


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.parquet", "a.duckdb"])
def test_links_in_a_circle_are_one_sentence(tmp_path, name):
    (tmp_path / name).symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / name)
    with pytest.raises(SinkError) as caught:
        pulled(tmp_path / name, [BARE], fresh=True)
    assert str(caught.value).startswith(f"{tmp_path / name} ")
    assert sorted(path.name for path in tmp_path.iterdir()) == [name, "b"]


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_a_name_that_is_no_text_is_written_and_told_as_text(tmp_path, ending):
    target = os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff." + ending.encode())
    said = pulled(target, [BARE])
    assert said.encode() == f"1 row written to {tmp_path}/bad\\udcff.{ending}".encode()
    assert pulled(target, [BARE]) == said
    with pytest.raises(SinkError, match="holds a pull of hum") as caught:
        open_target(target).open(a_plan())
    assert str(caught.value).encode()


def test_a_name_that_is_no_text_is_not_for_duckdb(tmp_path):
    target = os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.duckdb")
    with pytest.raises(SinkError) as caught:
        open_target(target).open(a_plan())
    assert str(caught.value) == (
        f"{tmp_path}/bad\\udcff.duckdb cannot be written: DuckDB takes names in UTF-8 only"
    )
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------------- DuckDB


def test_a_database_of_another_kind_is_never_opened(tmp_path, monkeypatch):
    target = tmp_path / "a.duckdb"
    with sqlite3.connect(target) as connection:
        connection.execute("CREATE TABLE sessions (id)")
    connection.close()
    before = target.read_bytes()
    monkeypatch.setattr(duckdb_making.duckdb, "connect", None)
    with pytest.raises(SinkError) as caught:
        open_target(target, fresh=True).open(a_plan())
    assert str(caught.value) == f"{target} cannot be written: it is not a DuckDB file"
    assert target.read_bytes() == before
    assert list(tmp_path.iterdir()) == [target]


def test_no_connection_may_fetch_extensions(tmp_path):
    store = open_target(tmp_path / "a.duckdb")
    store.open(a_plan())
    with store._file.working() as connection:
        found = connection.execute(
            "SELECT value FROM duckdb_settings() WHERE name IN "
            "('autoinstall_known_extensions', 'autoload_known_extensions')"
        ).fetchall()
    assert found == [("false",), ("false",)]
    store.leave(a_report(complete=False))


def test_an_empty_file_is_filled_and_keeps_its_mode(tmp_path):
    target = tmp_path / "a.duckdb"
    target.touch(0o600)
    number = target.stat().st_ino
    assert pulled(target, every(HOUR)) == f"24 rows written to {target}, table sessions"
    assert target.stat().st_ino == number
    assert list(tmp_path.iterdir()) == [target]


def test_an_empty_file_that_another_process_filled_first_is_kept(tmp_path):
    target = tmp_path / "a.duckdb"
    target.write_bytes(b"theirs")
    duckdb_making._fill(target, b"ours")
    assert target.read_bytes() == b"theirs"


def test_a_file_that_the_caller_has_open_is_one_sentence(tmp_path):
    target = tmp_path / "a.duckdb"
    with duckdb.connect(str(target)) as connection:
        connection.execute("CREATE TABLE mine AS SELECT 1 AS one")
        with pytest.raises(SinkError) as caught:
            open_target(target).open(a_plan())
        assert duckdb_making._is_open_here(target)
    assert str(caught.value) == f"{target} cannot be written: this process has it open already"
    assert not duckdb_making._is_open_here(target)


def test_a_file_of_others_keeps_its_mode_and_the_outcome_says_who_can_read_it(tmp_path):
    target = tmp_path / "a.duckdb"
    duckdb.connect(str(target)).close()
    target.chmod(0o644)
    assert pulled(target, every(HOUR)) == (
        f"24 rows written to {target}, table sessions (which its permissions let other users read)"
    )
    assert target.stat().st_mode & 0o777 == 0o644
