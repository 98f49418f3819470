"""One limit for many tasks that cannot talk to each other: each gets a share, and keeps to it.

A share is worth what it is because shares add up: whatever runs at the same time, on however many
machines, never exceeds the whole.  Nothing here knows Spark.
"""

from __future__ import annotations

from attrs import frozen

from asyncsessions.core.parts import Part, Parts
from asyncsessions.errors import BudgetExceededError, ConfigurationError

__all__ = ["Limits", "Share", "shares_of"]

MOST_ATTEMPTS = 4
"""``spark.task.maxFailures`` unless it is set: a budget is kept for so many attempts at most."""


@frozen(kw_only=True)
class Limits:
    """What all tasks of a read have together; ``None`` = no limit.

    ``tasks_at_once`` is how many tasks can run at the same time at most; ``None`` = not known, so
    all of them may.  Raises :class:`ConfigurationError`.
    """

    max_concurrency: int = 8
    requests_per_second: float | None = None
    max_requests: int | None = None
    tasks_at_once: int | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse more tasks than there may be requests."""
        if self.tasks_at_once is not None and self.tasks_at_once > self.max_concurrency:
            raise ConfigurationError(
                f"tasks_at_once={self.tasks_at_once} is more than max_concurrency="
                f"{self.max_concurrency}, and each task needs a request of its own: raise the one "
                "or lower the other"
            )

    @property
    def most_parts(self) -> int | None:
        """How many partitions there may be; ``None`` = any number, since they take turns."""
        return self.max_concurrency if self.tasks_at_once is None else None


@frozen(kw_only=True)
class Share:
    """What one task may do; ``None`` = no limit.

    ``max_requests`` is for all its ``attempts`` together.
    """

    concurrency: int
    requests_per_second: float | None = None
    max_requests: int | None = None
    attempts: int = 1

    def budget(self, attempt: int) -> int | None:
        """Return how many requests an attempt may send, counted from 0.

        What an earlier attempt has spent is not known here, so each has its own part of the share.
        Raises :class:`BudgetExceededError` if none is left.
        """
        if self.max_requests is None:
            return None
        if attempt >= self.attempts:
            raise BudgetExceededError(
                f"max_requests does not suffice for attempt {attempt + 1} of this task: its share "
                f"of {self.max_requests} requests is spent, raise max_requests"
            )
        each, rest = divmod(self.max_requests, self.attempts)
        return each + (attempt < rest)


def shares_of(parts: Parts, limits: Limits) -> list[Share]:
    """Divide the limits over the parts, in their order.

    Raises :class:`BudgetExceededError` if reading them takes more than counting has left.
    """
    at_once = min(limits.tasks_at_once or len(parts.parts), len(parts.parts))
    each, rest = divmod(limits.max_concurrency, at_once)
    # Where tasks take turns, nobody knows which of them run together.
    rest = rest if at_once == len(parts.parts) else 0
    rate = limits.requests_per_second
    budgets = _budgets(parts, limits.max_requests)
    return [
        Share(
            concurrency=each + (number < rest),
            requests_per_second=None if rate is None else rate / at_once,
            max_requests=budget,
            attempts=1 if budget is None else _attempts(part, budget),
        )
        for number, (part, budget) in enumerate(zip(parts.parts, budgets, strict=True))
    ]


def _attempts(part: Part, budget: int) -> int:
    """Return for how many whole attempts a budget suffices."""
    return min(MOST_ATTEMPTS, budget // part.requests) if part.requests else MOST_ATTEMPTS


def _budgets(parts: Parts, max_requests: int | None) -> list[int] | list[None]:
    """Return the requests of each part: those that it takes, and its share of what is to spare."""
    if max_requests is None:
        return [None] * len(parts.parts)
    left = max_requests - parts.spent
    spare = left - parts.requests
    if spare < 0:
        raise BudgetExceededError(
            f"reading takes {parts.requests:,} requests, and max_requests={max_requests:,} leaves "
            f"{left:,} after counting ({parts.spent:,}): raise it, or ask for less"
        )
    # Cut at the borders of a running sum, so that the pieces add up whatever is rounded.
    weights = [1 + part.requests for part in parts.parts]
    whole, before, budgets = sum(weights), 0, list[int]()
    for part, weight in zip(parts.parts, weights, strict=True):
        piece = spare * (before + weight) // whole - spare * before // whole
        budgets.append(part.requests + piece)
        before += weight
    return budgets
