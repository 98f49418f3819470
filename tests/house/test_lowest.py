import pytest

from tools import lowest

PYPROJECT = """
[project]
dependencies = ["b>=2.0", "a>=1.5"]
[project.optional-dependencies]
cli = ["click>=8.1.7"]
same = ["a>=1.5"]
other = ["a>=1.6"]
open = ["c"]
somewhere = ["d>=0.2; sys_platform != 'win32'"]
"""


def test_every_lower_bound_becomes_a_pin_once_and_sorted():
    expected = ["a==1.5", "b==2.0", "click==8.1.7"]
    assert expected == lowest.lowest(PYPROJECT, ["cli", "same"])


def test_where_a_requirement_is_needed_is_kept():
    assert "d==0.2; sys_platform != 'win32'" in lowest.lowest(PYPROJECT, ["somewhere"])


@pytest.mark.parametrize("extra", ["open", "other", "unknown"])
def test_a_bound_that_cannot_be_installed_exactly_is_refused(extra):
    with pytest.raises(ValueError, match=r"bound|extra"):
        lowest.lowest(PYPROJECT, [extra])


def test_the_projects_own_bounds_can_be_installed_exactly():
    text = lowest.PYPROJECT.read_text(encoding="utf-8")
    assert lowest.lowest(text, ["arrow", "cli", "duckdb", "fastapi", "otel", "uvloop"])
