"""How the benchmarks take time, and what they make of it."""

import json

import pytest

from benchmarks import storing
from benchmarks.contending import FLOOR, OURS, PAGE, Contender, fit, loaded
from benchmarks.figuring import Cell, described, ideal_s
from benchmarks.measuring import Figures, alternate, quartiles, ratio, ratios
from benchmarks.memory import peak_mb, resident_mb


async def test_each_work_is_done_once_a_round_in_turn_and_the_first_round_is_left_out():
    done = []

    def work(name):
        async def run():
            done.append(name)
            return 2

        return run

    figures = await alternate({"a": work("a"), "b": work("b")}, rounds=3)
    assert done == ["a", "b"] * 4
    assert {name: len(found.cpu) for name, found in figures.items()} == {"a": 3, "b": 3}


def test_a_ratio_is_the_median_of_the_rounds_so_one_bad_round_does_not_count():
    mine, theirs = [2.0, 20.0, 200.0, 2.2], [1.0, 10.0, 1.0, 1.0]
    assert ratios(mine, theirs) == [2.0, 2.0, 200.0, 2.2]
    assert ratio(mine, theirs) == pytest.approx(2.1)


def test_half_of_the_values_lie_between_the_quartiles():
    assert quartiles([1.0, 2.0, 3.0, 4.0, 5.0]) == (2.0, 4.0)
    assert quartiles([7.0]) == (7.0, 7.0)


@pytest.mark.parametrize(
    ("pages", "lanes", "answers"), [(1, 8, 1), (9, 8, 2), (10, 8, 3), (5, 1, 5), (161, 8, 21)]
)
def test_at_best_a_pull_takes_page_1_and_then_as_many_answers_as_the_lanes_need(
    pages, lanes, answers
):
    assert ideal_s(pages, lanes, 0.05) == pytest.approx(answers * 0.05)


def test_a_contender_is_described_next_to_the_floor_and_ours_of_its_own_vendor():
    floor, ours = Contender(FLOOR, "floor_tuned"), Contender(OURS, "ours")
    other = Contender(FLOOR, "floor_tuned", vendor="attributionhub")
    figures = {
        floor: Figures(cpu=[1e-4, 1e-4], wall=[0.00625, 0.00625]),
        ours: Figures(cpu=[2e-4, 3e-4], wall=[0.00625, 0.0125]),
        other: Figures(cpu=[9.0, 9.0], wall=[9.0, 9.0]),
    }
    cell = Cell("grid", dict.fromkeys(figures, 161), 8, 0.05)
    rows = described(figures, cell)
    assert rows[1]["cpu_to_floor"] == pytest.approx(2.5)
    assert rows[1]["cpu_us"] == pytest.approx(2.5e-4 / PAGE * 1e6)
    assert rows[0]["cpu_to_ours"] == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert rows[0]["share_of_ideal"] == pytest.approx(21 * 0.05 / (161 * 0.00625))
    assert rows[0]["share_of_even"] == pytest.approx(1.0)
    assert rows[2]["cpu_to_floor"] == 1.0
    assert "cpu_to_ours" not in rows[2]


def test_a_contender_whose_library_is_missing_is_left_out_and_named(capsys):
    here, missing = Contender(FLOOR, "floor_tuned"), Contender("gone", "no_such_module")
    assert list(loaded([here, missing])) == [here]
    assert "left out: gone" in capsys.readouterr().out


async def test_a_contender_that_has_not_read_everything_is_not_timed():
    async def short(_address, pages, _concurrency):
        return pages - 1

    run = Contender("short", "floor_tuned").bound(short, "http://127.0.0.1:0", 5, 1)
    with pytest.raises(AssertionError, match="short has read 4 of 5 pages"):
        await run()


async def test_a_peer_that_fails_is_left_out_but_ours_is_not(capsys):
    async def reading(_address, pages, _concurrency):
        return pages

    async def failing(_address, _pages, _concurrency):
        raise TypeError("another argument")

    good, bad = Contender(FLOOR, "floor_tuned"), Contender("changed", "stainless")
    assert await fit({good: reading, bad: failing}, "http://127.0.0.1:0") == {good: reading}
    assert "left out: changed (it failed: TypeError: another argument)" in capsys.readouterr().out
    with pytest.raises(TypeError):
        await fit({Contender(OURS, "ours"): failing}, "http://127.0.0.1:0")


def test_figures_are_stored_with_the_machine_and_read_back_by_group(monkeypatch, tmp_path):
    monkeypatch.setattr(storing, "RESULTS", tmp_path)
    rows = [
        {"name": "a", "group": "x", "cpu_us": 1.23456789, "spread": (0.1, 0.2)},
        {"name": "b", "group": "y"},
    ]
    storing.store(tmp_path / "reading.json", {"pages": 3}, rows)
    content = storing.stored("reading")
    assert content["setting"] == {"pages": 3}
    assert {"date", "processor", "cores", "python", "versions"} <= content["machine"].keys()
    assert storing.rows_of(content, "x") == [
        {"name": "a", "group": "x", "cpu_us": 1.2346, "spread": [0.1, 0.2]}
    ]
    assert storing.rows_of(storing.stored("nothing"), "x") == []
    assert json.loads((tmp_path / "reading.json").read_text()) == content


def test_the_peak_of_the_memory_is_at_least_what_is_held_now():
    assert 1 < resident_mb() <= peak_mb() + 1
