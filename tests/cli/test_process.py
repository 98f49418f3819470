"""Signals, pipes and secrets: what only a real process can show."""

import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from asyncsessions.testing import FakeHum, Faults
from tests.cli.shell import HUM_RANGE, PROGRAM, environment, run, started

SLOW_S = 0.05


def await_requests(hum, count, *, within_s=20.0):
    deadline = time.monotonic() + within_s
    while len(hum.requests) < count:
        assert time.monotonic() < deadline, f"{len(hum.requests)} of {count} requests came"
        time.sleep(0.005)


def await_standstill(hum, *, for_s=0.4):
    count = -1
    while len(hum.requests) != count:
        count = len(hum.requests)
        time.sleep(for_s)


def await_reader(pipe, *, within_s=20.0):
    """Return the pipe, open for writing, once somebody reads it."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            assert time.monotonic() < deadline, "nobody reads"
            time.sleep(0.005)


def interruptible(*args, **how):
    # A signal may come between the opening of a file and the block that closes it, of which the
    # interpreter's development mode would speak on standard error.
    return started(*args, PYTHONDEVMODE="", **how)


def interrupted_while_reading(process, number, *, within_s=20):
    """Send a signal, and again each second: one before the call blocks is noticed after it."""
    for _ in range(within_s):
        process.send_signal(number)
        try:
            return process.communicate(timeout=1)
        except subprocess.TimeoutExpired:
            continue
    raise AssertionError("it waits on")


def pulling(hum, *args, **how):
    return interruptible("pull", "hum", "--base-url", hum.base_url, *HUM_RANGE, *args, **how)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_the_middle_ends_cleanly_with_status_130(number, tmp_path):
    report = tmp_path / "report.json"
    target = tmp_path / "x.jsonl"
    fake = FakeHum(rows=200_000, latency_s=SLOW_S)  # far longer than a signal takes
    to = ["--to", str(target), "--report", str(report)]
    with fake.in_thread() as hum, pulling(hum, *to) as process:
        await_requests(hum, 20)
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err.startswith("interrupted\n")
    assert "x.jsonl" in err
    assert "Traceback" not in err
    assert not target.exists()
    assert '"exit_status": 130' in report.read_text()


def test_an_interrupted_estimate_is_status_130_too():
    with FakeHum(latency_s=30.0).in_thread() as hum:
        args = ["estimate", "hum", "--base-url", hum.base_url, *HUM_RANGE]
        with interruptible(*args) as process:
            await_requests(hum, 1)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (130, "", "interrupted\n")


def test_a_second_signal_stops_at_once_what_hangs_in_a_write():
    # Nobody reads, so that the pipe fills up.
    with FakeHum(rows=20_000).in_thread() as hum, pulling(hum) as process:
        await_requests(hum, 9)
        await_standstill(hum)
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130


def test_a_second_signal_right_after_the_first_is_status_130_too(tmp_path):
    report = tmp_path / "report.json"
    fake = FakeHum(rows=200_000, latency_s=SLOW_S)  # far longer than a signal takes
    to = ["--to", str(tmp_path / "x.jsonl"), "--report", str(report)]
    with fake.in_thread() as hum, pulling(hum, *to) as process:
        await_requests(hum, 20)
        while process.poll() is None:  # in whatever phase of the ending the next one comes
            process.send_signal(signal.SIGINT)
            time.sleep(0.01)
        assert process.returncode == 130
        assert "Traceback" not in process.stderr.read()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait_for_a_token(number, tmp_path):
    pipe, report = tmp_path / "pipe", tmp_path / "report.json"
    os.mkfifo(pipe)
    args = ["pull", "hum", "--base-url", "http://127.0.0.1:9", *HUM_RANGE, "-v"]
    with interruptible(*args, "--token-file", str(pipe), "--report", str(report)) as process:
        writer = await_reader(pipe)
        out, err = interrupted_while_reading(process, number)
        os.close(writer)  # not before: the end of the pipe would be an empty token
    assert (process.returncode, out, err) == (130, "", "interrupted\n")
    assert '"exit_status": 130' in report.read_text()


def closed(number, *args):
    """Run with one of the standard streams closed."""
    program = ("sh", "-c", f'exec "$@" {number}', "sh", *PROGRAM)
    return run(*args, program=program)


def test_a_closed_standard_input_is_one_sentence():
    args = ["pull", "hum", "--base-url", "http://127.0.0.1:9", *HUM_RANGE, "--token-file", "-"]
    done = closed("<&-", *args)
    assert (done.status, done.out) == (2, "")
    assert done.err == "error: standard input is closed, and --token-file - reads it\n"


@pytest.mark.parametrize("verb", ["pull", "estimate"])
def test_a_closed_standard_output_is_refused_before_any_request(verb):
    with FakeHum(rows=3).in_thread() as hum:
        done = closed(">&-", verb, "hum", "--base-url", hum.base_url, *HUM_RANGE)
    assert (done.status, hum.requests) == (2, [])
    assert "standard output is closed" in done.err


def test_help_that_cannot_be_written_is_one_sentence(tmp_path):
    full = ("sh", "-c", 'ulimit -f 0; exec "$@" > "$0"', str(tmp_path / "help"), *PROGRAM)
    done = run("pull", "--help", program=full)
    assert (done.status, done.err) == (1, "error: File too large\n")


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".duckdb"])
def test_a_name_whose_bytes_are_no_text_is_no_mistake_of_ours(ending, tmp_path):
    target = str(tmp_path / (os.fsdecode(b"x\xff") + ending))
    with FakeHum(rows=3).in_thread() as hum:
        done = run("pull", "hum", "--base-url", hum.base_url, *HUM_RANGE, "--to", target)
    assert done.status in {0, 2}
    assert "x\\udcff" in done.err
    assert "unexpected" not in done.err


def test_who_was_started_with_ctrl_c_switched_off_ignores_it():
    ignoring = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); "
        "from asyncsessions.cli import main; sys.exit(main())"
    )
    fake, program = FakeHum(rows=500, latency_s=SLOW_S), (sys.executable, "-c", ignoring)
    with fake.in_thread() as hum, pulling(hum, "-q", program=program) as process:
        await_requests(hum, 2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, len(out.splitlines()), err) == (0, 500, "")


def test_a_reader_that_has_enough_ends_the_pull_quietly_as_a_shell_shows_it():
    with FakeHum(rows=200_000, latency_s=0.01).in_thread() as hum, pulling(hum) as process:
        assert process.stdout.readline().startswith('{"provider"')
        process.stdout.close()
        assert process.wait(timeout=20) == 141
        assert process.stderr.read() == ""
    assert len(hum.requests) < 400


def test_an_estimate_that_nobody_reads_is_quiet_too():
    read, write = os.pipe()
    os.close(read)
    with FakeHum(rows=3).in_thread() as hum:
        args = ["estimate", "hum", "--base-url", hum.base_url, *HUM_RANGE]
        with started(*args, stdout=write) as process:
            os.close(write)
            assert (process.wait(timeout=20), process.stderr.read()) == (141, "")


def test_head_in_a_shell_gets_its_line():
    with FakeHum(rows=2_000).in_thread() as hum:
        command = f"{' '.join(PROGRAM)} pull hum --base-url {hum.base_url} --last 520w | head -n 1"
        done = subprocess.run(
            command,
            shell=True,
            check=False,
            capture_output=True,
            text=True,
            env=environment(),
            timeout=60,
        )
    assert (done.returncode, len(done.stdout.splitlines()), done.stderr) == (0, 1, "")


@pytest.mark.parametrize("verb", ["pull", "estimate"])
def test_a_full_disk_behind_stdout_is_one_sentence(verb, tmp_path):
    full = ("sh", "-c", 'ulimit -f 0; exec "$@" > "$0"', str(tmp_path / "rows"), *PROGRAM)
    with FakeHum(rows=120).in_thread() as hum:
        done = run(verb, "hum", "--base-url", hum.base_url, *HUM_RANGE, program=full)
    assert done.status == 1
    assert "File too large" in done.err
    assert "Traceback" not in done.err
    assert "Exception ignored" not in done.err


def test_nobody_listening_on_stderr_is_no_reason_to_fail():
    with FakeHum(rows=120).in_thread() as hum:
        read, write = os.pipe()
        os.close(read)
        with pulling(hum, "-vv", stderr=write) as process:
            os.close(write)
            out, _ = process.communicate(timeout=20)
    assert (process.returncode, len(out.splitlines())) == (0, 120)


CANARY = "canary-8f2c61"


def test_a_secret_is_in_no_output_and_in_no_process_listing(tmp_path):
    faults = Faults(rate=0.3, kinds=("500", "reset", "cut_json", "html"), seed=5)
    fake = FakeHum(token=CANARY, rows=900, latency_s=0.02, faults=faults)
    with fake.in_thread() as hum:
        report = tmp_path / "report.json"
        with pulling(hum, "-v", "-v", "--report", str(report), HUM_API_TOKEN=CANARY) as process:
            await_requests(hum, 3)
            listed = _command_line(process.pid)
            out, err = process.communicate(timeout=40)
    assert process.returncode == 0
    assert "DEBUG" in err
    assert "pull" in listed
    for text in (out, err, listed, report.read_text()):
        assert CANARY not in text


def test_a_refused_secret_is_in_no_output_either():
    with FakeHum().in_thread() as hum:
        args = ["pull", "hum", "--base-url", hum.base_url, *HUM_RANGE, "-vv"]
        done = run(*args, HUM_API_TOKEN=CANARY)
    assert done.status == 3
    assert CANARY not in done.out + done.err


def test_diagnostics_hold_no_personal_data():
    with FakeHum(rows=60).in_thread() as hum:
        done = run("pull", "hum", "--base-url", hum.base_url, *HUM_RANGE, "-vv")
    assert '"street1":' in done.out
    assert "street" not in done.err.lower()


def _command_line(pid):
    found = Path(f"/proc/{pid}/cmdline")
    if found.exists():
        return found.read_text()
    return subprocess.run(
        ["ps", "-o", "args=", "-p", str(pid)], check=False, capture_output=True, text=True
    ).stdout


@contextmanager
def terminal(columns):
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    try:
        yield ours, theirs
    finally:
        os.close(ours)
        os.close(theirs)


def shown_on(ours, process):
    shown = b""
    while process.poll() is None or select.select([ours], [], [], 0.1)[0]:
        if select.select([ours], [], [], 0.1)[0]:
            shown += os.read(ours, 65_536)
    return shown.decode()


@pytest.mark.parametrize("columns", [80, 120])
def test_on_a_terminal_a_bar_shows_pages_rows_and_the_time_left(columns, tmp_path):
    target = str(tmp_path / "x.jsonl")
    with FakeHum(latency_s=SLOW_S).in_thread() as hum, terminal(columns) as (ours, theirs):
        how = {"TERM": "xterm-256color", "COLUMNS": str(columns)}
        with pulling(hum, "--to", target, stderr=theirs, **how) as process:
            shown = shown_on(ours, process)
            assert (process.returncode, process.stdout.read()) == (0, "")
    assert "47/47" in shown
    assert "2,337 rows" in shown
    assert "ETA" in shown
    assert ("0 retries" in shown.partition("complete")[0].partition("2,337 rows in")[0]) == (
        columns >= 100
    )


def test_on_a_narrow_terminal_the_bar_keeps_to_one_line(tmp_path):
    target = str(tmp_path / "x.jsonl")
    with FakeHum(latency_s=SLOW_S).in_thread() as hum, terminal(40) as (ours, theirs):
        how = {"TERM": "xterm-256color", "COLUMNS": "40"}
        with pulling(hum, "--to", target, stderr=theirs, **how) as process:
            shown = shown_on(ours, process)
    assert "47/47 2,337 rows" in " ".join(shown.split())
    assert "ETA" not in shown
    assert "\x1b[1A" not in shown


def test_the_bar_leaves_no_trace_in_the_rows(tmp_path):
    file = tmp_path / "rows"
    with FakeHum(rows=500, latency_s=SLOW_S).in_thread() as hum, terminal(80) as (ours, theirs):
        how = {"TERM": "xterm-256color", "COLUMNS": "80"}
        with file.open("w") as out, pulling(hum, stdout=out, stderr=theirs, **how) as process:
            shown = shown_on(ours, process)
    rows = file.read_text().splitlines()
    assert "10/10" in shown
    assert len(rows) == 500
    assert all(row.startswith("{") and row.endswith("}") for row in rows)


def test_no_color_means_no_colour():
    with FakeHum(rows=500, latency_s=SLOW_S).in_thread() as hum, terminal(80) as (ours, theirs):
        how = {"TERM": "xterm-256color", "COLUMNS": "80", "NO_COLOR": "1"}
        with pulling(hum, "--limit", "60", stderr=theirs, **how) as process:
            shown = shown_on(ours, process)
    assert "\x1b[3" not in shown.replace("\x1b[3m", "")


def test_a_dumb_terminal_gets_lines():
    with (
        FakeHum(rows=500).in_thread() as hum,
        terminal(80) as (ours, theirs),
        pulling(hum, "--limit", "60", stderr=theirs, TERM="dumb") as process,
    ):
        shown = shown_on(ours, process)
    assert "\x1b" not in shown
    assert "hum: 60 rows in" in shown
