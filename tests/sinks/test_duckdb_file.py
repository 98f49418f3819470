"""The DuckDB file itself: private, checked, whole after every accident."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import duckdb
import pytest

from asyncsessions.errors import SinkError
from asyncsessions.sinks import duckdb_making, duckdb_words, open_target
from asyncsessions.sinks.duckdb_file import DuckDBFile
from tests.invented_sessions import (
    DAY,
    HOUR,
    START,
    a_plan,
    a_report,
    begin,
    commit,
    every,
    open_plan,
    permissive,
    pull,
)

WRITER = """
import resource, signal, sys
from asyncsessions.errors import SinkError
from asyncsessions.sinks import open_target
from tests.invented_sessions import *

target, most_bytes = sys.argv[1], int(sys.argv[2])
plan, store = a_plan(days=300, longest=DAY), open_target(target)
begin(store, plan)
if most_bytes:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
try:
    for number, window in enumerate(plan.windows):
        rows = every(HOUR / 20, start=window.asked_start, content=str(number) * 200)
        commit(store, [window], rows)
        print(number, flush=True)
except SinkError as error:
    print(error)
    print(store.leave(a_report(complete=False)))
"""


@pytest.fixture
def target(tmp_path):
    return tmp_path / "out.duckdb"


def names(target):
    return sorted(path.name for path in target.parent.iterdir())


def started(target, pytestconfig, *, most_bytes=0):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(target), str(most_bytes)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(pytestconfig.rootpath)},
    )


def check_books(target):
    """Check that every recorded window has its rows and no others are there; count windows."""
    with duckdb.connect(str(target)) as connection:
        (total,) = connection.execute("SELECT count(*) FROM sessions").fetchone()
        found = connection.execute(
            "SELECT any_value(rows), count(id) FROM _asyncsessions_windows AS w "
            "LEFT JOIN sessions AS s ON s.started_at >= w.lo AND s.started_at < w.hi GROUP BY lo"
        ).fetchall()
    assert all(recorded == there for recorded, there in found)
    assert sum(recorded for recorded, _ in found) == total
    return len(found)


def test_the_file_its_log_and_its_overflow_are_the_owners_alone(target):
    plan, store = a_plan(days=2, longest=DAY), open_target(target)
    with permissive():
        begin(store, plan).journal.spend()
        modes = []
        for window in plan.windows:
            commit(store, [window], every(HOUR, days=2))
            modes += [stat.S_IMODE(path.stat().st_mode) for path in target.parent.rglob("*")]
            # Takes the log away; the next must be private as well.
            store._file._connection.execute("CHECKPOINT")
    assert set(modes) == {0o600, 0o700}
    assert names(target) == ["out.duckdb", "out.duckdb.pull", "out.duckdb.tmp"]
    store.finish(a_report())
    assert names(target) == ["out.duckdb"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


@pytest.mark.parametrize("requests", [0, 1])
def test_a_pull_that_commits_nothing_leaves_nothing_but_what_it_has_cost(target, requests):
    store = open_target(target)
    journal = begin(store, a_plan()).journal
    for _ in range(requests):
        journal.spend()
    said = store.leave(a_report(complete=False))
    assert said == f"nothing was written to {target}: the pull is not complete"
    assert names(target) == ["out.duckdb.pull"] * requests


def test_the_log_of_a_file_that_was_removed_is_not_replayed_into_a_new_one(target):
    wal = target.with_name("out.duckdb.wal")
    wal.write_bytes(b"stale" * 100)
    pull(open_target(target), a_plan(), every(HOUR))
    assert names(target) == ["out.duckdb"]
    with duckdb.connect(str(target), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM sessions").fetchall() == [(24,)]


def test_a_pull_that_commits_nothing_takes_its_tables_out_of_a_file_of_others(target):
    with duckdb.connect(str(target)) as connection:
        connection.execute("CREATE TABLE mine AS SELECT 1 AS one")
    store = open_target(target)
    begin(store, a_plan())
    store.leave(a_report(complete=False))
    with duckdb.connect(str(target)) as connection:
        assert connection.execute("SHOW TABLES").fetchall() == [("mine",)]
    assert names(target) == ["out.duckdb"]


def test_tables_of_others_stay_beside_ours(target):
    with duckdb.connect(str(target)) as connection:
        connection.execute("CREATE TABLE mine AS SELECT 1 AS one")
    pull(open_target(target), a_plan(), every(HOUR))
    with duckdb.connect(str(target)) as connection:
        assert connection.execute("FROM mine").fetchall() == [(1,)]


@pytest.mark.parametrize(
    "made",
    [
        "CREATE TABLE sessions (id INTEGER)",
        "CREATE VIEW sessions AS SELECT 1 AS id",
        "CREATE TABLE _asyncsessions_streams (provider VARCHAR)",
    ],
)
def test_a_table_that_is_not_ours_is_refused_and_kept(target, made):
    with duckdb.connect(str(target)) as connection:
        connection.execute(made)
    before = target.read_bytes()
    with pytest.raises(SinkError) as caught:
        open_target(target).open(a_plan())
    assert str(caught.value) == (
        f"{target} has a table `sessions` that this version did not make: give another file"
    )
    assert target.read_bytes() == before
    assert names(target) == ["out.duckdb"]


@pytest.mark.parametrize("content", [b"hello\n", b"DUCK", b'{"provider": "hum"}\n' * 1_000])
def test_a_file_that_is_not_duckdb_is_refused_and_kept(target, content):
    target.write_bytes(content)
    with pytest.raises(SinkError) as caught:
        open_target(target, fresh=True).open(a_plan())
    assert str(caught.value) == f"{target} cannot be written: it is not a DuckDB file"
    assert target.read_bytes() == content
    assert names(target) == ["out.duckdb"]


def test_a_missing_directory_is_named(tmp_path):
    with pytest.raises(SinkError, match=f"there is no directory {tmp_path / 'no'}"):
        open_target(tmp_path / "no" / "out.duckdb").open(a_plan())


def test_a_directory_is_no_file(target):
    target.mkdir()
    with pytest.raises(SinkError, match="is a directory: give the name of a file"):
        open_target(target).open(a_plan())


def test_a_directory_that_cannot_be_written_is_one_sentence(target, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(duckdb_making.tempfile, "TemporaryDirectory", refuse)
    with pytest.raises(SinkError) as caught:
        open_target(target).open(a_plan())
    assert str(caught.value) == f"{target} cannot be written: Permission denied"


def test_a_file_that_is_refused_has_nothing_beside_it(target):
    with duckdb.connect(str(target)) as connection:
        connection.execute("CREATE TABLE sessions (id INTEGER)")
    for _ in range(2):
        with pytest.raises(SinkError, match="that this version did not make"):
            open_target(target).open(a_plan())
        assert names(target) == ["out.duckdb"]


def test_a_link_stays_and_what_lies_beside_lies_beside_its_file(target):
    (target.parent / "there").mkdir()
    real = target.parent / "there" / "real.duckdb"
    target.symlink_to(real)
    store = open_target(target)
    begin(store, open_plan())
    assert real.with_name("real.duckdb.pull").is_dir()
    with pytest.raises(SinkError, match="is being written by another pull"):
        open_target(real).open(open_plan(start=START + DAY))
    commit(store, a_plan().windows, every(HOUR))
    store.finish(a_report())
    assert target.is_symlink()
    assert names(target) == ["out.duckdb", "there"]
    assert names(real) == ["real.duckdb"]


@pytest.mark.parametrize("appears", [True, False])
def test_a_file_that_appears_while_ours_is_made_is_not_replaced(target, monkeypatch, appears):
    def link(made, place):
        if appears:
            with duckdb.connect(str(place)) as connection:
                connection.execute("CREATE TABLE mine AS SELECT 1 AS one")
            raise FileExistsError
        raise PermissionError(1, "no links here")

    monkeypatch.setattr(duckdb_making.os, "link", link)
    pull(open_target(target), a_plan(), every(HOUR))
    with duckdb.connect(str(target)) as connection:
        tables = [name for (name,) in connection.execute("SHOW TABLES").fetchall()]
    assert ("mine" in tables) is appears
    assert "sessions" in tables


def test_what_a_dead_pull_spilled_is_removed(target):
    spill = target.with_name("out.duckdb.tmp")
    spill.mkdir()
    (spill / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(b"rows")
    store = open_target(target)
    store.open(a_plan())
    assert not list(spill.iterdir())
    store.leave(a_report(complete=False))


def test_a_file_of_others_in_the_place_of_the_spill_is_kept(target):
    spill = target.with_name("out.duckdb.tmp")
    spill.mkdir()
    (spill / "mine.txt").write_text("mine")
    store = open_target(target)
    store.open(a_plan())
    store.leave(a_report(complete=False))
    assert (spill / "mine.txt").read_text() == "mine"


@pytest.mark.slow
def test_a_second_process_is_refused_and_a_killed_one_leaves_whole_windows(target, pytestconfig):
    running = started(target, pytestconfig)
    with running.stdout:
        for _ in range(4):
            running.stdout.readline()
        refused = {}
        for provider in "hum", "other":
            with pytest.raises(SinkError) as caught:
                open_target(target).open(a_plan(provider=provider))
            refused[provider] = str(caught.value)
        running.send_signal(signal.SIGKILL)
        seen = 4 + len(running.stdout.readlines())
    running.wait(timeout=60)
    assert refused == {
        "hum": f"{target} is being written by another pull",
        "other": f"{target} cannot be written: it is in use by another process",
    }
    left = check_books(target)
    assert left in {seen, seen + 1}
    plan, store = a_plan(days=300, longest=DAY), open_target(target)
    standing = begin(store, plan)
    done = {window.owned for window in standing.stored}
    assert len(done) == left
    commit(store, [w for w in plan.windows if w.owned not in done], every(DAY, days=300))
    assert store.finish(a_report()).startswith(f"{480 * len(done) + 300 - len(done):,} rows")
    assert check_books(target) == 300
    assert names(target) == ["out.duckdb"]


@pytest.mark.slow
def test_a_disk_that_fills_up_keeps_the_committed_windows(target, pytestconfig):
    running = started(target, pytestconfig, most_bytes=3_000_000)
    *windows, error, said = running.communicate(timeout=60)[0].splitlines()
    assert error.startswith(f"{target} cannot be written: ")
    assert said.endswith(f"{len(windows)} windows complete: the pull is not complete")
    assert check_books(target) == len(windows) > 0
    store = open_target(target)
    assert len(begin(store, a_plan(days=300, longest=DAY)).stored) == len(windows)
    store.leave(a_report(complete=False))


def test_what_duckdb_says_is_one_sentence(target):
    store = open_target(target)
    store.open(a_plan())
    with pytest.raises(SinkError) as caught, store._file.working() as connection:
        connection.execute("SELECT no_such_column\nFROM sessions")
    assert "\n" not in str(caught.value)
    assert caught.value.__suppress_context__
    store.leave(a_report())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("IO Error: Could not set lock on file: …", "it is in use by another process"),
        ("IO Error: the file is being used by another process", "it is in use by another process"),
        ("IO Error: No space left on device\nmore", "No space left on device"),
        ("IO Error: something else\nmore", "something else"),
        ("TransactionContext Error: Failed to commit: IO Error: it broke", "it broke"),
        (
            'TransactionContext Error: Failed to commit: Could not write "x": File too large',
            "File too large",
        ),
        (
            "FATAL Error: Failed: database has been invalidated by",
            "an earlier write into it failed",
        ),
    ],
)
def test_common_troubles_have_words_of_their_own(text, reason):
    assert duckdb_words._reason(duckdb.IOException(text)) == reason


# ---------------------------------------------------------------------- together


def test_what_waits_for_the_same_file_shares_a_transaction(tmp_path):
    """Three changes wait; the one that fails loses nothing but itself."""
    file = DuckDBFile(tmp_path / "x.duckdb")
    begun: list[int] = []
    transaction = file.transaction

    def counted():
        begun.append(1)
        return transaction()

    def claim(name):
        return lambda books: books.claim(name, ())

    def fail(books):
        books.claim("lost", ())
        raise SinkError("it cannot be")

    file.transaction = counted
    with closing(file), ThreadPoolExecutor(3) as threads:
        with file._state.lock:
            works = [claim("hum"), fail, claim("hum@acme")]
            changes = [threads.submit(file.change, work) for work in works]
            while len(file._state.steps) < len(works):
                time.sleep(0.001)
        with pytest.raises(SinkError, match="it cannot be"):
            changes[1].result(10)
        assert [changes[0].result(10), changes[2].result(10)] == [None, None]
        assert len(begun) == 1 + len(works)  # all of them, then each
        with file.working() as connection:
            assert file.books(connection).streams() == ["hum", "hum@acme"]
