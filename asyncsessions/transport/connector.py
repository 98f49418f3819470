"""aiohttp's connector, with connections that each read into one buffer for good.

Otherwise asyncio sets aside 256 KiB for each read and gives back what a page leaves of it: memory
that the operating system hands out and takes away again, page after page.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import cast

import aiohttp
from aiohttp.client_proto import ResponseHandler

__all__ = ["Connector"]

BUFFER_BYTES = 64 * 1024  # more than two pages of either vendor


class _Connection(ResponseHandler, asyncio.BufferedProtocol):
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._received = memoryview(bytearray(BUFFER_BYTES))

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        return self._received

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(bytes(self._received[:nbytes]))


class Connector(aiohttp.TCPConnector):
    """Connects to any number of hosts; how many connections there are is the caller's affair."""

    def __init__(self, *, keepalive_timeout: float) -> None:
        super().__init__(limit=0, keepalive_timeout=keepalive_timeout)  # pyright: ignore[reportUnknownMemberType]
        self._factory = cast("partial[ResponseHandler]", partial(_Connection, loop=self._loop))
