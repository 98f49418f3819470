"""A whole app around the router: the start page, ``/docs``, and who may reach it."""

from __future__ import annotations

from importlib.metadata import version
from importlib.resources import files

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from asyncsessions.core.walk import Consistency
from asyncsessions.errors import ConfigurationError
from asyncsessions.integrations._fastapi.guard import ApiKey, LocalOnly
from asyncsessions.integrations._fastapi.problems import add_error_handler
from asyncsessions.integrations._fastapi.router import sessions_router
from asyncsessions.integrations._fastapi.upstream import Upstream

__all__ = ["sessions_app"]

PAGES = files("asyncsessions.integrations._fastapi") / "page"
ASSETS = {
    "/": ("start.html", "text/html"),
    "/start.css": ("start.css", "text/css"),
    "/start.js": ("start.js", "text/javascript"),
}
PAGE_HEADERS = {
    # Nothing from elsewhere, and no other page around it.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def sessions_app(
    upstream: Upstream[...],
    *,
    guard: ApiKey | None = None,
    redact: bool = False,
    local_only: bool = False,
    max_requests: int | None = None,
    deadline_s: float | None = None,
    consistency: Consistency = "count",
) -> FastAPI:
    """Return an app with the router of :func:`sessions_router` and a start page at ``/``.

    Without a ``guard`` it must be ``local_only``: it then answers this machine's programs and its
    own page, and no web page of others; raises :class:`ConfigurationError` for neither.
    """
    if guard is None and not local_only:
        raise ConfigurationError(
            "sessions are personal data: give guard=ApiKey(…), or local_only=True for an app that "
            "nobody but this machine can reach"
        )
    app = FastAPI(
        title=f"Sessions of {upstream.provider.name}",
        version=version("asyncsessions"),
    )
    if guard is None:
        app.add_middleware(LocalOnly)
    add_error_handler(app)
    app.include_router(
        sessions_router(
            upstream,
            guard=guard,
            redact=redact,
            max_requests=max_requests,
            deadline_s=deadline_s,
            consistency=consistency,
        )
    )
    for path, (name, media_type) in ASSETS.items():
        _add_page(app, path, (PAGES / name).read_bytes(), media_type)
    return app


def _add_page(app: FastAPI, path: str, content: bytes, media_type: str) -> None:
    async def show(_: Request) -> Response:
        return Response(content, headers=PAGE_HEADERS, media_type=media_type)

    app.add_route(path, show, include_in_schema=False)
