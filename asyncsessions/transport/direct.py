"""One exchange on a connection of aiohttp's, past its ``ClientSession``.

A session prepares every request anew: headers, cookies, redirects, tracing, middlewares.  For a
small answer that is more than half of the CPU time of the exchange, and a session of our own has
no use for any of it.  What is hard stays aiohttp's: names and addresses, TLS, and the parser.
Measured in docs/performance.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import TypeVar

import aiohttp
from aiohttp import ClientSession, StreamReader
from attrs import frozen
from yarl import URL

from asyncsessions.core.http import Request
from asyncsessions.errors import ConfigurationError
from asyncsessions.transport.idle import IdleConnections

__all__ = ["NO_TIMEOUT", "Direct", "Read", "is_possible"]

T = TypeVar("T")
Read = Callable[[int, Mapping[str, str], StreamReader], Awaitable[T]]
"""Reads an answer: its status, its headers, its body as it comes."""

NO_TIMEOUT = aiohttp.ClientTimeout(total=None)  # `AiohttpTransport.send` bounds the whole
FINAL = 200  # statuses below announce another
SWITCHING_PROTOCOLS = 101  # the exception: nothing of HTTP follows


def is_possible(http: ClientSession) -> bool:
    """Whether nobody expects to be asked by the session: no tracing, no replaced method.

    Tools that play a server inside of tests, such as aioresponses, replace ``_request``.
    """
    return _is_own(getattr(ClientSession, "_request", None)) and not http.trace_configs


@lru_cache(maxsize=2)
def _is_own(method: object) -> bool:
    """Whether aiohttp itself has written a method of its session."""
    code, own = getattr(method, "__code__", None), ClientSession.close.__code__
    return code is not None and code.co_filename == own.co_filename


@frozen
class _Head:
    """What all requests to one address with the same headers have in common."""

    url: str
    headers: Mapping[str, str]
    peer: aiohttp.ClientRequest  # says to the connector whom to connect to
    idle: IdleConnections
    path: str
    rest: bytes


class Direct:
    """Exchanges requests and answers over the connections of a session.

    ``headers`` are sent with every request, beside its own.  Connections wait for the next one for
    ``keepalive_s`` seconds at least, until :meth:`close`.
    """

    def __init__(
        self, http: ClientSession, headers: Mapping[str, str], *, keepalive_s: float
    ) -> None:
        assert http.connector is not None
        self._http = http
        self._connector = http.connector
        self._headers = headers
        self._keepalive_s = keepalive_s
        self._idle: dict[object, IdleConnections] = {}
        self._last: _Head | None = None

    async def exchange(self, request: Request, read: Read[T]) -> T:
        """Send a request, once, and return what ``read`` makes of the answer.

        Raises what aiohttp raises, and :class:`ConfigurationError` for a request that cannot be put
        into HTTP.  The connection is used again if the answer was read to its end, else closed.
        """
        head = self._head(request)
        sent = _message(request, head)
        connection = head.idle.take()
        if connection is None:
            connection = await self._connector.connect(head.peer, [], NO_TIMEOUT)
        try:
            protocol, transport = connection.protocol, connection.transport
            assert protocol is not None
            assert transport is not None
            # A parser for each answer: what an earlier one may have left is none of this one.
            protocol.set_response_params(read_until_eof=True, auto_decompress=False)
            transport.write(sent)
            message, content = await protocol.read()
            while message.code < FINAL and message.code != SWITCHING_PROTOCOLS:
                message, content = await protocol.read()
            outcome = await read(message.code, message.headers, content)
        except BaseException:
            connection.close()
            raise
        head.idle.put(connection)
        return outcome

    def close(self) -> None:
        """Close the connections that wait."""
        for idle in self._idle.values():
            idle.close()

    def _head(self, request: Request) -> _Head:
        """Return the common part of a request, which mostly is that of the one before."""
        head = self._last
        if head is None or head.headers is not request.headers or head.url != request.url:
            self._last = head = self._made(request)
        return head

    def _made(self, request: Request) -> _Head:
        url = URL(request.url, encoded=True)
        peer = aiohttp.ClientRequest(
            request.method, url, loop=asyncio.get_running_loop(), session=self._http
        )
        headers = {"Host": peer.headers["Host"], **self._headers, **request.headers}
        rest = "".join(_line(name, value) for name, value in headers.items()).encode()
        idle = self._idle.setdefault(
            peer.connection_key, IdleConnections(keepalive_s=self._keepalive_s)
        )
        return _Head(request.url, request.headers, peer, idle, url.raw_path, rest)


def _message(request: Request, head: _Head) -> bytes:
    """Return a request as it goes out (RFC 9112, section 3)."""
    query, body = request.query, request.body
    target = f"{head.path}?{query}" if query else head.path
    if not (target.isascii() and target.isprintable()) or " " in target:
        raise ConfigurationError("the address of a request holds what has to be percent-encoded")
    start = f"{request.method} {target} HTTP/1.1".encode("ascii")
    if body is None:
        return b"%b%b\r\n\r\n" % (start, head.rest)
    return b"%b%b\r\nContent-Length: %d\r\n\r\n%b" % (start, head.rest, len(body), body)


def _line(name: str, value: str) -> str:
    if not (name + value).isprintable():
        raise ConfigurationError(f"the header {name!r} holds control characters")
    return f"\r\n{name}: {value}"
