"""Who may ask: API keys, and what a server without any answers to."""

# Without `from __future__ import annotations`: FastAPI reads what stands in the signature below.

import hmac
from ipaddress import ip_address
from typing import Annotated

from fastapi import Security
from fastapi.security import APIKeyHeader
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from asyncsessions.core.http import Secret
from asyncsessions.errors import ConfigurationError
from asyncsessions.integrations._fastapi.problems import RefusedError

__all__ = ["ApiKey", "LocalOnly", "is_loopback"]

HEADER = "X-API-Key"
SHORTEST_KEY = 16
MAKE_ONE = "make one with python -c 'import secrets; print(secrets.token_urlsafe())'"
given_key = APIKeyHeader(name=HEADER, scheme_name="ApiKey", auto_error=False)


class ApiKey:
    """A dependency that lets in who sends one of these keys in the header ``X-API-Key``.

    Several keys are for changing them without a gap.  Raises :class:`ConfigurationError` for a key
    of fewer than 16 characters, and for one with white space or characters beyond ASCII.
    """

    def __init__(self, *keys: str) -> None:
        keys = tuple(Secret(key) for key in keys)
        if not keys or any(len(key) < SHORTEST_KEY for key in keys):
            raise ConfigurationError(
                f"an API key needs at least {SHORTEST_KEY} characters: {MAKE_ONE}"
            )
        if not all(key.isascii() and key.isprintable() and " " not in key for key in keys):
            # Clients encode them differently or strip them: the right key would be refused.
            raise ConfigurationError(
                "an API key may hold no white space and nothing beyond ASCII, as it is sent in a "
                f"header: {MAKE_ONE}"
            )
        self._keys = [key.encode() for key in keys]

    def __repr__(self) -> str:
        return "ApiKey('***')"

    async def __call__(self, given: Annotated[str | None, Security(given_key)]) -> None:
        """Raise the 401 unless the key is right."""
        if not given:
            raise RefusedError("api_key_missing", f"send the API key in the header {HEADER}")
        sent = given.encode()
        # All of them, each in constant time: how long it takes tells nothing.
        if not sum(hmac.compare_digest(sent, key) for key in self._keys):
            raise RefusedError("api_key_refused", f"the API key in the header {HEADER} is wrong")


def is_loopback(host: str) -> bool:
    """Whether a name or address means this machine, seen from this machine."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class LocalOnly:
    """Middleware for a server without keys: answers nobody but this machine's own programs.

    Web pages of others run on this machine too.  One that calls itself by a name of its own that
    leads here (DNS rebinding), or that merely makes the browser send requests, which would spend
    quota, is refused; a page from here is not.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may be asked."""
        if scope["type"] != "http" or _is_local(scope):
            await self._app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 403, "headers": []})
        text = b"without an API key only this machine is answered\n"
        await send({"type": "http.response.body", "body": text})


def _is_local(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    host = headers.get("host", "")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if not is_loopback(name):
        return False
    # Following a link to the start page costs nothing.
    return scope["path"] == "/" or headers.get("sec-fetch-site", "none") in {"same-origin", "none"}
