"""Rows of AttributionHub as they are sent, and what becomes of them: sessions, or columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec

from asyncsessions.core.drafts import (
    ConversionDraft,
    ExitDraft,
    SessionDraft,
    new_drafts,
    with_raws,
)
from asyncsessions.core.identity import derived_id
from asyncsessions.core.lines import ConversionLine, ExitLine, SessionLine
from asyncsessions.core.records import Conversion, Exit, Session
from asyncsessions.providers.wire import utc

__all__ = ["AhConversion", "AhExit", "AhRow", "settled", "to_columns", "to_lines", "to_sessions"]

T = TypeVar("T")
E = TypeVar("E", bound="AhConversion | AhExit")
OneOrMany: TypeAlias = T | list[T] | None

ONE_EVENT = "some sessions have several conversions or exits: the first is kept, raw=True keeps all"
OURS = "(id)"
"""What the id is called on the wire, where there is none."""


class AhConversion(msgspec.Struct, gc=False):
    """A conversion as sent."""

    email: str | None = None
    timestamp: datetime | None = None
    conversion_page: str | None = None
    previous_page: str | None = None


class AhExit(msgspec.Struct, gc=False):
    """An exit as sent."""

    exit_page: str | None = None
    previous_page: str | None = None
    timestamp: datetime | None = None


class AhRow(msgspec.Struct, gc=False, rename={"started_at": "timestamp", "id": OURS}):
    """A record of the list; every key but the timestamp may be absent.

    ``id`` is ours: it is set when the row is read, whatever is sent under that name.
    """

    started_at: datetime
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    content: str | None = None
    term: str | None = None
    landing_page: str | None = None
    conversion: OneOrMany[AhConversion] = None
    exit: OneOrMany[AhExit] = None
    # Three centuries either way: more is no duration and fits into no target.
    duration: Annotated[float, msgspec.Meta(ge=-1e10, le=1e10)] | None = None
    id: Any = ""


NO_CONVERSION, NO_EXIT = AhConversion(), AhExit()


def settled(rows: Sequence[AhRow]) -> tuple[list[datetime], str | None]:
    """Put the times of rows into UTC, keep one event of each kind, and give each row its id.

    Returns when each row began, and a warning if there were several events of a kind.  Raises
    ``OverflowError`` for a time that is not in the calendar in UTC.
    """
    times: list[datetime] = []
    has_several = False
    for row in rows:
        started_at = row.started_at
        if started_at.tzinfo is not UTC:
            row.started_at = started_at = utc(started_at)
        times.append(started_at)
        row.id = derived_id(
            started_at,
            row.source,
            row.medium,
            row.campaign,
            row.content,
            row.term,
            row.landing_page,
        )
        if row.conversion is not None:
            row.conversion, is_one_of_many = _first_in_utc(row.conversion)
            has_several |= is_one_of_many
        if row.exit is not None:
            row.exit, is_one_of_many = _first_in_utc(row.exit)
            has_several |= is_one_of_many
    return times, ONE_EVENT if has_several else None


def _first_in_utc(sent: E | list[E]) -> tuple[E | None, bool]:
    """Return the first of one event or several, and whether there are several."""
    events = sent if isinstance(sent, list) else [sent]
    if not events:
        return None, False
    event, moment = events[0], events[0].timestamp
    if moment is not None and moment.tzinfo is not UTC:
        event.timestamp = utc(moment)
    return event, len(events) > 1


def to_sessions(rows: Sequence[AhRow], raws: Sequence[bytes] | None = None) -> list[Session]:
    """Return the sessions of settled rows; all inline, since this is the hottest loop."""
    drafts: list[Any] = new_drafts(SessionDraft, len(rows))
    for draft, row in zip(drafts, rows, strict=True):
        draft.provider = "attributionhub"
        draft.id = row.id
        draft.started_at = row.started_at
        draft.source = row.source
        draft.medium = row.medium
        draft.campaign = row.campaign
        draft.content = row.content
        draft.term = row.term
        draft.landing_page = row.landing_page
        draft.address = draft.furthest_step = draft.order = draft.raw = None
        sent: Any = row.conversion
        draft.conversion = None if sent is None else _conversion(sent)
        sent = row.exit
        draft.exit = None if sent is None else _exit(sent)
        duration = row.duration
        draft.duration = None if duration is None else timedelta(0, duration)
        draft.__class__ = Session
    return with_raws(drafts, raws)


def to_columns(rows: Sequence[AhRow]) -> dict[str, list[Any]]:
    """Return the columns of settled rows; see :data:`asyncsessions.core.columns.COLUMNS`."""
    # A comprehension reads an attribute in half of the time that `map` and `attrgetter` take.
    sent: list[Any] = [row.conversion for row in rows]
    conversions = [NO_CONVERSION if event is None else event for event in sent]
    sent = [row.exit for row in rows]
    exits = [NO_EXIT if event is None else event for event in sent]
    durations = [row.duration for row in rows]
    return {
        "provider": ["attributionhub"] * len(rows),
        "id": [row.id for row in rows],
        "started_at": [row.started_at for row in rows],
        "campaign": [row.campaign for row in rows],
        "source": [row.source for row in rows],
        "medium": [row.medium for row in rows],
        "content": [row.content for row in rows],
        "term": [row.term for row in rows],
        "landing_page": [row.landing_page for row in rows],
        "conversion_at": [event.timestamp for event in conversions],
        "conversion_email": [event.email for event in conversions],
        "conversion_page": [event.conversion_page for event in conversions],
        "conversion_previous_page": [event.previous_page for event in conversions],
        "exit_at": [event.timestamp for event in exits],
        "exit_page": [event.exit_page for event in exits],
        "exit_previous_page": [event.previous_page for event in exits],
        "duration_s": [None if value is None else _seconds(value) for value in durations],
    }


def to_lines(rows: Sequence[AhRow]) -> list[SessionLine]:
    """Return of settled rows what is written of their sessions."""
    lines: list[SessionLine] = []
    for row in rows:
        conversion: Any = row.conversion
        left: Any = row.exit
        duration = row.duration
        lines.append(
            SessionLine(
                provider="attributionhub",
                id=row.id,
                started_at=row.started_at,
                campaign=row.campaign,
                source=row.source,
                medium=row.medium,
                content=row.content,
                term=row.term,
                landing_page=row.landing_page,
                conversion=None if conversion is None else _conversion_line(conversion),
                exit=None if left is None else _exit_line(left),
                duration_s=None if duration is None else _seconds(duration),
            )
        )
    return lines


def _conversion_line(sent: AhConversion) -> ConversionLine:
    return ConversionLine(sent.timestamp, sent.email, sent.conversion_page, sent.previous_page)


def _exit_line(sent: AhExit) -> ExitLine:
    return ExitLine(sent.timestamp, sent.exit_page, sent.previous_page)


def _seconds(duration: float) -> float:
    # As exact as the duration of a session, a whole number of microseconds; and 0 has no sign.
    if duration.is_integer():
        return duration + 0.0
    return timedelta(0, duration).total_seconds()


def _conversion(wire: AhConversion) -> Conversion:
    draft: Any = ConversionDraft()
    draft.at = wire.timestamp
    draft.email = wire.email
    draft.page = wire.conversion_page
    draft.previous_page = wire.previous_page
    draft.__class__ = Conversion
    read: Conversion = draft
    return read


def _exit(wire: AhExit) -> Exit:
    draft: Any = ExitDraft()
    draft.at = wire.timestamp
    draft.page = wire.exit_page
    draft.previous_page = wire.previous_page
    draft.__class__ = Exit
    read: Exit = draft
    return read
