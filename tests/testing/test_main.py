"""``python -m asyncsessions.testing`` runs a command against both fakes."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import os
from asyncsessions import AttributionHub, Hum
from asyncsessions.blocking import Client
assert "HUM_ENVIRONMENT" not in os.environ
for provider in (Hum.from_env(), AttributionHub.from_env()):
    with Client(provider) as client:
        print(client.sessions(start="2026-01-01", end="2026-03-31").count())
raise SystemExit(7)
"""


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "asyncsessions.testing", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_command_finds_both_fakes_in_its_environment(monkeypatch):
    monkeypatch.setenv("HUM_ENVIRONMENT", "production")
    done = run("--rows", "60", "--latency", "0", "--", sys.executable, "-c", PROGRAM)
    assert done.stdout.split() == ["60", "60"], done.stderr
    assert done.returncode == 7


def test_a_command_that_does_not_exist_is_told_in_one_sentence():
    done = run("--", "no-such-command")
    assert done.returncode == 127
    assert done.stderr == "cannot run no-such-command: No such file or directory\n"
