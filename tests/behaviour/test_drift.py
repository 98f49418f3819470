"""Whole pulls from vendors whose lists never stand still, over real loopback HTTP."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from attrs import frozen

from asyncsessions import AttributionHub, Client, Hum, Retry
from asyncsessions.core.report import Report
from asyncsessions.testing import Drift, FakeAttributionHub, FakeHum
from tests.behaviour.test_whole_pulls import RANGE, in_range

pytestmark = pytest.mark.slow
ROWS = 4_000
PAGES = ROWS // 50
DENSE = {
    "+3 -5": {"insert_backdated_every": 3, "delete_every": 5},
    "+4 -3": {"insert_backdated_every": 4, "delete_every": 3},
    "+4 -5": {"insert_backdated_every": 4, "delete_every": 5},
    "all kinds": {
        "insert_now_every": 6,
        "insert_backdated_every": 4,
        "insert_on_instant_every": 7,
        "delete_every": 5,
        "edit_every": 2,
    },
}


@frozen
class Outcome:
    """What came of a pull: rows that stood throughout and did not come, and what it cost."""

    missing: int
    doubled: int
    requests: int
    report: Report


async def pulled(vendor: str, *, rows: int = ROWS, **switches: Any) -> Outcome:
    """Pull a drifting list with eight requests at a time, answers overtaking each other."""
    options = switches.pop("options", {})
    fake_of = FakeHum if vendor == "hum" else FakeAttributionHub
    settings = {**in_range(rows), "latency_s": (0.001, 0.004), **switches}
    async with fake_of(**settings) as fake:
        if isinstance(fake, FakeHum):
            provider: Any = Hum(fake.token, base_url=fake.base_url)
        else:
            provider = AttributionHub(fake.key, base_url=fake.base_url)
        async with Client(provider, retry=Retry(backoff_s=0.002)) as client:
            found = await client.sessions(**RANGE).with_options(**options).collect()
    standing = Counter(row.time for row in fake.listing.standing_since())
    came = Counter(session.started_at for session in found)
    ids = Counter(session.id for session in found)
    return Outcome(
        missing=(standing - came).total(),
        doubled=sum(count > 1 for count in ids.values()),
        requests=len(fake.requests),
        report=found.report,
    )


def check(outcome: Outcome, *, most: float) -> None:
    assert outcome.report.complete
    assert (outcome.missing, outcome.doubled) == (0, 0)
    assert outcome.requests == outcome.report.requests <= most * PAGES


@pytest.fixture(params=["hum", "attributionhub"])
def vendor(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("consistency", ["count", "strict"])
@pytest.mark.parametrize("until", [40, None])
@pytest.mark.parametrize("kind", list(DENSE))
async def test_dense_drift_is_read_exactly(
    vendor: str, kind: str, until: int | None, consistency: str
) -> None:
    drift = Drift(**DENSE[kind], until_answer=until, seed=len(kind) + (until or 0))
    options = {"consistency": consistency}
    outcome = await pulled(vendor, drift=drift, options=options)
    check(outcome, most=1.6)
    assert outcome.report.ordered
    assert outcome.report.late == 0


@pytest.mark.parametrize("change", ["insert_backdated_every", "delete_every", "torn_total_every"])
@pytest.mark.parametrize("moment", [7, 40, 77])
async def test_one_late_row_or_deletion_costs_little(vendor: str, change: str, moment: int) -> None:
    drift = Drift(**{change: moment}, until_answer=moment, seed=moment)
    check(await pulled(vendor, drift=drift), most=1.2)


async def test_strict_is_exact_when_every_change_cancels_another(vendor: str) -> None:
    drift = Drift(insert_backdated_every=1, delete_every=1, seed=3)
    check(await pulled(vendor, drift=drift, options={"consistency": "strict"}), most=1.3)


@pytest.mark.parametrize("consistency", ["count", "strict"])
async def test_rows_in_no_order_are_read_exactly_while_they_change(
    vendor: str, consistency: str
) -> None:
    drift = Drift(**DENSE["+4 -5"], seed=5)
    options = {"consistency": consistency}
    outcome = await pulled(vendor, drift=drift, order="shuffled", options=options)
    check(outcome, most=2.2)
    assert not outcome.report.ordered


@pytest.mark.parametrize("consistency", ["count", "strict"])
async def test_120_rows_on_one_instant_are_read_exactly_while_others_change(
    vendor: str, consistency: str
) -> None:
    drift = Drift(**DENSE["+4 -5"], edit_every=2, seed=6)
    options = {"consistency": consistency}
    outcome = await pulled(vendor, drift=drift, rows_on_one_instant=120, options=options)
    check(outcome, most=1.6)


async def test_twins_on_page_edges_cost_nothing_where_nothing_moves() -> None:
    outcome = await pulled("attributionhub", twins=79)
    check(outcome, most=1.0)


async def test_a_list_that_stands_still_costs_strict_little_more(vendor: str) -> None:
    check(await pulled(vendor, options={"consistency": "strict"}), most=1.15)


async def test_a_list_that_changes_faster_than_it_is_read_ends_and_is_named() -> None:
    drift = Drift(insert_on_instant_every=1, seed=1)
    options = {"on_incomplete": "warn", "consistency": "strict"}
    outcome = await pulled("hum", rows=1000, rows_on_one_instant=400, drift=drift, options=options)
    assert outcome.requests <= 40 + 4 * (outcome.report.rows // 50 + 30)
    assert outcome.missing == 0 or outcome.report.unproven
    assert outcome.report.complete is not bool(outcome.report.unproven)


@pytest.mark.parametrize("order", ["shuffled", "oldest_first"])
async def test_twins_keep_ids_of_their_own_when_reading_by_position_is_left(order: str) -> None:
    drift = Drift(**DENSE["+4 -5"], seed=1)
    outcome = await pulled("attributionhub", rows=1000, twins=19, order=order, drift=drift)
    assert outcome.doubled == 0
    assert outcome.missing == 0
    assert outcome.report.complete
