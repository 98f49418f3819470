"""A fake of AttributionHub: `POST /api/v1/sessions`, with its monthly quota."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import attrs
import msgspec

from asyncsessions.testing.answers import Answer, Asked, RefusedError, json_answer
from asyncsessions.testing.attributionhub_rows import AttributionHubRows, edit_attributionhub
from asyncsessions.testing.drift import DriftingReader
from asyncsessions.testing.instants import datetime_of, read_instant, step_of
from asyncsessions.testing.listing import Listing
from asyncsessions.testing.server import FakeServer, ReadPage
from asyncsessions.testing.switches import Span, Switches

if TYPE_CHECKING:
    from aiohttp import web

    from asyncsessions.testing.history import Json

__all__ = ["ATTRIBUTIONHUB_KEY", "FakeAttributionHub", "attributionhub_reader"]

ATTRIBUTIONHUB_KEY = "invented-attributionhub-key"

_START = datetime(2026, 3, 2, tzinfo=UTC)
_END = datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC)
_PATH = "/api/v1/sessions"
_LONGEST = timedelta(days=30)
_FILTERS = ("source", "medium", "campaign", "content", "term", "landing_page")
_NOTHING = {"message": "No sessions found for the given parameters."}


def attributionhub_reader(switches: Switches, *, twins: int = 0) -> DriftingReader:
    """Return AttributionHub's list, and what reads and changes it, without any server.

    The list's filters are the vendor's own, matched exactly. `twins` is the number of pairs of
    byte-equal rows.
    """
    span = Span.of(switches, _START, _END, "timestamp", twins)
    maker = AttributionHubRows(
        seed=switches.seed,
        timestamps=switches.timestamps,
        unknown_fields=switches.unknown_fields,
        instants=span.instants,
        twins=span.twins,
    )
    listing = Listing(
        span.instants,
        span.with_given(maker),
        order=switches.order,
        page_size=switches.page_size,
        seed=switches.seed,
    )
    return DriftingReader(
        listing,
        switches.drift,
        span.start,
        span.end,
        step_of(switches.timestamps),
        edit_attributionhub,
        span.crowded,
    )


@attrs.define(kw_only=True, eq=False, slots=False)
class FakeAttributionHub(FakeServer):
    """AttributionHub's API on a loopback port.

    Takes everything that `Switches` takes. Where `start` and `end` are None the rows lie in the 30
    days from 2026-03-02 to 2026-03-31.

    Args:
        key: the key that is accepted.
        quota: requests a month; None means no limit. Every request with the right key uses one,
            also one that fails. It can be changed while the server runs.
        domain: named in the answer to a request beyond the quota.
        twins: so many pairs of invented rows are byte-equal, every other pair across a page edge.
        cut_long_windows: a window over 30 days, or without a start, is answered as the 30 days
            before its end.

    """

    key: str = attrs.field(default=ATTRIBUTIONHUB_KEY, repr=False)
    quota: int | None = None
    domain: str = "example.com"
    twins: int = attrs.field(default=0, validator=attrs.validators.ge(0))
    cut_long_windows: bool = True
    quota_used: int = attrs.field(init=False, default=0)

    def _make_reader(self) -> DriftingReader:
        return attributionhub_reader(self, twins=self.twins)

    def _read(self, request: web.BaseRequest, body: bytes, /) -> Asked:
        if request.path != _PATH or request.method != "POST":
            return Asked()
        if request.content_type != "application/json":
            return Asked(kind="sessions", problem="Content-Type must be application/json")
        return _read_body(body)

    def _admit(self, request: web.BaseRequest) -> None:
        given = request.headers.get("Authentication")
        if given is None:
            raise RefusedError(self._complaint(401, "Missing API Key Header", "credentials"))
        if given != self.key:
            raise RefusedError(self._complaint(403, "Invalid API key.", "credentials"))
        if self.quota is not None and self.quota_used >= self.quota:
            body = {
                "error": "API monthly limit exceeded.",
                "limit": self.quota,
                "used": self.quota_used,
                "domain": self.domain,
            }
            raise RefusedError(json_answer(body, status=429, detail="quota"))
        self.quota_used += 1

    def _answer(self, asked: Asked, read: ReadPage) -> Answer:
        if asked.kind == "unknown":
            return self._complaint(404, "Not found", "unknown path")
        if asked.problem is not None or asked.page is None:
            return self._complaint(400, asked.problem or "page is invalid", "invalid")
        rows, total = read(asked.page, self._first(asked), asked.end, asked.filters)
        if not rows:
            return json_answer(_NOTHING)
        count, pages = self._claimed(total)
        pagination: Json = {
            "current_page": asked.page,
            "total_pages": pages,
            "total_records": count,
        }
        body: Json = {"records": [row.data for row in rows], "pagination": pagination}
        if self.unknown_fields:
            body["trace_id"] = "invented-trace"
            pagination["next_page_hint"] = None
        return json_answer(body, rows=len(rows))

    def _first(self, asked: Asked) -> datetime | None:
        """Return the start of the window that is really answered."""
        if not self.cut_long_windows:
            return asked.start
        end = asked.end or max(self._reader.end, self.listing.newest or self._reader.end)
        earliest = end - _LONGEST
        return earliest if asked.start is None else max(asked.start, earliest)

    def _complaint(self, status: int, message: str, detail: str) -> Answer:
        return json_answer({"error": message}, status=status, detail=detail)


def _read_body(body: bytes) -> Asked:
    asked = Asked(kind="sessions")
    try:
        fields = msgspec.json.decode(body, type=dict[str, object])
        page = fields.get("page", 1)
        if not isinstance(page, int) or isinstance(page, bool) or page < 1:
            msg = "page must be an integer of 1 or more"
            raise ValueError(msg)
        asked = attrs.evolve(
            asked,
            start=_bound(fields.get("start_date"), end_of_day=False),
            end=_bound(fields.get("end_date"), end_of_day=True),
            filters={name: fields[name] for name in _FILTERS if fields.get(name) is not None},
        )
        if not all(isinstance(value, str) for value in asked.filters.values()):
            msg = "filters must be strings"
            raise ValueError(msg)
    except (ValueError, msgspec.MsgspecError) as error:  # not ValueErrors in every release
        return attrs.evolve(asked, problem=str(error))
    return attrs.evolve(asked, page=page)


def _bound(text: object, *, end_of_day: bool) -> datetime | None:
    return None if text is None else datetime_of(read_instant(text, end_of_day=end_of_day))
