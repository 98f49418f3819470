"""Lets requests go, first come first served, at the pace that :mod:`core.pace` works out."""

from __future__ import annotations

import asyncio
from collections import deque

from asyncsessions.core.pace import Pace

__all__ = ["Throttle"]


class Throttle:
    """The gate of one client: every request enters before it is sent and leaves when answered.

    Cancellation is safe: a waiter that is cancelled gives its place to the next.
    """

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.in_flight = 0
        self._waiters: deque[asyncio.Future[float]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._is_open = False

    def enter_now(self) -> float | None:
        """Return this moment (the loop's clock) if a request may be sent in it, else ``None``."""
        now = asyncio.get_running_loop().time()
        if self._waiters or not self._may_enter() or self._wait_s(now) > 0:
            return None
        return self._let_in(now)

    async def enter(self) -> float:
        """Wait for permission to send, and return the moment of it (the loop's clock)."""
        if (now := self.enter_now()) is not None:
            return now
        waiter: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._admit()
        try:
            return await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():
                self.leave()  # it was let in at the very moment it was cancelled
            raise

    def leave(self) -> None:
        """A request was answered, or given up."""
        self.in_flight -= 1
        if self._waiters:
            self._admit()

    def open(self) -> None:
        """Let everybody through from now on: nothing will be sent any more."""
        self._is_open = True
        self._admit()

    def _may_enter(self) -> bool:
        return self._is_open or self.in_flight < self.pace.limit

    def _wait_s(self, now: float) -> float:
        return 0.0 if self._is_open else self.pace.wait_s(now)

    def _let_in(self, now: float) -> float:
        self.in_flight += 1
        self.pace.sent(now)
        return now

    def _admit(self) -> None:
        """Let in whoever may enter now, and come back when the next may."""
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiters:
            if self._waiters[0].cancelled():
                self._waiters.popleft()
                continue
            if not self._may_enter():
                return
            now = loop.time()
            wait_s = self._wait_s(now)
            if wait_s > 0:
                self._timer = loop.call_later(wait_s, self._admit)
                return
            self._waiters.popleft().set_result(self._let_in(now))
