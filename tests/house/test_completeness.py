"""The figures, the program and the picture of docs/completeness.md."""

import ast
from xml.etree import ElementTree as ET

import pytest

from asyncsessions.core.tiles import Span
from asyncsessions.testing import Drift
from tools import completeness, tiles_picture
from tools.simulation import Vendor, one_by_one, ours, side_by_side

SVG = "{http://www.w3.org/2000/svg}"
DENSE = Drift(insert_backdated_every=4, delete_every=5)


@pytest.mark.parametrize(
    "reader", [side_by_side, one_by_one, ours("off"), ours("count"), ours("strict")]
)
def test_every_reader_has_all_rows_where_nothing_moves(reader):
    course = reader(Vendor(600))
    assert (course.stood, course.lost, course.doubled) == (600, 0, 0)


@pytest.mark.parametrize("reader", [side_by_side, one_by_one])
def test_readers_by_page_number_lose_rows_where_the_list_moves_and_do_not_say_so(reader):
    course = reader(Vendor(4000, DENSE))
    assert course.lost > 0
    assert course.says_complete is None


@pytest.mark.parametrize("consistency", ["count", "strict"])
def test_ours_loses_and_doubles_nothing_where_the_list_moves(consistency):
    course = ours(consistency)(Vendor(4000, DENSE))
    assert (course.lost, course.doubled, course.says_complete) == (0, 0, True)


def test_a_simulation_gives_the_same_figures_each_time():
    first, second = (ours("count")(Vendor(1000, DENSE, seed=3)) for _ in range(2))
    assert first == second


def test_the_tables_have_a_row_for_each_scenario_and_say_what_was_lost(monkeypatch):
    monkeypatch.setattr(completeness, "ROWS", 400)
    monkeypatch.setattr(completeness, "SEEDS", range(2))
    completeness.courses.cache_clear()
    losses, costs = completeness.losses_table(), completeness.costs_table()
    completeness.courses.cache_clear()
    for table in (losses, costs):
        assert table.count("\n") == 2 + len(completeness.SCENARIOS)
    still = next(line for line in losses.splitlines() if line.startswith("| nothing moves |"))
    assert set(map(str.strip, still.strip("|").split("|")[1:])) == {"none lost"}


def test_the_program_in_the_document_is_the_example_and_can_be_read():
    text = completeness.program().removeprefix("```python\n").removesuffix("```\n")
    assert text == completeness.PROGRAM.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text))


def test_the_picture_shows_a_walk_whose_tiles_lie_side_by_side_over_all_of_the_time():
    story = tiles_picture.tell()
    assert story.is_complete
    assert {step.kind for step in story.steps if isinstance(step, tiles_picture.Came)} == {
        "page",
        "range",
    }
    edges = [story.window.owned.hi]
    for tile in story.tiles:
        assert tile.hi == edges[-1]
        edges.append(tile.lo)
    assert Span(edges[-1], edges[0]) == story.window.owned


def test_the_picture_is_the_same_each_time_and_says_in_words_what_it_shows():
    drawn = tiles_picture.picture()
    assert drawn == tiles_picture.picture()
    root = ET.fromstring(drawn)
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title")
    assert "a row vanishes" in root.findtext(f"{SVG}desc")


def test_the_picture_needs_nothing_from_outside_and_knows_dark_backgrounds():
    drawn = tiles_picture.picture().replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "http" not in drawn
    assert "@import" not in drawn
    assert "prefers-color-scheme: dark" in drawn


def test_a_stale_picture_fails_the_check_and_is_left_as_it_is(tmp_path, capsys):
    path = tmp_path / "tiles.svg"
    path.write_text("old")
    assert tiles_picture.main(["--check", str(path)]) == 1
    assert "stale" in capsys.readouterr().out
    assert path.read_text() == "old"


def test_a_picture_that_was_written_passes_the_check(tmp_path):
    path = tmp_path / "images" / "tiles.svg"
    assert tiles_picture.main([str(path)]) == 0
    assert tiles_picture.main(["--check", str(path)]) == 0
