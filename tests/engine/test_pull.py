"""A pull into a target: everything once, in whole windows, in little memory."""

from __future__ import annotations

import asyncio
import csv
import json
import subprocess
import sys
from collections import Counter
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import duckdb
import pytest

from asyncsessions import (
    AttributionHub,
    AuthenticationError,
    Client,
    ConfigurationError,
    Hum,
    IncompleteError,
    PermissionDeniedError,
    QuotaExceededError,
    Retry,
    ServerError,
)
from asyncsessions.testing import FakeAttributionHub, FakeHum, Faults
from tests.engine.vendor import WHOLE, Vendor, rows, swapped

QUARTER = {"start": datetime(2026, 1, 1, tzinfo=UTC), "end": datetime(2026, 3, 31, tzinfo=UTC)}
QUICK = Retry(attempts=2, backoff_s=0.001, max_backoff_s=0.002)
ENDINGS = [".jsonl", ".csv", ".duckdb"]


@pytest.fixture(params=ENDINGS)
def target(request, tmp_path):
    return tmp_path / f"out{request.param}"


@asynccontextmanager
async def opened(fake, *, secret=None):
    async with fake:
        if isinstance(fake, FakeHum):
            provider = Hum(secret or fake.token, base_url=fake.base_url)
        else:
            provider = AttributionHub(secret or fake.key, base_url=fake.base_url)
        async with Client(provider, retry=QUICK) as client:
            yield client


def read_back(target):
    """Return what was written, each row as ``id, time, campaign, order number, conversion``."""
    if target.suffix == ".duckdb":
        with duckdb.connect(str(target), read_only=True) as connection:
            return connection.execute(
                "SELECT id, epoch_us(started_at), campaign, order_number, conversion_email "
                "FROM sessions ORDER BY started_at DESC"
            ).fetchall()
    if target.suffix == ".csv":
        with target.open(newline="") as file:
            return [
                (
                    row["id"],
                    micros(row["started_at"]),
                    row["campaign"] or None,
                    row["order_number"] or None,
                    row["conversion_email"] or None,
                )
                for row in csv.DictReader(file)
            ]
    return [as_written(json.loads(line)) for line in target.read_bytes().splitlines()]


def as_written(session):
    order, conversion = session["order"] or {}, session["conversion"] or {}
    return (
        session["id"],
        micros(session["started_at"]),
        session["campaign"],
        order.get("number"),
        conversion.get("email"),
    )


def micros(text):
    return round(datetime.fromisoformat(text).timestamp() * 1_000_000)


def truth_of(fake):
    """Return what the vendor has, in the same shape; ``None`` for ids that are ours to make."""
    return [
        (
            row.data.get("id"),
            round(row.time.timestamp() * 1_000_000),
            row.data.get("campaign_id") if "id" in row.data else row.data.get("campaign"),
            row.data.get("order_number"),
            (row.data.get("conversion") or {}).get("email"),
        )
        for row in fake.listing.snapshot()
    ]


FAKES = {
    "hum": lambda **more: FakeHum(rows=337, **more),
    "attributionhub": lambda **more: FakeAttributionHub(rows=337, twins=5, **QUARTER, **more),
}


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("vendor", FAKES)
async def test_a_target_holds_what_the_vendor_has_each_row_once(vendor, target, ordered):
    fake = FAKES[vendor]()
    async with opened(fake) as client:
        query = client.sessions(**WHOLE).with_options(ordered=ordered)
        report = await query.pull(to=target)
        truth = truth_of(fake)
    written = read_back(target)
    assert len({row[0] for row in written}) == 337
    if vendor == "attributionhub":
        written = [(None, *row[1:]) for row in written]
    assert Counter(written) == Counter(truth)
    assert (report.complete, report.rows) == (True, 337)
    assert report.outcome.startswith(f"337 rows written to {target}")


async def test_files_keep_the_vendors_order(tmp_path):
    fake = FakeHum(rows=337)
    async with opened(fake) as client:
        await client.sessions(**WHOLE).pull(to=tmp_path / "out.jsonl")
        assert read_back(tmp_path / "out.jsonl") == truth_of(fake)


async def test_rows_go_to_standard_output_as_lines(capsysbinary):
    fake = FakeHum(rows=120)
    async with opened(fake) as client:
        report = await client.sessions(**WHOLE).pull(to="-")
        truth = truth_of(fake)
    lines = capsysbinary.readouterr().out.splitlines()
    assert [as_written(json.loads(line)) for line in lines] == truth
    assert report.outcome == "120 rows written to standard output"


