import subprocess
import sys

import pytest

import asyncsessions.integrations

SENTENCE = 'the FastAPI integration needs an extra: pip install "asyncsessions[fastapi]"'


@pytest.fixture
def forgotten(monkeypatch):
    """Forget that the integrations were imported, and remember it again afterwards."""
    for name in [name for name in sys.modules if name.startswith("asyncsessions.integrations")]:
        monkeypatch.delitem(sys.modules, name)
    # Importing them anew binds the name anew, to a package without its parts.
    monkeypatch.setattr(asyncsessions, "integrations", asyncsessions.integrations)


@pytest.mark.usefixtures("forgotten")
def test_without_fastapi_importing_says_in_one_sentence_which_extra_it_takes(monkeypatch):
    monkeypatch.setitem(sys.modules, "fastapi", None)
    with pytest.raises(ImportError) as caught:
        import asyncsessions.integrations.fastapi  # noqa: F401
    assert str(caught.value) == SENTENCE
    assert caught.value.name == "fastapi"


@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize("missing", ["dlt", "pyarrow"])
def test_without_dlt_importing_says_in_one_sentence_which_extra_it_takes(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError) as caught:
        import asyncsessions.integrations.dlt  # noqa: F401
    assert (
        str(caught.value) == 'the dlt integration needs an extra: pip install "asyncsessions[dlt]"'
    )
    assert caught.value.name == "dlt"


def test_neither_the_package_nor_its_command_line_loads_a_framework():
    code = (
        "import sys, asyncsessions, asyncsessions.cli.commands, asyncsessions.integrations;"
        "print([m for m in ('dlt', 'fastapi', 'pydantic', 'starlette', 'uvicorn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
