"""A vendor in memory, for tests of the engine in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from attrs import evolve

from asyncsessions import AttributionHub, Client, Hum, Retry
from asyncsessions.core.http import Request, Response

NEWEST = datetime(2026, 3, 31, 12, tzinfo=UTC)
WHOLE = {"start": "2026-01-01", "end": "2026-03-31"}


def rows(count: int, *, apart_s: float = 60.0) -> list[dict[str, Any]]:
    """Return so many Hum rows, newest first."""
    return [
        {
            "id": f"{number:08x}-0000-4000-8000-000000000000",
            "created_at": (NEWEST - timedelta(seconds=apart_s * number)).isoformat(),
        }
        for number in range(count)
    ]


def swapped(listing: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a listing whose pages are in time order, though it is not: that is never proven."""
    for edge in range(50, len(listing), 50):
        listing[edge - 1], listing[edge] = listing[edge], listing[edge - 1]
    return listing


class Vendor:
    """Answers like Hum from a list, after a latency that depends on the page.

    ``latency_s`` and ``answer`` may be replaced to misbehave on a page; ``answer`` returns a
    response or ``None`` for the honest one.
    """

    def __init__(self, listing: Sequence[dict[str, Any]], *, total: int | None = None) -> None:
        self.listing = list(listing)
        self.total = total
        self.pages: list[int] = []
        self.ranges: list[tuple[str, str]] = []
        self.in_flight = self.most_in_flight = 0
        self.samples: list[int] = []
        self.latency_s: Callable[[int], float] = lambda _: 0.05
        self.answer: Callable[[int], Response | None] = lambda _: None

    async def send(self, request: Request, *, timeout_s: float) -> Response:
        params = dict(request.params)
        page = int(params["page"])
        self.pages.append(page)
        asked = params["start_date"], params["end_date"]
        self.ranges.append(asked)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        self.samples.append(self.in_flight)
        try:
            await asyncio.sleep(self.latency_s(page))
        finally:
            self.in_flight -= 1
        return self.answer(page) or self.honest(page, *asked)

    def honest(self, page: int, start: str | None = None, end: str | None = None) -> Response:
        """Return the page of a range as it is."""
        first, last = (datetime.fromisoformat(text) if text else None for text in (start, end))
        found = [
            row
            for row in self.listing
            if (first is None or datetime.fromisoformat(row["created_at"]) >= first)
            and (last is None or datetime.fromisoformat(row["created_at"]) <= last)
        ]
        total = len(found) if self.total is None else self.total
        body = {
            "message": "Analytics sessions",
            "request_status": "ok",
            "data": found[50 * (page - 1) : 50 * page],
            "meta": {"responded_at": None, "page": page, "pages": -(-total // 50), "count": total},
        }
        return Response(status=200, body=msgspec.json.encode(body))

    def client(self, **options: Any) -> Client[...]:
        """Return a client of this vendor."""
        options.setdefault("retry", Retry(attempts=1))
        return Client(Hum("invented", environment="sandbox"), transport=self, **options)

    @property
    def ids(self) -> list[str]:
        """The ids in the vendor's order."""
        return [row["id"] for row in self.listing]


def failing(status: int = 400) -> Response:
    """Return an answer that is final."""
    return Response(status=status, body=b"no")


class HubVendor(Vendor):
    """Answers like AttributionHub: no ids, and a window of 30 days at most."""

    async def send(self, request: Request, *, timeout_s: float) -> Response:
        asked = msgspec.json.decode(request.body)
        params = {key: str(asked[key]) for key in ("page", "start_date", "end_date")}
        return await super().send(
            evolve(request, params=tuple(params.items())), timeout_s=timeout_s
        )

    def honest(self, page: int, start: str | None = None, end: str | None = None) -> Response:
        answer = msgspec.json.decode(super().honest(page, start, end).body)
        if not answer["data"]:
            body: Any = {"message": "No sessions found for the given parameters."}
        else:
            records = [
                {"timestamp": row["created_at"], "source": row.get("source")}
                for row in answer["data"]
            ]
            total = answer["meta"]["count"]
            pages = {"current_page": page, "total_pages": 1, "total_records": total}
            body = {"records": records, "pagination": pages}
        return Response(status=200, body=msgspec.json.encode(body))

    def client(self, **options: Any) -> Client[...]:
        options.setdefault("retry", Retry(attempts=1))
        hub = AttributionHub("invented", base_url="https://hub.test")
        return Client(hub, transport=self, **options)
