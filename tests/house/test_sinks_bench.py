"""`make bench-sinks` and `make bench-durable`: what they make of what they have measured."""

import sys

import pytest
from attrs import evolve

from benchmarks import loading, sinks
from benchmarks.durable import with_slope
from benchmarks.measuring import server
from benchmarks.sinks import Contender, Setting, described, measure, rows_of

OURS = Contender("parquet", "ours", "sink_ours", "parquet")
OTHER = Contender("parquet", "other", "sink_script", "parquet")
SETTING = Setting(pages=2, rounds=3, concurrency=4, latency=0.0)


def a_round(seconds, floor):
    times = {"cpu": seconds, "wall": seconds, "floor_cpu": floor, "floor_wall": floor}
    return {**times, "imports_mb": 40.0, "peak_mb": 50.0}


def test_ratios_are_those_of_the_same_round():
    # Two machines' worth of noise: the second round is ten times as slow for everybody.
    ours = [a_round(2.0, 1.0), a_round(20.0, 10.0), a_round(3.0, 1.0)]
    other = [a_round(8.0, 1.0), a_round(80.0, 10.0), a_round(9.0, 1.0)]
    first, second = described({OURS: ours, OTHER: other}, SETTING)
    assert (first["cpu_to_floor"], second["cpu_to_floor"]) == (2.0, 8.0)
    assert (first["cpu_to_ours"], second["cpu_to_ours"]) == (1.0, 4.0)
    assert first["cpu_us"] == 3.0 / 100 * 1e6


def test_the_peak_is_that_of_the_first_round():
    rounds = [a_round(1.0, 1.0), {**a_round(1.0, 1.0), "peak_mb": 99.0}]
    assert described({OURS: rounds}, SETTING)[0]["peak_mb"] == 50.0


@pytest.mark.parametrize(("name", "text"), [("a.jsonl", "{}\n{}\n"), ("a.csv", "id\n1\n2\n")])
def test_the_rows_of_a_text_file_are_counted_without_its_header(tmp_path, name, text):
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert rows_of(str(tmp_path / name)) == 2


def test_what_a_further_row_costs_does_not_contain_what_a_pull_costs_once():
    rows = [
        {"name": "a", "rows": 1_000, "cpu_s": 0.11},
        {"name": "a", "rows": 11_000, "cpu_s": 0.21},
        {"name": "b", "rows": 1_000, "cpu_s": 0.5},
    ]
    slopes = [row.get("more_us") for row in with_slope(rows)]
    assert slopes == [None, pytest.approx(10.0), None]


@pytest.mark.slow
def test_a_contender_that_fails_is_left_out_and_the_others_are_measured(capsys):
    missing = Contender("parquet", "missing", "no_such_module", "run")
    failing = Contender("parquet", "failing", "sink_pages", "read_rows")  # takes no folder
    with server() as address:
        children = measure([OURS, missing, failing], address, SETTING)
    assert [child.contender for child in children] == [OURS]
    assert [each["peak_mb"] > 0 for each in children[0].rounds] == [True] * 3
    said = capsys.readouterr().out
    assert "left out: missing (benchmarks.contenders.no_such_module is not installed)" in said
    assert "left out: failing (it failed: TypeError" in said


@pytest.mark.slow
def test_our_pipeline_is_measured_by_what_it_has_in_its_table():
    with server() as address:
        (child,) = measure(loading.CONTENDERS[:1], address, evolve(SETTING, rounds=1))
    assert len(child.rounds) == 1
    assert child.rounds[0]["wall"] > 0


@pytest.mark.parametrize("asked", [["--only", "nobody"], ["--group", "stone"]])
def test_nobody_to_measure_is_said_and_nothing_is_stored(asked, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(sys, "argv", ["sinks", *asked, "--write", str(tmp_path / "sinks.json")])
    with pytest.raises(SystemExit):
        sinks.main()
    assert asked[1] in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
