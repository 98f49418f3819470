"""AttributionHub: ``POST /api/v1/sessions``, up to 50 rows a page, numbered pages, a raw key.

Source: https://attributionhub.io/docs/sessions-api-endpoint, …/rest-api-overview (header, quota)
and …/subscription-limits.  What they leave open is decided in docs/providers.md.  The host is not
published, the key travels in a header named ``Authentication``, and a 429 means that the *month*
is used up.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import msgspec

from asyncsessions.core.answer import Answer
from asyncsessions.core.http import Request, Response, Secret, base_url, checked_secret
from asyncsessions.core.lines import SessionLine
from asyncsessions.core.masking import masked
from asyncsessions.core.records import Session
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
from asyncsessions.providers.attributionhub_rows import (
    OURS,
    AhConversion,
    AhExit,
    AhRow,
    settled,
    to_columns,
    to_lines,
    to_sessions,
)
from asyncsessions.providers.base import Query, instant, optional_text
from asyncsessions.providers.wire import Count, raw_records, reading, undocumented

__all__ = ["AttributionHub"]

T = TypeVar("T")

PATH = "/api/v1/sessions"
UNAUTHORIZED = 401
TOO_MANY_REQUESTS = 429
NOTHING_FOUND = "No sessions found for the given parameters."


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


decode_page = msgspec.json.Decoder(AhPage).decode
decode_object = msgspec.json.Decoder(dict[str, Any]).decode

KNOWN_PAGE: dict[str, Any] = {
    **dict.fromkeys(AhPage.__struct_fields__),
    "records": {
        **dict.fromkeys(name for name in AhRow.__struct_encode_fields__ if name != OURS),
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
        return self._read(response, lambda sent: self._sessions(sent, page, kept))

    def read_rows(self, response: Response, *, page: int) -> Answer[AhRow]:
        """Read a list answer into rows as they were sent, each with its id."""
        return self._read(response, lambda sent: self._page(sent, page))

    def as_sessions(self, rows: Sequence[AhRow]) -> list[Session]:
        """Return the sessions that rows are."""
        return to_sessions(rows)

    def as_columns(self, rows: Sequence[AhRow]) -> Mapping[str, Sequence[Any]]:
        """Return the columns of rows."""
        return to_columns(rows)

    def as_lines(self, rows: Sequence[AhRow]) -> list[SessionLine]:
        """Return what is written of rows as JSON."""
        return to_lines(rows)

    def _read(
        self, response: Response, convert: Callable[[AhPage], Answer[T] | UnexpectedResponseError]
    ) -> Answer[T]:
        outcome = reading(response, decode_page, convert)
        if isinstance(outcome, SessionsError):
            raise outcome
        return outcome

    def _sessions(
        self, sent: AhPage, page: int, kept: Response | None
    ) -> Answer[Session] | UnexpectedResponseError:
        answer = self._page(sent, page)
        if isinstance(answer, UnexpectedResponseError):
            return answer
        raws = raw_records(kept, "records") if kept and answer.rows else None
        sessions = to_sessions(answer.rows, raws)
        return Answer(sessions, answer.times, answer.total, answer.warning)

    def _page(self, sent: AhPage, page: int) -> Answer[AhRow] | UnexpectedResponseError:
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
        times, warning = settled(sent.records)
        return Answer(sent.records, times, sent.pagination.total_records, warning)

    def _nothing(self, message: str | None) -> Answer[AhRow] | UnexpectedResponseError:
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
