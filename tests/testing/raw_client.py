"""Requests to the fakes with nothing but aiohttp, so that no client of ours hides a mistake."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import attrs

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from asyncsessions.testing import FakeAttributionHub, FakeHum

SPAN = {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-03-31T23:59:59Z"}


@attrs.frozen
class Got:
    """A complete answer."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)


@attrs.frozen
class HumSide:
    """Asks a fake Hum."""

    http: aiohttp.ClientSession
    server: FakeHum

    async def get(
        self, path: str = "/analytics/sessions", token: str | None = None, **query: Any
    ) -> Got:
        headers = {"Authorization": f"Bearer {token or self.server.token}"}
        return await self.raw(path, headers, query)

    async def raw(self, path: str, headers: dict[str, str], query: dict[str, Any]) -> Got:
        url = self.server.base_url + path
        async with self.http.get(url, params=query, headers=headers, allow_redirects=False) as got:
            return Got(got.status, await got.read(), dict(got.headers))

    async def walk(self, **query: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        page = 1
        while True:
            answer = (await self.get(page=page, **query)).json
            rows += answer["data"]
            if page >= answer["meta"]["pages"]:
                return rows
            page += 1


@attrs.frozen
class HubSide:
    """Asks a fake AttributionHub."""

    http: aiohttp.ClientSession
    server: FakeAttributionHub

    async def post(self, key: str | None = None, **fields: Any) -> Got:
        return await self.raw({"Authentication": key or self.server.key}, json=fields)

    async def raw(
        self, headers: dict[str, str], path: str = "/api/v1/sessions", **keywords: Any
    ) -> Got:
        url = self.server.base_url + path
        async with self.http.post(url, headers=headers, allow_redirects=False, **keywords) as got:
            return Got(got.status, await got.read(), dict(got.headers))

    async def walk(self, **fields: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        page = 1
        while True:
            found = (await self.post(page=page, **fields)).json.get("records", [])
            rows += found
            if len(found) < self.server.page_size:
                return rows
            page += 1


@asynccontextmanager
async def asking_hum(server: FakeHum) -> AsyncGenerator[HumSide]:
    """Start a fake Hum and yield what asks it."""
    async with server, aiohttp.ClientSession() as http:
        yield HumSide(http, server)


@asynccontextmanager
async def asking_hub(server: FakeAttributionHub) -> AsyncGenerator[HubSide]:
    """Start a fake AttributionHub and yield what asks it."""
    async with server, aiohttp.ClientSession() as http:
        yield HubSide(http, server)
