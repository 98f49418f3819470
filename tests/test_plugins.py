import logging
from textwrap import indent

import pyarrow.parquet as pq
import pytest

from asyncsessions import AttributionHub, Client, ConfigurationError, Hum
from asyncsessions.plugins import find_provider, installed, provider_names
from asyncsessions.providers.kit import RowProvider
from asyncsessions.testing import FakeHum
from tests.plugin_package import TINY, forgotten, install

SPAN = {"start": "2026-01-01", "end": "2026-03-31"}
COLUMNS_AT_ONCE = """
    def read_rows(self, response, *, page):
        return self._hum.read_rows(response, page=page)

    def as_sessions(self, rows):
        raise AssertionError("columns were made by way of sessions")

    def as_columns(self, rows):
        return {**self._hum.as_columns(rows), "provider": ["tiny"] * len(rows)}
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of installed packages."""
    monkeypatch.syspath_prepend(tmp_path)
    with forgotten(tmp_path):
        yield tmp_path


def test_ours_are_found_without_any_other_package():
    assert find_provider("hum") is Hum
    assert find_provider("attributionhub") is AttributionHub


async def test_a_provider_of_another_package_is_found_by_its_name_and_pulls(site):
    install(site, "tiny-sessions", "tiny_module", TINY, tiny="Tiny")
    assert provider_names() == ["attributionhub", "hum", "tiny"]
    assert installed()["tiny"].origin == "tiny-sessions 1.0"
    tiny = find_provider("tiny")
    async with (
        FakeHum(rows=120) as fake,
        Client(tiny(fake.token, base_url=fake.base_url)) as client,
    ):
        rows = await client.sessions(**SPAN).collect()
    assert len(rows) == 120
    assert {row.provider for row in rows} == {"tiny"}


async def test_a_provider_of_another_package_may_make_columns_without_sessions(site, tmp_path):
    code = TINY + indent(COLUMNS_AT_ONCE, " " * 4)
    install(site, "tiny-sessions", "tiny_columns", code, tiny="Tiny")
    target = tmp_path / "tiny.parquet"
    async with (
        FakeHum(rows=120) as fake,
        Client(find_provider("tiny")(fake.token, base_url=fake.base_url)) as client,
    ):
        assert isinstance(client.provider, RowProvider)
        await client.sessions(**SPAN).pull(target)
        ids = {row.data["id"] for row in fake.listing.standing_since(version=0)}
    table = pq.read_table(target)
    assert set(table["id"].to_pylist()) == ids
    assert set(table["provider"].to_pylist()) == {"tiny"}


def test_a_name_that_nobody_has_is_refused_with_the_names_that_there_are():
    with pytest.raises(ConfigurationError, match="no provider 'hmu', only attributionhub, hum"):
        find_provider("hmu")


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("import nowhere_to_be_found", "cannot be loaded: ModuleNotFoundError: No module named"),
        ("raise ValueError('line 1\\nline 2')", "cannot be loaded: ValueError: line 1 line 2"),
        ("raise SystemExit", "cannot be loaded: SystemExit$"),
        ("Other = 1", "cannot be loaded: AttributeError"),
        ("Broken = 1", "is no class, but int"),
        ("class Broken: name = 'broken'", "is no provider: Broken has no query, page_request"),
        (TINY + "\n    Broken = Tiny", "calls itself 'tiny': both names must be the same"),
        (
            "from asyncsessions.providers.kit import Argument\nArgument('A', help='x')",
            "cannot be loaded: 'A' is no name of an argument",
        ),
    ],
)
def test_a_broken_provider_is_one_sentence_and_harms_no_other(site, code, problem, caplog):
    caplog.set_level(logging.CRITICAL)
    install(site, "broken-sessions", "broken_module", code, broken="Broken")
    install(site, "tiny-sessions", "tiny_module", TINY, tiny="Tiny")
    with pytest.raises(ConfigurationError, match=problem) as caught:
        find_provider("broken")
    assert str(caught.value).startswith("the provider broken of broken-sessions 1.0 ")
    assert "\n" not in str(caught.value)
    assert find_provider("tiny").name == "tiny"


@pytest.mark.parametrize("name", ["Tiny", "tiny-sessions", "../tiny", "tiny__two"])
def test_a_name_that_could_not_name_a_file_is_refused(site, name):
    install(site, "tiny-sessions", "tiny_module", TINY, **{name: "Tiny"})
    with pytest.raises(ConfigurationError, match="needs another name"):
        find_provider(name)


def test_ours_are_not_replaced_by_others_of_their_name(site):
    install(site, "evil-sessions", "tiny_module", TINY, hum="Tiny")
    assert find_provider("hum") is Hum
    with pytest.raises(ConfigurationError, match="has the name of one that comes with"):
        installed()["hum"].load()


def test_two_packages_with_one_name_are_told_apart_by_the_user(site):
    install(site, "tiny-sessions", "tiny_five", TINY, tiny="Tiny")
    install(site, "other-sessions", "tiny_six", TINY, tiny="Tiny")
    with pytest.raises(ConfigurationError, match="is declared more than once") as caught:
        find_provider("tiny")
    assert "tiny-sessions 1.0" in str(caught.value)
    assert "other-sessions 1.0" in str(caught.value)


def test_looking_for_names_imports_nothing(site):
    install(site, "broken-sessions", "broken_module", "raise SystemExit", broken="Broken")
    assert "broken" in provider_names()
