"""Errors as answers: an honest status, and a reason that a program can act on (RFC 9457)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from math import ceil
from typing import Any, Literal

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import HTTPException, RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel

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
    SessionsError,
    SinkError,
    TransportError,
    UnexpectedResponseError,
)

__all__ = [
    "Problem",
    "ProblemRoute",
    "Reason",
    "RefusedError",
    "add_error_handler",
    "problem_of",
    "problem_response",
]

Reason = Literal[
    "api_key_missing",
    "api_key_refused",
    "budget_exceeded",
    "incomplete",
    "invalid_query",
    "misconfigured",
    "not_found",
    "target_failed",
    "upstream_credentials_refused",
    "upstream_failed",
    "upstream_not_found",
    "upstream_permission_denied",
    "upstream_quota_exceeded",
    "upstream_rate_limited",
    "upstream_unexpected_answer",
    "upstream_unreachable",
]
"""Why there is no answer, or no whole one."""

MEDIA_TYPE = "application/problem+json"

OF_ERROR: tuple[tuple[type[SessionsError], int, Reason], ...] = (
    (InvalidQueryError, 422, "invalid_query"),
    (AuthenticationError, 502, "upstream_credentials_refused"),
    (PermissionDeniedError, 502, "upstream_permission_denied"),
    (NotFoundError, 502, "upstream_not_found"),
    (QuotaExceededError, 503, "upstream_quota_exceeded"),
    (RateLimitError, 503, "upstream_rate_limited"),
    (BudgetExceededError, 503, "budget_exceeded"),
    (ServerError, 502, "upstream_failed"),
    (TransportError, 502, "upstream_unreachable"),
    (UnexpectedResponseError, 502, "upstream_unexpected_answer"),
    (IncompleteError, 502, "incomplete"),
    (SinkError, 500, "target_failed"),
    (ConfigurationError, 500, "misconfigured"),
)
"""The status and the reason of each error."""


class Problem(BaseModel):
    """Why there is no answer: ``reason`` is for programs, ``detail`` for people.

    ``provider`` is the vendor that was asked; ``retry_after_s`` the seconds that it wants to be
    left alone, ``limit`` and ``used`` its quota in requests, each where it says so; ``errors`` the
    places of a query that are wrong.
    """

    title: str
    status: int
    reason: Reason
    detail: str
    provider: str | None = None
    retry_after_s: float | None = None
    limit: int | None = None
    used: int | None = None
    errors: list[dict[str, str]] | None = None


class RefusedError(HTTPException):
    """The caller of the app, not the app itself, lacks the right key (401)."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(401, detail, headers={"WWW-Authenticate": "APIKey"})
        self.reason: Reason = reason


def problem_of(error: SessionsError) -> Problem:
    """Return what to answer for an error; nothing of the vendor's own answer is repeated."""
    status, reason = _meaning(error)
    quota = error if isinstance(error, QuotaExceededError) else None
    return Problem(
        title=_title(reason),
        status=status,
        reason=reason,
        detail=error.message,
        provider=error.provider,
        retry_after_s=error.retry_after_s,
        limit=quota.limit if quota else None,
        used=quota.used if quota else None,
    )


def _meaning(error: SessionsError) -> tuple[int, Reason]:
    for kind, status, reason in OF_ERROR:
        if isinstance(error, kind):
            return status, reason
    return 500, "misconfigured"


def _title(reason: Reason) -> str:
    return reason.replace("_", " ").capitalize()


def problem_response(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """Return the answer, with ``Retry-After`` where the vendor has said when."""
    more = {} if headers is None else dict(headers)
    if problem.retry_after_s is not None:
        more["Retry-After"] = str(ceil(problem.retry_after_s))
    return Response(
        problem.model_dump_json(exclude_none=True),
        problem.status,
        headers={"Cache-Control": "no-store", **more},
        media_type=MEDIA_TYPE,
    )


def add_error_handler(app: FastAPI) -> None:
    """Answer errors of this package that endpoints of your own raise, as the router does."""

    async def handle(_: Request, error: Exception) -> Response:
        assert isinstance(error, SessionsError)
        return problem_response(problem_of(error))

    app.add_exception_handler(SessionsError, handle)


class ProblemRoute(APIRoute):
    """A route whose refusals are all of one shape, whoever included its router."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler, with its errors answered."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except SessionsError as error:
                return problem_response(problem_of(error))
            except RefusedError as error:
                return problem_response(_refusal(error), dict(error.headers or {}))
            except RequestValidationError as error:
                return problem_response(_invalid(error))

        return handle


def _refusal(error: RefusedError) -> Problem:
    return Problem(
        title=_title(error.reason),
        status=error.status_code,
        reason=error.reason,
        detail=str(error.detail),
    )


def _invalid(error: RequestValidationError) -> Problem:
    """Name the places that are wrong without repeating what was given there."""
    errors = [
        {"where": str(each["loc"][-1]), "problem": str(each["msg"])} for each in error.errors()
    ]
    return Problem(
        title=_title("invalid_query"),
        status=422,
        reason="invalid_query",
        detail="; ".join(f"{each['where']}: {each['problem']}" for each in errors),
        errors=errors,
    )
