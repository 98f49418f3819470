"""Time ranges: what the user asked for, and the windows in which it is asked of a vendor.

A *window* is asked closed and rounded outward to whole seconds, because both vendors include
both bounds and document no finer ones; it is *owned* half-open, so that an instant on the border
of two windows is delivered once.  Only the newest window owns an explicit end instant.

The end is pinned when a pull begins and never lies in the future: rows that arrive meanwhile
would shift every page.  The last whole second is still being written while it runs, so *now*
means the second before it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from attrs import frozen

from asyncsessions.core.tiles import Span
from asyncsessions.errors import InvalidQueryError

__all__ = ["TimeLike", "TimeRange", "Window", "resolve_range", "split", "to_datetime", "to_micros"]

EXAMPLE = "2026-01-31T12:00:00Z"
type_error = "must be an aware datetime, a date, an ISO 8601 string or a timedelta back from now"

TimeLike = datetime | date | str | timedelta
"""A moment: aware ``datetime``, ``date``, ISO 8601 string, or ``timedelta`` back from now."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


def to_micros(moment: datetime) -> int:
    """Return whole microseconds since 1970 UTC; the moment must be aware."""
    return (moment - EPOCH) // MICROSECOND


def to_datetime(micros: int) -> datetime:
    """Return the aware UTC moment of so many microseconds since 1970."""
    return EPOCH + micros * MICROSECOND


@frozen
class TimeRange:
    """A pinned range: ``start`` belongs to it; ``end`` does if ``closed``, else it is the border."""

    start: datetime
    end: datetime
    closed: bool

    @property
    def span(self) -> Span:
        """The instants of the range in microseconds, half-open."""
        return Span(to_micros(self.start), to_micros(self.end) + self.closed)


@frozen
class Window:
    """One range to ask: ``owned`` instants, asked as the closed range ``asked_start..asked_end``."""

    owned: Span
    asked_start: datetime
    asked_end: datetime

    @property
    def asked(self) -> Span:
        """The instants that the vendor is asked for, in microseconds, half-open."""
        return Span(to_micros(self.asked_start), to_micros(self.asked_end) + 1)


def checked(value: TimeLike, *, what: str) -> datetime | date | timedelta:
    """Read a moment as far as that is possible without knowing what time it is.

    Raises :class:`InvalidQueryError` for naive datetimes, unreadable strings, negative timedeltas
    and anything else.
    """
    if isinstance(value, str):
        value = _parsed(value, what=what)
        if isinstance(value, datetime) and value.utcoffset() is None:
            raise InvalidQueryError(f"{what} has no time zone: write {EXAMPLE}")
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise InvalidQueryError(
                f"{what} is a datetime without a time zone: write e.g. "
                f"{what}=datetime(…, tzinfo=timezone.utc)"
            )
        try:
            return value.astimezone(UTC)
        except OverflowError:
            raise InvalidQueryError(f"{what} lies outside of the calendar") from None
    if isinstance(value, timedelta):
        if value < timedelta(0):
            raise InvalidQueryError(f"{what} is a negative timedelta: it counts back from now")
        return value
    if isinstance(value, date):
        return value
    raise InvalidQueryError(f"{what} {type_error}, not {type(value).__name__}")


def _parsed(text: str, *, what: str) -> datetime | date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise InvalidQueryError(
            f"{what} is not an ISO 8601 time: write 2026-01-31 or {EXAMPLE}"
        ) from None


def check_order(start: TimeLike, end: TimeLike | None) -> None:
    """Refuse what can never be a range, before any clock is read.

    Raises :class:`InvalidQueryError` as :func:`resolve_range` does.
    """
    first, last = checked(start, what="start"), None if end is None else checked(end, what="end")
    if isinstance(first, timedelta) and isinstance(last, timedelta):
        if first < last:
            raise InvalidQueryError("start is later than end")
    elif last is not None and not isinstance(first, timedelta) and not isinstance(last, timedelta):
        _refuse_reversed(_start(first, EPOCH), _end(last, EPOCH))


def resolve_range(start: TimeLike, end: TimeLike | None, *, now: datetime) -> TimeRange:
    """Pin a range: ``end=None`` means now, and no end is later than that.

    A ``date`` as end includes that day (UTC).  Raises :class:`InvalidQueryError` for what
    :func:`checked` refuses, for a start later than the end and for a start in the future.
    """
    latest = now.astimezone(UTC).replace(microsecond=0) - SECOND
    first = _start(checked(start, what="start"), now)
    if first > now:
        raise InvalidQueryError(f"start lies in the future: {first.isoformat()}")
    pinned = TimeRange(first, max(first, latest), closed=True)
    if end is None:
        return pinned
    last, closed = _end(checked(end, what="end"), now)
    _refuse_reversed(first, (last, closed))
    return TimeRange(first, last, closed) if last <= latest else pinned


def to_bounds(
    start: datetime | date, end: datetime | date
) -> tuple[datetime, tuple[datetime, bool]]:
    """Return the moments that two bounds mean, and whether the last one belongs to the range."""
    first, (last, is_included) = _start(start, EPOCH), _end(end, EPOCH)
    return first.astimezone(UTC), (last.astimezone(UTC), is_included)


def _refuse_reversed(first: datetime, end: tuple[datetime, bool]) -> None:
    last, closed = end
    if first > last or (first == last and not closed):
        raise InvalidQueryError(
            f"start ({first.isoformat()}) is later than end ({last.isoformat()})"
        )


def _start(value: datetime | date | timedelta, now: datetime) -> datetime:
    if isinstance(value, timedelta):
        try:
            return now.astimezone(UTC) - value
        except OverflowError:
            raise InvalidQueryError(f"{value.days} days back from now is before year 1") from None
    if isinstance(value, datetime):
        return value
    return datetime.combine(value, time(), UTC)


def _end(value: datetime | date | timedelta, now: datetime) -> tuple[datetime, bool]:
    if isinstance(value, datetime | timedelta):
        return _start(value, now), True
    if value == date.max:
        return datetime.max.replace(tzinfo=UTC), True
    return datetime.combine(value + DAY, time(), UTC), False


def split(pinned: TimeRange, longest: timedelta | None, *, at_days: bool = False) -> list[Window]:
    """Cut a range into as few windows as the vendor allows, newest first, all but one full.

    ``longest`` is the longest closed range that may be asked; ``None`` = no limit.  ``at_days``
    cuts at midnight UTC only, if need be a little earlier; then ``longest`` is a day at least.
    """
    oldest = pinned.start.replace(microsecond=0)
    newest = _ceil(pinned.end)
    span = pinned.span
    windows: list[Window] = []
    while True:
        # Subtracted only where there is room: the calendar begins with year 1.
        is_last = longest is None or newest - oldest <= longest
        cut = oldest if longest is None or is_last else newest - longest
        if at_days and not is_last:
            cut = _next_midnight(cut)
        owned = Span(span.lo if is_last else to_micros(cut), span.hi)
        windows.append(Window(owned, cut, newest))
        if is_last:
            return windows
        newest = cut
        span = Span(span.lo, to_micros(cut))


def _next_midnight(moment: datetime) -> datetime:
    midnight = datetime.combine(moment.astimezone(UTC), time(), UTC)
    return midnight if midnight == moment else midnight + DAY


def _ceil(moment: datetime) -> datetime:
    whole = moment.replace(microsecond=0)
    return whole if whole == moment else whole + SECOND
