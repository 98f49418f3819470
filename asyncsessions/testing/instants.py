"""Instants as whole microseconds since 1970, and the texts the two vendors write for them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Literal

__all__ = [
    "DAY_US",
    "SECOND_US",
    "Timestamps",
    "datetime_of",
    "instant_of",
    "read_instant",
    "step_of",
    "text_of",
]

Timestamps = Literal["whole_seconds", "milliseconds"]

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# Rows are made on demand, so their texts are put together from tables: a third of the time of
# `datetime.isoformat`.
_MINUTE_TEXTS = [f"T{minute // 60:02d}:{minute % 60:02d}:" for minute in range(24 * 60)]
_SECOND_TEXTS = [f"{second:02d}" for second in range(60)]


def instant_of(moment: datetime) -> int:
    """Return the microseconds since 1970 of an aware datetime.

    Raises:
        ValueError: the datetime is naive.

    """
    if moment.tzinfo is None:
        msg = f"{moment!r} has no time zone"
        raise ValueError(msg)
    return (moment - _EPOCH) // _MICROSECOND


def datetime_of(instant: int) -> datetime:
    """Return the aware UTC datetime of an instant in microseconds."""
    return _EPOCH + timedelta(microseconds=instant)


def text_of(instant: int, timestamps: Timestamps = "whole_seconds") -> str:
    """Return the RFC 3339 text of an instant, cut to whole seconds or to milliseconds."""
    day, rest = divmod(instant, DAY_US)
    second, fraction = divmod(rest, SECOND_US)
    text = _day_text(day) + _MINUTE_TEXTS[second // 60] + _SECOND_TEXTS[second % 60]
    return f"{text}Z" if timestamps == "whole_seconds" else f"{text}.{fraction // 1000:03d}Z"


@cache
def _day_text(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).date().isoformat()


def step_of(timestamps: Timestamps) -> int:
    """Return the smallest distance, in microseconds, between two different timestamps."""
    return SECOND_US if timestamps == "whole_seconds" else 1_000


def read_instant(text: object, *, end_of_day: bool = False, only_full: bool = False) -> int:
    """Return the instant that an ISO 8601 text names, a missing zone meaning UTC.

    Args:
        text: a timestamp or a `YYYY-MM-DD` date.
        end_of_day: a date stands for its last microsecond instead of its first.
        only_full: dates and timestamps without a zone are refused.

    Raises:
        ValueError: it is not such a text.

    """
    if not isinstance(text, str) or not text:
        msg = f"{text!r} is not a timestamp"
        raise ValueError(msg)
    if len(text) == len("2026-01-01"):
        if only_full:
            msg = f"{text!r} is a date, not a timestamp"
            raise ValueError(msg)
        day = date.fromisoformat(text)
        first = instant_of(datetime(day.year, day.month, day.day, tzinfo=UTC))
        return first + DAY_US - 1 if end_of_day else first
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        if only_full:
            msg = f"{text!r} has no time zone"
            raise ValueError(msg)
        moment = moment.replace(tzinfo=UTC)
    return instant_of(moment)
