"""A sync each day for thirty days: the target is what the vendor has."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from random import Random

import duckdb
import pytest

from asyncsessions.core.changes import ChangeKind
from asyncsessions.testing import FakeAttributionHub, FakeHum
from tests.durability.life import BEGIN, DAY, Life, client_of
from tests.durability.reading import rows_in

LOOKBACKS = {"hum": timedelta(days=45), "attributionhub": timedelta(days=7)}
FAKES = {"hum": FakeHum, "attributionhub": FakeAttributionHub}


def facts_of(row):
    """Return what can change of a row as the vendor has it, and when it began."""
    data = row.data
    conversion, exit_ = data.get("conversion") or {}, data.get("exit") or {}
    return (
        row.time,
        data.get("order_number"),
        data.get("installed"),
        data.get("commission_cents"),
        conversion.get("email"),
        exit_.get("exit_page"),
        data.get("duration"),
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["duckdb", "dataset"])
@pytest.mark.parametrize("vendor", FAKES)
async def test_after_thirty_days_of_syncs_the_target_is_what_the_vendor_has(tmp_path, vendor, kind):
    lookback = LOOKBACKS[vendor]
    to = str(tmp_path / "sessions") + ("/" if kind == "dataset" else ".duckdb")
    requests = []
    async with FAKES[vendor](rows=900, start=BEGIN - 60 * DAY, end=BEGIN - DAY / 24) as fake:
        life = Life(fake, Random(4), settled=lookback - DAY)
        async with client_of(fake) as client:
            first = await life.sync(client, to, lookback=lookback)
            for _ in range(30):
                life.pass_day(begun=15, edited=12, deleted=1)
                report = await life.sync(client, to, lookback=lookback)
                assert report.complete
                requests.append(report.requests)
        truth = Counter(map(facts_of, fake.listing.snapshot()))
    assert Counter(rows_in(tmp_path, kind)) == truth
    # About a request for each page of the lookback, and no more than one for each window on top.
    pages = 15 * lookback.days / 50
    assert first.requests <= 900 / 50 + 4
    assert sum(requests) / 30 <= pages + 3


@pytest.mark.slow
async def test_all_that_happened_is_in_the_table_of_changes(tmp_path):
    target = tmp_path / "sessions.duckdb"
    async with FakeHum(rows=600, start=BEGIN - 30 * DAY, end=BEGIN - DAY / 24) as fake:
        life = Life(fake, Random(2), settled=29 * DAY)
        async with client_of(fake) as client:
            await life.sync(client, str(target), lookback=30 * DAY)
            for _ in range(3):
                life.pass_day(begun=10, edited=7, deleted=2)
                await life.sync(client, str(target), lookback=33 * DAY)
    with duckdb.connect(str(target), read_only=True) as connection:
        found: list[tuple[ChangeKind, int]] = connection.execute(
            "SELECT change, count(*) FROM session_changes GROUP BY 1 ORDER BY 1"
        ).fetchall()
        installed = connection.execute(
            "SELECT count(*) FROM session_changes "
            "WHERE new.order_installed AND NOT coalesce(old.order_installed, false)"
        ).fetchone()
    counts = dict(found)
    # A session that was edited and deleted on one day, or begun and deleted, counts as one.
    assert 24 <= counts["added"] <= 30
    assert 15 <= counts["changed"] <= 21
    assert 3 <= counts["removed"] <= 6
    assert installed is not None
    assert installed[0] > 0


@pytest.mark.slow
async def test_with_revisit_older_stretches_are_read_less_often_and_still_come_right(tmp_path):
    to = str(tmp_path / "sessions.duckdb")
    costs = {}
    for revisit in 0.0, 0.5:
        async with FakeHum(rows=1_200, start=BEGIN - 60 * DAY, end=BEGIN - DAY / 24) as fake:
            life = Life(fake, Random(3), settled=40 * DAY)
            async with client_of(fake) as client:
                target = to.replace("sessions", f"sessions-{revisit}")
                await life.sync(client, target, lookback=60 * DAY, revisit=revisit)
                spent = 0
                for _ in range(8):
                    life.pass_day(begun=20, edited=10, deleted=0)
                    report = await life.sync(client, target, lookback=60 * DAY, revisit=revisit)
                    spent += report.requests
                costs[revisit] = spent
                await life.sync(client, target, lookback=60 * DAY)  # once more, all of it
                truth = Counter(map(facts_of, fake.listing.snapshot()))
        assert Counter(rows_in(tmp_path, "duckdb", name=f"sessions-{revisit}")) == truth
    assert costs[0.5] < 0.6 * costs[0.0]
