"""Nothing that a user can meet is left out of the documents."""

import ast
import inspect
import re
import tomllib
from importlib import import_module
from pathlib import Path

import click
import pytest
from attrs import fields

from asyncsessions import Options, errors
from asyncsessions.cli.exits import STATUSES
from asyncsessions.query import OptionChanges
from asyncsessions.testing import Switches
from tools import command_line, error_table, references

ROOT = Path(__file__).parents[2]
COMMANDS = dict(command_line.commands())
MODULES = (
    "asyncsessions.blocking",
    "asyncsessions.plugins",
    "asyncsessions.providers.kit",
    "asyncsessions.tenants",
    "asyncsessions.testing",
    "asyncsessions.testing.fixtures",
)
"""Public modules besides the package itself and its integrations."""


def document(name):
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def section(text, heading):
    """Return what stands below a heading, up to the next one of its level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    below = text.partition(f"\n{heading}\n")[2]
    return re.split(rf"^#{{1,{level}}} ", below, maxsplit=1, flags=re.MULTILINE)[0]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_and_option_is_in_the_reference_of_the_command_line(path):
    told = section(document("command-line.md"), f"### `{' '.join(path)}`")
    assert told.strip()
    for param in COMMANDS[path].params:
        if isinstance(param, click.Option):
            assert param.help, f"{param.opts} has no help"
            for name in param.opts:
                assert f"`{name}`" in told


def test_every_environment_variable_is_documented():
    variables = command_line.variables()
    assert {"HUM_API_TOKEN", "ASYNCSESSIONS_API_KEY"} <= {*variables}
    for page in ("command-line.md", "install.md"):
        assert [name for name in variables if f"`{name}`" not in document(page)] == []


def test_every_exit_status_is_documented():
    told = section(document("command-line.md"), "## Exit statuses")
    assert [status for status in STATUSES if f"| {status} |" not in told] == []


def test_every_extra_is_documented():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    told = document("install.md")
    assert [name for name in project["optional-dependencies"] if f"`{name}`" not in told] == []


def test_every_error_has_a_section_that_says_what_it_means():
    text = document("errors.md")
    for name in errors.__all__:
        assert len(section(text, f"### {name}").split()) > 8, name
    assert {kind.__name__ for kind in error_table.kinds()} == {*errors.__all__} - {"SessionsError"}


def names_of(module):
    """Return what a module exports, without importing it: its extra may not be installed."""
    source = ROOT / f"{module.replace('.', '/')}.py"
    tree = ast.parse(source.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return {f"{module}.{name}" for name in ast.literal_eval(node.value)}
    raise AssertionError(f"{module} exports nothing")


def integrations():
    files = sorted((ROOT / "asyncsessions/integrations").glob("[a-z]*.py"))
    return [f"asyncsessions.integrations.{file.stem}" for file in files]


def exported():
    """Return the public names of what needs no extra."""
    modules = ["asyncsessions", *MODULES]
    return {f"{name}.{each}" for name in modules for each in import_module(name).__all__}


def test_every_public_name_is_in_the_reference_and_nothing_else_is():
    listed = references.entries()
    assert len(set(listed)) == len(listed)
    assert set(listed) == exported().union(*map(names_of, integrations()))


@pytest.mark.parametrize("name", sorted(exported()))
def test_every_public_class_and_function_has_a_docstring(name):
    module, _, attribute = name.rpartition(".")
    value = getattr(import_module(module), attribute)
    if inspect.isclass(value) or inspect.isfunction(value):
        assert inspect.getdoc(value)


def test_the_names_of_a_module_are_read_without_importing_it():
    assert names_of("asyncsessions.plugins") <= exported()


def test_every_switch_of_the_fakes_is_documented():
    told = document("testing.md") + (inspect.getdoc(Switches) or "")
    names = [each.name for each in Switches.__attrs_attrs__]
    assert [name for name in names if name not in told] == []


def test_every_option_of_a_pull_is_explained_where_the_reference_shows_them():
    told = inspect.getdoc(Options) or ""
    assert [name for name in OptionChanges.__annotations__ if f"``{name}``" not in told] == []
    assert {*OptionChanges.__annotations__} == {each.name for each in fields(Options)}


def test_every_make_target_is_known_to_contributors():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):.* ## ", makefile, flags=re.MULTILINE)
    told = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    known_elsewhere = {"help", "coverage-report", "demo-drift", "generate"}
    assert [
        name for name in targets if f"make {name}" not in told and name not in known_elsewhere
    ] == []


def test_every_page_has_a_place_in_the_navigation():
    places = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert [
        page.name for page in (ROOT / "docs").glob("*.md") if f": {page.name}\n" not in places
    ] == []
