"""The hand-written loop of aiohttp and cattrs once more, now into the record of both vendors.

It does what one has to do to get the same objects as from asyncsessions: cattrs reads the vendor's
row, and a function makes the common record of it.
"""

from __future__ import annotations

import asyncio

import aiohttp

from asyncsessions import Address, Order, Session
from benchmarks.contenders import cattrs_loop
from benchmarks.contenders.floor_default import HEADERS


def normalised(row: cattrs_loop.Session) -> Session:
    address = row.address
    return Session(
        provider="hum",
        id=row.id,
        started_at=row.created_at,
        campaign=row.campaign_id,
        address=Address(
            street1=address.street1,
            street2=address.street2,
            city=address.city,
            state=address.state,
            zip=address.zip,
        ),
        furthest_step=row.furthest_step,
        order=_order(row),
    )


def _order(row: cattrs_loop.Session) -> Order | None:
    order = Order(
        number=row.order_number,
        ordered_at=row.ordered_at,
        installed=row.installed,
        installed_at=row.installed_at,
        commission_cents=row.commission_cents,
    )
    return None if order == Order() else order


async def sequential(base_url: str, pages: int, _: int) -> int:
    sessions = 0
    async with aiohttp.ClientSession(headers=HEADERS) as http:
        for page in range(1, pages + 1):
            rows, _last = await cattrs_loop.read_page(http, base_url, page)
            sessions += len([normalised(row) for row in rows])
    return sessions


async def gathered(base_url: str, pages: int, _: int) -> int:
    async with aiohttp.ClientSession(headers=HEADERS) as http:
        first, last = await _page(http, base_url, 1)
        others = [_page(http, base_url, page) for page in range(2, min(pages, last) + 1)]
        return len(first) + sum([len(rows) for rows, _ in await asyncio.gather(*others)])


async def _page(http: aiohttp.ClientSession, base_url: str, page: int) -> tuple[list[Session], int]:
    rows, last = await cattrs_loop.read_page(http, base_url, page)
    return [normalised(row) for row in rows], last
