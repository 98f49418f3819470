"""What a fake server saw: every request that reached it, and how many at the same moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["RequestLog", "RequestSeen"]


@attrs.frozen(kw_only=True)
class RequestSeen:
    """One request as it reached the server. Headers are never kept.

    Attributes:
        method: the HTTP method.
        path: the path, without the query.
        page: the page asked for; None when the request asks for none, or not for a number.
        start: the asked lower bound, aware; None when there is none.
        end: the asked upper bound, aware; None when there is none.
        filters: the other filters asked for, by the vendor's names.
        session_id: the id asked for on Hum's endpoint for one session; None elsewhere.
        at_s: seconds from the server's start to its arrival.
        answered_s: seconds from the server's start to its answer; None while in flight.
        status: status sent; None while in flight, and for ever when nothing was sent.
        detail: what became of it: `page`, `session`, `ping`, or the reason it was refused or spoilt
            (`credentials`, `invalid`, `rate`, `concurrency`, `quota`, `redirect`, `hidden close`,
            `fault 503`, …).
        rows: how many rows the answer carried; 0 where it is not a page.
        request_body: the body received; None unless the server records bodies.
        answer_body: the body sent, or meant to be sent; None unless the server records bodies.

    """

    method: str
    path: str
    at_s: float
    page: int | None = None
    start: datetime | None = None
    end: datetime | None = None
    filters: dict[str, object] = attrs.field(factory=dict[str, object])
    session_id: str | None = None
    answered_s: float | None = None
    status: int | None = None
    detail: str = "in flight"
    rows: int = 0
    request_body: bytes | None = None
    answer_body: bytes | None = None


@attrs.define(eq=False)
class RequestLog:
    """All requests in order of arrival, and how many were being handled at each arrival."""

    requests: list[RequestSeen] = attrs.field(factory=list[RequestSeen])
    in_flight: int = 0
    max_in_flight: int = 0
    samples: list[int] = attrs.field(factory=list[int])

    def arrive(self, seen: RequestSeen) -> int:
        """Note a request and return its number in this log, from 0."""
        self.in_flight += 1
        self.samples.append(self.in_flight)
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        self.requests.append(seen)
        return len(self.requests) - 1

    def update(self, number: int, seen: RequestSeen) -> RequestSeen:
        """Replace the note of a request that is still in flight, and return the new one."""
        self.requests[number] = seen
        return seen

    def leave(self, number: int, seen: RequestSeen) -> None:
        """Replace the note of a request by what became of it."""
        self.in_flight -= 1
        self.requests[number] = seen
