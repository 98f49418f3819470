"""The program as a shell runs it, with credentials in its environment."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from unittest.mock import patch

from attrs import frozen

from asyncsessions.cli.commands import cli
from asyncsessions.testing import ATTRIBUTIONHUB_KEY, HUM_TOKEN

PROGRAM = (sys.executable, "-m", "asyncsessions")
CREDENTIALS = {"HUM_API_TOKEN": HUM_TOKEN, "ATTRIBUTIONHUB_API_KEY": ATTRIBUTIONHUB_KEY}
HUM_RANGE = ("--start", "2026-01-01", "--end", "2026-03-31")
HUB_RANGE = ("--start", "2026-03-02", "--end", "2026-03-31")


@frozen
class Finished:
    status: int
    out: str
    err: str


def environment(**changes: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HUM_", "ATTRIBUTIONHUB_"))
    }
    return {**kept, **CREDENTIALS, **changes}


@contextmanager
def started(
    *args: str,
    program: Sequence[str] = PROGRAM,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
    **changes: str,
) -> Iterator[subprocess.Popen[str]]:
    # A child inherits that signals are ignored, as they are for whoever runs in the background.
    handlers = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        process = subprocess.Popen(
            [*program, *args],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            text=True,
            env=environment(**changes),
        )
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    with process:
        try:
            yield process
        finally:
            process.kill()


def run(*args: str, program: Sequence[str] = PROGRAM, **changes: str) -> Finished:
    with started(*args, program=program, **changes) as process:
        out, err = process.communicate(timeout=60)
    return Finished(process.returncode, out, err)


def run_here(*args: object, **changes: str) -> Finished:
    """Run in this process, where things can be replaced; signals and pipes need `run`."""
    out, err = (TextIOWrapper(BytesIO(), encoding="utf-8") for _ in range(2))
    with (
        patch.dict(os.environ, environment(**changes), clear=True),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            cli.main([str(arg) for arg in args], prog_name="asyncsessions")
        except SystemExit as leaving:
            status = leaving.code
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode())
    return Finished(status, *texts)
