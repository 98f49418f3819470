"""Exit statuses and what is said with them, of processes against fakes on loopback."""

import json
import stat
import sys
from datetime import UTC, datetime, timedelta

import pytest

import asyncsessions.client
from asyncsessions import Retry
from asyncsessions.testing import Drift, FakeAttributionHub, FakeHum, Faults
from tests.cli.shell import HUB_RANGE, HUM_RANGE, run, run_here


def pull_hum(hum, *args, **changes):
    return run("pull", "hum", "--base-url", hum.base_url, *HUM_RANGE, *args, **changes)


def pull_hub(hub, *args, **changes):
    times = () if "--start" in args else HUB_RANGE
    return run("pull", "attributionhub", "--base-url", hub.base_url, *times, *args, **changes)


def test_a_whole_pull_is_status_0_with_each_row_once_on_stdout_and_the_summary_on_stderr():
    with FakeHum().in_thread() as hum:
        done = pull_hum(hum)
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert done.status == 0
    assert 2_337 == len(rows) == len({row["id"] for row in rows})
    assert len(hum.requests) == 47
    assert "hum: 2,337 rows in 47 requests (0 retries)" in done.err
    assert "complete" in done.err


def test_quiet_says_nothing_about_success():
    with FakeHum(rows=60).in_thread() as hum:
        done = pull_hum(hum, "-q")
    assert (done.status, done.err, len(done.out.splitlines())) == (0, "", 60)


@pytest.mark.parametrize("ending", ["jsonl", "csv", "duckdb"])
def test_the_summary_says_where_the_rows_are(ending, tmp_path):
    target = tmp_path / f"x.{ending}"
    with FakeAttributionHub(rows=120).in_thread() as hub:
        done = pull_hub(hub, "--to", str(target))
    assert (done.status, done.out) == (0, "")
    assert f"120 rows written to {target}" in done.err
    assert target.exists()


def test_nothing_found_is_status_0_with_one_request_a_window_and_no_rows():
    with FakeAttributionHub(rows=0).in_thread() as hub:
        done = pull_hub(hub, "--start", "2026-01-01", "--end", "2026-03-31")
    assert (done.status, done.out) == (0, "")
    assert len(hub.requests) == 3
    assert "attributionhub: 0 rows in 3 requests" in done.err


def test_a_wrong_token_is_status_3_after_at_most_two_requests():
    with FakeHum().in_thread() as hum:
        done = pull_hum(hum, HUM_API_TOKEN="wrong-token")
    assert (done.status, done.out) == (3, "")
    assert len(hum.requests) <= 2
    assert "error: the vendor refused the credentials" in done.err
    assert "next: check HUM_API_TOKEN (or --token-file)" in done.err
    assert "wrong-token" not in done.err


def test_a_wrong_key_is_status_3_after_at_most_two_requests_too():
    with FakeAttributionHub().in_thread() as hub:
        done = pull_hub(hub, ATTRIBUTIONHUB_API_KEY="wrong-key")
    assert (done.status, done.out) == (3, "")
    assert len(hub.requests) <= 2
    assert "next: check ATTRIBUTIONHUB_API_KEY" in done.err


def test_the_end_of_the_quota_is_status_4():
    with FakeAttributionHub(quota=7).in_thread() as hub:
        done = pull_hub(hub)
    assert done.status == 4
    assert hub.quota_used == 7
    assert "(7 of 7)" in done.err
    assert "when the quota is renewed" in done.err


def test_the_end_of_the_budget_is_status_4_and_nothing_beyond_it_is_sent():
    with FakeHum().in_thread() as hum:
        done = pull_hum(hum, "--max-requests", "5")
    assert (done.status, len(hum.requests)) == (4, 5)
    assert "error: --max-requests 5 is used up" in done.err
    assert "so far: " in done.err


def test_the_end_of_the_deadline_is_status_4():
    with FakeHum(latency_s=30.0).in_thread() as hum:
        done = pull_hum(hum, "--deadline", "0.2")
    assert done.status == 4
    assert "with a higher --max-requests or --deadline" in done.err


@pytest.mark.parametrize("loudness", ["-q", "-v"])
def test_rows_of_one_instant_that_never_rest_are_status_5_and_named_even_if_quiet(
    loudness, tmp_path
):
    report = tmp_path / "report.json"
    drift = Drift(insert_on_instant_every=1, delete_every=1)
    with FakeHum(drift=drift, rows_on_one_instant=300).in_thread() as hum:
        done = pull_hum(hum, "--report", str(report), loudness)
    content = json.loads(report.read_text())
    assert 5 == done.status == content["exit_status"]
    assert content["error"] is None
    assert content["unproven"]
    assert "not proven complete" in done.err
    assert "pull again: --start 2026-" in done.err
    assert "Traceback" not in done.err


