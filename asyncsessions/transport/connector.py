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

__all__ = ["Connector", "Receiver"]

BUFFER_BYTES = 64 * 1024  # more than two pages of either vendor


class Receiver(ResponseHandler, asyncio.BufferedProtocol):
    """The protocol of one connection; ``has_received`` turns true with whatever comes over it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.has_received = False
        self._was_paused = False
        self._received = memoryview(bytearray(BUFFER_BYTES))

    def pause_reading(self) -> None:
        """Read nothing until somebody resumes it."""
        self._was_paused = True
        super().pause_reading()

    def resume_reading(self, *args: bool, **kwargs: bool) -> None:
        """Go on reading where it was paused."""
        # aiohttp calls it several times an answer, and each time has the parser look for what a
        # pause made it leave: an eighth of the CPU time of an exchange.
        if self._was_paused:
            super().resume_reading(*args, **kwargs)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        """Return where to put what comes next."""
        return self._received

    def buffer_updated(self, nbytes: int) -> None:
        """Take so many bytes that were put there."""
        self.has_received = True
        self.data_received(bytes(self._received[:nbytes]))


class Connector(aiohttp.TCPConnector):
    """Connects to any number of hosts; how many connections there are is the caller's affair."""

    def __init__(self, *, keepalive_timeout: float) -> None:
        super().__init__(limit=0, keepalive_timeout=keepalive_timeout)  # pyright: ignore[reportUnknownMemberType]
        self._factory = cast("partial[ResponseHandler]", partial(Receiver, loop=self._loop))
