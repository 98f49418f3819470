"""Hum: ``GET /analytics/sessions``, 50 rows a page, numbered pages, a bearer token.

Sources: https://docs.letshum.com/api-reference/analytics/list-sessions and …/get-session-detail,
…/health-check/api-health-check.  What they leave open is decided in docs/providers.md.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any, Literal, TypeAlias, TypeVar, cast
from uuid import UUID

import msgspec

from asyncsessions.core.answer import Answer
from asyncsessions.core.http import Request, Response, Secret, base_url, checked_secret
from asyncsessions.core.lines import SessionLine
from asyncsessions.core.masking import masked
from asyncsessions.core.records import Session, SessionDetail
from asyncsessions.core.windows import TimeLike, Window
from asyncsessions.errors import (
    ConfigurationError,
    InvalidQueryError,
    SessionsError,
    UnexpectedResponseError,
)
from asyncsessions.providers.base import Query, instant
from asyncsessions.providers.hum_detail import decode_detail, read_detail
from asyncsessions.providers.hum_rows import (
    HumAddress,
    HumRow,
    HumStatus,
    to_columns,
    to_lines,
    to_sessions,
    to_utc,
)
from asyncsessions.providers.wire import Count, raw_records, reading, undocumented

__all__ = ["ENVIRONMENTS", "Environment", "Hum"]

T = TypeVar("T")

Environment: TypeAlias = Literal["sandbox", "production"]

ENVIRONMENTS = {
    "sandbox": "https://api-sandbox.letshum.com",
    "production": "https://api.letshum.com",
}
"""Hum's hosts by name; there is no default, so that nobody reads production by accident."""

PATH = "/analytics/sessions"
SESSION_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._~-]*")


class HumMeta(msgspec.Struct, gc=False):
    """Where in the list the page is; ``pages`` is not used, since ``count`` says it better."""

    page: Count
    count: Count


class HumPage(HumStatus, gc=False, kw_only=True):
    """The envelope of a list answer."""

    data: list[HumRow]
    meta: HumMeta


W = TypeVar("W", bound=HumStatus)

decode_page = msgspec.json.Decoder(HumPage).decode
decode_status = msgspec.json.Decoder(HumStatus).decode

KNOWN_PAGE: dict[str, Any] = {
    **dict.fromkeys(HumPage.__struct_fields__),
    "data": {
        **dict.fromkeys(HumRow.__struct_encode_fields__),
        "address": dict.fromkeys(HumAddress.__struct_fields__),
    },
    "meta": dict.fromkeys(("responded_at", "page", "pages", "count")),
}


