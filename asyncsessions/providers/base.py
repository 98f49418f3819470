"""The Protocol that a vendor is written against, and what all vendors share.

A provider is pure: it builds requests and reads answers.  It owns no connection, reads no clock
and keeps no state between two calls.  To add one, write a class with the members of
:class:`Provider`; ``query`` is the only one whose signature is the vendor's own, and the type
checkers carry it through to ``Client.sessions``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ParamSpec, Protocol, runtime_checkable

from attrs import frozen

from asyncsessions.core.answer import Answer
from asyncsessions.core.http import Request, Response
from asyncsessions.core.lines import SessionLine
from asyncsessions.core.records import Session, SessionDetail
from asyncsessions.core.windows import TimeLike, Window, check_order
from asyncsessions.errors import InvalidQueryError, SessionsError

__all__ = [
    "DetailProvider",
    "LineProvider",
    "PingProvider",
    "Provider",
    "Query",
    "RowProvider",
    "instant",
    "optional_text",
]

P = ParamSpec("P")


@frozen
class Query:
    """What a user asks for: a range in time and the vendor's own filters, as sent.

    ``filters`` are sorted name-value pairs; a filter that may be repeated appears repeatedly.
    """

    start: TimeLike
    end: TimeLike | None = None
    filters: tuple[tuple[str, str], ...] = ()

    @classmethod
    def checked(
        cls, start: TimeLike, end: TimeLike | None, filters: tuple[tuple[str, str], ...]
    ) -> Query:
        """Return the query, or raise :class:`InvalidQueryError` for a range that cannot be."""
        check_order(start, end)
        return cls(start, end, filters)


class Provider(Protocol[P]):
    """A vendor: how to ask for a page of sessions and how to read the answer."""

    @property
    def name(self) -> str:
        """The name in records, errors, reports and on the command line: lower case, one word."""
        ...

    @property
    def base_url(self) -> str:
        """Where the API lives, without a trailing slash."""
        ...

    @property
    def page_size(self) -> int:
        """How many rows a full page has, as documented."""
        ...

    @property
    def longest_window(self) -> timedelta | None:
        """The longest closed range of one request; ``None`` = no limit known."""
        ...

    @property
    def lookback(self) -> timedelta:
        """For how long after its start a session may still change, as far as anybody knows."""
        ...

    @property
    def has_ids(self) -> bool:
        """Whether records carry an id of the vendor's; else ours number true twins."""
        ...

    @property
    def secrets(self) -> Sequence[str]:
        """Texts that must never be shown, should the vendor echo them."""
        ...

    def query(self, *args: P.args, **kwargs: P.kwargs) -> Query:
        """Check the vendor's own filters and return what is asked for.

        Raises :class:`InvalidQueryError` for values that the vendor cannot mean.
        """
        ...

    def page_request(self, query: Query, window: Window, page: int) -> Request:
        """Build the request for one page (from 1) of a window."""
        ...

    def read_page(self, response: Response, *, page: int, raw: bool = False) -> Answer[Session]:
        """Read the answer to such a request; ``raw`` keeps each record's own JSON.

        Raises :class:`UnexpectedResponseError` naming the path of what cannot be read; it is
        transient if the answer is not whole JSON.
        """
        ...

    def read_refusal(self, response: Response) -> SessionsError | None:
        """Return the error of an answer that is special to this vendor, else ``None``."""
        ...

    def unknown_fields(self, response: Response) -> Sequence[str]:
        """Return the names in a list answer that nobody documented, sorted; never raises."""
        ...


@runtime_checkable
class DetailProvider(Protocol):
    """A vendor that answers for a single session."""

    def session_request(self, session_id: str) -> Request:
        """Build the request for one session."""
        ...

    def read_session(self, response: Response) -> SessionDetail:
        """Read the answer."""
        ...


@runtime_checkable
class PingProvider(Protocol):
    """A vendor whose credentials can be checked without asking for data."""

    def ping_request(self) -> Request:
        """Build the request."""
        ...

    def read_ping(self, response: Response) -> None:
        """Raise unless the answer says that all is well."""
        ...


@runtime_checkable
class RowProvider(Protocol):
    """A vendor whose rows become columns without becoming sessions first: several times as quick.

    A *row* is of the vendor's own class.  Like a session it has ``id`` and ``started_at``, in UTC.
    """

    def read_rows(self, response: Response, *, page: int) -> Answer[Any]:
        """Read an answer as :meth:`Provider.read_page` does, but for the rows that it returns."""
        ...

    def as_sessions(self, rows: Sequence[Any]) -> list[Session]:
        """Return the sessions that :meth:`Provider.read_page` would have returned."""
        ...

    def as_columns(self, rows: Sequence[Any]) -> Mapping[str, Sequence[Any]]:
        """Return the values of each of the flat columns, as in a table: ``conversion_at``.

        Times are aware, ``duration_s`` is a number; a column without values may be left out.
        """
        ...


@runtime_checkable
class LineProvider(Protocol):
    """A :class:`RowProvider` whose rows are written as JSON without becoming sessions first."""

    def as_lines(self, rows: Sequence[Any]) -> Sequence[SessionLine]:
        """Return of each row what would be written of its session, made anew."""
        ...


def instant(moment: datetime) -> str:
    """Return the moment as vendors want it: UTC, whole seconds, with a ``Z``."""
    # Not strftime: its years before 1000 have fewer than four digits.
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def optional_text(name: str, value: str | None) -> tuple[tuple[str, str], ...]:
    """Return the filter as a pair, nothing for ``None``.

    Raises :class:`InvalidQueryError` for what is no text, empty, or half a character.
    """
    if value is None:
        return ()
    if not isinstance(value, str) or not value:
        raise InvalidQueryError(f"{name} must be a text that is not empty, or left out")
    if not is_unicode(value):
        raise InvalidQueryError(f"{name} contains half of a surrogate pair, which is no character")
    return ((name, value),)


def is_unicode(text: str) -> bool:
    """Whether the text can be sent at all; one with lone surrogates cannot."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
