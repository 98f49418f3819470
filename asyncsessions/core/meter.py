"""What a pull spends: requests, retries, waiting; and what it may spend."""

from __future__ import annotations

from attrs import define

from asyncsessions.errors import BudgetExceededError

__all__ = ["Meter"]


@define(kw_only=True)
class Meter:
    """The accounts of one pull.

    ``max_requests`` bounds everything that is sent, retries included; ``deadline`` is a moment of
    the steady clock in seconds, ``deadline_s`` the same as the user gave it.  ``None`` = no bound.
    """

    max_requests: int | None = None
    deadline: float | None = None
    deadline_s: float | None = None
    requests: int = 0
    retries: int = 0
    waited_s: float = 0.0

    @property
    def left(self) -> int | None:
        """How many requests may still be sent; ``None`` = any number."""
        return None if self.max_requests is None else max(0, self.max_requests - self.requests)

    def spend(self, *, is_retry: bool) -> None:
        """Count a request that is about to be sent.

        Raises :class:`BudgetExceededError` if it may not be sent.
        """
        self.refuse_beyond_budget()
        self.requests += 1
        self.retries += is_retry

    def refuse_beyond_budget(self) -> None:
        """Raise :class:`BudgetExceededError` if nothing may be sent any more."""
        if self.left == 0:
            raise BudgetExceededError(
                f"max_requests={self.max_requests} is used up: raise it, or go on later"
            )

    def is_late(self, now: float) -> bool:
        """Whether the deadline has come."""
        return self.deadline is not None and now >= self.deadline

    def out_of_time(self) -> BudgetExceededError:
        """Return the error that says that the deadline does not allow any more."""
        return BudgetExceededError(f"deadline_s={self.deadline_s:g} does not suffice: go on later")
