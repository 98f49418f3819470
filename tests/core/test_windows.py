"""Ranges are pinned once and cut into windows that own every instant exactly once."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta, timezone
from math import ceil
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from asyncsessions.core.windows import (
    TimeRange,
    check_order,
    resolve_range,
    split,
    to_datetime,
    to_micros,
)
from asyncsessions.errors import InvalidQueryError

NOW = datetime(2026, 3, 31, 12, 0, 5, 300_000, tzinfo=UTC)
LATEST = datetime(2026, 3, 31, 12, 0, 4, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2026, 12, 31)).map(
    lambda moment: moment.replace(tzinfo=UTC)
)


@given(moments, st.timedeltas(timedelta(0), timedelta(days=400)), st.booleans(), st.data())
def test_windows_own_the_range_exactly_once_and_are_as_few_as_can_be(start, length, closed, data):
    longest = data.draw(st.none() | st.integers(1, 60).map(lambda days: timedelta(days=days)))
    pinned = TimeRange(start, start + length, closed)
    windows = split(pinned, longest)
    owned = [window.owned for window in windows]
    assert owned[0].hi == pinned.span.hi
    assert owned[-1].lo == pinned.span.lo
    assert all(newer.lo == older.hi for newer, older in itertools.pairwise(owned))
    for window in windows:
        assert window.asked_start.microsecond == window.asked_end.microsecond == 0
        assert longest is None or window.asked_end - window.asked_start <= longest
        assert window.asked & window.owned == window.owned
        assert window.asked_start > start - SECOND
        assert window.asked_end < pinned.end + SECOND
    asked_s = (windows[0].asked_end - windows[-1].asked_start).total_seconds()
    fewest = 1 if longest is None else max(1, ceil(asked_s / longest.total_seconds()))
    assert len(windows) == fewest


@given(moments, st.timedeltas(timedelta(0), timedelta(days=400)), st.booleans(), st.data())
def test_windows_cut_at_days_own_the_range_once_and_meet_at_midnight(start, length, closed, data):
    longest = timedelta(days=data.draw(st.integers(1, 60)))
    pinned = TimeRange(start, start + length, closed)
    windows = split(pinned, longest, at_days=True)
    owned = [window.owned for window in windows]
    assert owned[0].hi == pinned.span.hi
    assert owned[-1].lo == pinned.span.lo
    assert all(newer.lo == older.hi for newer, older in itertools.pairwise(owned))
    assert all(span.lo % 86_400_000_000 == 0 for span in owned[:-1])
    assert all(window.asked_end - window.asked_start <= longest for window in windows)
    whole = [window for window in windows[1:-1] if window.asked_end - window.asked_start < longest]
    assert whole == []


def test_a_window_of_exactly_the_longest_length_stays_whole():
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert len(split(TimeRange(start, start + timedelta(days=30), True), timedelta(days=30))) == 1
    later = start + timedelta(days=30, microseconds=1)
    assert len(split(TimeRange(start, later, True), timedelta(days=30))) == 2


def test_a_range_at_the_beginning_of_the_calendar_is_cut_too():
    pinned = resolve_range(date.min, date(1, 1, 5), now=NOW)
    (window,) = split(pinned, timedelta(days=30))
    assert window.asked_start == datetime.min.replace(tzinfo=UTC)


@given(moments)
def test_microseconds_and_moments_are_inverse(moment):
    assert to_datetime(to_micros(moment)) == moment


def test_a_date_as_end_includes_its_day():
    pinned = resolve_range(date(2026, 1, 1), date(2026, 1, 31), now=NOW)
    assert pinned.start == datetime(2026, 1, 1, tzinfo=UTC)
    assert to_datetime(pinned.span.hi) == datetime(2026, 2, 1, tzinfo=UTC)
    assert pinned == resolve_range("2026-01-01", "2026-01-31", now=NOW)


def test_a_datetime_as_end_includes_its_instant():
    end = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    pinned = resolve_range("2026-01-01", end, now=NOW)
    assert pinned == TimeRange(datetime(2026, 1, 1, tzinfo=UTC), end, closed=True)
    assert to_datetime(pinned.span.hi) == end + MICROSECOND


def test_times_with_an_offset_become_utc():
    pinned = resolve_range(
        "2026-01-01T02:00:00+02:00", datetime(2026, 1, 2, tzinfo=ZoneInfo("Asia/Tokyo")), now=NOW
    )
    assert pinned.start == datetime(2026, 1, 1, tzinfo=UTC)
    assert pinned.end == datetime(2026, 1, 1, 15, tzinfo=UTC)
    assert pinned.start.tzinfo is pinned.end.tzinfo is UTC


@pytest.mark.parametrize(
    "end", [None, date(2026, 3, 31), "2027-01-01", date.max, datetime.max.replace(tzinfo=UTC)]
)
def test_no_end_is_later_than_the_last_whole_second_that_is_over(end):
    assert resolve_range("2026-03-01", end, now=NOW) == TimeRange(
        datetime(2026, 3, 1, tzinfo=UTC), LATEST, closed=True
    )


def test_an_end_that_has_just_passed_is_kept():
    assert resolve_range("2026-03-01", LATEST, now=NOW).end == LATEST
    assert resolve_range("2026-03-01", LATEST + MICROSECOND, now=NOW).end == LATEST


def test_timedeltas_count_back_from_now():
    pinned = resolve_range(timedelta(days=30), timedelta(days=1), now=NOW)
    assert (pinned.start, pinned.end) == (NOW - timedelta(days=30), NOW - timedelta(days=1))


def test_a_start_within_the_running_second_is_one_instant():
    pinned = resolve_range(timedelta(0), None, now=NOW)
    assert pinned == TimeRange(NOW, NOW, closed=True)
    assert len(split(pinned, timedelta(days=30))) == 1


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (datetime(2026, 1, 1), None, "start is a datetime without a time zone"),
        ("2026-01-01T00:00:00", None, "start has no time zone: write 2026-01-31T12:00:00Z"),
        ("2026-01-01", datetime(2026, 1, 1), "end is a datetime without a time zone"),
        ("yesterday", None, "start is not an ISO 8601 time"),
        ("", None, "start is not an ISO 8601 time"),
        ("2026-02-30", None, "start is not an ISO 8601 time"),
        (timedelta(days=-1), None, "start is a negative timedelta"),
        (17, None, "start must be an aware datetime"),
        (None, None, "not NoneType"),
        (b"2026-01-01", None, "not bytes"),
        (date(2026, 1, 2), date(2026, 1, 1), "is later than end"),
        ("2026-01-01T00:00:01Z", "2026-01-01T00:00:00Z", "is later than end"),
        (timedelta(days=1), timedelta(days=2), "is later than end"),
        ("0001-01-01T00:00:00+14:00", None, "start lies outside of the calendar"),
    ],
)
def test_what_can_never_be_a_range_is_refused_before_any_clock_is_read(start, end, message):
    with pytest.raises(InvalidQueryError, match=message):
        check_order(start, end)
    with pytest.raises(InvalidQueryError, match=message):
        resolve_range(start, end, now=NOW)


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        ("2026-04-01", None, "start lies in the future: 2026-04-01T00:00:00"),
        (date.max, None, "start lies in the future"),
        (timedelta.max, None, "days back from now is before year 1"),
        (timedelta(days=1), date(2026, 1, 1), "is later than end"),
        ("2026-03-31", timedelta(days=5), "is later than end"),
    ],
)
def test_what_is_no_range_now_is_refused(start, end, message):
    check_order(start, end)
    with pytest.raises(InvalidQueryError, match=message):
        resolve_range(start, end, now=NOW)


zones = st.sampled_from(
    [UTC, *(timezone(timedelta(hours=hours)) for hours in (-12, 14)), None]
    + [ZoneInfo(name) for name in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")]
)
anything = st.one_of(
    st.datetimes(timezones=zones, allow_imaginary=True),
    st.dates(),
    st.timedeltas(),
    st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    st.dates().map(str),
    st.text(max_size=30),
    st.integers() | st.floats() | st.none() | st.booleans(),
)


@given(anything, anything, st.sampled_from([None, timedelta(days=30)]))
@example(date.min, date.min, timedelta(days=30))
@example(datetime.max.replace(tzinfo=timezone(-timedelta(hours=12))), None, None)
@example("9999-12-31T23:59:59.999999-23:59", None, None)
def test_no_input_raises_anything_but_invalid_query_error(start, end, longest):
    try:
        check_order(start, end)
        pinned = resolve_range(start, end, now=NOW)
    except InvalidQueryError:
        return
    assert pinned.start <= pinned.end <= NOW
    windows = split(pinned, longest)
    assert windows[-1].owned.lo == pinned.span.lo
    assert windows[0].owned.hi == pinned.span.hi
