"""Connections that wait for their next request.

aiohttp's pool does this too, with a set of those in use, a clock and a key made for each request: a
twentieth of the CPU time of a page.
"""

from __future__ import annotations

import asyncio
import weakref
from typing import Any

from aiohttp.connector import Connection

__all__ = ["IdleConnections"]


class IdleConnections:
    """The connections to one address that nobody uses now, the one used last first.

    One that nobody needed for ``keepalive_s`` seconds is closed within as many again, and one over
    which something comes meanwhile is not used any more: that is no answer to the next request.
    """

    def __init__(self, *, keepalive_s: float) -> None:
        self._keepalive_s = keepalive_s
        self._waiting: list[Connection] = []
        self._is_closed = False
        self._unused = 0  # so many of them, the oldest, have not been taken since the last look
        self._timer: asyncio.TimerHandle | None = None

    def take(self) -> Connection | None:
        """Return a connection that is still open, ``None`` if there is none."""
        while self._waiting:
            connection = self._waiting.pop()
            self._unused = min(self._unused, len(self._waiting))
            protocol: Any = connection.protocol  # a `Receiver`
            if protocol is not None and protocol.is_connected() and not protocol.has_received:
                return connection
            connection.close()
        return None

    def put(self, connection: Connection) -> None:
        """Keep a connection whose answer was read, unless the server or the answer forbids it."""
        protocol: Any = connection.protocol  # a `Receiver`
        if self._is_closed or protocol is None or protocol.should_close:
            connection.close()
            return
        protocol.has_received = False
        self._waiting.append(connection)
        if self._timer is None:
            self._look_later()

    def close(self) -> None:
        """Close all of them, and whatever comes later."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            self._waiting.pop().close()

    def _look_later(self) -> None:
        # Weakly: connections of a client that is dropped shall not wait for the timer.
        kept: weakref.ref[IdleConnections] = weakref.ref(self)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._keepalive_s, _close_unused, kept)

    def close_unused(self) -> None:
        """Close those that nobody has taken since the last look."""
        self._timer = None
        unused, self._waiting = self._waiting[: self._unused], self._waiting[self._unused :]
        for connection in unused:
            connection.close()
        self._unused = len(self._waiting)
        if self._waiting:
            self._look_later()


def _close_unused(kept: weakref.ref[IdleConnections]) -> None:
    idle = kept()
    if idle is not None:
        idle.close_unused()
