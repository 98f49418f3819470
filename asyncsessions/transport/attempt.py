"""One attempt: admitted by the throttle, sent once, judged, decoded, counted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from copy import copy
from typing import TypeVar

from asyncsessions.core.http import Request, Response
from asyncsessions.core.meter import Meter
from asyncsessions.errors import (
    QuotaExceededError,
    RateLimitError,
    ServerError,
    SessionsError,
    TransportError,
    UnexpectedResponseError,
)
from asyncsessions.transport.base import Transport
from asyncsessions.transport.observed import Observed
from asyncsessions.transport.throttle import Throttle

__all__ = ["Attempts", "Judge"]

T = TypeVar("T")
Judge = Callable[[Request, Response], SessionsError | None]
OVERLOADED = 503


class Attempts:
    """Makes the attempts of one client, and remembers when there is no point in another.

    ``timeout_s`` bounds one attempt in seconds, from the moment it may be sent.
    """

    def __init__(
        self, transport: Transport, throttle: Throttle, judge: Judge, *, timeout_s: float
    ) -> None:
        self._transport = transport
        self._throttle = throttle
        self._judge = judge
        self._timeout_s = timeout_s
        self._ended_by: SessionsError | None = None
        self._has_ended = asyncio.Event()

    async def make(
        self,
        request: Request,
        read: Callable[[Response], T],
        meter: Meter,
        *,
        is_retry: bool = False,
        observed: Observed | None = None,
    ) -> T | SessionsError:
        """Send once and return what ``read`` made of the answer, or the error *as a value*.

        ``observed``: what is told of the request, ``None`` if nobody watches.  Raises
        :class:`BudgetExceededError` and :class:`QuotaExceededError` where nothing may be sent (any
        more).
        """
        meter.refuse_beyond_budget()
        if observed is not None:
            observed.queue()
        sent_at = self._throttle.enter_now()
        if sent_at is None:
            meter.waiting += 1
            try:
                sent_at = await self._enter(meter)
            finally:
                meter.waiting -= 1
        try:
            self.refuse_after_end()
            allowed_s = self._allowed_s(meter, sent_at)
            meter.spend(is_retry=is_retry)
            try:
                if observed is None:
                    outcome = await self._exchange(request, read, allowed_s)
                else:
                    outcome = await observed.exchange(self._exchange, request, read, allowed_s)
            finally:
                meter.answered()
            # Whoever is cancelled, or meets a mistake in `read`, learns nothing about the pace.
            self._adjust_pace(outcome if isinstance(outcome, SessionsError) else None, sent_at)
        finally:
            self._throttle.leave()
        if isinstance(outcome, TransportError) and meter.is_late(self._now()):
            raise meter.out_of_time()
        return outcome

    async def _exchange(
        self, request: Request, read: Callable[[Response], T], allowed_s: float
    ) -> T | SessionsError:
        try:
            response = await self._transport.send(request, timeout_s=allowed_s)
            error = self._judge(request, response)
            if error is not None:
                return error
            try:
                return read(response)
            except UnexpectedResponseError as unreadable:
                unreadable.status = unreadable.status or response.status
                raise
        except SessionsError as caught:
            # Its frames and causes have seen headers and rows, and its traceback could be shown.
            caught.__cause__ = caught.__context__ = None
            return caught.with_traceback(None)

    async def _enter(self, meter: Meter) -> float:
        if meter.deadline is None:
            return await self._throttle.enter()
        try:
            async with asyncio.timeout_at(meter.deadline):
                return await self._throttle.enter()
        except TimeoutError:
            pass
        raise meter.out_of_time()

    def _allowed_s(self, meter: Meter, now: float) -> float:
        if meter.deadline is None:
            return self._timeout_s
        if meter.is_late(now):
            raise meter.out_of_time()
        return min(self._timeout_s, meter.deadline - now)

    def _adjust_pace(self, error: SessionsError | None, sent_at: float) -> None:
        pace, now = self._throttle.pace, self._now()
        if error is None:
            pace.succeeded(now, in_flight=self._throttle.in_flight, sent_at=sent_at)
        elif isinstance(error, QuotaExceededError):
            self.close(error)
        elif isinstance(error, RateLimitError):
            is_news = pace.refused(now, sent_at=sent_at, retry_after_s=error.retry_after_s)
            error.is_echo = not is_news
        elif isinstance(error, ServerError) and error.status == OVERLOADED:
            error.is_echo = not pace.overloaded(now, sent_at=sent_at)
        else:
            pace.failed()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    # ------------------------------------------------------------------ the end

    def close(self, error: SessionsError) -> None:
        """Send nothing any more: from now on every attempt, also one that waits, gets this error."""
        if self._ended_by is None:
            self._ended_by = error
            self._has_ended.set()
            self._throttle.open()  # whoever waits for a turn shall hear of it now

    def refuse_after_end(self) -> None:
        """Raise what ended it, as a fresh error each time, if there was an end."""
        if self._ended_by is not None:
            fresh = copy(self._ended_by).with_traceback(None)
            fresh.page = fresh.request = fresh.report = None  # those of whoever met it first
            raise fresh

    async def pause(self, wait_s: float) -> None:
        """Wait so many seconds; the end cuts the wait short, and is raised."""
        # Not asyncio.wait_for: before Python 3.12 it may swallow a cancellation.
        try:
            async with asyncio.timeout(wait_s):
                await self._has_ended.wait()
        except TimeoutError:
            return
        self.refuse_after_end()
