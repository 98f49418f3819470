"""What an answer means: a page to read, an error that a repetition may cure, or one it cannot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from asyncsessions.core.http import Request, Response
from asyncsessions.core.masking import masked
from asyncsessions.core.retry_after import parse_http_date, parse_retry_after
from asyncsessions.errors import (
    AuthenticationError,
    InvalidQueryError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    SessionsError,
    TransportError,
    UnexpectedResponseError,
)

__all__ = ["is_success", "judge"]

OK = range(200, 300)
REDIRECT = range(300, 400)
SERVER_FAULT = range(500, 600)
NEVER_PASSES = frozenset({501, 505})  # not implemented, HTTP version: the same tomorrow

REFUSALS: dict[int, tuple[type[SessionsError], str]] = {
    400: (InvalidQueryError, "the vendor refused the query as invalid"),
    401: (AuthenticationError, "the vendor refused the credentials: check the token or key"),
    403: (
        PermissionDeniedError,
        "the vendor denied permission: check the key and that every filter belongs to it",
    ),
    404: (NotFoundError, "the vendor knows no such thing: check the id and base_url"),
    408: (TransportError, "the vendor gave up waiting for the request"),
    422: (InvalidQueryError, "the vendor refused the query as invalid"),
    429: (RateLimitError, "the vendor limits requests"),
}


def is_success(response: Response) -> bool:
    """Whether an answer holds what was asked for, by its status."""
    return response.status in OK


def judge(
    request: Request,
    response: Response,
    *,
    provider: str,
    secrets: Sequence[str],
    read_refusal: Callable[[Response], SessionsError | None],
    now: datetime,
) -> SessionsError | None:
    """Return the error that an answer amounts to by its status, ``None`` for a success.

    ``read_refusal`` knows what is special to the vendor and is asked first.  ``now`` is used for
    ``Retry-After`` dates where the answer has no date of its own.
    """
    if is_success(response):
        return None
    error = read_refusal(response) or _by_status(response.status)
    error.status = response.status
    error.excerpt = error.excerpt or masked(response.body, secrets) or None
    served_at = parse_http_date(response.headers.get("date")) or now
    error.retry_after_s = parse_retry_after(response.headers.get("retry-after"), now=served_at)
    return error.at(provider=provider, page=request.page, request=str(request))


def _by_status(status: int) -> SessionsError:
    if status in REFUSALS:
        kind, message = REFUSALS[status]
        return kind(message)
    if status in SERVER_FAULT:
        return ServerError("the vendor's server failed", transient=status not in NEVER_PASSES)
    if status in REDIRECT:
        return UnexpectedResponseError(
            "the vendor answered with a redirect, which is never followed: check base_url"
        )
    return UnexpectedResponseError("the vendor answered with an undocumented status")
