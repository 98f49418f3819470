"""Every error of the package, in one tree, split by what the caller does next.

::

    SessionsError
    ├── ConfigurationError        mend the set-up: a missing base URL, a malformed token, an absent extra
    ├── InvalidQueryError         mend the question: naive times, start after end, a value the vendor refuses
    ├── AuthenticationError       mend the credentials (401)
    ├── PermissionDeniedError     ask for less, or for more rights (403)
    ├── NotFoundError             there is no such session (404)
    ├── RateLimitError            come back later; ``retry_after_s`` says when, if the vendor did
    ├── QuotaExceededError        the month's quota is used up: waiting seconds is useless
    ├── BudgetExceededError       your own ``max_requests`` or ``deadline_s`` is used up: go on later
    ├── ServerError               the vendor failed (5xx) more often than the retry policy allows
    ├── TransportError            the network failed more often than the retry policy allows
    ├── UnexpectedResponseError   the vendor answered something that is not its API; ``path`` says where
    ├── IncompleteError           all rows that could be had were delivered, but not proven complete
    └── SinkError                 the rows could not be written

An error says where (``provider``, ``page``, ``request``), carries the ``report`` of the pull so
far, and never holds a secret or personal data: not in ``args``, not in ``__cause__``, not in the
frames of its traceback, not in its pickle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from asyncsessions.core.report import Report

__all__ = [
    "AuthenticationError",
    "BudgetExceededError",
    "ConfigurationError",
    "IncompleteError",
    "InvalidQueryError",
    "NotFoundError",
    "PermissionDeniedError",
    "QuotaExceededError",
    "RateLimitError",
    "ServerError",
    "SessionsError",
    "SinkError",
    "TransportError",
    "UnexpectedResponseError",
]


class SessionsError(Exception):
    """The root of the tree: catch it to catch everything this package raises on purpose."""

    transient: bool = False
    """Whether the very same request may succeed if it is sent again."""

    def __init__(
        self,
        message: str,
        *,
        provider: str | None = None,
        page: int | None = None,
        request: str | None = None,
        status: int | None = None,
        excerpt: str | None = None,
        transient: bool | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        """Keep the message and where it happened.

        ``None`` means not known, or not applicable.  ``excerpt`` is a bounded piece of the
        vendor's answer with e-mail addresses and secrets masked; ``retry_after_s`` is the wait
        in seconds that the vendor asked for.
        """
        super().__init__(message)
        self.message = message
        self.provider = provider
        self.page = page
        self.request = request
        self.status = status
        self.excerpt = excerpt
        self.retry_after_s = retry_after_s
        self.report: Report | None = None
        if transient is not None:
            self.transient = transient

    def __str__(self) -> str:
        where = [
            part
            for part in (
                self.provider,
                f"page {self.page}" if self.page is not None else None,
                self.request,
                f"status {self.status}" if self.status is not None else None,
            )
            if part
        ]
        text = f"{self.message} [{', '.join(where)}]" if where else self.message
        return f"{text}: {self.excerpt}" if self.excerpt else text

    def at(self, *, provider: str, page: int | None, request: str) -> SessionsError:
        """Fill in where it happened, keep what is known already, and return the error itself."""
        self.provider = self.provider or provider
        self.page = page if self.page is None else self.page
        self.request = self.request or request
        return self


class ConfigurationError(SessionsError, ValueError):
    """The client, the provider or the installation is set up wrongly."""


class InvalidQueryError(SessionsError, ValueError):
    """The question makes no sense here, or the vendor refused it as invalid (400, 422)."""


class AuthenticationError(SessionsError):
    """The vendor does not accept the credentials (401)."""


class PermissionDeniedError(SessionsError):
    """The credentials are known but do not allow this (403)."""


class NotFoundError(SessionsError):
    """The vendor knows no such thing (404)."""


class RateLimitError(SessionsError):
    """The vendor kept asking for fewer requests a second (429)."""

    transient = True
    is_echo: bool = False
    """Whether the request was under way when an earlier refusal had already slowed us down."""


class QuotaExceededError(SessionsError):
    """The vendor's quota of requests is used up; every further request would be refused too."""

    def __init__(
        self,
        message: str,
        *,
        limit: int | None = None,
        used: int | None = None,
        domain: str | None = None,
        **where: Any,
    ) -> None:
        """Keep the vendor's figures; ``None`` where it gave none."""
        super().__init__(message, **where)
        self.limit = limit
        self.used = used
        self.domain = domain


class BudgetExceededError(SessionsError):
    """The caller's own ``max_requests`` or ``deadline_s`` does not allow another request."""


class ServerError(SessionsError):
    """The vendor's server failed (5xx)."""

    transient = True
    is_echo: bool = False
    """Whether it is a 503 of the same crowd as an earlier one, which had already slowed us down."""


class TransportError(SessionsError):
    """No whole answer arrived: refused, reset, timed out, cut short, or not verifiable."""

    transient = True


class UnexpectedResponseError(SessionsError):
    """The answer is not what the vendor documents."""

    def __init__(self, message: str, *, path: str | None = None, **where: Any) -> None:
        """Keep ``path``: where in the answer, as in ``$.data[3].created_at``; ``None`` = as a whole."""
        super().__init__(f"{message} at {path}" if path else message, **where)
        self.path = path


class IncompleteError(SessionsError):
    """Every row that could be had was delivered, but not every range is proven complete."""

    def __init__(
        self, message: str, *, ranges: tuple[tuple[datetime, datetime], ...] = (), **where: Any
    ) -> None:
        """Keep the unproven ``ranges``, newest first; both instants of a range belong to it."""
        super().__init__(message, **where)
        self.ranges = ranges


class SinkError(SessionsError):
    """The target cannot be written, is not ours, or does not fit the pull."""