@pytest.mark.parametrize("vendor", FAKES)
async def test_nothing_found_is_a_complete_target_without_rows(vendor, target):
    fake = {"hum": FakeHum, "attributionhub": FakeAttributionHub}[vendor](rows=0)
    async with opened(fake) as client:
        report = await client.sessions(**WHOLE).pull(to=target)
    assert report.complete
    assert read_back(target) == []


@pytest.mark.parametrize(
    ("make", "error"), [(FakeHum, AuthenticationError), (FakeAttributionHub, PermissionDeniedError)]
)
async def test_a_wrong_key_leaves_nothing_behind_but_what_it_has_cost(make, error, target):
    async with opened(make(rows=500), secret="invented-wrong-key") as client:
        with pytest.raises(error) as caught:
            await client.sessions(**WHOLE).pull(to=str(target))
    (sidecar,) = target.parent.iterdir()
    assert {".ledger", ".plan"} <= {path.suffix for path in sidecar.iterdir()}
    (ledger,) = sidecar.glob("*.ledger")
    assert len(ledger.read_text().splitlines()) == 1
    assert caught.value.__notes__ == [f"nothing was written to {target}: the pull is not complete"]
    assert caught.value.report.outcome == caught.value.__notes__[0]


async def test_a_quota_that_ends_in_the_middle_keeps_the_windows_before(tmp_path):
    target = tmp_path / "out.duckdb"
    fake = FakeAttributionHub(rows=900, quota=9, **QUARTER)
    async with opened(fake) as client:
        with pytest.raises(QuotaExceededError) as caught:
            await client.sessions(**WHOLE).pull(to=target)
        newest = client.provider.longest_window
        truth = truth_of(fake)
    written = read_back(target)
    since = micros("2026-04-01T00:00:00Z") - newest.total_seconds() * 1_000_000
    assert [row[1] for row in written] == [row[1] for row in truth if row[1] >= since]
    assert 250 < len(written) < 350
    assert "1 window complete, and the pages that came wait" in caught.value.__notes__[0]
    fake.quota = None
    bought = len(fake.requests)
    async with opened(fake) as client:
        report = await client.sessions(**WHOLE).pull(to=target)
    assert report.complete
    assert [row[1] for row in read_back(target)] == [row[1] for row in truth]
    assert report.requests_before == bought
    assert 9 + report.requests == sum(-(-rows // 50) for rows in rows_in_windows(truth, newest))


def rows_in_windows(truth, longest):
    """Return how many rows lie in each window of the first quarter of 2026, newest first."""
    end = micros("2026-04-01T00:00:00Z")
    places = [int((end - 1 - row[1]) // (longest.total_seconds() * 1_000_000)) for row in truth]
    return [places.count(place) for place in range(max(places) + 1)]


async def test_a_page_that_stays_broken_costs_the_next_go_no_page_but_that_one(target):
    faults = Faults(first=QUICK.attempts, kinds=["500"], only_pages=[4])
    fake = FakeHum(rows=337, faults=faults)
    async with opened(fake) as client:
        with pytest.raises(ServerError) as caught:
            await client.sessions(**WHOLE).pull(to=target)
    assert not target.exists() or read_back(target) == []
    (left,) = caught.value.__notes__
    assert left.startswith(f"nothing was written to {target}, and the pages that came wait")
    assert caught.value.report.outcome == left
    async with opened(fake) as client:
        report = await client.sessions(**WHOLE).pull(to=target)
        assert {row[0] for row in read_back(target)} == {row[0] for row in truth_of(fake)}
    assert (report.complete, report.rows, report.requests) == (True, 337, 1)


async def test_the_same_pull_again_asks_for_nothing_and_a_fresh_one_replaces_the_rows(target):
    fake = FakeHum(rows=120)
    async with opened(fake) as client:
        query = client.sessions(**WHOLE)
        await query.pull(to=target)
        before = read_back(target)
        fake.listing.delete(3)
        fake.listing.edit(4, {"order_number": "late"})
        report = await query.pull(to=target)
        assert (report.complete, report.rows, report.requests) == (True, 120, 0)
        assert "complete already" in report.outcome
        assert read_back(target) == before
        report = await query.pull(to=target, fresh=True)
        assert report.complete
        assert sorted(read_back(target), key=str) == sorted(truth_of(fake), key=str)


async def test_two_vendors_pull_into_one_file_at_once(tmp_path):
    target = tmp_path / "out.duckdb"
    hum, hub = FAKES["hum"](), FAKES["attributionhub"]()
    async with opened(hum) as first, opened(hub) as second:
        reports = await asyncio.gather(
            first.sessions(**WHOLE).pull(to=target), second.sessions(**WHOLE).pull(to=target)
        )
    assert [report.rows for report in reports] == [337, 337]
    assert len(read_back(target)) == 674


# ---------------------------------------------------------------------- unproven, limited


def unproven():
    """Return a vendor of 70 rows whose second page leads back up in time."""
    vendor = Vendor(swapped(rows(70)))
    vendor.latency_s = lambda _: 0
    return vendor


async def test_an_unproven_pull_raises_and_keeps_its_rows(tmp_path):
    target = tmp_path / "out.duckdb"
    with pytest.raises(IncompleteError) as caught:
        await unproven().client().sessions(**WHOLE).pull(to=target)
    assert len(read_back(target)) == 70
    assert caught.value.report.outcome.startswith(f"70 rows written to {target}")
    assert "0 windows complete" in caught.value.report.outcome
    assert caught.value.__notes__ == [caught.value.report.outcome]


async def test_an_unproven_pull_that_only_warns_says_where_the_rows_are(tmp_path):
    query = unproven().client().sessions(**WHOLE).with_options(on_incomplete="warn")
    report = await query.pull(to=tmp_path / "out.jsonl")
    assert not report.complete
    assert report.outcome.startswith(f"70 rows written to {tmp_path / 'out.jsonl.partial'}, ")


@pytest.mark.parametrize("limit", [60, 100, 200])
async def test_a_limit_is_refused_for_a_target_that_keeps_books(target, limit):
    vendor = Vendor(rows(100))
    query = vendor.client().sessions(**WHOLE).with_options(limit=limit)
    with pytest.raises(ConfigurationError, match="limit is for a look"):
        await query.pull(to=target)
    assert vendor.pages == []
    assert not list(target.parent.iterdir())


@pytest.mark.parametrize("ordered", [True, False])
async def test_a_limit_of_exactly_all_rows_is_complete(capsysbinary, ordered):
    vendor = Vendor(rows(100))
    query = vendor.client().sessions(**WHOLE).with_options(limit=100, ordered=ordered)
    assert (await query.pull(to="-")).complete
    assert len(capsysbinary.readouterr().out.splitlines()) == 100


async def test_a_limit_below_is_not_complete(capsysbinary):
    query = Vendor(rows(100)).client().sessions(**WHOLE)
    report = await query.with_options(limit=60).pull(to="-")
    assert not report.complete
    assert report.outcome.startswith("60 rows written to")
    assert len(capsysbinary.readouterr().out.splitlines()) == 60


async def test_a_cancelled_pull_closes_its_target(target):
    fake = FakeHum(rows=337, latency_s=0.02)
    async with opened(fake) as client:
        seen = asyncio.Event()
        query = client.sessions(**WHOLE).with_options(on_progress=lambda _: seen.set())
        task = asyncio.ensure_future(query.pull(to=target))
        await seen.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for _ in range(100):
            if not fake.in_flight:
                break
            await asyncio.sleep(0.01)
        assert fake.in_flight == 0
        report = await client.sessions(**WHOLE).pull(to=target)
    assert report.complete
    assert len(read_back(target)) == 337
    names = {path.name for path in target.parent.iterdir()}
    assert {target.name} <= names <= {target.name, f"{target.name}.pull"}
    assert not list(target.parent.rglob("*.spool"))


# ---------------------------------------------------------------------- memory

MEASURED = """
import asyncio, re, resource, sys
from pathlib import Path
from asyncsessions import Client, Hum

async def main():
    async with Client(Hum(sys.argv[2], base_url=sys.argv[1])) as client:
        query = client.sessions(start="2026-01-01", end="2026-03-31")
        report = await query.pull(to=sys.argv[3])
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    status = Path("/proc/self/status")
    if status.exists():  # there the former begins with the peak of the process that started us
        peak_kib = re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text())[1]
    print(report.rows, peak_kib)

asyncio.run(main())
"""


def peak_kib(rows, tmp_path):
    """Return the peak memory of a process that pulls so many rows to JSON lines, in KiB."""
    with FakeHum(rows=rows).in_thread() as fake:
        ended = subprocess.run(
            [
                sys.executable,
                "-c",
                MEASURED,
                fake.base_url,
                fake.token,
                str(tmp_path / f"{rows}.jsonl"),
            ],
            capture_output=True,
            text=True,
            check=True,
            timeout=100,
        )
    pulled, peak = map(int, ended.stdout.split())
    assert pulled == rows
    return peak


@pytest.mark.slow
def test_memory_grows_by_at_most_40_mb_from_5_000_to_100_000_rows(tmp_path):
    grown = peak_kib(100_000, tmp_path) - peak_kib(5_000, tmp_path)
    assert grown * 1024 < 40_000_000
