"""One request under observation: what is told of it, from its first attempt to its end.

Only made where somebody watches; whoever is not watched pays for one comparison a request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

from asyncsessions.core.events import AttemptEnded, AttemptStarted, RequestEnded, Waiting
from asyncsessions.core.http import Request, Response
from asyncsessions.core.meter import Meter
from asyncsessions.core.watch import Watch, name_of
from asyncsessions.errors import QuotaExceededError, SessionsError

__all__ = ["Observed"]

T = TypeVar("T")
Exchange: TypeAlias = Callable[
    [Request, Callable[[Response], T], float], Awaitable[T | SessionsError]
]
"""Sends once, within so many seconds, and returns what was read or the error as a value."""


class Observed:
    """Tells a watch of one request and its attempts."""

    def __init__(self, watch: Watch, request: Request, meter: Meter) -> None:
        self._watch = watch
        self._meter = meter
        self._request = watch.request(request)
        self._began_at = self._queued_at = watch.clock()
        self._attempts = 0
        self._last_error: str | None = None

    def queue(self) -> None:
        """Note that an attempt is about to wait for its turn."""
        self._queued_at = self._watch.clock()

    async def exchange(
        self,
        exchange: Exchange[T],
        request: Request,
        read: Callable[[Response], T],
        allowed_s: float,
    ) -> T | SessionsError:
        """Make an attempt with ``exchange`` and return what that returns."""
        watch, status = self._watch, None

        def noting(response: Response) -> T:
            nonlocal status
            status = response.status
            return read(response)

        self._attempts += 1
        attempt = AttemptStarted(
            request=self._request,
            number=self._attempts,
            repeats=self._last_error,
            waited_s=watch.clock() - self._queued_at,
        )
        watch.tell(attempt)
        sent_at = watch.clock()  # what observers take is none of the vendor's time
        try:
            outcome = await exchange(request, noting, allowed_s)
        except BaseException as error:
            self._tell_end(attempt, sent_at, status, error)
            raise
        failure = outcome if isinstance(outcome, SessionsError) else None
        self._tell_end(attempt, sent_at, status, failure)
        return outcome

    def _tell_end(
        self,
        attempt: AttemptStarted,
        sent_at: float,
        status: int | None,
        error: BaseException | None,
    ) -> None:
        quota = error if isinstance(error, QuotaExceededError) else None
        ours = error if isinstance(error, SessionsError) else None
        self._last_error = None if error is None else name_of(error)
        self._watch.tell(
            AttemptEnded(
                attempt=attempt,
                duration_s=self._watch.clock() - sent_at,
                status=status if ours is None or ours.status is None else ours.status,
                error=self._last_error,
                transient=ours is not None and ours.transient,
                retry_after_s=None if ours is None else ours.retry_after_s,
                quota_used=None if quota is None else quota.used,
                quota_limit=None if quota is None else quota.limit,
                sent=self._meter.before + self._meter.requests,
                max_requests=self._meter.max_requests,
            )
        )

    def waiting(self, wait_s: float) -> None:
        """Tell that the attempt that failed will be repeated after so many seconds.

        Raises what an observer raised: then there is nothing to wait for.
        """
        self._watch.tell(
            Waiting(
                request=self._request,
                wait_s=wait_s,
                number=self._attempts,
                error=self._last_error or "",
            )
        )
        self._watch.raise_failure()

    def end(self, error: BaseException | None) -> None:
        """Tell that nothing more is tried: an answer was read, or there is none."""
        self._watch.tell(
            RequestEnded(
                request=self._request,
                duration_s=self._watch.clock() - self._began_at,
                attempts=self._attempts,
                error=None if error is None else name_of(error),
            )
        )
