"""JSON lines on standard output."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
import threading

import pytest

from asyncsessions.core.convert import from_json
from asyncsessions.errors import SinkError
from asyncsessions.sinks import open_target
from asyncsessions.sinks.stdout import StdoutSink
from tests.invented_sessions import HOUR, a_plan, a_report, every, write

SESSIONS = every(HOUR)

PROGRAM = """
import sys
from asyncsessions.errors import SinkError
from asyncsessions.sinks import open_target
from tests.invented_sessions import *

sink, sessions = open_target("-"), every(HOUR, days=30)
sink.begin(a_plan())
try:
    while True:
        sink.write(0, sessions)
except SinkError as error:
    print(error, file=sys.stderr)
    sys.exit(3)
"""


def test_each_row_is_a_line_and_the_output_stays_open(capsysbinary):
    plan, sink = a_plan(), open_target("-")
    sink.begin(plan)
    write(sink, plan, SESSIONS)
    assert sink.finish(a_report()) == "24 rows written to standard output"
    print("still open")
    *lines, last = capsysbinary.readouterr().out.splitlines()
    assert [from_json(line) for line in lines] == SESSIONS
    assert last == b"still open"


def test_rows_come_behind_what_was_printed_before():
    binary = io.BytesIO()
    printed = io.BufferedWriter(binary)
    printed.write(b"before\n")
    sink = StdoutSink(printed)
    sink.begin(a_plan())
    sink.write(0, SESSIONS[:1])
    assert binary.getvalue().startswith(b'before\n{"provider":"hum"')


def test_an_abort_says_how_many_rows_went_out():
    sink = StdoutSink(io.BytesIO())
    sink.begin(a_plan())
    sink.write(0, SESSIONS)
    assert sink.abort(a_report()) == "24 rows written to standard output before the end"


def test_a_reader_that_has_gone_is_one_sentence_and_no_noise_at_exit(pytestconfig):
    running = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=pytestconfig.rootpath,
        env={**os.environ, "PYTHONPATH": str(pytestconfig.rootpath)},
    )
    assert running.stdout.readline().startswith(b'{"provider":"hum"')
    running.stdout.close()
    with running.stderr:
        assert running.stderr.read() == b"standard output was closed by its reader\n"
    assert running.wait(timeout=60) == 3


def test_a_full_pipe_that_does_not_block_loses_nothing():
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    received = []

    def read():
        with os.fdopen(reading, "rb") as pipe:
            received.append(pipe.read())

    sessions = SESSIONS * 50
    thread = threading.Thread(target=read)
    with os.fdopen(writing, "wb") as stream:
        sink = StdoutSink(stream)
        sink.begin(a_plan())
        thread.start()
        sink.write(0, sessions)
    thread.join()
    assert [from_json(line) for line in received[0].splitlines()] == sessions


def test_an_output_that_cannot_be_written_is_one_sentence():
    stream = io.BytesIO()
    sink = StdoutSink(stream)
    sink.begin(a_plan())
    stream.close()
    with pytest.raises(SinkError) as caught:
        sink.write(0, SESSIONS)
    assert str(caught.value) == "standard output cannot be written: it is closed"


def test_a_full_disk_is_named_without_its_number():
    class Full(io.RawIOBase):
        def writable(self):
            return True

        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    sink = StdoutSink(Full())
    sink.begin(a_plan())
    with pytest.raises(SinkError) as caught:
        sink.write(0, SESSIONS)
    assert str(caught.value) == "standard output cannot be written: No space left on device"


@pytest.mark.parametrize("output", [None, io.StringIO()])
def test_no_standard_output_for_bytes_is_one_sentence(output, monkeypatch):
    monkeypatch.setattr(sys, "stdout", output)
    with pytest.raises(SinkError, match="standard output cannot be written from here"):
        open_target("-").begin(a_plan())
