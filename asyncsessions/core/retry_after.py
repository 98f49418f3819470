"""The ``Retry-After`` header as a total function (RFC 9110 §10.2.3, dates as in §5.6.7)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["LONGEST_S", "parse_retry_after"]

LONGEST_S = 366 * 86_400.0
"""What an absurd wait is cut to, in seconds: a year."""

SECONDS = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")


def parse_retry_after(value: str | None, *, now: datetime) -> float | None:
    """Return the wait in seconds, from 0 to :data:`LONGEST_S`; ``None`` if nothing is said.

    Reads whole and fractional seconds and the three HTTP date forms; a moment in the past is 0,
    junk is ``None``.  ``now`` is the moment of the answer, best the server's own (its ``Date``),
    so that a wrong clock here does no harm.  Never raises.
    """
    text = (value or "").strip()
    if SECONDS.fullmatch(text):
        return max(0.0, min(float(text), LONGEST_S))
    moment = parse_http_date(text)
    if moment is None:
        return None
    return max(0.0, min((moment - now).total_seconds(), LONGEST_S))


def parse_http_date(value: str | None) -> datetime | None:
    """Return the moment of an HTTP date in any of its three forms, ``None`` for anything else."""
    try:
        moment = parsedate_to_datetime(value or "")
        # asctime has no zone: HTTP dates are in GMT.
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
