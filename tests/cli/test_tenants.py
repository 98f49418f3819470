"""``pull`` and ``sync`` with ``--tenants``, as a shell runs them."""

from __future__ import annotations

import json
import signal
import sys

import pytest

from asyncsessions.testing import FakeTenants
from tests.cli.shell import HUM_RANGE, PROGRAM, run, run_here, started
from tests.tenants.crowds import held


@pytest.fixture
def fakes():
    tenants = FakeTenants.of_each(10, refused=2, over_quota=2, sizes=(130, 60))
    with tenants.in_thread():
        yield tenants


@pytest.fixture
def file(fakes, tmp_path):
    return str(fakes.write(tmp_path / "tenants.toml", defaults={"concurrency": 2}))


def test_of_twenty_tenants_four_are_named_with_their_reasons(fakes, file, tmp_path):
    to, report = f"{tmp_path}/x.duckdb", tmp_path / "report.json"
    args = ["pull", "--tenants", file, *HUM_RANGE, "--to", to, "--report", report]
    done = run(*map(str, args), **fakes.environment)
    assert done.status == 3  # the refused come before the quota
    lines = done.err.splitlines()
    assert lines[0].split() == ["tenant", "provider", "rows", "requests", "seconds", "state"]
    assert [line.split()[-1] for line in lines[1:21]].count("complete") == 16
    assert "check HUM_1_KEY and that it belongs to http://127.0.0.1" in done.err
    assert "hub-10: the month's quota of requests for example.com is used up" in done.err
    assert lines[-1].startswith("16 of 20 tenants complete: ")
    told = json.loads(report.read_text(encoding="utf-8"))
    assert (told["exit_status"], told["error"]) == (3, None)
    statuses = [each["exit_status"] for each in told["tenants"]]
    assert [statuses.count(status) for status in (0, 3, 4)] == [16, 2, 2]
    assert told["tenants"][0]["error"]["type"] == "AuthenticationError"
    assert len(held(to)) == 16
    for key in fakes.environment.values():
        assert key not in done.err + report.read_text(encoding="utf-8")


def test_what_is_complete_costs_nothing_and_quiet_says_nothing(fakes, file, tmp_path):
    args = ["pull", "--tenants", file, *HUM_RANGE, "--to", f"{tmp_path}/x/", "-q"]
    for fake in fakes.fakes.values():
        fake.quota = None
    good = {name: key.removeprefix("not-") for name, key in fakes.environment.items()}
    assert run_here(*args, **good).status == 0
    sent = sum(len(fake.requests) for fake in fakes.fakes.values())
    done = run_here(*args, **good)
    assert (done.status, done.out, done.err) == (0, "", "")
    assert sum(len(fake.requests) for fake in fakes.fakes.values()) == sent


def test_verify_and_report_tell_tenants_apart(fakes, file, tmp_path):
    to = f"{tmp_path}/x.duckdb"
    run_here("pull", "--tenants", file, *HUM_RANGE, "--to", to, **fakes.environment)
    done = run_here("verify", to)
    assert done.status == 0
    assert "hum@hum-2: 60 rows in 1 window: as written" in done.out
    told = json.loads(run_here("report", to, "--json").out)
    assert {each["tenant"] for each in told} >= {"hum-2", "hub-3"}
    fake = fakes.fakes["hum-2"]
    against = ["verify", to, "--against", "hum", "--base-url", fake.base_url]
    assert "say which --tenant" in run_here(*against).err
    done = run_here(*against, "--tenant", "hum-2", HUM_API_TOKEN=fake.token)
    assert done.status == 0
    assert "the vendor lists 60 rows, as stored" in done.out
    assert "give it with --against" in run_here("verify", to, "--tenant", "hum-2").err


@pytest.mark.skipif(sys.platform == "win32", reason="limits of open files are a matter of POSIX")
def test_a_low_limit_of_open_files_is_raised_where_that_is_allowed(fakes, file, tmp_path):
    args = ["pull", "--tenants", file, *HUM_RANGE, "--to", f"{tmp_path}/x.duckdb"]
    lowered = ("bash", "-c", 'ulimit -Sn 48 && exec "$@"', "bash", *PROGRAM)
    done = run(*args, program=lowered, **fakes.environment)
    assert "16 of 20 tenants complete" in done.err


def test_sync_of_tenants_begins_where_each_was_begun(fakes, file, tmp_path):
    to = f"{tmp_path}/x.duckdb"
    run_here("pull", "--tenants", file, *HUM_RANGE, "--to", to, **fakes.environment)
    done = run_here("sync", "--tenants", file, "--to", to, **fakes.environment)
    assert done.status == 2  # the refused were never begun
    assert "hum-1: the target does not have it yet: say from when, with start" in done.err
    assert done.err.splitlines()[-1].startswith("16 of 20 tenants complete")


