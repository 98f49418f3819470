"""The command line does the same on uvloop, where that is installed, as on Python's event loop."""

import signal
import sys
import time
from importlib.util import find_spec

import pytest

from asyncsessions.testing import FakeHum, Faults
from tests.cli.shell import HUM_RANGE, run, started

PYTHONS = (
    "import sys; sys.modules['uvloop'] = None; from asyncsessions.cli import main; sys.exit(main())"
)
UVLOOPS = "import sys, uvloop; from asyncsessions.cli import main; sys.exit(main())"
WITH_UVLOOP = pytest.mark.skipif(find_spec("uvloop") is None, reason="uvloop is not installed")


@pytest.fixture(params=["asyncio", pytest.param("uvloop", marks=WITH_UVLOOP)])
def program(request):
    code = {"asyncio": PYTHONS, "uvloop": UVLOOPS}[request.param]
    return (sys.executable, "-c", code)


def pulling(hum, *args):
    return ("pull", "hum", "--base-url", hum.base_url, *HUM_RANGE, *args)


def interrupted(hum, program, *, times, to):
    """Pull until some requests have come, then send signals; return status and standard error."""
    args = pulling(hum, "--to", str(to))
    with started(*args, program=program, PYTHONDEVMODE="") as process:
        deadline = time.monotonic() + 20
        while len(hum.requests) < 20:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        for _ in range(times):
            process.send_signal(signal.SIGINT)
            time.sleep(0.01)
        _, err = process.communicate(timeout=20)
    return process.returncode, err


def test_a_pull_with_faults_is_complete_and_quiet_on_either_loop(program):
    faults = Faults(rate=0.1, kinds=("503", "reset", "truncated"), seed=3)
    with FakeHum(rows=900, faults=faults).in_thread() as hum:
        done = run(*pulling(hum, "-q"), program=program)
    assert (done.status, done.err, len(done.out.splitlines())) == (0, "", 900)


def test_a_pull_into_duckdb_is_complete_on_either_loop(program, tmp_path):
    with FakeHum(rows=300).in_thread() as hum:
        done = run(*pulling(hum, "--to", str(tmp_path / "x.duckdb")), program=program)
    assert done.status == 0
    assert "300 rows written" in done.err


def test_ctrl_c_is_status_130_and_leaves_no_file_on_either_loop(program, tmp_path):
    with FakeHum(rows=200_000, latency_s=0.05).in_thread() as hum:
        status, err = interrupted(hum, program, times=1, to=tmp_path / "x.jsonl")
    assert status == 130
    assert err.startswith("interrupted\n")
    assert "Traceback" not in err
    assert not (tmp_path / "x.jsonl").exists()


def test_ctrl_c_again_and_again_is_status_130_on_either_loop(program, tmp_path):
    with FakeHum(rows=200_000, latency_s=0.05).in_thread() as hum:
        status, err = interrupted(hum, program, times=5, to=tmp_path / "x.jsonl")
    assert status == 130
    assert "Traceback" not in err


def test_a_deadline_is_kept_on_either_loop(program):
    with FakeHum(rows=200_000, latency_s=0.05).in_thread() as hum:
        done = run(*pulling(hum, "--deadline", "0.5"), program=program)
    assert done.status == 4
    assert "--deadline 0.5 does not suffice" in done.err


def test_a_server_that_is_not_there_is_named_so_on_either_loop(program):
    with FakeHum().in_thread() as hum:
        args = ("estimate", "hum", "--base-url", hum.base_url, *HUM_RANGE, "--max-requests", "2")
    done = run(*args, "-v", program=program)
    assert done.status == 4
    assert "cannot connect: Connection refused" in done.err
    assert "Traceback" not in done.err
