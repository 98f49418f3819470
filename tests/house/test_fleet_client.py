"""The formulas of docs/scale.md against the client itself, which pulls into files in virtual time."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right
from datetime import datetime, timedelta
from random import Random

import msgspec
import pytest
from attrs import evolve

from asyncsessions import Retry
from asyncsessions.core.http import Response
from asyncsessions.testing import run_virtual
from asyncsessions.testing.limits import TokenBucket
from tests.engine.vendor import NEWEST, HubVendor, Vendor
from tools.fleet.model import Tenant, estimate, pull_job
from tools.fleet.model import Vendor as Model
from tools.fleet.running import Asked, run

# Work takes no time on a virtual clock.
HUM = Model(name="Hum", page_size=50, longest_days=None, lookback_days=60, cpu_s=0, start_cpu_s=0)
HUB = evolve(HUM, name="AttributionHub", longest_days=30)


class Limited:
    """Answers from evenly spread sessions, after a latency that varies, at a limited rate."""

    def __init__(self, tenant, days, *, seed=1):
        apart_s = 86_400 / tenant.sessions_a_day
        self.count = round(tenant.sessions_a_day * days)
        listing = [
            {
                "id": f"{number:08x}-0000-4000-8000-000000000000",
                "created_at": (NEWEST - timedelta(seconds=apart_s * (number + 0.5))).isoformat(),
            }
            for number in range(self.count)
        ]
        super().__init__(listing)
        self.ages = [apart_s * (number + 0.5) for number in range(self.count)]
        chance = Random(seed)
        self.latency_s = lambda _: tenant.latency_s * chance.uniform(0.6, 1.4)
        self.bucket = TokenBucket(tenant.rate_per_s, max(1, int(tenant.rate_per_s or 1)))
        self.refused = 0

    async def send(self, request, *, timeout_s):
        if self.bucket.take(asyncio.get_running_loop().time()):
            return await super().send(request, timeout_s=timeout_s)
        self.refused += 1
        await asyncio.sleep(0.02)
        return Response(status=429, body=b"")

    def found(self, start, end):
        youngest, oldest = (
            (NEWEST - datetime.fromisoformat(text)).total_seconds() for text in (end, start)
        )
        return bisect_left(self.ages, youngest), bisect_right(self.ages, oldest)

    def honest(self, page, start=None, end=None):
        first, last = self.found(start, end)
        rows = self.listing[first:last][50 * (page - 1) : 50 * page]
        return Response(status=200, body=msgspec.json.encode(self.body(page, rows, last - first)))


class LimitedHum(Limited, Vendor):
    def body(self, page, rows, total):
        meta = {"responded_at": None, "page": page, "pages": -(-total // 50), "count": total}
        return {"data": rows, "message": "listed", "meta": meta, "request_status": "ok"}


class LimitedHub(Limited, HubVendor):
    def body(self, page, rows, total):
        records = [{"timestamp": row["created_at"]} for row in rows]
        pages = {"current_page": page, "total_pages": -(-total // 50), "total_records": total}
        return {"records": records, "pagination": pages}


def pulled(tenant, days, folder, *, count=1):
    """Pull so many tenants at once; return seconds, requests that were answered, and rows."""
    kind = LimitedHum if tenant.vendor is HUM else LimitedHub
    vendors = [kind(tenant, days, seed=seed) for seed in range(count)]

    async def pull(number):
        async with vendors[number].client(concurrency=tenant.concurrency, retry=Retry()) as client:
            sessions = client.sessions(start=NEWEST - timedelta(days=days), end=NEWEST)
            return await sessions.pull(folder / f"{number}.jsonl")

    async def pull_all():
        return await asyncio.gather(*(pull(number) for number in range(count)))

    reports, took_s = run_virtual(pull_all())
    assert all(report.complete for report in reports)
    requests = sum(report.requests for report in reports)
    refused = sum(vendor.refused for vendor in vendors)
    assert requests == sum(len(vendor.pages) + vendor.refused for vendor in vendors)
    return took_s, requests - refused, sum(report.rows for report in reports)


@pytest.mark.parametrize(
    ("vendor", "sessions", "days", "rate"),
    [
        (HUM, 300, 50, None),  # one window
        (HUM, 500, 50, None),  # a window that is cut
        (HUB, 300, 50, None),  # two windows
        (HUM, 300, 50, 3.0),
    ],
)
def test_a_pull_of_the_client_takes_what_formula_and_simulation_say(
    vendor, sessions, days, rate, tmp_path
):
    tenant = Tenant(vendor=vendor, sessions_a_day=sessions, latency_s=0.3, rate_per_s=rate)
    told = estimate([pull_job(tenant, days)])
    played = run([Asked(tenant=tenant, days=days)])
    took_s, requests, rows = pulled(tenant, days, tmp_path)
    assert requests == pytest.approx(told.requests, abs=2)
    assert rows == played.rows == told.rows
    assert took_s == pytest.approx(told.wall_s, rel=0.1)
    assert took_s == pytest.approx(played.wall_s, rel=0.1)


def test_five_tenants_of_the_client_take_as_long_as_one(tmp_path):
    tenant = Tenant(vendor=HUM, sessions_a_day=150, latency_s=0.3, rate_per_s=5.0)
    for name in ("one", "five"):
        (tmp_path / name).mkdir()
    one_s, requests, _ = pulled(tenant, 20, tmp_path / "one")
    five_s, five_requests, _ = pulled(tenant, 20, tmp_path / "five", count=5)
    assert five_requests == 5 * requests == 300
    assert five_s == pytest.approx(one_s, rel=0.1)
