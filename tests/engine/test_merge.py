"""Several queries become one stream, newest first."""

from __future__ import annotations

from typing import Any

import pytest

from asyncsessions import ConfigurationError, InvalidQueryError, Session, merge
from asyncsessions.engine.merge import MergedStream
from asyncsessions.testing import run_virtual
from tests.engine.vendor import WHOLE, Vendor, failing, rows


async def merged(*vendors: Vendor, **options: Any) -> tuple[list[Session], MergedStream]:
    clients = [vendor.client() for vendor in vendors]
    stream = merge(*(client.sessions(**WHOLE) for client in clients), **options)
    found = []
    try:
        async with stream:
            async for session in stream:
                found.append(session)
    finally:
        for client in clients:
            await client.aclose()
    return found, stream


def test_the_newest_session_of_all_sources_comes_first() -> None:
    one, other = Vendor(rows(230)), Vendor(rows(120, apart_s=95.0))
    (found, stream), _ = run_virtual(merged(one, other))
    times = [session.started_at for session in found]
    assert times == sorted(times, reverse=True)
    assert len(found) == 350
    assert stream.is_complete
    assert stream.is_in_order
    assert [report.rows for report in stream.reports] == [230, 120]


def test_of_equal_times_the_first_source_goes_first() -> None:
    one, other = Vendor(rows(1)), Vendor([{**rows(1)[0], "id": "other"}])
    (found, _), _ = run_virtual(merged(one, other))
    assert [session.id for session in found] == [one.ids[0], "other"]


def test_a_failing_source_ends_the_whole_by_default() -> None:
    one, other = Vendor(rows(230)), Vendor(rows(230))
    other.answer = lambda page: failing() if page == 3 else None

    async def pull() -> None:
        with pytest.raises(InvalidQueryError):
            await merged(one, other)

    run_virtual(pull())


def test_a_failing_source_can_be_left_out() -> None:
    one, other = Vendor(rows(230)), Vendor(rows(230))
    other.answer = lambda page: failing() if page == 3 else None
    (found, stream), _ = run_virtual(merged(one, other, on_source_error="skip"))
    assert len(found) == 230 + 100
    assert list(stream.errors) == [1]
    assert not stream.is_complete


def test_a_source_in_no_order_is_told() -> None:
    one, other = Vendor(rows(30)), Vendor(rows(30)[::-1])
    (found, stream), _ = run_virtual(merged(one, other))
    assert len(found) == 60
    assert not stream.is_in_order


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="on_source_error"):
        merge(on_source_error="ignore")
