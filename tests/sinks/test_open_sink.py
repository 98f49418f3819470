"""Which target a path is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from asyncsessions.errors import ConfigurationError, SinkError
from asyncsessions.sinks import SINKS, open_sink
from asyncsessions.sinks.duckdb import DuckDBSink
from asyncsessions.sinks.lines import LinesSink
from asyncsessions.sinks.stdout import StdoutSink


@pytest.mark.parametrize(
    ("to", "kind"),
    [
        ("-", StdoutSink),
        ("out.jsonl", LinesSink),
        ("out.CSV", LinesSink),
        (Path("a/b.c/out.duckdb"), DuckDBSink),
    ],
)
def test_the_ending_decides_and_nothing_is_created(to, kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert type(open_sink(to)) is kind
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("to", ["out", "out.parquet", "out.txt", "folder/", "out.jsonl.gz", ""])
def test_an_unknown_ending_is_refused_with_the_known_ones(to):
    with pytest.raises(SinkError) as caught:
        open_sink(to)
    assert "must end in .jsonl, .csv or .duckdb, or be - for standard output" in str(caught.value)


@pytest.mark.parametrize("to", [".jsonl", "folder/.CSV", Path(".duckdb")])
def test_an_ending_without_a_name_is_refused(to):
    with pytest.raises(SinkError) as caught:
        open_sink(to)
    assert str(caught.value) == (
        f"{str(to)!r} is an ending without a name: give one such as sessions{Path(to).name}"
    )


def test_a_nul_character_is_no_name():
    with pytest.raises(SinkError, match="a name cannot hold a NUL character"):
        open_sink("a\0b.jsonl")


@pytest.mark.parametrize("library", ["duckdb", "pyarrow"])
def test_a_library_that_is_not_installed_is_named_by_its_extra(library, monkeypatch):
    for name in "asyncsessions.sinks.duckdb", "asyncsessions.sinks.duckdb_file":
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ConfigurationError) as caught:
        open_sink("out.duckdb")
    assert str(caught.value) == (
        '.duckdb needs the extra "duckdb": pip install "asyncsessions[duckdb]"'
    )


def test_every_kind_in_the_table_can_be_opened():
    for ending, kind in SINKS.items():
        assert open_sink(ending if ending == "-" else f"x{ending}")
        assert kind.description
    assert {ending: kind.extra for ending, kind in SINKS.items() if kind.extra} == {
        ".duckdb": "duckdb"
    }