def test_the_report_is_what_was_done(tmp_path):
    file = tmp_path / "report.json"
    with FakeHum(rows=260).in_thread() as hum:
        done = pull_hum(hum, "--report", str(file), "--to", str(tmp_path / "x.jsonl"))
    report = json.loads(file.read_text())
    assert 0 == done.status == report["exit_status"]
    assert tuple(report[name] for name in ("provider", "rows", "total", "pages", "requests")) == (
        "hum",
        260,
        260,
        6,
        6,
    )
    assert (report["complete"], report["error"], report["unproven"]) == (True, None, [])
    assert report["start"].startswith("2026-01-01T00:00:00")


def test_the_report_can_go_to_stdout_while_the_rows_go_to_a_file(tmp_path):
    with FakeHum(rows=60).in_thread() as hum:
        done = pull_hum(hum, "--report", "-", "--to", str(tmp_path / "x.csv"))
    assert json.loads(done.out)["rows"] == 60


def test_the_report_is_written_after_a_failure_too(tmp_path):
    file = tmp_path / "report.json"
    file.write_text("an old one")
    with FakeHum(faults=Faults(first=1, kinds=("500",), only_pages=(3,))).in_thread() as hum:
        done = pull_hum(hum, "--report", str(file), "--max-requests", "3")
    report = json.loads(file.read_text())
    assert (done.status, report["exit_status"], report["requests"]) == (4, 4, 3)
    assert report["error"]["type"] == "BudgetExceededError"


def test_the_report_of_a_mistake_in_the_command_says_so(tmp_path):
    file = tmp_path / "report.json"
    file.write_text("an old one")
    done = run("pull", "hum", "--base-url", "http://example.com", *HUM_RANGE, "--report", str(file))
    report = json.loads(file.read_text())
    assert (done.status, report["exit_status"], report["requests"]) == (2, 2, 0)
    assert "plain http" in report["error"]["message"]


def test_an_unwritable_target_is_one_sentence_before_any_request(tmp_path):
    with FakeHum().in_thread() as hum:
        done = pull_hum(hum, "--to", str(tmp_path / "no" / "x.jsonl"))
    assert (done.status, hum.requests, done.out) == (2, [], "")
    assert done.err.startswith("error: ")
    assert "Traceback" not in done.err


def test_a_target_of_another_pull_is_wrong_usage_in_words_of_the_shell(tmp_path):
    target = tmp_path / "x.jsonl"
    with FakeHum(rows=3).in_thread() as hum:
        assert pull_hum(hum, "--to", str(target)).status == 0
        sent = len(hum.requests)
        done = pull_hum(hum, "--with-clicks", "--to", str(target))
        assert (done.status, len(hum.requests)) == (2, sent)
    assert "other filters or another range: start over with --fresh, or" in done.err


def test_a_pull_that_is_over_is_status_0_without_a_request_and_says_what_to_do(tmp_path):
    target = tmp_path / "x.jsonl"
    with FakeHum(rows=3).in_thread() as hum:
        pull_hum(hum, "--to", str(target))
        sent = len(hum.requests)
        done = pull_hum(hum, "--to", str(target))
        assert (done.status, len(hum.requests)) == (0, sent)
    assert "nothing was asked; sync reads what has changed since, --fresh reads all" in done.err


def test_what_was_not_checked_is_not_called_complete():
    with FakeHum(rows=120, order="shuffled").in_thread() as hum:
        done = pull_hum(hum, "--consistency", "off")
    assert done.status == 0
    assert done.err.endswith(": not checked\n120 rows written to standard output\n")


def test_the_rows_so_far_are_counted_once_by_the_target(tmp_path):
    with FakeHum().in_thread() as hum:
        done = pull_hum(hum, "--max-requests", "5", "--to", str(tmp_path / "x.jsonl"))
    so_far, left = done.err.splitlines()[1:3]
    assert so_far.startswith("so far: 5 requests (0 retries), ")
    assert left.endswith(
        "x.jsonl, and the pages that came wait for the next go: the pull is not complete"
    )


def test_a_retry_is_told_with_v_and_only_then():
    faults = Faults(first=1, kinds=("503",))
    with FakeHum(rows=3, faults=faults).in_thread() as hum:
        told = pull_hum(hum, "-v")
    with FakeHum(rows=3, faults=faults).in_thread() as hum:
        done = pull_hum(hum)
    assert told.err.count("hum: repeating a request in") == 1
    assert "repeating" not in done.err


def test_one_answer_is_singular():
    with FakeHum(rows=3).in_thread() as hum:
        done = pull_hum(hum, "-vv")
    assert "1 answer, 1 request, 3 rows" in done.err


