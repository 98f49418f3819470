"""Totals that are wrong by any factor, and filters that are not heard: few requests, all rows."""

from __future__ import annotations

import asyncio

import pytest

from asyncsessions import Client, Hum
from asyncsessions.testing import FakeHum

QUARTER = {"start": "2026-01-01", "end": "2026-03-31"}


@pytest.mark.parametrize("claim", [60_000, 10_000_000, 10**12])
async def test_totals_far_too_large_do_not_cut_a_list_into_a_million_windows(tmp_path, claim):
    async with (
        FakeHum(rows=700, claim_rows=claim) as fake,
        Client(Hum(fake.token, base_url=fake.base_url)) as client,
    ):
        query = client.sessions(**QUARTER).with_options(on_incomplete="warn", max_requests=2_000)
        async with asyncio.timeout(60):
            report = await query.pull(tmp_path / "sessions.jsonl")
        assert len(fake.requests) < 300
    assert report.rows == 700


async def test_an_estimate_of_such_totals_ends_too(tmp_path):
    async with (
        FakeHum(rows=700, claim_rows=10**12) as fake,
        Client(Hum(fake.token, base_url=fake.base_url)) as client,
    ):
        query = client.sessions(**QUARTER).with_options(max_requests=2_000)
        await query.estimate(tmp_path / "sessions.jsonl")
        assert len(fake.requests) < 300
