"""A network that follows a script: answers, failures and delays, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from inspect import isawaitable

import attrs

from asyncsessions.core.http import Request, Response
from asyncsessions.errors import TransportError

__all__ = ["Answering", "ScriptedTransport", "Step"]

Answering = Callable[[Request], Response | Exception | Awaitable[Response | Exception]]
Step = Response | Exception | Answering


@attrs.define(eq=False)
class ScriptedTransport:
    """Stands in for the network: `Client(…, transport=ScriptedTransport([…]))`.

    It opens no socket and waits only for the loop's timers, so it works on a `VirtualClock`.

    Args:
        script: what each request gets, in the order in which they are sent: a `Response` is
            returned, an `Exception` is raised, and a function is called with the `Request` and
            returns either, or an awaitable of either. A function alone answers every request.
        latency_s: seconds that every answer takes; a `TransportError` is raised instead where
            that, or an awaitable, takes longer than the client allows.

    Raises:
        AssertionError: from `send`, when the script has ended; the client does not repeat it.

    """

    script: Iterable[Step] | Answering
    latency_s: float = attrs.field(default=0.0, kw_only=True)
    requests: list[Request] = attrs.field(init=False, factory=list[Request])
    """Every request in the order sent."""
    sent_at_s: list[float] = attrs.field(init=False, factory=list[float])
    """When each was sent, by the loop's clock."""
    timeouts_s: list[float] = attrs.field(init=False, factory=list[float])
    """How long each was allowed to take."""
    in_flight: int = attrs.field(init=False, default=0)
    """How many requests are under way."""
    max_in_flight: int = attrs.field(init=False, default=0)
    """The most that ever were."""
    _steps: Iterator[Step] | None = attrs.field(init=False, default=None)

    async def send(self, request: Request, *, timeout_s: float) -> Response:
        """Follow the script by one step."""
        self.requests.append(request)
        self.sent_at_s.append(asyncio.get_running_loop().time())
        self.timeouts_s.append(timeout_s)
        step = self._next_step()
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        try:
            async with asyncio.timeout(timeout_s):
                outcome = await self._follow(step, request)
        except TimeoutError:
            outcome = TransportError(f"no whole answer within {timeout_s:g} s")
        finally:
            self.in_flight -= 1
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _next_step(self) -> Step:
        if callable(self.script):
            return self.script
        if self._steps is None:
            self._steps = iter(self.script)
        for step in self._steps:
            return step
        msg = f"the script has ended: request {len(self.requests)} was not expected"
        raise AssertionError(msg)

    async def _follow(self, step: Step, request: Request) -> Response | Exception:
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        if isinstance(step, Response | Exception):
            return step
        outcome = step(request)
        return await outcome if isawaitable(outcome) else outcome
