"""The notebook of the examples runs from top to bottom, and is stored without outputs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples" / "analysis.ipynb"


def run(path):
    """Run a notebook as CI does, in a process of its own."""
    command = [sys.executable, "-m", "tools.run_notebook", str(path)]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )


def stored(tmp_path, source, **more):
    """Return a notebook of one cell."""
    cell = {"cell_type": "code", "id": "one", "metadata": {}, "source": source}
    cell |= {"execution_count": None, "outputs": []} | more
    path = tmp_path / "one.ipynb"
    path.write_text(
        json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    )
    return path


@pytest.mark.slow
def test_the_notebook_runs_and_shows_what_it_tells_about():
    done = run(NOTEBOOK)
    assert done.returncode == 0, done.stderr
    assert "2337 rows in 47 requests" in done.stdout
    assert "2337 rows, complete: True" in done.stdout
    assert "2026-01-04 00:00:00+00:00" in done.stdout
    assert "movers_guide" in done.stdout
    assert "orders, complete: True" in done.stdout
    assert "Warning" not in done.stderr


@pytest.mark.slow
def test_a_cell_that_fails_fails_the_run_and_is_shown(tmp_path):
    done = run(stored(tmp_path, "1 / 0"))
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert "1 / 0" in done.stderr


@pytest.mark.slow
def test_a_notebook_with_outputs_is_refused_and_not_run(tmp_path):
    made = tmp_path / "made"
    path = stored(tmp_path, f"open({str(made)!r}, 'w').close()", execution_count=3)
    done = run(path)
    assert done.returncode == 1
    assert done.stderr == f"{path}: clear all outputs before it is stored\n"
    assert not made.exists()
    assert run(stored(tmp_path, f"open({str(made)!r}, 'w').close()")).returncode == 0
    assert made.exists()
