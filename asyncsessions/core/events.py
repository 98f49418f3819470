"""What happens while a vendor is asked, as values that never change.

A pull (or a count, a look-up, …) makes requests, a request makes attempts: the first, and
repetitions of it.  Each of these begins and ends with an event, and the event that ends it names
the one that began it; events of one thing are compared by identity.  An :data:`Observer` is called
with each event, in the order in which things happen.

No event holds a header, a body, a row, a filter's value or a vendor's words, so that all of them
can be written down.  ``error`` is always the name of a class; the error itself stays with whoever
called.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal, TypeAlias

from attrs import field, frozen

from asyncsessions.core.report import Report

__all__ = [
    "CANCELLED",
    "AttemptEnded",
    "AttemptStarted",
    "Event",
    "Observer",
    "Operation",
    "PageReceived",
    "PullEnded",
    "PullStarted",
    "RequestEnded",
    "RequestStarted",
    "Waiting",
]

Operation: TypeAlias = Literal["pull", "sync", "count", "estimate", "compare", "session", "ping"]
"""What was called; iterating is a pull."""

CANCELLED = "CancelledError"
"""The ``error`` of what was given up while it was under way."""


@frozen(kw_only=True, eq=False)
class PullStarted:
    """A pull, or whatever else was called, is about to send its first request.

    ``id`` counts those of this process from 1.
    """

    id: int
    operation: Operation
    provider: str


@frozen(kw_only=True, eq=False)
class RequestStarted:
    """An answer is wanted; it is asked for until it comes or nothing more may be tried.

    ``url`` is without the values of filters and ids (``REDACTED``); ``page`` is the number of the
    page, ``None`` for anything but a list.
    """

    pull: PullStarted
    method: str
    url: str
    server_address: str
    server_port: int
    page: int | None


@frozen(kw_only=True, eq=False)
class AttemptStarted:
    """A request goes out, for the ``number``-th time (from 1).

    ``repeats`` is the error of the attempt before, ``None`` for the first.  ``waited_s`` seconds
    passed until the pace allowed it; backoff is not in it, see :class:`Waiting`.
    """

    request: RequestStarted
    number: int
    repeats: str | None
    waited_s: float


@frozen(kw_only=True, eq=False)
class AttemptEnded:
    """An attempt was answered, failed, or was given up.

    ``duration_s`` is from sending to the last byte, reading into records included.  ``status`` is
    that of HTTP, ``None`` if no answer came.  ``error`` is the class of what is wrong, ``None``
    for a page that could be read; ``transient`` says whether it may pass.  ``retry_after_s`` is the
    wait that the vendor asked for.  ``quota_used`` and ``quota_limit`` are the vendor's figures, if
    it gave any; ``sent`` is how many requests this pull has sent so far, of ``max_requests``.
    """

    attempt: AttemptStarted = field(repr=False)
    duration_s: float
    status: int | None
    error: str | None
    transient: bool
    retry_after_s: float | None
    quota_used: int | None
    quota_limit: int | None
    sent: int
    max_requests: int | None

    @property
    def provider(self) -> str:
        """The vendor that was asked."""
        return self.attempt.request.pull.provider

    @property
    def page(self) -> int | None:
        """The number of the page that was asked for; ``None`` for anything but a list."""
        return self.attempt.request.page

    @property
    def number(self) -> int:
        """1 for the first attempt of a request, more for its repetitions."""
        return self.attempt.number

    @property
    def url(self) -> str:
        """The address, without the values of filters and ids."""
        return self.attempt.request.url


@frozen(kw_only=True, eq=False)
class Waiting:
    """An attempt failed, and the next one is made in ``wait_s`` seconds.

    ``number`` and ``error`` are those of the attempt that failed.
    """

    request: RequestStarted
    wait_s: float
    number: int
    error: str


@frozen(kw_only=True, eq=False)
class RequestEnded:
    """An answer was read, or ``error`` says why there is none; after ``attempts`` attempts."""

    request: RequestStarted
    duration_s: float
    attempts: int
    error: str | None


@frozen(kw_only=True, eq=False)
class PageReceived:
    """A page of sessions came from the vendor.

    ``start`` and ``end`` are the range that it is a page of.  Of its ``rows`` some may have been
    seen before, since ranges are asked for again where that is needed.  ``total`` is what the
    vendor says the range holds, ``None`` if it does not.
    """

    pull: PullStarted = field(repr=False)
    start: datetime
    end: datetime
    page: int
    rows: int
    total: int | None

    @property
    def provider(self) -> str:
        """The vendor whose page it is."""
        return self.pull.provider


@frozen(kw_only=True, eq=False)
class PullEnded:
    """A pull, or whatever else was called, is over.

    ``report`` is its last word, ``None`` if it makes none or was dropped without being closed.
    ``error`` is ``None`` also where the consumer stopped early.
    """

    pull: PullStarted
    duration_s: float
    report: Report | None
    error: str | None


Event: TypeAlias = (
    PullStarted
    | RequestStarted
    | AttemptStarted
    | AttemptEnded
    | Waiting
    | RequestEnded
    | PageReceived
    | PullEnded
)
"""Whatever an observer may be given."""
Observer: TypeAlias = Callable[[Event], None]
"""Is told of every event; one that raises ends the pull with its own exception."""
