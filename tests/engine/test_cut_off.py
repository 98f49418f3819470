"""What a pull says and delivers when it is cut off in the middle, by an error or by a limit."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from asyncsessions import InvalidQueryError, Session
from asyncsessions.core.http import Response
from asyncsessions.core.report import Report
from asyncsessions.testing import run_virtual
from tests.engine.vendor import NEWEST, WHOLE, Vendor, failing, rows


def crowded(count: int, *, first: int, last: int, fraction_s: float = 0.0) -> list[dict[str, Any]]:
    """Return rows a minute apart, but for those first..last, which share one instant."""
    listing = rows(count)
    for number, row in enumerate(listing):
        place = first if first <= number <= last else number
        row["created_at"] = (NEWEST - timedelta(seconds=60 * place + fraction_s)).isoformat()
    return listing


def fail_at(vendor: Vendor, request: int) -> list[str]:
    """Let the vendor refuse its n-th request, and return the ids that it shows until then."""
    requests, shown, honest = itertools.count(1), [], vendor.honest

    def noted(page: int, start: str | None = None, end: str | None = None) -> Response:
        response = honest(page, start, end)
        shown.extend(row["id"] for row in msgspec.json.decode(response.body)["data"])
        return response

    vendor.honest = noted  # type: ignore[method-assign]
    vendor.answer = lambda _: failing() if next(requests) == request else None
    return shown


def cut_off(vendor: Vendor, *, concurrency: int, **options: Any) -> tuple[list[Session], Report]:
    """Pull until the error, and return the rows that came and the report."""

    async def pull() -> tuple[list[Session], Report]:
        found = []
        async with (
            vendor.client(concurrency=concurrency) as client,
            client.sessions(**WHOLE).with_options(**options) as stream,
        ):
            with pytest.raises(InvalidQueryError):
                async for session in stream:
                    found.append(session)
            return found, stream.report

    return run_virtual(pull())[0]


@pytest.mark.parametrize("consistency", ["count", "strict"])
@pytest.mark.parametrize("concurrency", [2, 8])
@pytest.mark.parametrize("request_number", [2, 3, 5, 9, 12])
@pytest.mark.parametrize("slow", [None, 2])
def test_every_row_that_an_error_kept_back_lies_in_what_is_unproven(
    consistency: str, concurrency: int, request_number: int, slow: int | None
) -> None:
    vendor = Vendor(crowded(600, first=100, last=400))
    vendor.latency_s = lambda page: 0.3 if page == slow else 0.05
    fail_at(vendor, request_number)
    found, report = cut_off(vendor, concurrency=concurrency, consistency=consistency)
    came = {session.id for session in found}
    kept_back = [row for row in vendor.listing if row["id"] not in came]
    assert kept_back
    for row in kept_back:
        moment = datetime.fromisoformat(row["created_at"])
        assert any(first <= moment <= last for first, last in report.unproven)


@pytest.mark.parametrize("fraction_s", [0.0, 0.4])
@pytest.mark.parametrize("request_number", [2, 3, 5, 9, 12])
def test_rows_that_came_before_an_error_are_delivered_even_of_one_instant(
    fraction_s: float, request_number: int
) -> None:
    vendor = Vendor(crowded(600, first=100, last=400, fraction_s=fraction_s))
    shown = fail_at(vendor, request_number)
    found, _ = cut_off(vendor, concurrency=1, consistency="strict")
    assert sorted(session.id for session in found) == sorted(set(shown))


@pytest.mark.parametrize("consistency", ["count", "strict"])
@pytest.mark.parametrize("concurrency", [1, 4, 64])
@pytest.mark.parametrize("limit", [60, 300, 1000])
def test_the_first_rows_are_the_newest_ones_without_a_hole(
    consistency: str, concurrency: int, limit: int
) -> None:
    vendor = Vendor(rows(4000))

    async def pull() -> list[str]:
        async with vendor.client(concurrency=concurrency) as client:
            query = client.sessions(**WHOLE).with_options(consistency=consistency)
            return [session.id for session in await query.first(limit)]

    assert run_virtual(pull())[0] == vendor.ids[:limit]


def test_the_first_rows_have_no_hole_where_a_range_is_still_to_be_read() -> None:
    vendor = Vendor(rows(400))
    gone = vendor.listing[10]["id"]
    honest = vendor.honest

    def shrinking(page: int, start: str | None = None, end: str | None = None) -> Response:
        response = honest(page, start, end)
        vendor.listing = [row for row in vendor.listing if row["id"] != gone]
        return response

    vendor.honest = shrinking  # type: ignore[method-assign]
    standing = [name for name in vendor.ids if name != gone]

    async def pull() -> list[str]:
        async with vendor.client(concurrency=1) as client:
            return [session.id for session in await client.sessions(**WHOLE).first(97)]

    found = [name for name in run_virtual(pull())[0] if name != gone]
    assert found == standing[: len(found)]
