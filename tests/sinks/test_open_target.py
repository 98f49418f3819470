"""Which target a path is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from asyncsessions.errors import ConfigurationError, SinkError
from asyncsessions.sinks import SINKS, is_target, kinds_of_targets, open_target
from asyncsessions.sinks.base import Sink, Store
from asyncsessions.sinks.dataset import DatasetStore
from asyncsessions.sinks.duckdb import DuckDBStore
from asyncsessions.sinks.lines import LinesStore
from asyncsessions.sinks.parquet import ParquetStore
from asyncsessions.sinks.stdout import StdoutSink


@pytest.mark.parametrize(
    ("to", "kind"),
    [
        ("-", StdoutSink),
        ("out.jsonl", LinesStore),
        ("out.CSV", LinesStore),
        (Path("a/b.c/out.duckdb"), DuckDBStore),
        ("out.parquet", ParquetStore),
        ("folder/", DatasetStore),
        ("folder.jsonl/", DatasetStore),
    ],
)
def test_the_ending_decides_and_nothing_is_created(to, kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert type(open_target(to)) is kind
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("to", ["there", "there.txt", Path("there")])
def test_a_directory_that_is_there_is_a_dataset(to, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(to).mkdir()
    assert type(open_target(to)) is DatasetStore


def test_a_directory_with_the_ending_of_a_file_is_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("there.jsonl").mkdir()
    assert type(open_target("there.jsonl")) is LinesStore


@pytest.mark.parametrize("to", ["out", "out.txt", Path("folder/"), "out.jsonl.gz", ""])
def test_an_unknown_ending_is_refused_with_the_known_ones(to):
    with pytest.raises(SinkError) as caught:
        open_target(to)
    assert (
        "it must end in .jsonl, .csv, .duckdb, .parquet or /, or be - for standard output"
        in str(caught.value)
    )


@pytest.mark.parametrize("to", [".jsonl", "folder/.CSV", Path(".duckdb")])
def test_an_ending_without_a_name_is_refused(to):
    with pytest.raises(SinkError) as caught:
        open_target(to)
    assert str(caught.value) == (
        f"{str(to)!r} is an ending without a name: give one such as sessions{Path(to).name}"
    )


def test_a_nul_character_is_no_name():
    with pytest.raises(SinkError, match="a name cannot hold a NUL character"):
        open_target("a\0b.jsonl")


@pytest.mark.parametrize(
    ("to", "what", "library", "extra"),
    [
        ("out.duckdb", ".duckdb", "duckdb", "duckdb"),
        ("out.duckdb", ".duckdb", "pyarrow", "duckdb"),
        ("out.parquet", ".parquet", "pyarrow", "parquet"),
        ("out/", "a dataset", "pyarrow", "parquet"),
    ],
)
def test_a_library_that_is_not_installed_is_named_by_its_extra(
    to, what, library, extra, monkeypatch
):
    for name in [name for name in sys.modules if name.startswith("asyncsessions.sinks.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ConfigurationError) as caught:
        open_target(to)
    assert str(caught.value) == (
        f'{what} needs the extra "{extra}": pip install "asyncsessions[{extra}]"'
    )


def test_every_kind_in_the_table_can_be_opened():
    for ending, kind in SINKS.items():
        assert open_target(ending if ending == "-" else f"x{ending}")
        assert kind.description
    assert {ending: kind.extra for ending, kind in SINKS.items() if kind.extra} == {
        ".duckdb": "duckdb",
        ".parquet": "parquet",
        "/": "parquet",
    }


def test_only_standard_output_keeps_no_books():
    for ending in SINKS:
        target = open_target(ending if ending == "-" else f"x{ending}")
        assert isinstance(target, Store) is (ending != "-")
        assert isinstance(target, Sink) is (ending == "-")


def test_the_table_in_words_and_what_is_in_it(tmp_path):
    assert kinds_of_targets() == ".jsonl, .csv, .duckdb, .parquet, /, or - for standard output"
    for to in "-", "a.CSV", "a.duckdb", "a/", str(tmp_path):
        assert is_target(to)
    assert not is_target("hum")
