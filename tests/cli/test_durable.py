"""The verbs around durable targets: going on, sync, estimate --to, verify and report."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from asyncsessions.testing import FakeAttributionHub, FakeHum
from tests.cli.shell import HUM_RANGE, run, run_here, started
from tests.durability.reading import ids_in

KINDS = {
    "duckdb": "x.duckdb",
    "parquet": "x.parquet",
    "dataset": "x/",
    "jsonl": "x.jsonl",
    "csv": "x.csv",
}
NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def to(tmp_path, kind):
    return f"{tmp_path}/{KINDS[kind]}"


def hum(fake, verb, *args, **how):
    return run_here(verb, "hum", "--base-url", fake.base_url, *args, **how)


def pull(fake, to, *args):
    return hum(fake, "pull", *HUM_RANGE, "--to", to, *args)


# ---------------------------------------------------------------------- going on


def test_an_interrupted_pull_finishes_what_is_in_flight_and_is_gone_on_with(tmp_path, to, kind):
    with FakeHum(rows=2_000, latency_s=0.1).in_thread() as fake:
        args = ["pull", "hum", "--base-url", fake.base_url, *HUM_RANGE, "--to", to]
        with started(*args) as process:
            while len(fake.requests) < 12:
                pass
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=20)
        assert process.returncode == 130
        assert err.startswith("interrupted\n")
        assert "wait for the next go" in err
        assert err.endswith("next: run the same command again\n")
        assert all(request.status == 200 for request in fake.requests)
        sent = len(fake.requests)
        done = pull(fake, to)
        assert (done.status, len(fake.requests)) == (0, 40)
    assert f"2,000 rows in {40 - sent} requests after {sent} of earlier goes" in done.err
    assert len(set(ids_in(tmp_path / KINDS[kind].rstrip("/"), kind))) == 2_000


def test_two_processes_on_one_target_are_one_too_many(to):
    with FakeHum(rows=2_000, latency_s=0.2).in_thread() as fake:
        args = ["pull", "hum", "--base-url", fake.base_url, *HUM_RANGE, "--to", to]
        with started(*args) as process:
            while len(fake.requests) < 3:
                pass
            second = run(*args)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)
    assert second.status == 2
    assert "is being written by another pull" in second.err


def test_fresh_starts_over(to, kind, tmp_path):
    with FakeHum(rows=300).in_thread() as fake:
        pull(fake, to)
        fake.listing.delete(7)
        done = pull(fake, to, "--fresh")
        assert (done.status, len(fake.requests)) == (0, 12)
    assert len(ids_in(tmp_path / KINDS[kind].rstrip("/"), kind)) == 299


# ---------------------------------------------------------------------- estimates


def test_an_estimate_for_a_target_is_not_paid_twice(to):
    with FakeHum(rows=300).in_thread() as fake:
        told = hum(fake, "estimate", *HUM_RANGE, "--to", to)
        assert told.out == (
            f"300 rows in 1 window: the pull into {to} takes 5 more "
            "(1 spent on this estimate, and kept for it)\n"
        )
        assert pull(fake, to).status == 0
        assert len(fake.requests) == 6


def test_an_estimate_for_standard_output_is_refused():
    with FakeHum(rows=3).in_thread() as fake:
        done = hum(fake, "estimate", *HUM_RANGE, "--to", "-")
        assert (done.status, len(fake.requests)) == (2, 0)
    assert "keeps what was asked" in done.err


# ---------------------------------------------------------------------- sync


@pytest.fixture
def living():
    """A vendor whose sessions are of the last ninety days."""
    with FakeHum(rows=450, start=NOW - 90 * DAY, end=NOW - DAY).in_thread() as fake:
        yield fake


@pytest.mark.parametrize("name", ["x.duckdb", "x/"])
def test_sync_brings_what_is_new_has_changed_or_vanished(tmp_path, living, name):
    to, start = f"{tmp_path}/{name}", f"{(NOW - 90 * DAY).date()}"
    first = hum(living, "sync", "--start", start, "--to", to)
    assert (first.status, len(living.requests)) == (0, 9)
    living.listing.insert(NOW - DAY / 2)
    living.listing.edit(440, {"furthest_step": 42})
    living.listing.delete(430)
    again = hum(living, "sync", "--to", to)  # from when on, the target knows
    assert again.status == 0
    assert f"written to {to.rstrip('/')}" in again.err
    assert ": 1 added, 1 changed, 1 removed\n" in again.err
    third = hum(living, "sync", "--to", to)
    assert ": nothing has changed\n" in third.err
    kind = "duckdb" if name.endswith("b") else "dataset"
    found = ids_in(tmp_path / name.rstrip("/"), kind)
    assert sorted(found) == sorted(row.data["id"] for row in living.listing.snapshot())


def test_changes_can_be_asked_for_in_sql(tmp_path, living):
    to = f"{tmp_path}/x.duckdb"
    hum(living, "sync", "--start", str((NOW - 90 * DAY).date()), "--to", to)
    row = living.listing.row(440)
    living.listing.edit(440, {"installed": not row.data["installed"]})
    hum(living, "sync", "--to", to)
    with duckdb.connect(to, read_only=True) as connection:
        found = connection.execute(
            "SELECT id, change, old.order_installed, new.order_installed FROM session_changes"
        ).fetchall()
    assert found == [(row.data["id"], "changed", row.data["installed"], not row.data["installed"])]


def test_the_first_sync_has_to_be_told_from_when(tmp_path, living):
    done = hum(living, "sync", "--to", f"{tmp_path}/x.duckdb")
    assert (done.status, len(living.requests)) == (2, 0)
    assert "say from when, with --start" in done.err


@pytest.mark.parametrize(("to", "why"), [("-", "needs a target"), ("x.csv", "one pull")])
def test_what_cannot_be_synced_is_refused(tmp_path, monkeypatch, living, to, why):
    monkeypatch.chdir(tmp_path)
    done = hum(living, "sync", "--start", "2026-01-01", "--to", to)
    assert (done.status, len(living.requests)) == (2, 0)
    assert why in done.err


def test_attributionhub_is_synced_too(tmp_path):
    with FakeAttributionHub(rows=120, start=NOW - 20 * DAY, end=NOW - DAY).in_thread() as fake:
        args = (
            "sync",
            "attributionhub",
            "--base-url",
            fake.base_url,
            "--to",
            f"{tmp_path}/x.duckdb",
        )
        assert run_here(*args, "--start", str((NOW - 20 * DAY).date())).status == 0
        fake.listing.insert(NOW - DAY / 2)
        assert ": 1 added\n" in run_here(*args).err


# ---------------------------------------------------------------------- verify


def test_a_target_is_verified_without_a_request(to):
    with FakeHum(rows=300).in_thread() as fake:
        pull(fake, to)
        sent = len(fake.requests)
        done = run_here("verify", to)
        assert len(fake.requests) == sent
    assert (done.status, done.out) == (0, "hum: 300 rows in 1 window: as written\n")


def test_a_row_that_was_altered_behind_our_back_is_found(tmp_path):
    to = f"{tmp_path}/x.duckdb"
    with FakeHum(rows=300).in_thread() as fake:
        pull(fake, to)
    with duckdb.connect(to) as connection:
        connection.execute(
            "UPDATE sessions SET campaign = 'x' WHERE id = (SELECT min(id) FROM sessions)"
        )
    done = run_here("verify", to)
    assert done.status == 1
    assert "the rows are not those that were written" in done.out
    with duckdb.connect(to) as connection:
        connection.execute("DELETE FROM sessions WHERE id = (SELECT min(id) FROM sessions)")
    assert "299 rows are there, 300 were written" in run_here("verify", to).out


@pytest.mark.parametrize("name", ["x.jsonl", "x.csv"])
def test_a_line_that_was_altered_is_found(tmp_path, name):
    target = tmp_path / name
    with FakeHum(rows=30).in_thread() as fake:
        pull(fake, str(target))
    target.write_bytes(target.read_bytes().replace(b"Lane", b"Road"))
    assert run_here("verify", str(target)).status == 1


@pytest.mark.parametrize("name", ["x.jsonl", "x.csv"])
def test_lines_that_were_added_are_found(tmp_path, name):
    target = tmp_path / name
    with FakeHum(rows=30).in_thread() as fake:
        pull(fake, str(target))
    lines = target.read_bytes().splitlines(keepends=True)
    target.write_bytes(b"".join([*lines, lines[-1]]))
    done = run_here("verify", str(target))
    assert done.status == 1
    assert "has lines that were not written" in done.out


def test_rows_beside_all_windows_are_found(tmp_path):
    to = f"{tmp_path}/x.duckdb"
    with FakeHum(rows=30).in_thread() as fake:
        pull(fake, to)
    with duckdb.connect(to) as connection:
        connection.execute(
            "INSERT INTO sessions (provider, id, started_at) VALUES ('hum', 'x', '2020-01-01 00:00:00Z')"
        )
    done = run_here("verify", to)
    assert done.status == 1
    assert "31 rows are in the table, 30 in the books" in done.out


def test_a_part_that_is_damaged_is_named_and_the_others_are_looked_at(tmp_path):
    to = f"{tmp_path}/x/"
    with FakeAttributionHub(rows=900, start=datetime(2026, 1, 1, tzinfo=UTC)).in_thread() as fake:
        args = ("pull", "attributionhub", "--base-url", fake.base_url, "--to", to)
        run_here(*args, "--start", "2026-01-01", "--end", "2026-03-31")
    part = max((tmp_path / "x" / "data").iterdir(), key=lambda path: path.stat().st_size)
    part.write_bytes(part.read_bytes()[:100])
    done = run_here("verify", to)
    assert done.status == 1
    assert "is damaged" in done.out
    assert "1 not as written" in done.out


def test_a_target_that_is_not_finished_is_not_called_good(tmp_path):
    to = f"{tmp_path}/x.duckdb"
    with FakeAttributionHub(rows=900, start=datetime(2026, 1, 1, tzinfo=UTC)).in_thread() as fake:
        args = ("pull", "attributionhub", "--base-url", fake.base_url, "--to", to)
        run_here(*args, "--start", "2026-01-01", "--end", "2026-03-31", "--max-requests", "12")
    done = run_here("verify", to)
    assert done.status == 5
    assert "as written, but the pull is not over" in done.out


def test_requests_of_a_first_go_survive_fresh(to):
    with FakeHum(rows=300).in_thread() as fake:
        pull(fake, to)
        pull(fake, to, "--fresh")
        (shown,) = json.loads(run_here("report", to, "--json").out)
        assert sum(shown["requests"].values()) == len(fake.requests) == 12


def test_the_vendor_is_asked_for_its_numbers_at_a_request_a_window(to):
    with FakeHum(rows=300).in_thread() as fake:
        pull(fake, to)
        against = ("verify", to, "--against", "hum", "--base-url", fake.base_url)
        same = run_here(*against)
        assert (same.status, len(fake.requests)) == (0, 7)
        assert "the vendor lists 300 rows, as stored" in same.out
        fake.listing.delete(3)
        other = run_here(*against)
        assert (other.status, len(fake.requests)) == (5, 8)
        assert "the vendor lists 299 rows, 300 are stored: sync reads the difference" in other.out
        shown = json.loads(run_here("report", to, "--json").out)
        assert sum(shown[0]["requests"].values()) == len(fake.requests)


def test_a_vendor_that_the_target_does_not_hold_is_refused(tmp_path):
    to = f"{tmp_path}/x.csv"
    with FakeHum(rows=3).in_thread() as fake:
        pull(fake, to)
        done = run_here("verify", to, "--against", "attributionhub", "--base-url", fake.base_url)
        assert (done.status, len(fake.requests)) == (2, 1)
    assert "holds nothing of attributionhub" in done.err


@pytest.mark.parametrize("verb", ["verify", "report"])
@pytest.mark.parametrize("name", ["no.duckdb", "no.csv", "no.parquet", "no", "folder", "a.txt"])
def test_what_is_no_target_of_ours_is_one_sentence(tmp_path, verb, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "a.txt").write_text("mine")
    done = run_here(verb, tmp_path / name)
    assert done.status == 2
    assert done.err.startswith("error: ")
    assert len(done.err.splitlines()) == 1


# ---------------------------------------------------------------------- report


def test_a_report_shows_what_is_stored(to):
    with FakeHum(rows=300).in_thread() as fake:
        pull(fake, to)
    done = run_here("report", to)
    assert done.status == 0
    month = f"{NOW:%Y-%m}"
    for word in [
        "hum",
        "300 sessions in 1 window: complete",
        f"Requests by month: {month}: 6",
        "Proven up to 2026-04-01 00:00",
        "Top campaigns",
        "spring_promo",
    ]:
        assert word in done.out


def test_a_report_as_json_is_the_same_for_each_kind(to):
    with FakeHum(rows=300).in_thread() as fake:
        pull(fake, to)
        truth = fake.listing.snapshot()
    (shown,) = json.loads(run_here("report", to, "--json").out)
    assert (shown["provider"], shown["rows"], shown["complete"]) == ("hum", 300, True)
    assert sum(shown["sessions_by_day"].values()) == 300
    assert shown["sessions_by_day"][f"{truth[0].time:%Y-%m-%d}"] >= 1
    assert sum(each["sessions"] for each in shown["campaigns"]) == 300
    assert (len(shown["windows"]), len(shown["runs"])) == (1, 1)
    assert shown["windows"][0]["end"] == shown["watermark"] == "2026-04-01T00:00:00Z"


def test_an_unfinished_pull_is_reported_as_such(tmp_path):
    to = f"{tmp_path}/x.duckdb"
    with FakeAttributionHub(rows=900, start=datetime(2026, 1, 1, tzinfo=UTC)).in_thread() as fake:
        args = ("pull", "attributionhub", "--base-url", fake.base_url, "--to", to)
        span = ("--start", "2026-01-01", "--end", "2026-03-31")
        assert run_here(*args, *span, "--max-requests", "12").status == 4
        sent = len(fake.requests)
    (shown,) = json.loads(run_here("report", to, "--json").out)
    assert shown["complete"] is False
    assert shown["runs"][0]["ended_at"] is None
    assert sum(shown["requests"].values()) == sent == 12
    assert "NOT complete" in run_here("report", to).out
