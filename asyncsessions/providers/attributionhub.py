"""AttributionHub: ``POST /api/v1/sessions``, up to 50 rows a page, numbered pages, a raw key.

Source: https://attributionhub.io/docs/sessions-api-endpoint, …/rest-api-overview (header, quota)
and …/subscription-limits.  What they leave open is decided in docs/providers.md.  The host is not
published, the key travels in a header named ``Authentication``, and a 429 means that the *month*
is used up.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeAlias, TypeVar, cast

import msgspec

from asyncsessions.core.answer import Answer
from asyncsessions.core.drafts import ConversionDraft, ExitDraft, SessionDraft
from asyncsessions.core.http import Request, Response, Secret, base_url, checked_secret
from asyncsessions.core.identity import derived_id
from asyncsessions.core.masking import masked
from asyncsessions.core.records import Conversion, Exit, Session
from asyncsessions.core.retry_after import parse_retry_after
from asyncsessions.core.windows import EPOCH, TimeLike, Window
from asyncsessions.errors import (
    AuthenticationError,
    ConfigurationError,
    QuotaExceededError,
    RateLimitError,
    SessionsError,
    UnexpectedResponseError,
)
from asyncsessions.providers.base import Query, instant, optional_text
from asyncsessions.providers.wire import (
    Count,
    maybe_utc,
    raw_records,
    reading,
    undocumented,
    utc,
)

__all__ = ["AttributionHub"]

T = TypeVar("T")
OneOrMany: TypeAlias = T | list[T] | None

PATH = "/api/v1/sessions"
UNAUTHORIZED = 401
TOO_MANY_REQUESTS = 429
NOTHING_FOUND = "No sessions found for the given parameters."
ONE_EVENT = "some sessions have several conversions or exits: the first is kept, raw=True keeps all"


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


class AhRow(msgspec.Struct, gc=False):
    """A record of the list; every key but the timestamp may be absent."""

    timestamp: datetime
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


class AhPagination(msgspec.Struct, gc=False):
    """Where in the list the page is; ``total_pages`` is not used: the documented one is wrong."""

    current_page: Count
    total_records: Count


NULL = msgspec.Raw(b"null")


class AhPage(msgspec.Struct, gc=False):
    """A list answer: records with pagination, or a message alone, or an error."""

    records: list[AhRow] | None = None
    pagination: AhPagination | None = None
    message: str | None = None
    error: msgspec.Raw = NULL


new = object.__new__
decode_page = msgspec.json.Decoder(AhPage).decode
decode_object = msgspec.json.Decoder(dict[str, Any]).decode

KNOWN_PAGE: dict[str, Any] = {
    **dict.fromkeys(AhPage.__struct_fields__),
    "records": {
        **dict.fromkeys(AhRow.__struct_fields__),
        "conversion": dict.fromkeys(AhConversion.__struct_fields__),
        "exit": dict.fromkeys(AhExit.__struct_fields__),
    },
    "pagination": dict.fromkeys(("current_page", "total_pages", "total_records")),
}


class AttributionHub:
    """The AttributionHub sessions API.

    One key belongs to one domain; ``base_url`` has no default because the vendor publishes none.
    Raises :class:`ConfigurationError` for a key that cannot be right and for a missing or unsafe
    address.
    """

    name = "attributionhub"
    page_size = 50
    longest_window: timedelta | None = timedelta(days=30)
    lookback = timedelta(days=7)  # exits and conversions land within hours or days
    has_ids = False
    base_url = ""  # so that a refused one has a repr, which a traceback may ask for

    def __init__(self, key: str, *, base_url: str) -> None:
        key = Secret(key) if isinstance(key, str) else Secret()
        self._key = checked_secret(
            key, what="the AttributionHub key", where="ATTRIBUTIONHUB_API_KEY"
        )
        base_url = Secret(base_url) if isinstance(base_url, str) else base_url  # it may hold one
        self.base_url = _address(base_url)
        self._headers = {"Authentication": self._key, "Content-Type": "application/json"}

    @classmethod
    def from_env(cls, *, base_url: str | None = None) -> AttributionHub:
        """Take the key from ``ATTRIBUTIONHUB_API_KEY``.

        The address comes from the argument, else from ``ATTRIBUTIONHUB_BASE_URL``.  Raises
        :class:`ConfigurationError` naming the variable at fault.
        """
        return cls(
            Secret(os.environ.get("ATTRIBUTIONHUB_API_KEY", "")),
            base_url=base_url or os.environ.get("ATTRIBUTIONHUB_BASE_URL", ""),
        )

    def __repr__(self) -> str:
        return f"AttributionHub(base_url={self.base_url!r}, key='***')"

    @property
    def secrets(self) -> Sequence[str]:
        """The key."""
        return (self._key,)

    def query(
        self,
        *,
        start: TimeLike,
        end: TimeLike | None = None,
        source: str | None = None,
        medium: str | None = None,
        campaign: str | None = None,
        content: str | None = None,
        term: str | None = None,
        landing_page: str | None = None,
    ) -> Query:
        """Sessions begun in the range, both bounds included, that match every filter exactly.

        ``None`` = any.  Upper and lower case differ.  Raises :class:`InvalidQueryError`.
        """
        return Query.checked(
            start,
            end,
            (
                *optional_text("campaign", campaign),
                *optional_text("content", content),
                *optional_text("landing_page", landing_page),
                *optional_text("medium", medium),
                *optional_text("source", source),
                *optional_text("term", term),
            ),
        )

    def page_request(self, query: Query, window: Window, page: int) -> Request:
        """Build the request for one page of a window."""
        body = {
            "page": page,
            "start_date": instant(window.asked_start),
            "end_date": instant(window.asked_end),
            **dict(query.filters),
        }
        return Request(
            method="POST",
            url=self.base_url + PATH,
            headers=self._headers,
            body=msgspec.json.encode(body),
            page=page,
        )

    def read_page(self, response: Response, *, page: int, raw: bool = False) -> Answer[Session]:
        """Read a list answer; a message without records means that nothing was found."""
        kept = response if raw else None
        outcome = reading(response, decode_page, lambda sent: self._page(sent, page, kept))
        if isinstance(outcome, SessionsError):
            raise outcome
        return outcome

    def _page(
        self, sent: AhPage, page: int, kept: Response | None
    ) -> Answer[Session] | UnexpectedResponseError:
        if sent.error != NULL:
            reason = masked(bytes(sent.error), self.secrets)
            return UnexpectedResponseError(f"the vendor reports an error: {reason}", path="$.error")
        if sent.records is None:
            return self._nothing(sent.message)
        if sent.pagination is None:
            if sent.records:
                return UnexpectedResponseError("records without pagination", path="$.pagination")
            return Answer([], [], None)
        if sent.pagination.current_page != page:
            return UnexpectedResponseError(
                f"asked for page {page}, got page {sent.pagination.current_page}",
                path="$.pagination.current_page",
            )
        rows, times = _sessions(sent.records, raw_records(kept, "records") if kept else None)
        return Answer(rows, times, sent.pagination.total_records, _warning(sent.records))

    def _nothing(self, message: str | None) -> Answer[Session] | UnexpectedResponseError:
        if message is None:
            return UnexpectedResponseError("neither records nor a message", path="$")
        # By its shape it is the documented answer; another wording is worth showing.
        other = None if message == NOTHING_FOUND else masked(message, self.secrets)
        return Answer([], [], None, other)

    def read_refusal(self, response: Response) -> SessionsError | None:
        """Tell the month's quota (final) from a passing limit of requests a second.

        The quota is recognised by its shape or by the word "monthly".  Any other 429 is worth a
        retry only if it says when: each retry may cost quota.
        """
        if response.status == UNAUTHORIZED:
            return AuthenticationError(
                "the vendor refused the key: check it, and that no proxy drops the header "
                "'Authentication' (it is not 'Authorization')"
            )
        if response.status != TOO_MANY_REQUESTS:
            return None
        if (quota := _quota_in(response, self.secrets)) is not None:
            return quota
        wait_s = parse_retry_after(response.headers.get("retry-after"), now=EPOCH)
        return RateLimitError("the vendor limits requests", transient=wait_s is not None)

    def unknown_fields(self, response: Response) -> Sequence[str]:
        """Return undocumented names of a list answer."""
        return undocumented(response, KNOWN_PAGE)


def _address(url: str) -> str:
    if not url:
        raise ConfigurationError(
            'AttributionHub needs base_url="https://…" (ATTRIBUTIONHUB_BASE_URL): the vendor '
            "publishes no address, ask your account representative"
        )
    return base_url(url, path=PATH, what="base_url (ATTRIBUTIONHUB_BASE_URL)")


def _quota_in(response: Response, secrets: Sequence[str]) -> QuotaExceededError | None:
    body = reading(response, decode_object, lambda sent: sent)
    if isinstance(body, SessionsError):
        return None
    limit, used, domain = map(body.get, ("limit", "used", "domain"))
    is_counted = limit is not None and used is not None
    if not is_counted and "monthly" not in str(body.get("error")).lower():
        return None
    whose = masked(domain, secrets) if isinstance(domain, str) else None
    limit, used = _count(limit), _count(used)
    return QuotaExceededError(
        f"the month's quota of requests{f' for {whose}' if whose else ''} is used up"
        f"{'' if limit is None else f' ({used} of {limit})'}: go on when it is renewed or raised",
        limit=limit,
        used=used,
        domain=whose,
    )


def _count(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
        return value
    return None


def _warning(rows: Sequence[AhRow]) -> str | None:
    listed = [row for row in rows if isinstance(row.conversion, list) or isinstance(row.exit, list)]
    several = any(
        isinstance(event, list) and len(event) > 1
        for row in listed
        for event in (row.conversion, row.exit)
    )
    return ONE_EVENT if several else None


def _sessions(
    rows: Sequence[AhRow], raws: Sequence[bytes] | None
) -> tuple[list[Session], list[datetime]]:
    """Return the records of rows, with their times; all inline, since this is the hottest loop."""
    sessions: list[Session] = []
    times: list[datetime] = []
    for index, row in enumerate(rows):
        started_at = row.timestamp
        if started_at.tzinfo is not UTC:
            started_at = utc(started_at)
        draft: Any = new(SessionDraft)
        draft.provider = "attributionhub"
        draft.started_at = started_at
        draft.source = source = row.source
        draft.medium = medium = row.medium
        draft.campaign = campaign = row.campaign
        draft.content = content = row.content
        draft.term = term = row.term
        draft.landing_page = page = row.landing_page
        draft.id = derived_id(started_at, source, medium, campaign, content, term, page)
        draft.address = draft.furthest_step = draft.order = None
        draft.conversion = None if row.conversion is None else _conversion(_first(row.conversion))
        draft.exit = None if row.exit is None else _exit(_first(row.exit))
        duration = row.duration
        draft.duration = None if duration is None else timedelta(0, duration)
        draft.raw = None if raws is None else raws[index]
        draft.__class__ = Session
        sessions.append(draft)
        times.append(started_at)
    return sessions, times


def _first(event: OneOrMany[T]) -> T | None:
    events = cast("list[T]", event) if isinstance(event, list) else [event]
    return events[0] if events else None


def _conversion(wire: AhConversion | None) -> Conversion | None:
    if wire is None:
        return None
    draft: Any = new(ConversionDraft)
    draft.at = maybe_utc(wire.timestamp)
    draft.email = wire.email
    draft.page = wire.conversion_page
    draft.previous_page = wire.previous_page
    draft.__class__ = Conversion
    read: Conversion = draft
    return read


def _exit(wire: AhExit | None) -> Exit | None:
    if wire is None:
        return None
    draft: Any = new(ExitDraft)
    draft.at = maybe_utc(wire.timestamp)
    draft.page = wire.exit_page
    draft.previous_page = wire.previous_page
    draft.__class__ = Exit
    read: Exit = draft
    return read
