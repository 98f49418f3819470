"""The port to the network: one method."""

from __future__ import annotations

from typing import Protocol

from asyncsessions.core.http import Request, Response

__all__ = ["Transport"]


class Transport(Protocol):
    """Sends one request, once, and returns the whole answer, whatever its status."""

    async def send(self, request: Request, *, timeout_s: float) -> Response:
        """Send and read the body within ``timeout_s`` seconds.

        Raises :class:`TransportError` if no whole answer arrives, and
        :class:`UnexpectedResponseError` if it is larger than allowed.
        """
        ...
