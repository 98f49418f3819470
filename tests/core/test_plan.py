"""The plan of a pull, and the one text that a range is known by."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from asyncsessions.core.plan import asked_range
from asyncsessions.errors import InvalidQueryError

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
IN_BERLIN = datetime(2026, 1, 1, 13, tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize(
    "start", [NOON, IN_BERLIN, "2026-01-01T12:00:00Z", "2026-01-01T13:00:00+01:00", "20260101T12Z"]
)
def test_equal_moments_give_equal_texts(start):
    assert asked_range(start, None) == "2026-01-01T12:00:00+00:00/now"


def test_a_day_begins_with_its_first_moment_and_ends_before_the_next():
    text = "2026-01-01T00:00:00+00:00/2026-02-01T00:00:00+00:00 excluded"
    assert asked_range(date(2026, 1, 1), "2026-01-31") == text
    assert asked_range("2026-01-01T00:00:00Z", date(2026, 1, 31)) == text


def test_a_time_back_from_now_is_known_by_its_length():
    weeks, hours = timedelta(weeks=1), timedelta(hours=7 * 24)
    assert asked_range(weeks, None) == asked_range(hours, None) == "-604800.000000s/now"
    assert asked_range(weeks, timedelta(microseconds=1)).endswith("/-0.000001s")


def test_the_last_day_is_not_its_first_moment():
    assert asked_range(NOON, date(2026, 1, 2)) != asked_range(NOON, "2026-01-02T00:00:00Z")


def test_what_is_no_moment_is_refused():
    with pytest.raises(InvalidQueryError, match="end is not an ISO 8601 time"):
        asked_range(NOON, "soon")
