"""The router: sessions as a stream, counted, summed up and one by one."""

# Without `from __future__ import annotations`: FastAPI reads what stands in the signatures below.

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from fastapi.responses import JSONResponse, Response

from asyncsessions.core.convert import to_dict
from asyncsessions.core.walk import Consistency
from asyncsessions.errors import ConfigurationError, NotFoundError, SessionsError
from asyncsessions.integrations._fastapi.encoding import redacted
from asyncsessions.integrations._fastapi.events import EventsAnswer
from asyncsessions.integrations._fastapi.lines import LinesAnswer
from asyncsessions.integrations._fastapi.models import (
    Count,
    End,
    Health,
    SessionDetailModel,
    SessionModel,
    Summary,
)
from asyncsessions.integrations._fastapi.problems import (
    MEDIA_TYPE,
    Problem,
    ProblemRoute,
    problem_of,
)
from asyncsessions.integrations._fastapi.question import make_question
from asyncsessions.integrations._fastapi.summary import summarise
from asyncsessions.integrations._fastapi.upstream import Upstream, lifespan
from asyncsessions.integrations._fastapi.watched import JsonAnswer
from asyncsessions.providers.base import DetailProvider
from asyncsessions.query import OptionChanges, Sessions

__all__ = ["sessions_router"]

Guard = Callable[..., Awaitable[None] | None]

Answers = dict[int | str, dict[str, Any]]

PROBLEMS: Answers = {
    422: {"description": "The query makes no sense, or has a filter that there is not."},
    502: {"description": "The vendor refused the app's credentials, or failed."},
    503: {"description": "The vendor's quota is used up, or it asks for fewer requests."},
}
REFUSED: Answers = {401: {"description": "The API key is missing or wrong."}}
UNKNOWN: Answers = {404: {"description": "The vendor knows no such session."}}


class _Lines(JSONResponse):
    media_type = "application/jsonl"


class _Events(JSONResponse):
    media_type = "text/event-stream"


def sessions_router(
    upstream: Upstream[...],
    *,
    guard: Guard | None = None,
    redact: bool | None = None,
    max_requests: int | None = None,
    deadline_s: float | None = None,
    consistency: Consistency = "count",
) -> APIRouter:
    """Return a router that answers with the sessions of a vendor.

    ``guard`` is a dependency that lets in who may see them, as :class:`ApiKey` does; ``redact``
    leaves out addresses and e-mails.  The other arguments are options of each pull, see
    :class:`Options`.  The router opens and closes the upstream with the app.  Raises
    :class:`ConfigurationError` if nobody has decided who may see personal data: one of ``guard``
    and ``redact`` must be given.
    """
    if guard is None and redact is None:
        raise ConfigurationError(
            "sessions are personal data: give guard=ApiKey(…) or another dependency, redact=True, "
            "or redact=False to say that everyone who reaches the app may see them"
        )
    options = OptionChanges(
        max_requests=max_requests, deadline_s=deadline_s, consistency=consistency
    )
    router = APIRouter(
        route_class=ProblemRoute, lifespan=lifespan(upstream), tags=[upstream.provider.name]
    )
    guards = [] if guard is None else [Depends(guard)]
    guarded = APIRouter(
        route_class=ProblemRoute,
        dependencies=guards,
        responses=_described(PROBLEMS | (REFUSED if guards else {})),
    )
    _add_stream(guarded, upstream, options, redact=bool(redact))
    _add_figures(guarded, upstream, options)
    if isinstance(upstream.provider, DetailProvider):
        _add_detail(guarded, upstream, options, redact=bool(redact))
    router.include_router(guarded)
    _add_health(router, upstream)
    return router


def _described(problems: Answers) -> Answers:
    """Return the answers with their schema and media type, for OpenAPI."""
    content = {MEDIA_TYPE: {"schema": Problem.model_json_schema()}}
    return {status: {**each, "content": content} for status, each in problems.items()}


def _add_stream(
    router: APIRouter, upstream: Upstream[...], options: OptionChanges, *, redact: bool
) -> None:
    ask = make_question(upstream, options, with_limit=True)

    @router.get(
        "/sessions",
        response_class=_Lines,
        response_model=SessionModel | End,
        response_description="One session a line, newest first, and a last line that says how it "
        "ended; a stream without that line was cut.",
        summary="Stream the sessions of a range",
    )
    async def stream_sessions(query: Annotated[Sessions, Depends(ask)]) -> Response:
        return LinesAnswer(query, redact=redact)


def _add_figures(router: APIRouter, upstream: Upstream[...], options: OptionChanges) -> None:
    ask = make_question(upstream, options)

    @router.get("/sessions/count", response_model=Count, summary="Count the sessions of a range")
    async def count_sessions(query: Annotated[Sessions, Depends(ask)]) -> Response:
        async def count() -> dict[str, object]:
            plan = await query.estimate()
            return {"count": plan.rows, "requests": plan.requests, "windows": plan.windows}

        return JsonAnswer(count)

    @router.get(
        "/sessions/summary", response_model=Summary, summary="Sum up the sessions of a range"
    )
    async def sum_up_sessions(query: Annotated[Sessions, Depends(ask)]) -> Response:
        return JsonAnswer(lambda: summarise(query))

    @router.get(
        "/sessions/events",
        response_class=_Events,
        response_model=Summary,
        response_description="`progress` events with a report each, then `end` with the summary "
        "or `failed` with a problem.",
        summary="Sum up the sessions of a range, and tell how far it is",
    )
    async def follow_sessions(query: Annotated[Sessions, Depends(ask)]) -> Response:
        return EventsAnswer(query, summarise)


def _add_detail(
    router: APIRouter, upstream: Upstream[...], options: OptionChanges, *, redact: bool
) -> None:
    bounds = {name: options.get(name) for name in ("max_requests", "deadline_s")}

    def tell(error: SessionsError) -> Problem:
        problem = problem_of(error)
        if not isinstance(error, NotFoundError):
            return problem
        return problem.model_copy(
            update={"status": 404, "reason": "not_found", "title": "Not found"}
        )

    @router.get(
        "/sessions/{session_id}",
        response_model=SessionDetailModel,
        responses=_described(UNKNOWN),
        summary="Return one session with its cart",
    )
    async def return_session(
        session_id: Annotated[str, Path(description="The vendor's id of the session.")],
        client: Annotated[Any, Depends(upstream)],
    ) -> Response:
        async def look_up() -> dict[str, Any]:
            session = await client.session(session_id, **bounds)
            return to_dict(redacted(session) if redact else session)

        return JsonAnswer(look_up, tell=tell)


def _add_health(router: APIRouter, upstream: Upstream[...]) -> None:
    name = upstream.provider.name

    @router.get(
        "/healthz",
        response_model=Health,
        responses={503: {"model": Health, "description": "The client is not open."}},
        summary="Tell whether the app is up; asks nobody",
    )
    async def tell_health() -> Response:
        status = "ok" if upstream.is_open else "closed"
        return JSONResponse({"status": status, "provider": name}, 200 if upstream.is_open else 503)
