"""What is loaded when: times are the benchmark's part, which modules they are made of is seen here."""

import subprocess
import sys

import pytest

from asyncsessions import __all__ as public_names

HEAVY = {
    "aiohttp",
    "cattrs",
    "click",
    "duckdb",
    "pandas",
    "polars",
    "pyarrow",
    "rich",
    "tenacity",
    "uvloop",
    "yarl",
}


def loaded_by(code):
    """Return which modules a program loads that Python has not loaded by itself."""
    program = (
        "import sys\nbefore = set(sys.modules)\n"
        f"{code}\n"
        "print(*sorted(set(sys.modules) - before), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stderr.split())


def test_importing_the_package_loads_nothing_but_its_name():
    loaded = loaded_by("import asyncsessions")
    assert {name for name in loaded if name.startswith("asyncsessions")} == {"asyncsessions"}
    assert not loaded & {*HEAVY, "asyncio", "attr", "attrs", "msgspec", "re", "typing"}


def test_the_usual_names_load_nothing_that_only_a_request_or_a_target_needs():
    loaded = loaded_by("from asyncsessions import AttributionHub, Client, Hum")
    assert "asyncsessions.engine.stream" in loaded
    assert not loaded & {*HEAVY, "importlib.metadata", "sqlite3"}
    assert not any(name.startswith("asyncsessions.transport") for name in loaded)


def test_a_client_that_has_not_asked_yet_has_loaded_no_http():
    code = (
        "from asyncsessions import Client, Hum\n"
        "client = Client(Hum('invented', base_url='http://127.0.0.1:9'))\n"
        "client.sessions(start='2026-01-01')"
    )
    assert not loaded_by(code) & HEAVY


@pytest.mark.parametrize("line", ["", "--help", "pull --help", "pull hum --help", "demo --help"])
def test_help_loads_the_parser_and_neither_an_event_loop_nor_classes_made_at_run_time(line):
    loaded = loaded_by(f"from asyncsessions.cli import main; main({line.split()!r})")
    assert "asyncsessions.cli.commands" in loaded
    assert not loaded & (HEAVY - {"click"} | {"asyncio", "attr", "attrs", "msgspec", "ssl"})
    assert "asyncsessions.cli.running" not in loaded


def test_no_public_name_loads_http_or_an_optional_library():
    code = f"from asyncsessions import {', '.join(public_names)}"
    # cattrs reads the manifest of a dataset.
    assert not loaded_by(code) & (HEAVY - {"cattrs"})
