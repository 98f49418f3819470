"""What the two fake vendors share: the gates before an answer, latency, limits and faults."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING

import attrs

from asyncsessions.testing.answers import Answer, Asked, RefusedError, send, web_page
from asyncsessions.testing.faults import FaultKind, FaultPlan
from asyncsessions.testing.history import Filters, Row
from asyncsessions.testing.lifecycle import LoopbackServer
from asyncsessions.testing.limits import Latency, TokenBucket
from asyncsessions.testing.seen import RequestSeen

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.web_protocol import RequestHandler

    from asyncsessions.testing.drift import DriftingReader
    from asyncsessions.testing.listing import Listing

__all__ = ["FakeServer", "ReadPage"]

ReadPage = Callable[[int, datetime | None, datetime | None, Filters | None], tuple[list[Row], int]]


@attrs.define(kw_only=True, eq=False, slots=False)
class FakeServer(LoopbackServer):
    """A vendor's API: subclasses say what is asked for, who may ask, and how it is answered."""

    listing: Listing = attrs.field(init=False)
    _reader: DriftingReader = attrs.field(init=False)
    _plan: FaultPlan = attrs.field(init=False)
    _bucket: TokenBucket = attrs.field(init=False)
    _latency: Latency = attrs.field(init=False)
    _chance: Random = attrs.field(init=False)
    _admitted: int = attrs.field(init=False, default=0)
    _used: set[RequestHandler] = attrs.field(init=False, factory=set["RequestHandler"])

    def __attrs_post_init__(self) -> None:
        """Make the list, and everything that decides by seed."""
        self._plan = FaultPlan(self.faults)
        self._bucket = TokenBucket(self.rate_per_s, self.burst)
        self._latency = Latency(self.latency_s, self.seed)
        self._chance = Random(self.seed)
        self._reader = self._make_reader()
        self.listing = self._reader.listing
        self.start, self.end = self._reader.start, self._reader.end

    @property
    def answers(self) -> int:
        """How many pages were read for answers that were not spoilt; drift counts by it."""
        return self._reader.answers

    @abstractmethod
    def _make_reader(self) -> DriftingReader:
        """Return the vendor's list and what reads and changes it."""

    @abstractmethod
    def _read(self, request: web.BaseRequest, body: bytes, /) -> Asked:
        """Return what a request asks for."""

    @abstractmethod
    def _admit(self, request: web.BaseRequest) -> None:
        """Check credentials and quota; raises `RefusedError`."""

    @abstractmethod
    def _answer(self, asked: Asked, read: ReadPage) -> Answer:
        """Answer a request that passed all gates, reading rows at once and at most once."""

    @abstractmethod
    def _complaint(self, status: int, message: str, detail: str) -> Answer:
        """Return an error in the vendor's form."""

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        seen = RequestSeen(method=request.method, path=request.path, at_s=self._elapsed_s())
        number = self._log.arrive(seen)
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
        try:
            body = await request.read() if request.can_read_body else b""
            asked = self._read(request, body)
            seen = self._log.update(number, self._noted(seen, asked, body))
            answer = await self._outcome(request, asked)
            seen = self._answered(seen, answer)
            return await send(request, answer)
        finally:
            self._log.leave(number, seen)
            if task is not None:
                self._tasks.discard(task)

    def _noted(self, seen: RequestSeen, asked: Asked, body: bytes) -> RequestSeen:
        return attrs.evolve(
            seen,
            page=asked.page,
            start=asked.start,
            end=asked.end,
            filters=asked.filters,
            session_id=asked.session_id,
            request_body=body if self.record_bodies else None,
        )

    def _answered(self, seen: RequestSeen, answer: Answer) -> RequestSeen:
        return attrs.evolve(
            seen,
            answered_s=self._elapsed_s(),
            status=answer.sent_status,
            detail=answer.detail,
            rows=answer.rows,
            answer_body=answer.content if self.record_bodies else None,
        )

    async def _outcome(self, request: web.BaseRequest, asked: Asked) -> Answer:
        if self.hidden_close and self._is_reused(request):
            return Answer(broken="closed", detail="hidden close")
        if self.redirect_to is not None:
            return Answer(status=302, headers={"Location": self.redirect_to}, detail="redirect")
        try:
            self._admit(request)
        except RefusedError as refused:
            return refused.answer
        if not self._bucket.take(self._elapsed_s()):
            return self._later(429, "Rate limit exceeded.", "rate")
        if self.max_concurrency is not None and self._admitted >= self.max_concurrency:
            return self._later(503, "Too many requests at once.", "concurrency")
        self._admitted += 1
        try:
            return await self._timed(asked)
        finally:
            self._admitted -= 1

    async def _timed(self, asked: Asked) -> Answer:
        fault = self._plan.next(asked.page)
        wait_s = self._latency.draw()
        before_s = wait_s * self._latency.share(self.read_point)
        if fault == "slow" and self.faults is not None:
            before_s += self.faults.slow_s
            wait_s += self.faults.slow_s
        if before_s > 0:
            await asyncio.sleep(before_s)
        answer = self._spoilt(asked, fault)
        if wait_s > before_s:
            await asyncio.sleep(wait_s - before_s)
        return answer

    def _spoilt(self, asked: Asked, fault: FaultKind | None) -> Answer:
        """Return the right answer, or what a fault makes of it; faults never let the list drift."""
        if fault is None or fault == "slow":
            answer = self._answer(asked, self._reader.page)
            return answer if fault is None else attrs.evolve(answer, detail="fault slow")
        detail = f"fault {fault}"
        if fault == "429":
            answer = self._complaint(429, "Too many requests.", detail)
            return attrs.evolve(answer, headers={"Retry-After": "0"})
        if fault in ("truncated", "cut_json"):
            answer = attrs.evolve(self._answer(asked, self.listing.page), detail=detail)
            if fault == "truncated":
                return attrs.evolve(answer, broken="truncated")
            return attrs.evolve(answer, content=answer.content[: len(answer.content) * 2 // 3])
        if fault == "reset":
            return Answer(broken="reset", detail=detail)
        if fault == "empty":
            return Answer(detail=detail)
        if fault == "html":
            return web_page(200, detail)
        if fault == "502" or (fault == "503" and self._chance.random() < 0.5):
            return web_page(int(fault), detail)
        return self._complaint(int(fault), "Something went wrong.", detail)

    def _later(self, status: int, message: str, detail: str) -> Answer:
        answer = self._complaint(status, message, detail)
        if self.retry_after is None:
            return answer
        return attrs.evolve(answer, headers={"Retry-After": self.retry_after})

    def _is_reused(self, request: web.BaseRequest) -> bool:
        connection = request.protocol
        if connection in self._used:
            self._used.discard(connection)
            return True
        self._used.add(connection)
        return False

    def _claimed(self, total: int) -> tuple[int, int]:
        """Return the rows and the pages that the answer says there are."""
        rows = total if self.claim_rows is None else self.claim_rows
        return rows, -(-rows // self.page_size) * self.overstate_pages
