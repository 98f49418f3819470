"""uvicorn around an app, without its hold on signals and logs: those belong to whoever runs it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from asyncsessions.errors import ConfigurationError

__all__ = ["bind", "serve"]

LAST_ANSWERS_S = 3  # for answers under way when the server is told to stop


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        if self.started:
            self._tell_started()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave them alone."""
        yield


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 = any free one.  Raises :class:`ConfigurationError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        problem = f"cannot listen on {host} port {port}: {reason}"
    raise ConfigurationError(problem)


async def serve(app: FastAPI, listening: socket.socket, *, started: Callable[[], None]) -> None:
    """Serve until cancelled; then stop listening, and let answers end that soon do.

    ``started`` is called once requests are answered.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # it shows who has asked, and for whom; our own log tells of each pull
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=LAST_ANSWERS_S,
    )
    server = _Server(config, started)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