def test_an_interrupted_pull_says_how_to_go_on_and_is_gone_on_with(tmp_path):
    fakes = FakeTenants.of_each(3, sizes=(400,), latency_s=0.1)
    to = f"{tmp_path}/x.duckdb"
    with fakes.in_thread():
        file = str(fakes.write(tmp_path / "tenants.toml"))
        args = ["pull", "--tenants", file, *HUM_RANGE, "--to", to, "--tenants-at-once", "2"]
        with started(*args, **fakes.environment) as process:
            while not len(fakes.fakes["hub-1"].requests) > 3:
                pass
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=20)
        assert process.returncode == 130
        assert err.endswith("interrupted\nnext: run the same command again\n")
        assert "not begun" in err
        assert run(*args, **fakes.environment).status == 0
        sent = sum(len(fake.requests) for fake in fakes.fakes.values())
        assert sent == 3 * (8 + 8 + 2)  # two windows without rows of each hub
    assert {stream.rows for stream in held(to).values()} == {400}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["hum", *HUM_RANGE], "leave hum out"),
        ([], "say from when"),
        ([*HUM_RANGE], "say where the rows go"),
        ([*HUM_RANGE, "--to", "x.parquet"], "tenants need a .duckdb file or a dataset"),
        ([*HUM_RANGE, "--to", "x.duckdb", "--tenants-at-once", "0"], "--tenants-at-once"),
        ([*HUM_RANGE, "--to", "x.duckdb", "--last", "3d"], "give it without --start"),
    ],
)
def test_wrong_usage_is_told_in_a_sentence(fakes, file, tmp_path, monkeypatch, args, said):
    monkeypatch.chdir(tmp_path)
    done = run_here("pull", "--tenants", file, *args, **fakes.environment)
    assert done.status == 2
    assert said in done.err
    assert not any(fake.requests for fake in fakes.fakes.values())


def test_options_of_tenants_are_no_options_of_a_provider():
    assert "write --start behind hum" in run_here("pull", "--start", "2026-01-01", "hum").err
    assert "say which provider, or --tenants FILE" in run_here("pull", "--fresh").err
    assert run_here("sync", "--to", "x.duckdb").status == 2


def test_a_mistake_in_the_file_is_told_before_anything_is_asked(tmp_path):
    path = tmp_path / "tenants.toml"
    path.write_text('[[tenants]]\nname = "acme"\nkey = "sk_live_1"\n', encoding="utf-8")
    done = run_here("pull", "--tenants", path, *HUM_RANGE, "--to", f"{tmp_path}/x.duckdb")
    assert done.status == 2
    assert done.err.startswith(f"error: {path}: tenant acme: key is no setting")
    assert "sk_live_1" not in done.err
    assert not (tmp_path / "x.duckdb").exists()


def test_settings_of_the_file_are_told_by_the_names_that_they_have_there(tmp_path):
    fakes = FakeTenants.of_each(1, sizes=(130,))
    path, report = tmp_path / "tenants.toml", tmp_path / "report.json"
    args = ["pull", "--tenants", path, *HUM_RANGE, "--to", f"{tmp_path}/x.duckdb"]
    path.write_text('[[tenants]]\nname = "acme"\nrps = 1\n', encoding="utf-8")
    done = run_here(*args, "--report", report)
    told = json.loads(report.read_text(encoding="utf-8"))["error"]["message"]
    for text in (done.err, told):
        assert "settings, filters, concurrency, requests_per_second, max_requests" in text
        assert "--" not in text
    with fakes.in_thread():
        fakes.write(path, defaults={"max_requests": 2})
        run_here(*args, "--report", report, **fakes.environment)
    told = json.loads(report.read_text(encoding="utf-8"))["tenants"][0]["error"]["message"]
    assert told.startswith("max_requests=2 ")


@pytest.mark.nightly
@pytest.mark.timeout(600)
def test_of_two_hundred_tenants_ten_are_named_with_their_reasons(tmp_path):
    fakes = FakeTenants.of_each(
        100, refused=5, over_quota=5, rates=(None, 20, 5), told=5, sizes=(300, 100, 60)
    )
    to, report = f"{tmp_path}/x.duckdb", tmp_path / "report.json"
    with fakes.in_thread():
        file = fakes.write(tmp_path / "tenants.toml", defaults={"concurrency": 4})
        args = ["pull", "--tenants", file, *HUM_RANGE, "--to", to, "--report", report, "-q"]
        with started(*map(str, args), **fakes.environment) as process:
            _, err = process.communicate(timeout=500)
    assert process.returncode == 3
    statuses = {
        each["tenant"]: each["exit_status"]
        for each in json.loads(report.read_text(encoding="utf-8"))["tenants"]
    }
    wrong = {name: status for name, status in statuses.items() if status}
    assert sorted(wrong.values()) == [3] * 5 + [4] * 5
    assert all(f"\n{name}: " in err for name in wrong)
    streams = held(to).values()
    assert {stream.tenant: stream.rows for stream in streams} == {
        name: fake.rows for name, fake in fakes.fakes.items() if name not in wrong
    }
    assert all(window.complete for stream in streams for window in stream.windows)
