"""A provider of another package, complete: the invented vendor Acme.

Acme answers ``GET /analytics/sessions?page=…&start_date=…&end_date=…`` with rows of an id, a time and
a campaign, newest first, 50 a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from asyncsessions import Session, SessionsError, UnexpectedResponseError
from asyncsessions.providers.kit import (
    Answer,
    Argument,
    CommandLine,
    Count,
    Query,
    Request,
    Response,
    TimeLike,
    Window,
    base_url,
    checked_secret,
    instant,
    raw_records,
    reading,
    undocumented,
    utc,
)

PATH = "/analytics/sessions"


class Row(msgspec.Struct):
    id: str
    created_at: datetime
    campaign_id: str | None = None


class Meta(msgspec.Struct):
    page: Count
    count: Count


class Page(msgspec.Struct):
    data: list[Row]
    meta: Meta


decode_page = msgspec.json.Decoder(Page).decode
KNOWN = {
    "data": dict.fromkeys(("id", "created_at", "campaign_id")),
    "meta": dict.fromkeys(("page", "count")),
}


class Acme:
    name = "acme"
    page_size = 50
    longest_window: timedelta | None = None  # one request may ask for any range
    lookback = timedelta(days=14)  # for so long a session may still change
    has_ids = True
    command_line = CommandLine(
        secret="ACME_TOKEN",  # noqa: S106 - the name of the variable that holds it
        settings=(Argument("base_url", variable="ACME_BASE_URL", help="Address of the API."),),
        filters=(Argument("with_clicks", is_flag=True, help="Only sessions with clicks."),),
    )

    def __init__(self, token: str, *, base_url: str) -> None:
        self._token = checked_secret(token, what="the Acme token", where="ACME_TOKEN")
        self.base_url = address(base_url)

    @property
    def secrets(self) -> Sequence[str]:
        return (self._token,)

    def query(
        self, *, start: TimeLike, end: TimeLike | None = None, with_clicks: bool = False
    ) -> Query:
        return Query.checked(start, end, (("with_clicks", "true"),) if with_clicks else ())

    def page_request(self, query: Query, window: Window, page: int) -> Request:
        bounds = (
            ("start_date", instant(window.asked_start)),
            ("end_date", instant(window.asked_end)),
        )
        return Request(
            method="GET",
            url=self.base_url + PATH,
            headers={"Authorization": f"Bearer {self._token}"},
            params=(("page", str(page)), *bounds, *query.filters),
            page=page,
        )

    def read_page(self, response: Response, *, page: int, raw: bool = False) -> Answer[Session]:
        def read(sent: Page) -> Answer[Session] | UnexpectedResponseError:
            return answer_of(sent, page, raw_records(response, "data") if raw else ())

        answer = reading(response, decode_page, read)
        if isinstance(answer, SessionsError):
            raise answer
        return answer

    def read_refusal(self, response: Response) -> SessionsError | None:
        return None  # the usual statuses say it all

    def unknown_fields(self, response: Response) -> Sequence[str]:
        return undocumented(response, KNOWN)


def address(given: str) -> str:
    return base_url(given, path=PATH, what="base_url (ACME_BASE_URL)")


def answer_of(
    sent: Page, page: int, raws: Sequence[bytes]
) -> Answer[Session] | UnexpectedResponseError:
    if sent.meta.page != page:
        return UnexpectedResponseError(f"asked for page {page}, got {sent.meta.page}")
    sessions = [
        Session(
            provider="acme",
            id=row.id,
            started_at=utc(row.created_at),
            campaign=row.campaign_id,
            raw=raws[index] if raws else None,
        )
        for index, row in enumerate(sent.data)
    ]
    return Answer(sessions, [session.started_at for session in sessions], sent.meta.count)
