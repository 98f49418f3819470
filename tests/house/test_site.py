"""How the documents become pages of the site; building it is `make site`'s part."""

from pathlib import Path

import pytest

from tools import build_site, command_line, examples, references, site, walk_picture

ROOT = Path(__file__).parents[2]


def test_what_the_checks_read_is_no_part_of_a_page():
    page = site.adapted("a\n<!-- generated: x:y -->\n| b |\n<!-- end -->\n<!-- continues -->\nc\n")
    assert page == "a\n\n| b |\n\n\nc\n"


def test_an_output_and_a_file_are_named_above_their_block():
    page = site.adapted(
        "<!-- output -->\n```text\n1\n```\n<!-- file: acme.py -->\n```python\n```\n"
    )
    assert page == '\n```text title="prints"\n1\n```\n\n```python title="acme.py"\n```\n'


def test_inside_of_a_block_everything_stays():
    text = "````\n<!-- end -->\n```\n<details>\n[a](../b.py)\n````\n"
    assert site.adapted(text) == text


def test_a_link_out_of_the_documents_leads_to_a_copy():
    text = "see [the walk](../asyncsessions/core/walk.py) and [errors](errors.md)\n"
    assert site.outward(text) == ["asyncsessions/core/walk.py"]
    assert "(files/asyncsessions/core/walk.py)" in site.adapted(text)
    assert "(errors.md)" in site.adapted(text)
    assert site.outward(f"```\n{text}```\n") == []


def test_every_link_out_of_the_documents_leads_to_a_file():
    for page in (ROOT / "docs").glob("*.md"):
        for name in site.outward(page.read_text(encoding="utf-8")):
            assert (ROOT / name).is_file(), f"{page.name}: {name}"


def test_markdown_goes_on_inside_of_what_folds():
    assert site.adapted("<details>\n") == '<details markdown="1">\n'


def test_pages_that_are_not_written_and_sections_without_any_are_left_out():
    nav = [{"A": "a.md"}, {"More": [{"B": "b.md"}, {"C": "c.md"}]}, {"None": [{"D": "d.md"}]}]
    assert site.present(nav, {"a.md", "c.md"}) == [{"A": "a.md"}, {"More": [{"C": "c.md"}]}]


def test_a_warning_of_mkdocs_is_found_in_what_it_prints():
    printed = "INFO    -  Building\nWARNING -  Doc file 'a.md' contains a link\nERROR   -  b\n"
    assert build_site.complaints(printed) == ["Doc file 'a.md' contains a link", "b"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[here](index.md)", None),
        ("[there](nowhere.md)", "nowhere.md"),
        ("[there](index.md#nowhere)", "#nowhere"),
        ("[there](/index.md)", "/index.md"),
    ],
)
def test_a_link_that_leads_nowhere_fails_the_build(tmp_path, text, complaint):
    pytest.importorskip("mkdocs", reason="what builds the site is installed by `make site`")
    whole = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    strict = whole[whole.index("validation:") : whole.index("hooks:")]
    (tmp_path / "mkdocs.yml").write_text(f"site_name: x\ntheme: mkdocs\n{strict}")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/index.md").write_text(f"# x\n\n{text}\n")
    found = build_site.build(tmp_path)
    assert (complaint in " ".join(found)) if complaint else found == []


def test_what_the_fields_of_a_class_mean_stands_below_them_in_the_reference():
    said = "A thing.\n\nArgs:\n    size: of it.\n"
    assert references.fields_told(said) == "A thing.\n\nAttributes:\n    size: of it.\n"
    assert references.fields_told("Args are fine.") == "Args are fine."


@pytest.mark.parametrize(
    ("element", "is_foreign"),
    [
        ('<script src="https://elsewhere/x.js"></script>', True),
        ('<link rel="stylesheet" href="//elsewhere/x.css">', True),
        ('<img src="http://elsewhere/x.png">', True),
        ('<script src="assets/x.js"></script>', False),
        ('<link rel="canonical" href="https://elsewhere/">', False),
        ('<a href="https://elsewhere/">link</a>', False),
    ],
)
def test_a_page_that_loads_something_from_elsewhere_is_a_fault(tmp_path, element, is_foreign):
    (tmp_path / "index.html").write_text(element)
    assert bool(build_site.faults(tmp_path)) is is_foreign


def test_roles_in_docstrings_become_links_where_the_reference_has_the_name():
    known = {"Report": "asyncsessions.Report", "Client": "asyncsessions.Client"}
    text = "see :class:`Report`, :meth:`Client.ping`, :mod:`asyncsessions.core` and ``None``"
    assert references.linked(text, known) == (
        "see [`Report`][asyncsessions.Report], [`Client.ping`][asyncsessions.Client.ping], "
        "`asyncsessions.core` and ``None``"
    )


def test_of_two_places_with_one_name_the_first_is_where_a_link_leads():
    assert references.places()["Client"] == "asyncsessions.Client"
    assert references.places()["Argument"] == "asyncsessions.providers.kit.Argument"


def test_the_example_is_shown_as_a_file_without_the_words_to_the_checkers():
    shown = examples.acme()
    assert shown.startswith("<!-- file: acme.py -->\n```python\n")
    assert "class Acme:" in shown
    assert "noqa" not in shown


def test_the_reference_of_the_command_line_has_no_provider_of_another_package():
    paths = [path for path, _ in command_line.commands()]
    assert ("asyncsessions", "pull", "hum") in paths
    assert {path[2] for path in paths if len(path) == 3} == {"attributionhub", "hum"}


def test_the_walk_goes_the_ways_that_the_picture_has_words_for():
    seen = walk_picture.observed()
    assert list(seen) == list(walk_picture.WAYS)
    assert seen["start", "ranges"] == ["strict"]
    assert walk_picture.table().count("\n") == len(seen) + 2


def test_a_way_without_words_and_words_without_a_way_are_errors(monkeypatch):
    walks = [("count", ["start", "page 1", "start", "complete"])]
    monkeypatch.setattr(walk_picture, "_walks", lambda: iter(walks))
    with pytest.raises(ValueError, match=r"takes .*'page 1', 'start'.* without words, and never"):
        walk_picture.observed.__wrapped__()  # what is cached stays


def test_a_stale_picture_of_the_walk_fails_the_check_and_is_left_as_it_is(tmp_path, capsys):
    path = tmp_path / "walk.svg"
    path.write_text("old")
    assert walk_picture.main(["--check", str(path)]) == 1
    assert "stale" in capsys.readouterr().out
    assert path.read_text() == "old"
    assert walk_picture.main([str(path)]) == 0
    assert walk_picture.main(["--check", str(path)]) == 0
    assert "prefers-color-scheme: dark" in path.read_text()
    assert "start to page 1; start to ranges" in path.read_text()
