"""A vendor without a network: answers are made by a function, time is virtual."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from asyncsessions import Client, Retry
from asyncsessions.core.http import Request, Response
from asyncsessions.errors import SessionsError
from asyncsessions.testing import run_virtual
from tests.providers.answers import PROVIDERS, ahub_page, answered, hum_page

RANGE = {"start": "2025-03-01", "end": "2025-03-20"}
Script = Callable[[Request], Response | SessionsError]


class Scripted:
    """A transport that answers by script and keeps every request."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.requests: list[Request] = []

    async def send(self, request: Request, *, timeout_s: float) -> Response:
        self.requests.append(request)
        outcome = self._script(request)
        if isinstance(outcome, SessionsError):
            raise outcome
        return outcome


class Listed:
    """A list that stands still, filtered by both bounds, inclusively, in the order given."""

    def __init__(self, vendor: str, rows: Sequence[dict[str, Any]], *, size: int = 50) -> None:
        self._is_hum = vendor == "hum"
        self._time = "created_at" if self._is_hum else "timestamp"
        self.rows = list(rows)
        self.size = size
        self.claimed_total: int | None = None
        self.claimed_pages: int | None = None

    def __call__(self, request: Request) -> Response:
        asked = asked_of(request)
        first, last = (datetime.fromisoformat(asked[f"{end}_date"]) for end in ("start", "end"))
        rows = [r for r in self.rows if first <= datetime.fromisoformat(r[self._time]) <= last]
        page = int(asked["page"])
        shown = rows[(page - 1) * self.size : page * self.size]
        total = len(rows) if self.claimed_total is None else self.claimed_total
        pages = -(-total // self.size) if self.claimed_pages is None else self.claimed_pages
        if self._is_hum:
            meta = {"page": page, "pages": pages, "count": total}
            return answered(hum_page(*shown, meta=meta))
        if not shown:
            return answered({"message": "No sessions found for the given parameters."})
        pagination = {"current_page": page, "total_pages": pages, "total_records": total}
        return answered(ahub_page(*shown, pagination=pagination))


def asked_of(request: Request) -> dict[str, Any]:
    """Return what a list request asks for, whichever vendor it is made for."""
    asked: dict[str, Any] = dict(request.params) if request.body is None else {}
    return asked or json.loads(request.body or b"{}")


def made(vendor: str, count: int, *, minutes: int = 5) -> list[dict[str, Any]]:
    """Return so many rows, newest first, one each few minutes back from 2025-03-19."""
    times = []
    for number in range(count):
        second = 1_742_342_400 - number * 60 * minutes
        times.append(datetime.fromtimestamp(second).astimezone().isoformat())
    if vendor == "hum":
        return [{"id": f"row-{i}", "created_at": time} for i, time in enumerate(times)]
    return [
        {"timestamp": time, "landing_page": f"https://shop.example.com/{i}"}
        for i, time in enumerate(times)
    ]


def pulled(vendor: str, script: Script, work: Any, **options: Any) -> tuple[Any, list[Request]]:
    """Run `work(client)` on a virtual clock and return its result and all requests."""
    transport = Scripted(script)
    retry = options.pop("retry", Retry(backoff_s=0.1))

    async def run() -> Any:
        async with Client(PROVIDERS[vendor], transport=transport, retry=retry, **options) as client:
            return await work(client)

    result, _ = run_virtual(run)
    return result, transport.requests


def collected(
    vendor: str, script: Script, *, where: Any = None, retry: Retry | None = None, **options: Any
) -> Any:
    """Collect everything in March 2025 and return the sessions, or the error, and the requests."""

    async def work(client: Client[...]) -> Any:
        try:
            return await client.sessions(**(where or RANGE)).with_options(**options).collect()
        except SessionsError as error:
            return error

    return pulled(vendor, script, work, **({} if retry is None else {"retry": retry}))
