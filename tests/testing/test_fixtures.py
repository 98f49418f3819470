"""The fixtures for other people's test suites."""

from __future__ import annotations

import subprocess
import sys

from asyncsessions.testing import fixtures

CONFTEST = 'pytest_plugins = ["asyncsessions.testing.fixtures"]\n'
TESTS = """
import threading, urllib.request

def test_both_servers_are_started(fake_hum, fake_attributionhub):
    hum, other, hub = fake_hum(rows=3), fake_hum(rows=4), fake_attributionhub(rows=5, quota=1)
    assert len({hum.base_url, other.base_url, hub.base_url}) == 3
    assert (len(other.listing), hub.quota) == (4, 1)
    headers = {"Authorization": f"Bearer {hum.token}"}
    request = urllib.request.Request(hum.base_url + "/ping", headers=headers)
    with urllib.request.urlopen(request) as got:
        assert got.status == 200

def test_they_are_stopped_after_the_test():
    assert threading.active_count() == 1
"""


def test_a_suite_that_opts_in_gets_servers_that_are_closed_at_teardown(tmp_path, pytestconfig):
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_mine.py").write_text(TESTS)
    ended = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:asyncio",
            tmp_path,
        ],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(pytestconfig.rootpath), "PATH": ""},
        cwd=tmp_path,
        timeout=60,
        check=False,
    )
    assert "2 passed" in ended.stdout, ended.stdout + ended.stderr


fake_hum = fixtures.fake_hum
fake_attributionhub = fixtures.fake_attributionhub


def test_the_fixtures_start_servers_of_either_vendor(fake_hum, fake_attributionhub):
    assert fake_hum(rows=3).base_url.startswith("http://127.0.0.1:")
    assert fake_attributionhub(rows=3, quota=7).quota == 7


def test_pytest_is_imported_by_the_fixtures_only(pytestconfig):
    program = "import asyncsessions.testing, sys; sys.exit('pytest' in sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=pytestconfig.rootpath, timeout=60, check=False
    )
    assert ended.returncode == 0
