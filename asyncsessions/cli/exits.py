"""Exit statuses: what a script can rely on, and what a person does next."""

from __future__ import annotations

from collections.abc import Iterable

from asyncsessions.errors import (
    AuthenticationError,
    BudgetExceededError,
    ConfigurationError,
    IncompleteError,
    InvalidQueryError,
    NotFoundError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    SinkError,
    TransportError,
    UnexpectedResponseError,
)

__all__ = [
    "BROKEN_PIPE",
    "COMPLETE",
    "FAILED",
    "INTERRUPTED",
    "LATER",
    "REFUSED",
    "STATUSES",
    "UNPROVEN",
    "USAGE",
    "next_step",
    "status_of",
    "worst",
]

COMPLETE = 0
FAILED = 1
USAGE = 2
REFUSED = 3
LATER = 4
UNPROVEN = 5
INTERRUPTED = 130
BROKEN_PIPE = 141  # what a shell shows for a program that a closed pipe has stopped

STATUSES = {
    COMPLETE: "complete",
    FAILED: "failed; run it again to go on",
    USAGE: "wrong usage",
    REFUSED: "credentials refused",
    LATER: "quota or budget reached; go on later",
    UNPROVEN: "finished, but not proven complete",
    INTERRUPTED: "interrupted",
}
"""What each exit status means."""

_STATUS_OF: tuple[tuple[type[BaseException], int], ...] = (
    (ConfigurationError, USAGE),
    (InvalidQueryError, USAGE),
    (AuthenticationError, REFUSED),
    (PermissionDeniedError, REFUSED),
    (QuotaExceededError, LATER),
    (BudgetExceededError, LATER),
    (IncompleteError, UNPROVEN),
)

_NEXT_STEP: tuple[tuple[type[BaseException], str], ...] = (
    (AuthenticationError, "check {secret} and that it belongs to {base_url}"),
    (
        PermissionDeniedError,
        "check {secret}, that it belongs to {base_url}, and the filters",
    ),
    (QuotaExceededError, "run the same command again when the quota is renewed or raised"),
    (BudgetExceededError, "run the same command again, with a higher --max-requests or --deadline"),
    (RateLimitError, "run the same command again, with a lower --rps or --concurrency"),
    (ServerError, "run the same command again"),
    (NotFoundError, "check that {base_url} is the address of the API"),
    (UnexpectedResponseError, "check that {base_url} is the address of the API"),
    (TransportError, "check that {base_url} can be reached, then run the same command again"),
)


def status_of(error: BaseException) -> int:
    """Return the exit status that an error amounts to.

    A target that is refused before any request is wrong usage: nothing was tried yet.
    """
    if isinstance(error, SinkError) and (error.report is None or error.report.requests == 0):
        return USAGE
    return next((status for kind, status in _STATUS_OF if isinstance(error, kind)), FAILED)


def worst(statuses: Iterable[int]) -> int:
    """Return the exit status of several that were pulled together: the smallest that is not 0.

    What failed comes first, since running it again may mend it; then what a person has to mend,
    then what time does.
    """
    return min((status for status in statuses if status != COMPLETE), default=COMPLETE)


def next_step(error: BaseException, *, secret: str, base_url: str) -> str | None:
    """Return what to do about an error, ``None`` if its own words say it all.

    ``secret`` says where the credentials came from.
    """
    for kind, step in _NEXT_STEP:
        if isinstance(error, kind):
            return step.format(secret=secret, base_url=base_url)
    return None