def test_the_report_is_for_its_owner_alone(tmp_path):
    new, old = tmp_path / "new.json", tmp_path / "old.json"
    old.write_text("an old one")
    old.chmod(0o644)
    for file in (new, old):
        run("pull", "hum", "--base-url", "http://example.com", *HUM_RANGE, "--report", str(file))
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_extra_that_is_missing_is_named_before_any_request(tmp_path):
    without = (
        "import sys; sys.modules['duckdb'] = sys.modules['pyarrow'] = None; "
        "from asyncsessions.cli import main; sys.exit(main())"
    )
    with FakeHum().in_thread() as hum:
        target = str(tmp_path / "x.duckdb")
        done = run(
            "pull",
            "hum",
            "--base-url",
            hum.base_url,
            *HUM_RANGE,
            "--to",
            target,
            program=(sys.executable, "-c", without),
        )
    assert (done.status, hum.requests) == (2, [])
    assert 'pip install "asyncsessions[duckdb]"' in done.err


@pytest.fixture
def hasty(monkeypatch):
    monkeypatch.setattr(asyncsessions.client, "Retry", lambda: Retry(backoff_s=0.001))


@pytest.mark.usefixtures("hasty")
def test_a_refused_connection_is_status_1_and_one_sentence():
    done = run_here("pull", "hum", "--base-url", "http://127.0.0.1:1", *HUM_RANGE)
    assert (done.status, done.out) == (1, "")
    assert "error: cannot connect" in done.err
    assert "next: check that http://127.0.0.1:1 can be reached" in done.err


@pytest.mark.usefixtures("hasty")
def test_a_vendor_that_only_fails_is_status_1_after_a_handful_of_requests():
    with FakeHum(faults=Faults(rate=1.0, kinds=("503",))).in_thread() as hum:
        done = run_here("pull", "hum", "--base-url", hum.base_url, *HUM_RANGE)
    assert done.status == 1
    assert len(hum.requests) <= 12
    assert "next: run the same command again" in done.err


@pytest.mark.usefixtures("hasty")
def test_an_address_that_is_no_api_is_status_1_and_says_what_to_check():
    with FakeHum(redirect_to="https://example.com/login").in_thread() as hum:
        done = run_here("pull", "hum", "--base-url", hum.base_url, *HUM_RANGE)
    assert (done.status, len(hum.requests)) == (1, 1)
    assert f"next: check that {hum.base_url} is the address of the API" in done.err


def test_a_mistake_of_ours_is_one_sentence_and_a_traceback_only_with_v(monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("surprise")

    monkeypatch.setattr("asyncsessions.query.Sessions.pull", fail)
    args = ["pull", "hum", "--base-url", "http://127.0.0.1:1", *HUM_RANGE]
    done, told = run_here(*args), run_here(*args, "-v")
    assert (done.status, told.status) == (1, 1)
    assert "error: unexpected RuntimeError" in done.err
    assert "Traceback" not in done.err
    assert "Traceback" in told.err


def test_a_limit_is_a_look_with_no_more_requests_than_it_takes():
    with FakeHum().in_thread() as hum:
        done = pull_hum(hum, "--limit", "5")
    assert (done.status, len(done.out.splitlines()), len(hum.requests)) == (0, 5, 1)
    assert "ended at --limit 5" in done.err


def test_the_concurrency_is_kept():
    with FakeHum(latency_s=0.01).in_thread() as hum:
        assert pull_hum(hum, "--concurrency", "3").status == 0
    assert hum.max_in_flight == 3


def test_last_counts_back_from_now():
    now = datetime.now(UTC)
    span = {"start": now - timedelta(days=40), "end": now - timedelta(days=1)}
    with FakeHum(rows=400, **span).in_thread() as hum:
        done = run("pull", "hum", "--base-url", hum.base_url, "--last", "3w")
    assert done.status == 0
    times = [json.loads(line)["started_at"] for line in done.out.splitlines()]
    assert times == sorted(times, reverse=True)
    assert now - timedelta(days=21, seconds=60) < datetime.fromisoformat(times[-1])
    assert 100 < len(times) < 300


def test_an_estimate_is_one_sentence_and_as_many_requests_as_windows():
    with FakeAttributionHub().in_thread() as hub:
        address = ["--base-url", hub.base_url]
        done = run("estimate", "attributionhub", *address, *HUB_RANGE)
    sentence = "2,337 rows in 1 window: a pull takes 47 requests (1 spent on this estimate)\n"
    assert (0, sentence, "") == (done.status, done.out, done.err)
    assert len(hub.requests) == 1


def test_an_estimate_fails_like_a_pull():
    with FakeHum().in_thread() as hum:
        done = run("estimate", "hum", "--base-url", hum.base_url, *HUM_RANGE, HUM_API_TOKEN="wrong")
    assert (done.status, done.out) == (3, "")
    assert "next: check HUM_API_TOKEN" in done.err
