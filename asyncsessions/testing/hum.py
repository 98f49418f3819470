"""A fake of Hum: `GET /analytics/sessions`, one session on its own, and `GET /ping`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal
from uuid import UUID

import attrs

from asyncsessions.testing.answers import Answer, Asked, RefusedError, json_answer
from asyncsessions.testing.drift import DriftingReader
from asyncsessions.testing.hum_rows import HumRows, edit_hum, hum_detail
from asyncsessions.testing.instants import datetime_of, read_instant, step_of
from asyncsessions.testing.listing import Listing
from asyncsessions.testing.seeding import scramble
from asyncsessions.testing.server import FakeServer, ReadPage
from asyncsessions.testing.switches import Span, Switches

if TYPE_CHECKING:
    from aiohttp import web

    from asyncsessions.testing.history import Filters, Json

__all__ = ["HUM_TOKEN", "HUM_TOKEN_IDS", "FakeHum", "hum_reader"]

HUM_TOKEN = "invented-hum-token"  # noqa: S105 - it opens nothing
HUM_TOKEN_IDS = (
    "00000000-0000-4000-8000-000000000001",
    "00000000-0000-4000-8000-000000000002",
    "00000000-0000-4000-8000-000000000003",
)

_START = datetime(2026, 1, 1, tzinfo=UTC)
_END = datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC)
_LIST = "/analytics/sessions"


@attrs.frozen
class _HumFilter:
    """Decides by uid what a row does not show: its token, and whether it was clicked."""

    seed: int

    def __call__(self, uid: int, filters: Filters) -> bool:
        bits = scramble(self.seed + 1, uid)
        if filters.get("with_clicks") and bits >> 8 & 3 == 0:
            return False
        tokens = filters.get("token_ids")
        return not isinstance(tokens, tuple) or HUM_TOKEN_IDS[bits % 3] in tokens


def hum_reader(switches: Switches, *, int_zips: bool = False) -> DriftingReader:
    """Return Hum's list, and what reads and changes it, without any server.

    The list's filters are `token_ids`, a tuple of ids, and `with_clicks`, which is True. `int_zips` makes about
    half of the invented ZIP codes JSON numbers.
    """
    span = Span.of(switches, _START, _END, "created_at")
    maker = HumRows(
        seed=switches.seed,
        timestamps=switches.timestamps,
        int_zips=int_zips,
        unknown_fields=switches.unknown_fields,
    )
    listing = Listing(
        span.instants,
        span.with_given(maker),
        order=switches.order,
        page_size=switches.page_size,
        seed=switches.seed,
        passes=_HumFilter(switches.seed),
    )
    return DriftingReader(
        listing,
        switches.drift,
        span.start,
        span.end,
        step_of(switches.timestamps),
        edit_hum,
        span.crowded,
    )


@attrs.define(kw_only=True, eq=False, slots=False)
class FakeHum(FakeServer):
    """Hum's analytics API on a loopback port.

    Takes everything that `Switches` takes. Where `start` and `end` are None the rows lie between
    2026-01-01 and 2026-03-31.

    Args:
        token: the bearer token that is accepted.
        request_status: of answers with status 200.
        message: of answers with status 200.
        int_zips: about half of the invented ZIP codes are JSON numbers.

    """

    token: str = attrs.field(default=HUM_TOKEN, repr=False)
    request_status: Literal["ok", "warning", "error"] = "ok"
    message: str = "Analytics sessions"
    int_zips: bool = False

    @property
    def token_ids(self) -> tuple[str, ...]:
        """The ids of the client's tokens, each of which owns about a third of the rows."""
        return HUM_TOKEN_IDS

    def _make_reader(self) -> DriftingReader:
        return hum_reader(self, int_zips=self.int_zips)

    def _read(self, request: web.BaseRequest, _body: bytes, /) -> Asked:
        path = request.path
        if request.method == "GET" and path == _LIST:
            return _read_query(request)
        if request.method == "GET" and path == "/ping":
            return Asked(kind="ping")
        if request.method == "GET" and path.startswith(_LIST + "/"):
            return Asked(kind="session", session_id=path[len(_LIST) + 1 :])
        return Asked()

    def _admit(self, request: web.BaseRequest) -> None:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            raise RefusedError(self._complaint(401, "Unauthorized", "credentials"))

    def _answer(self, asked: Asked, read: ReadPage) -> Answer:
        if asked.kind == "ping":
            pong: Json = {**self._head(), "data": {}, "timestamp": _now()}
            return json_answer(pong, detail="ping")
        if asked.kind == "session":
            return self._session(asked.session_id or "")
        if asked.kind == "unknown":
            return self._complaint(404, "Not found", "unknown path")
        if asked.problem is not None or asked.page is None:
            return self._complaint(422, asked.problem or "page is invalid", "invalid")
        if not set(asked.token_ids) <= set(HUM_TOKEN_IDS):
            return self._complaint(403, "A token does not belong to this client", "foreign token")
        rows, total = read(asked.page, asked.start, asked.end, asked.filters)
        count, pages = self._claimed(total)
        meta: Json = {
            "responded_at": _now(),
            "page": asked.page,
            "pages": pages,
            "count": count,
        }
        return self._envelope([row.data for row in rows], meta)

    def _session(self, session_id: str) -> Answer:
        for row in self.listing.iter_rows():
            if row.data.get("id") == session_id:
                body = {**self._head(), "data": hum_detail(row), "meta": {"responded_at": _now()}}
                return json_answer(body, detail="session")
        return self._complaint(404, "Session not found", "unknown session")

    def _envelope(self, rows: list[Json], meta: Json) -> Answer:
        body: Json = {**self._head(), "data": rows, "meta": meta}
        if self.unknown_fields:
            body["trace_id"] = "invented-trace"
            meta["next_page_hint"] = None
        return json_answer(body, rows=len(rows))

    def _head(self) -> Json:
        return {"message": self.message, "request_status": self.request_status}

    def _complaint(self, status: int, message: str, detail: str) -> Answer:
        body: Json = {
            "message": message,
            "request_status": "error",
            "data": [],
            "meta": {"responded_at": _now()},
        }
        return json_answer(body, status=status, detail=detail)


def _read_query(request: web.BaseRequest) -> Asked:
    query = request.query
    filters: dict[str, object] = {}
    asked = Asked(kind="sessions")
    try:
        bounds = [
            datetime_of(read_instant(query[name], only_full=True)) if name in query else None
            for name in ("start_date", "end_date")
        ]
        asked = attrs.evolve(asked, start=bounds[0], end=bounds[1], filters=filters)
        tokens = tuple(sorted({str(UUID(text)) for text in query.getall("token_ids[]", [])}))
        if tokens:
            filters["token_ids"] = tokens
            asked = attrs.evolve(asked, token_ids=tokens)
        clicks = query.get("with_clicks", "false")
        if clicks not in ("true", "false"):
            msg = f"with_clicks {clicks!r} is neither true nor false"
            raise ValueError(msg)
        if clicks == "true":
            filters["with_clicks"] = True
        page = int(query.get("page", "1"))
        if page < 1:
            msg = "page must be 1 or more"
            raise ValueError(msg)
    except ValueError as error:
        return attrs.evolve(asked, problem=str(error))
    return attrs.evolve(asked, page=page)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
