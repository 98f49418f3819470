"""Repeats what can pass, within the policy, the shared budget and the deadline.

The only file that knows tenacity.  Body and decoding belong to the attempt: a truncated or
garbled answer is repeated like a refused connection.  A request that succeeds at once, the usual
case, does not touch tenacity at all.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from asyncsessions.core.http import Request, Response
from asyncsessions.core.meter import Meter
from asyncsessions.core.pace import Retry, RetryBudget
from asyncsessions.core.watch import Watch
from asyncsessions.errors import BudgetExceededError, RateLimitError, ServerError, SessionsError
from asyncsessions.transport.attempt import Attempts
from asyncsessions.transport.observed import Observed

__all__ = ["Fetcher"]

T = TypeVar("T")


class Fetcher:
    """Fetches the answers of one client.  ``chance`` draws the jitter from [0, 1)."""

    def __init__(
        self,
        attempts: Attempts,
        retry: Retry,
        *,
        provider: str,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._attempts = attempts
        self._retry = retry
        self._provider = provider
        self._budget = RetryBudget(retry)
        self._chance = chance

    def fetch(
        self, request: Request, read: Callable[[Response], T], meter: Meter
    ) -> Coroutine[Any, Any, T]:
        """Send until it succeeds or may not be repeated any more, and return what ``read`` made.

        Raises what was found last, once it cannot pass or the policy or the budget of retries is
        exhausted; :class:`BudgetExceededError` where the caller's own limits forbid another
        request; :class:`QuotaExceededError` from the first one on, without a request.  Whoever
        watches is told; what an observer raised is raised instead of another error, and by the next
        request.
        """
        if meter.watch is None:
            return self._fetch(request, read, meter)
        return self._observed(request, read, meter, meter.watch)

    async def _observed(
        self, request: Request, read: Callable[[Response], T], meter: Meter, watch: Watch
    ) -> T:
        observed = Observed(watch, request, meter)
        try:
            value = await self._fetch(request, read, meter, observed)
        except BaseException as error:
            observed.end(error)
            if isinstance(error, SessionsError):
                watch.raise_failure()
            raise
        # An answer that was paid for is not lost if an observer raises: that stops the next request.
        observed.end(None)
        return value

    async def _fetch(
        self,
        request: Request,
        read: Callable[[Response], T],
        meter: Meter,
        observed: Observed | None = None,
    ) -> T:
        try:
            self._attempts.refuse_after_end()
            outcome = await self._attempts.make(request, read, meter, observed=observed)
            if isinstance(outcome, SessionsError) and self._may_pass(outcome):
                outcome = await self._repeat(outcome, request, read, meter, observed)
        except SessionsError as caught:
            outcome = caught
        if isinstance(outcome, SessionsError):
            outcome.at(provider=self._provider, page=request.page, request=str(request))
            outcome.__cause__ = outcome.__context__ = None  # see Attempts
            raise outcome.with_traceback(None)
        self._budget.success()
        return outcome

    async def _repeat(
        self,
        first: SessionsError,
        request: Request,
        read: Callable[[Response], T],
        meter: Meter,
        observed: Observed | None,
    ) -> T | SessionsError:
        last, is_first = first, True

        async def attempt() -> T:
            nonlocal last, is_first
            if is_first:  # it was made already
                is_first = False
                raise first
            outcome = await self._attempts.make(
                request, read, meter, is_retry=True, observed=observed
            )
            if isinstance(outcome, SessionsError):
                last = outcome
                raise outcome
            return outcome

        retrying = AsyncRetrying(
            retry=retry_if_exception(self._may_pass),
            stop=self._is_enough,
            wait=self._wait_s,
            sleep=partial(self._sleep, meter, observed),
            retry_error_callback=self._last_error,
        )
        try:
            return await retrying(attempt)
        except BudgetExceededError as error:
            error.message += f" (it was to be repeated, because {last.message})"
            return error

    def _may_pass(self, error: BaseException) -> bool:
        return (
            isinstance(error, SessionsError)
            and error.transient
            and (error.retry_after_s or 0.0) <= self._retry.max_retry_after_s
        )

    def _is_enough(self, state: RetryCallState) -> bool:
        """Whether there is no further attempt; pays for it if there is."""
        if state.attempt_number >= self._retry.attempts:
            return True
        error = _error_of(state)
        is_free = isinstance(error, RateLimitError | ServerError) and error.is_echo
        return not is_free and not self._budget.take()

    def _wait_s(self, state: RetryCallState) -> float:
        return self._retry.wait_s(
            state.attempt_number,
            retry_after_s=getattr(_error_of(state), "retry_after_s", None),
            chance=self._chance(),
        )

    def _last_error(self, state: RetryCallState) -> BaseException | None:
        """Hand the last error over as a value and say in it how often we tried."""
        error = _error_of(state)
        is_repeated = state.attempt_number > 1 or self._retry.attempts > 1
        if isinstance(error, SessionsError) and self._may_pass(error) and is_repeated:
            tried = f"{state.attempt_number} attempts"
            if state.attempt_number < self._retry.attempts:
                tried += ", and the client's budget of retries is used up"
            error.message += f" ({tried})"
        return error

    async def _sleep(self, meter: Meter, observed: Observed | None, wait_s: float) -> None:
        now = asyncio.get_running_loop().time()
        if meter.deadline is not None and now + wait_s >= meter.deadline:
            raise meter.out_of_time()
        meter.waited_s += wait_s
        if observed is not None:
            observed.waiting(wait_s)
        await self._attempts.pause(wait_s)


def _error_of(state: RetryCallState) -> BaseException | None:
    return None if state.outcome is None else state.outcome.exception()