class Hum:
    """The Hum analytics API.

    ``environment`` is ``"sandbox"`` or ``"production"``; ``base_url`` replaces it for anything
    else.  Exactly one of them is needed.  Raises :class:`ConfigurationError` for a token that
    cannot be right and for a missing or unsafe address.
    """

    name = "hum"
    page_size = 50
    longest_window: timedelta | None = None
    lookback = timedelta(days=60)  # installations and commissions land within weeks
    has_ids = True
    base_url = ""  # so that a refused one has a repr, which a traceback may ask for

    def __init__(
        self,
        token: str,
        *,
        environment: Environment | None = None,
        base_url: str | None = None,
    ) -> None:
        token = Secret(token) if isinstance(token, str) else Secret()
        self._token = checked_secret(token, what="the Hum token", where="HUM_API_TOKEN")
        base_url = Secret(base_url) if isinstance(base_url, str) else base_url  # it may hold one
        self.base_url = _address(environment, base_url)
        # Also rebound for the traceback's sake: see core.http.checked_secret.
        self._headers = {"Authorization": Secret(f"Bearer {self._token}")}

    @classmethod
    def from_env(
        cls,
        *,
        environment: Environment | None = None,
        base_url: str | None = None,
    ) -> Hum:
        """Take the token from ``HUM_API_TOKEN``.

        The address comes from the arguments, else from ``HUM_ENVIRONMENT`` or ``HUM_BASE_URL``,
        whichever is set.  Raises :class:`ConfigurationError` naming the variable at fault.
        """
        if environment is None and base_url is None:
            environment = cast("Environment | None", os.environ.get("HUM_ENVIRONMENT") or None)
            base_url = Secret(os.environ.get("HUM_BASE_URL", "")) or None
        return cls(
            Secret(os.environ.get("HUM_API_TOKEN", "")),
            environment=environment,
            base_url=base_url,
        )

    def __repr__(self) -> str:
        return f"Hum(base_url={self.base_url!r}, token='***')"

    @property
    def secrets(self) -> Sequence[str]:
        """The token."""
        return (self._token,)

    def query(
        self,
        *,
        start: TimeLike,
        end: TimeLike | None = None,
        token_ids: Sequence[str | UUID] = (),
        with_clicks: bool = False,
    ) -> Query:
        """Sessions created in the range, both bounds included.

        ``token_ids`` keeps those of certain API tokens (UUIDs; all tokens if empty),
        ``with_clicks`` those with click activity.  Raises :class:`InvalidQueryError`.
        """
        if isinstance(token_ids, str | UUID) or not isinstance(token_ids, Iterable):
            raise InvalidQueryError("token_ids is a list of UUIDs, even for a single one")
        if not isinstance(with_clicks, bool):
            raise InvalidQueryError("with_clicks is True or False")
        filters = [("token_ids[]", token) for token in sorted({_uuid(t) for t in token_ids})]
        if with_clicks:
            filters.append(("with_clicks", "true"))
        return Query.checked(start, end, tuple(filters))

    def page_request(self, query: Query, window: Window, page: int) -> Request:
        """Build the request for one page of a window."""
        params = (("page", str(page)), *_range_params(window, query.filters))
        return self._get(PATH, params=params, page=page)

    def read_page(self, response: Response, *, page: int, raw: bool = False) -> Answer[Session]:
        """Read a list answer."""
        kept = response if raw else None
        return self._read(response, decode_page, lambda sent: self._sessions(sent, page, kept))

    def read_rows(self, response: Response, *, page: int) -> Answer[HumRow]:
        """Read a list answer into rows as they were sent."""
        return self._read(response, decode_page, lambda sent: self._page(sent, page))

    def as_sessions(self, rows: Sequence[HumRow]) -> list[Session]:
        """Return the sessions that rows are."""
        return to_sessions(rows)

    def as_columns(self, rows: Sequence[HumRow]) -> Mapping[str, Sequence[Any]]:
        """Return the columns of rows."""
        return to_columns(rows)

    def as_lines(self, rows: Sequence[HumRow]) -> list[SessionLine]:
        """Return what is written of rows as JSON."""
        return to_lines(rows)

    def read_refusal(self, response: Response) -> SessionsError | None:  # noqa: ARG002 - as asked for by the port
        """Hum has no refusals but the usual statuses."""
        return None

    def unknown_fields(self, response: Response) -> Sequence[str]:
        """Return undocumented names of a list answer."""
        return undocumented(response, KNOWN_PAGE)

    def session_request(self, session_id: str) -> Request:
        """Build the request for one session; raises :class:`InvalidQueryError` for no id at all."""
        if not isinstance(session_id, str) or not SESSION_ID.fullmatch(session_id):
            raise InvalidQueryError("a session id is a text like 'a1b2c3d4-…', see Session.id")
        return self._get(f"{PATH}/{session_id}")

    def read_session(self, response: Response) -> SessionDetail:
        """Read a detail answer."""
        return self._read(response, decode_detail, lambda sent: read_detail(sent.data))

    def ping_request(self) -> Request:
        """Build the request that checks the token and asks for nothing."""
        return self._get("/ping")

    def read_ping(self, response: Response) -> None:
        """Raise :class:`UnexpectedResponseError` unless the answer says ``ok`` or ``warning``."""
        self._read(response, decode_status, lambda sent: sent)

    def _read(
        self,
        response: Response,
        decode: Callable[[bytes], W],
        convert: Callable[[W], T | SessionsError],
    ) -> T:
        """Read an answer whose envelope does not say that the request failed."""

        def checked(sent: W) -> T | SessionsError:
            return self._complaint(sent) or convert(sent)

        outcome = reading(response, decode, checked)
        if isinstance(outcome, SessionsError):
            # An answer of another shape may say in its envelope why it is none.
            raise reading(response, decode_status, self._complaint) or outcome
        return outcome

    def _complaint(self, sent: HumStatus) -> UnexpectedResponseError | None:
        if sent.request_status in {"ok", "warning"}:
            return None
        status = masked(sent.request_status, self.secrets)
        reason = masked(sent.message or "no reason given", self.secrets)
        return UnexpectedResponseError(
            f"the vendor reports {status!r} for the request: {reason}", path="$.request_status"
        )

    def _page(self, sent: HumPage, page: int) -> Answer[HumRow] | UnexpectedResponseError:
        if sent.meta.page != page:
            return UnexpectedResponseError(
                f"asked for page {page}, got page {sent.meta.page}", path="$.meta.page"
            )
        times = to_utc(sent.data)
        warning = None
        if sent.request_status == "warning":
            warning = masked(sent.message or "the vendor gave a warning", self.secrets)
        return Answer(sent.data, times, sent.meta.count, warning)

    def _sessions(
        self, sent: HumPage, page: int, kept: Response | None
    ) -> Answer[Session] | UnexpectedResponseError:
        answer = self._page(sent, page)
        if isinstance(answer, UnexpectedResponseError):
            return answer
        sessions = to_sessions(answer.rows, raw_records(kept, "data") if kept else None)
        return Answer(sessions, answer.times, answer.total, answer.warning)

    def _get(
        self, path: str, *, params: tuple[tuple[str, str], ...] = (), page: int | None = None
    ) -> Request:
        return Request(
            method="GET",
            url=self.base_url + path,
            headers=self._headers,
            params=params,
            page=page,
        )


@lru_cache(maxsize=256)
def _range_params(
    window: Window, filters: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    start, end = instant(window.asked_start), instant(window.asked_end)
    return ("start_date", start), ("end_date", end), *filters


def _address(environment: str | None, url: str | None) -> str:
    if (environment is None) == (url is None):
        raise ConfigurationError(
            f"Hum needs either environment={' or '.join(map(repr, ENVIRONMENTS))} "
            "(HUM_ENVIRONMENT), or base_url='https://…' (HUM_BASE_URL)"
        )
    if url is not None:
        return base_url(url, path=PATH, what="base_url (HUM_BASE_URL)")
    for name, known in ENVIRONMENTS.items():
        if environment == name:
            return known
    raise ConfigurationError(
        f"environment (HUM_ENVIRONMENT) must be {' or '.join(map(repr, ENVIRONMENTS))}"
    )


def _uuid(value: str | UUID) -> str:
    try:
        return str(value if isinstance(value, UUID) else UUID(value))
    except (ValueError, AttributeError, TypeError):
        raise InvalidQueryError("token_ids must be UUIDs") from None
