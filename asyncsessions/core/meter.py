"""What a pull spends: requests, retries, waiting; and what it may spend."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define

from asyncsessions.core.watch import Watch
from asyncsessions.errors import BudgetExceededError, SessionsError

__all__ = ["Meter"]


@define(kw_only=True)
class Meter:
    """The accounts of one pull.

    ``max_requests`` bounds everything that is sent, retries included; ``deadline`` is a moment of
    the steady clock in seconds, ``deadline_s`` the same as the user gave it.  ``None`` = no bound.
    ``before`` were sent by earlier goes of the same run and count against ``max_requests``.
    ``enter`` is called before each request is sent, and may refuse it by raising.  ``under_way``
    are the requests that were sent and not answered yet; once ``stopped_by`` is set none is added.
    ``waiting`` are those that wait for their turn, by the limits of the client.
    ``at_rest`` is called whenever the last of them was answered.  ``watch`` is told of everything
    that is sent, ``None`` if nobody watches.
    """

    max_requests: int | None = None
    deadline: float | None = None
    deadline_s: float | None = None
    requests: int = 0
    retries: int = 0
    waited_s: float = 0.0
    before: int = 0
    under_way: int = 0
    waiting: int = 0
    enter: Callable[[], None] | None = None
    at_rest: Callable[[], None] | None = None
    stopped_by: SessionsError | None = None
    watch: Watch | None = None

    @property
    def left(self) -> int | None:
        """How many requests may still be sent; ``None`` = any number."""
        if self.max_requests is None:
            return None
        return max(0, self.max_requests - self.before - self.requests)

    def spend(self, *, is_retry: bool) -> None:
        """Count a request that is about to be sent.

        Raises :class:`BudgetExceededError` if it may not be sent, and what ``enter`` raises.
        """
        self.refuse_beyond_budget()
        if self.enter is not None:
            self.enter()
        self.requests += 1
        self.retries += is_retry
        self.under_way += 1

    def answered(self) -> None:
        """Note that a request is not under way any more, whatever came of it."""
        self.under_way -= 1
        if not self.under_way and self.at_rest is not None:
            self.at_rest()

    def refuse_beyond_budget(self) -> None:
        """Raise :class:`BudgetExceededError` if nothing may be sent any more, or what stopped it.

        Raises what an observer raised.
        """
        if self.watch is not None:
            self.watch.raise_failure()
        if self.stopped_by is not None:
            raise self.stopped_by
        if self.max_requests is not None and not self.left:
            earlier = f" ({self.before} of them in earlier goes)" if self.before else ""
            raise BudgetExceededError(
                f"max_requests={self.max_requests} is used up{earlier}: raise it, or go on later"
            )

    def is_late(self, now: float) -> bool:
        """Whether the deadline has come."""
        return self.deadline is not None and now >= self.deadline

    def out_of_time(self) -> BudgetExceededError:
        """Return the error that says that the deadline does not allow any more."""
        return BudgetExceededError(f"deadline_s={self.deadline_s:g} does not suffice: go on later")
