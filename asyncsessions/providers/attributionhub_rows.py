"""Rows of AttributionHub as they are sent, and what becomes of them: sessions, or columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec

from asyncsessions.core.drafts import ConversionDraft, ExitDraft, SessionDraft
from asyncsessions.core.identity import derived_id
from asyncsessions.core.lines import ConversionLine, ExitLine, SessionLine
from asyncsessions.core.records import Conversion, Exit, Session
from asyncsessions.providers.wire import put_in_utc, utc

__all__ = ["AhConversion", "AhExit", "AhRow", "settled", "to_columns", "to_lines", "to_sessions"]

T = TypeVar("T")
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


new = object.__new__
NO_CONVERSION, NO_EXIT = AhConversion(), AhExit()

Getters: TypeAlias = dict[str, Callable[[Any], Any]]
OF_ROW: Getters = {
    name: attrgetter(name)
    for name in (
        *("id", "started_at", "campaign", "source", "medium", "content", "term"),
        "landing_page",
    )
}
OF_CONVERSION: Getters = {
    "conversion_at": attrgetter("timestamp"),
    "conversion_email": attrgetter("email"),
    "conversion_page": attrgetter("conversion_page"),
    "conversion_previous_page": attrgetter("previous_page"),
}
OF_EXIT: Getters = {
    "exit_at": attrgetter("timestamp"),
    "exit_page": attrgetter("exit_page"),
    "exit_previous_page": attrgetter("previous_page"),
}
"""The columns that are an attribute of a row, of its conversion, or of its exit."""
EVENTS: Getters = {kind: attrgetter(kind) for kind in ("conversion", "exit")}
moment_of: Callable[[Any], datetime | None] = attrgetter("timestamp")
duration_of: Callable[[AhRow], float | None] = attrgetter("duration")


def settled(rows: Sequence[AhRow]) -> tuple[list[datetime], str | None]:
    """Put the times of rows into UTC, keep one event of each kind, and give each row its id.

    Returns when each row began, and a warning if there were several events of a kind.  Raises
    ``OverflowError`` for a time that is not in the calendar in UTC.
    """
    times: list[datetime] = []
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
    has_several = [_keep_first(rows, kind) for kind in EVENTS]
    return times, ONE_EVENT if any(has_several) else None


def _keep_first(rows: Sequence[AhRow], kind: str) -> bool:
    """Keep the first event of a kind of each row, in UTC; return whether there were further ones."""
    sent: list[Any] = [*map(EVENTS[kind], rows)]
    listed: list[list[Any]] = [event for event in sent if type(event) is list]
    firsts = [_first(event) for event in sent] if listed else sent
    events = [event for event in firsts if event is not None]
    put_in_utc(events, "timestamp", map(moment_of, events))
    if listed:
        for row, first in zip(rows, firsts, strict=True):
            setattr(row, kind, first)
    return any(len(events) > 1 for events in listed)


def _first(sent: AhConversion | AhExit | list[Any] | None) -> Any:
    if isinstance(sent, list):
        return sent[0] if sent else None
    return sent


def to_sessions(rows: Sequence[AhRow], raws: Sequence[bytes] | None = None) -> list[Session]:
    """Return the sessions of settled rows; all inline, since this is the hottest loop."""
    sessions: list[Session] = []
    for index, row in enumerate(rows):
        draft: Any = new(SessionDraft)
        draft.provider = "attributionhub"
        draft.id = row.id
        draft.started_at = row.started_at
        draft.source = row.source
        draft.medium = row.medium
        draft.campaign = row.campaign
        draft.content = row.content
        draft.term = row.term
        draft.landing_page = row.landing_page
        draft.address = draft.furthest_step = draft.order = None
        sent: Any = row.conversion
        draft.conversion = None if sent is None else _conversion(sent)
        sent = row.exit
        draft.exit = None if sent is None else _exit(sent)
        duration = row.duration
        draft.duration = None if duration is None else timedelta(0, duration)
        draft.raw = None if raws is None else raws[index]
        draft.__class__ = Session
        sessions.append(draft)
    return sessions


def to_columns(rows: Sequence[AhRow]) -> dict[str, list[Any]]:
    """Return the columns of settled rows; see :data:`asyncsessions.core.columns.COLUMNS`."""
    conversions = [NO_CONVERSION if row.conversion is None else row.conversion for row in rows]
    exits = [NO_EXIT if row.exit is None else row.exit for row in rows]
    columns = {
        "provider": ["attributionhub"] * len(rows),
        **_values(OF_ROW, rows),
        **_values(OF_CONVERSION, conversions),
        **_values(OF_EXIT, exits),
    }
    columns["duration_s"] = [
        None if sent is None else _seconds(sent) for sent in map(duration_of, rows)
    ]
    return columns


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


def _values(getters: Getters, parts: Iterable[Any]) -> dict[str, list[Any]]:
    return {name: list(map(value_of, parts)) for name, value_of in getters.items()}


def _seconds(duration: float) -> float:
    # As exact as the duration of a session, a whole number of microseconds; and 0 has no sign.
    if duration.is_integer():
        return duration + 0.0
    return timedelta(0, duration).total_seconds()


def _conversion(wire: AhConversion) -> Conversion:
    draft: Any = new(ConversionDraft)
    draft.at = wire.timestamp
    draft.email = wire.email
    draft.page = wire.conversion_page
    draft.previous_page = wire.previous_page
    draft.__class__ = Conversion
    read: Conversion = draft
    return read


def _exit(wire: AhExit) -> Exit:
    draft: Any = new(ExitDraft)
    draft.at = wire.timestamp
    draft.page = wire.exit_page
    draft.previous_page = wire.previous_page
    draft.__class__ = Exit
    read: Exit = draft
    return read
