"""An auto-pager as many SDKs have it: httpx and pydantic, one page after the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import httpx
from pydantic import BaseModel, ConfigDict

from benchmarks.contenders.floor_default import HEADERS, QUERY


class Address(BaseModel):
    model_config = ConfigDict(frozen=True)

    street1: str | None = None
    street2: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None


class Session(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: str
    created_at: datetime
    campaign_id: str | None = None
    address: Address | None = None
    furthest_step: int | None = None
    order_number: str | None = None
    ordered_at: datetime | None = None
    installed: bool | None = None
    installed_at: datetime | None = None
    commission_cents: int | None = None


class Meta(BaseModel):
    page: int
    pages: int
    count: int


class Page(BaseModel):
    data: list[Session]
    meta: Meta


async def sessions(http: httpx.AsyncClient, base_url: str) -> AsyncIterator[Session]:
    page, last = 1, 1
    while page <= last:
        answer = await http.get(f"{base_url}/analytics/sessions?page={page}&{QUERY}")
        answer.raise_for_status()
        found = Page.model_validate_json(answer.content)
        for session in found.data:
            yield session
        page, last = page + 1, found.meta.pages


async def run(base_url: str, _: int, __: int) -> int:
    count = 0
    async with httpx.AsyncClient(headers=HEADERS) as http:
        async for _session in sessions(http, base_url):
            count += 1
    return count
