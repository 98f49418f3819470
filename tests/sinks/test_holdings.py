"""Looking into targets: what is there beside what the books know, and what cannot be read."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from asyncsessions.sinks import open_target
from asyncsessions.sinks.dataset_files import dataset_files
from asyncsessions.sinks.holdings import open_holdings, verify_windows
from tests.invented_sessions import DAY, HOUR, a_plan, a_report, begin, commit, every, pull

PLAN = a_plan(days=3, longest=DAY)
SESSIONS = every(HOUR, days=3)
KINDS = ["out.jsonl", "out.csv", "out.parquet", "out.duckdb", "out/"]


def pulled(tmp_path, name):
    target = f"{tmp_path}/{name}"
    pull(open_target(target), PLAN, SESSIONS)
    return target


def strays(target):
    with open_holdings(target) as holdings:
        return list(holdings.strays())


def problems(target):
    with open_holdings(target) as holdings:
        (stream,) = holdings.streams()
        return [problem for _, problem in verify_windows(holdings, stream)]


@pytest.mark.parametrize("name", KINDS)
def test_what_was_written_has_nothing_beside_it(tmp_path, name):
    target = pulled(tmp_path, name)
    assert strays(target) == []
    assert problems(target) == [None] * 3


@pytest.mark.parametrize("name", KINDS)
def test_an_unfinished_pull_has_nothing_beside_it(tmp_path, name):
    target = f"{tmp_path}/{name}"
    store = open_target(target)
    begin(store, PLAN)
    commit(store, PLAN.windows[:2], SESSIONS)
    store.leave(a_report(complete=False))
    assert strays(target) == []
    assert problems(target) == [None] * 2


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv"])
def test_lines_that_were_appended_are_told(tmp_path, name):
    target = pulled(tmp_path, name)
    with (tmp_path / name).open("ab") as file:
        file.write(b"mine\n")
    assert strays(target) == [f"{target} has lines that were not written"]
    assert problems(target) == [None] * 3


def test_a_header_that_was_changed_is_told(tmp_path):
    target = pulled(tmp_path, "out.csv")
    path = tmp_path / "out.csv"
    path.write_bytes(path.read_bytes().replace(b"provider", b"Provider", 1))
    assert strays(target) == [f"{target} has lines that were not written"]
    assert problems(target) == [None] * 3


def test_rows_that_were_added_to_a_parquet_file_are_told(tmp_path):
    target = pulled(tmp_path, "out.parquet")
    table = pq.ParquetFile(target).read()
    pq.write_table(pa.concat_tables([table, table.slice(0, 1)]), target)
    assert strays(target) == ["73 rows are in the file, 72 in the books"]


def test_a_parquet_file_that_cannot_be_read_is_told_of_its_windows(tmp_path):
    target = pulled(tmp_path, "out.parquet")
    (tmp_path / "out.parquet").write_bytes(b"PAR1")
    assert strays(target) == []
    assert problems(target) == [f"{target} cannot be read: it is damaged or not there"] * 3


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            "INSERT INTO sessions (provider, id, started_at) VALUES ('hum', 'x', '2020-01-01')",
            "hum: 73 rows are in the table, 72 in the books",
        ),
        (
            "INSERT INTO sessions (provider, id, started_at) VALUES ('new', 'x', '2026-01-01')",
            "new: 1 rows are in the table, 0 in the books",
        ),
        (
            "DELETE FROM sessions WHERE id = 's-0'",
            "hum: 71 rows are in the table, 72 in the books",
        ),
    ],
)
def test_rows_of_a_table_that_no_window_has_are_told(tmp_path, change, told):
    target = pulled(tmp_path, "out.duckdb")
    with duckdb.connect(target) as connection:
        connection.execute(change)
    assert strays(target) == [told]


def test_a_part_that_cannot_be_read_keeps_no_other_from_being_looked_at(tmp_path):
    target = pulled(tmp_path, "out/")
    damaged, gone, _ = dataset_files(target)
    damaged.write_bytes(b"PAR1")
    gone.unlink()
    assert problems(target) == [
        f"{damaged} cannot be read: it is damaged",
        f"{gone} cannot be read: No such file or directory",
        None,
    ]
