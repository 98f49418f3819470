"""Three readers of one list that moves while it is read: who loses rows, and who says so.

Each run starts a fake of Hum on this machine and reads it over HTTP. After every fourth answer a
session appears somewhere in the past, after every fifth one vanishes. A reader has lost a row if
that row was there from the first request to the last and did not come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
from attrs import define

from asyncsessions import Client, Hum
from asyncsessions.testing import Drift, FakeHum

RUNS = range(5)
SPAN = {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-03-31T23:59:59Z"}


async def page(http: aiohttp.ClientSession, number: int) -> tuple[set[str], int]:
    query = {**SPAN, "page": str(number)}
    async with http.get("/analytics/sessions", params=query) as answer:
        body = await answer.json()
    return {row["id"] for row in body["data"]}, body["meta"]["pages"]


def http_of(fake: FakeHum) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        fake.base_url,
        headers={"Authorization": f"Bearer {fake.token}"},
        connector=aiohttp.TCPConnector(limit=8),
    )


async def with_gather(fake: FakeHum) -> tuple[set[str], str]:
    async with http_of(fake) as http:
        ids, pages = await page(http, 1)
        others = await asyncio.gather(*(page(http, number) for number in range(2, pages + 1)))
    return ids.union(*(found for found, _ in others)), "nothing"


async def one_by_one(fake: FakeHum) -> tuple[set[str], str]:
    async with http_of(fake) as http:
        ids, pages = await page(http, 1)
        number = 1
        while number < pages:
            number += 1
            found, pages = await page(http, number)
            ids |= found
    return ids, "nothing"


async def with_asyncsessions(fake: FakeHum) -> tuple[set[str], str]:
    async with Client(Hum(fake.token, base_url=fake.base_url)) as client:
        query = client.sessions(start="2026-01-01", end="2026-03-31")
        rows = await query.with_options(on_incomplete="warn").collect()
    assert len({row.id for row in rows}) == len(rows), "a row came twice"
    return {row.id for row in rows}, "complete" if rows.report.complete else "incomplete"


@define
class Sums:
    """What one reader did in all runs."""

    stood: int = 0
    lost: int = 0
    losing_runs: int = 0
    requests: int = 0


async def try_out(name: str, reader: Callable[[FakeHum], Awaitable[tuple[set[str], str]]]) -> None:
    sums, said = Sums(), set[str]()
    for seed in RUNS:
        drift = Drift(insert_backdated_every=4, delete_every=5, seed=seed)
        latency_s = (0.002, 0.02)
        async with FakeHum(rows=2000, latency_s=latency_s, drift=drift, seed=seed) as fake:
            ids, says = await reader(fake)
        stood = {str(row.data["id"]) for row in fake.listing.standing_since(version=0)}
        sums.stood += len(stood)
        sums.lost += len(stood - ids)
        sums.losing_runs += not stood <= ids
        sums.requests += len(fake.requests)
        said.add(says)
    print(
        f"{name:<22}{sums.stood:>6,}{sums.lost:>6}{sums.losing_runs:>9} of {len(RUNS)}"
        f"{sums.requests:>10}  {', '.join(said)}"
    )


async def main() -> None:
    print("reader                 stood  lost  in so many  requests  says")
    await try_out("gather, dedupe by id", with_gather)
    await try_out("serial, dedupe by id", one_by_one)
    await try_out("asyncsessions", with_asyncsessions)


if __name__ == "__main__":
    asyncio.run(main())
