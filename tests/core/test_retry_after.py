"""`Retry-After` is a total function: some seconds, or nothing said; never an exception."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import isfinite

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from asyncsessions.core.retry_after import LONGEST_S, parse_http_date, parse_retry_after

NOW = datetime(1994, 11, 6, 8, 49, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 120 ", 120.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("2.", 2.0),
        ("+3", 3.0),
        ("-5", 0.0),
        ("9" * 400, LONGEST_S),
        ("1" + "0" * 9, LONGEST_S),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 7.0),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 7.0),
        ("Sun Nov  6 08:49:37 1994", 7.0),
        ("Sun, 06 Nov 1994 09:49:37 +0100", 7.0),
        ("Sun, 06 Nov 1994 08:49:23 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_S),
    ],
)
def test_seconds_and_the_three_http_dates_are_understood(value, seconds):
    assert parse_retry_after(value, now=NOW) == seconds


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "soon",
        "inf",
        "-inf",
        "nan",
        "1e3",
        "0x10",
        "1_000",
        "١٢٠",
        "²",
        "1,5",
        "12 seconds",
        "Sun, 06 Nov 99999 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 +9999",
        "Sun, 06 Nov 1994 99:99:99 GMT",
        "\x00",
    ],
)
def test_junk_says_nothing(value):
    assert parse_retry_after(value, now=NOW) is None


dates = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).map(
    lambda moment: moment.strftime("%a, %d %b %Y %H:%M:%S GMT")
)
parts = st.sampled_from(["Sun,", "06", "Nov", "1994", "08:49:37", "GMT", "+0100", "-", "99", ":"])
texts = st.one_of(
    st.none(),
    st.text(),
    dates,
    st.integers().map(str),
    st.floats().map(str),
    st.lists(parts | st.text(max_size=3), max_size=8).map(" ".join),
)


@given(texts, st.datetimes(timezones=st.just(UTC)))
@example("Mon, 01 Jan 0001 00:00:00 +2359", datetime.max.replace(tzinfo=UTC))
@example("Fri, 31 Dec 9999 23:59:59 -2359", datetime.min.replace(tzinfo=UTC))
def test_any_text_gives_a_finite_wait_or_nothing(value, now):
    wait_s = parse_retry_after(value, now=now)
    assert wait_s is None or (isfinite(wait_s) and 0 <= wait_s <= LONGEST_S)


@given(st.timedeltas(timedelta(0), timedelta(days=366)))
def test_a_date_that_far_ahead_is_that_many_seconds(ahead):
    ahead = timedelta(seconds=int(ahead.total_seconds()))
    value = (NOW + ahead).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert parse_retry_after(value, now=NOW) == ahead.total_seconds()


def test_http_dates_are_aware():
    assert parse_http_date("Sun Nov  6 08:49:37 1994") == NOW + timedelta(seconds=7)
    assert parse_http_date(None) is None
