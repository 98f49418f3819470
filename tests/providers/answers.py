"""Answers of both vendors for tests of how they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from asyncsessions import AttributionHub, Hum, Session, UnexpectedResponseError
from asyncsessions.core.answer import Answer
from asyncsessions.core.http import Response
from asyncsessions.core.windows import Window, resolve_range, split, to_datetime

FIXTURES = Path(__file__).parent / "fixtures"
TOKEN = "canary-hum-token-4711"
KEY = "canary-attributionhub-key-4712"

HUM = Hum(TOKEN, environment="sandbox")
AHUB = AttributionHub(KEY, base_url="https://hub.example.com")
PROVIDERS: dict[str, Any] = {"hum": HUM, "attributionhub": AHUB}

HUM_ROW: dict[str, Any] = {"id": "row-1", "created_at": "2026-03-01T12:00:00Z"}
AHUB_ROW: dict[str, Any] = {"timestamp": "2026-03-01T12:00:00Z"}
NOW = to_datetime(1_775_000_000_000_000)


def fixture(name: str) -> Response:
    return Response(status=200, body=(FIXTURES / name).read_bytes())


def answered(body: object, status: int = 200, **headers: str) -> Response:
    sent = body if isinstance(body, bytes) else msgspec.json.encode(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, headers=named, body=sent)


def hum_page(*rows: object, **changes: object) -> dict[str, Any]:
    meta = {"responded_at": "2026-03-12T15:00:00Z", "page": 1, "pages": 1, "count": len(rows)}
    page = {"message": "m", "request_status": "ok", "data": list(rows), "meta": meta}
    return {**page, **changes}


def ahub_page(*rows: object, **changes: object) -> dict[str, Any]:
    pagination = {"current_page": 1, "total_pages": 1, "total_records": len(rows)}
    return {"records": list(rows), "pagination": pagination, **changes}


def page_with(vendor: str, row: dict[str, Any] | None = None, **changes: object) -> Response:
    """Return an answer with one row: the vendor's least one, changed by `row`."""
    if vendor == "hum":
        return answered(hum_page({**HUM_ROW, **(row or {})}, **changes))
    return answered(ahub_page({**AHUB_ROW, **(row or {})}, **changes))


def windows_of(vendor: str, start: Any, end: Any) -> list[Window]:
    return split(resolve_range(start, end, now=NOW), PROVIDERS[vendor].longest_window)


def read(vendor: str, response: Response, **options: bool) -> Answer[Session]:
    return PROVIDERS[vendor].read_page(response, page=1, **options)


def refused(vendor: str, response: Response) -> UnexpectedResponseError:
    """Return the error that reading a first page raises."""
    with pytest.raises(UnexpectedResponseError) as caught:
        read(vendor, response)
    return caught.value
