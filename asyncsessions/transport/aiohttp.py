"""aiohttp behind the port: values in, values out, errors translated.

What is switched off, and why: redirects (a key must not travel to another host, and a POST would
become a GET); cookies, environment proxies and ``.netrc`` in a session of our own (they could add
an ``Authorization`` header); unpacking by aiohttp (see :mod:`body`); its timeouts, which are rounded
up to whole seconds; and its own repetition of a GET on a dropped connection, since every request
is counted.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import zlib
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import version

import aiohttp
from aiohttp import ClientSession, StreamReader
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from asyncsessions.core.http import Request, Response
from asyncsessions.errors import (
    ConfigurationError,
    SessionsError,
    TransportError,
    UnexpectedResponseError,
)
from asyncsessions.transport.body import ACCEPTED_CODINGS, Body, UnknownCodingError
from asyncsessions.transport.connector import Connector
from asyncsessions.transport.deadlines import Deadlines
from asyncsessions.transport.direct import NO_TIMEOUT, Direct, is_possible

__all__ = ["AiohttpTransport", "ClientSession"]

MAX_BODY_BYTES = 16 * 1024 * 1024
MAX_REFUSAL_BYTES = 64 * 1024
MAX_REFUSAL_S = 5.0  # a status says enough: its text is not waited for any longer
KEEPALIVE_S = 30.0
OK = range(200, 300)

Middlewares = tuple[aiohttp.ClientMiddlewareType, ...]


@cache
def _user_agent() -> str:
    # Cached: looking it up on the disk takes longer than a dozen requests.
    return f"asyncsessions/{version('asyncsessions')}"


class _DroppedConnectionError(aiohttp.ClientError):
    """Stands in for the errors upon which aiohttp would silently send a GET once more."""


async def _once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
        raise _DroppedConnectionError from None


def _exactly(headers: Mapping[str, str]) -> aiohttp.ClientMiddlewareType:
    """Give a request of the caller's session our headers, and no credentials but ours."""

    async def overwrite(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        request.headers.popall("Authorization", None)
        request.headers.update(headers)
        return await handler(request)

    return overwrite


class AiohttpTransport:
    """Sends requests through an ``aiohttp.ClientSession``.

    ``http`` is the caller's own session, which is never closed here; ``None`` = one of our own,
    opened by the first request and closed by :meth:`aclose`.  Our own verifies certificates; the
    caller's does what its connector says.  ``max_body_bytes`` bounds the body, packed and
    unpacked.
    """

    def __init__(
        self,
        http: ClientSession | None = None,
        *,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._http = http
        self._is_ours = http is None
        self._direct: Direct | None = None
        self._deadlines = Deadlines()
        self._max_body_bytes = max_body_bytes
        self._own_headers = {
            "Accept": "application/json",
            "Accept-Encoding": ACCEPTED_CODINGS,
            "User-Agent": _user_agent(),
        }

    @property
    def connections(self) -> int | None:
        """How many requests can be under way at once; ``None`` = any number.

        Who sends more lets them wait for a connection, and that counts as time of the request.
        """
        connector = None if self._http is None else self._http.connector
        if connector is None:
            return None
        limits = [limit for limit in (connector.limit, connector.limit_per_host) if limit]
        return min(limits, default=None)

    async def send(self, request: Request, *, timeout_s: float) -> Response:
        """Send one request, once."""
        # Errors come back as values, and a cancellation loses its traceback, because the frames
        # below this one knew the headers and the rows.
        try:
            outcome = await self._attempt(request, timeout_s)
        except asyncio.CancelledError as cancelled:
            raise cancelled.with_traceback(None)  # noqa: B904 - it is the same one
        if isinstance(outcome, SessionsError):
            raise outcome
        return outcome

    async def _attempt(self, request: Request, timeout_s: float) -> Response | SessionsError:
        http = self._session()
        if http.closed:
            return ConfigurationError("the http session is closed: keep it open, or leave it out")
        try:
            with self._deadlines.within(timeout_s):
                if self._direct is not None and is_possible(http):
                    return await self._direct.exchange(request, self._read)
                return await self._exchange(http, request)
        except TimeoutError:
            return TransportError(f"no whole answer within {timeout_s:g} s")
        except (aiohttp.ClientError, HttpProcessingError, OSError, zlib.error) as error:
            return _translated(error)

    async def _exchange(self, http: ClientSession, request: Request) -> Response | SessionsError:
        headers, middlewares = self._dressed(http, request)
        async with http.request(
            request.method,
            URL(request.full_url, encoded=True),
            data=request.body,
            headers=headers,
            allow_redirects=False,
            auto_decompress=False,
            raise_for_status=False,
            timeout=NO_TIMEOUT,
            middlewares=middlewares,
        ) as answer:
            return await self._read(answer.status, answer.headers, answer.content)

    def _session(self) -> ClientSession:
        if self._http is None:
            self._http = ClientSession(
                # The number of connections is bounded by the throttle.
                connector=Connector(keepalive_timeout=KEEPALIVE_S),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
            self._direct = Direct(self._http, self._own_headers, keepalive_s=KEEPALIVE_S / 2)
        return self._http

    def _dressed(
        self, http: ClientSession, request: Request
    ) -> tuple[Mapping[str, str], Middlewares]:
        """Return the headers to send and the middlewares to pass, outermost first."""
        headers = {**self._own_headers, **request.headers}
        if self._is_ours:
            return headers, (_once,)
        # Middlewares given with a request replace the session's own, which are therefore named
        # again.  Credentials are added behind aiohttp's back: it refuses two sources of them.
        own: Middlewares = tuple(getattr(http, "_middlewares", ()))
        return {}, (_once, *own, _exactly(headers))

    async def _read(
        self, status: int, headers: Mapping[str, str], content: StreamReader
    ) -> Response | SessionsError:
        if status not in OK:
            refusal = await _read_refusal(headers, content)
            return Response(status=status, headers=headers, body=refusal)
        limit = self._max_body_bytes
        if _is_plain(headers) and int(headers.get("Content-Length", limit)) < limit:
            # The usual case: as long as it says, no longer than allowed, and there already.
            body = content.read_nowait() if content.is_eof() else await content.read()
            return Response(status=status, headers=headers, body=body)
        try:
            collected = Body(headers.get("Content-Encoding", ""), limit=limit)
        except UnknownCodingError:
            return UnexpectedResponseError(
                "the answer is in a content coding that was not asked for", status=status
            )
        await _collect(content, collected)
        if collected.is_too_large:
            return UnexpectedResponseError(
                f"the answer is larger than {limit} bytes", status=status
            )
        if not collected.is_whole:
            return TransportError("the answer was cut short")
        return Response(status=status, headers=headers, body=collected.value())

    async def aclose(self) -> None:
        """Close our own session; the caller's stays open."""
        if self._is_ours and self._http is not None:
            if self._direct is not None:
                self._direct.close()
            await self._http.close()
            self._http = self._direct = None


def _is_plain(headers: Mapping[str, str]) -> bool:
    return "Content-Encoding" not in headers and "Transfer-Encoding" not in headers


async def _collect(content: StreamReader, body: Body) -> None:
    async for data in content.iter_any():
        body.feed(data)
        if body.is_too_large:
            return  # a connection that holds more is not used again


async def _read_refusal(headers: Mapping[str, str], content: StreamReader) -> bytes:
    """Return the text of an answer that is no success, as far as it can be had."""
    try:
        body = Body(headers.get("Content-Encoding", ""), limit=MAX_REFUSAL_BYTES)
    except UnknownCodingError:
        return b""
    with suppress(aiohttp.ClientError, OSError, zlib.error):
        async with asyncio.timeout(MAX_REFUSAL_S):
            await _collect(content, body)
    return body.value()


def _translated(error: Exception) -> SessionsError:
    """Say in our words what aiohttp found; nothing of its own text, which may quote headers."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return TransportError(
            "the server's certificate cannot be verified: check base_url and the trust store",
            transient=False,
        )
    if isinstance(error, aiohttp.ClientSSLError):
        return TransportError(
            "no TLS connection could be made: check that base_url speaks https",
            transient=isinstance(error.os_error, ssl.SSLEOFError | ssl.SSLZeroReturnError),
        )
    if isinstance(error, aiohttp.ServerFingerprintMismatch):
        return TransportError("the server's certificate is not the one you pinned", transient=False)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return TransportError("the host name cannot be resolved: check base_url")
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return TransportError(f"the proxy refused the connection (status {error.status})")
    if isinstance(error, aiohttp.ClientConnectorError):
        return TransportError(f"cannot connect: {_reason(error.os_error)}")
    if isinstance(error, _DroppedConnectionError | aiohttp.ClientConnectionError):
        return TransportError("the connection was dropped before the answer")
    if isinstance(error, aiohttp.ClientPayloadError):
        return TransportError("the answer was cut short")
    if isinstance(error, aiohttp.ClientResponseError | HttpProcessingError):
        return TransportError("the answer is no HTTP that can be understood")
    if isinstance(error, zlib.error):
        return TransportError("the answer cannot be decompressed")
    return TransportError(f"the exchange failed ({type(error).__name__})")


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else "no address of the host answers"
