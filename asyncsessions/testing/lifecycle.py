"""The life of a server on a loopback port: in an event loop, or in a thread with its own."""

from __future__ import annotations

import asyncio
import threading
import time
from abc import ABC, abstractmethod
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Self

import attrs
from aiohttp import web

from asyncsessions.testing.seen import RequestLog, RequestSeen
from asyncsessions.testing.switches import Switches

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator
    from types import TracebackType

__all__ = ["LoopbackServer", "in_thread"]

_HOST = "127.0.0.1"
_JOIN_S = 10.0  # a thread that needs longer is left to die with the process
_SHUTDOWN_S = 0.5  # for connections whose handler was cancelled already


@attrs.define(kw_only=True, eq=False, slots=False)
class LoopbackServer(Switches, ABC):
    """Listens for one `async with`, or for one `with … .in_thread()`, and notes every request.

    What it noted can still be looked at after it stopped. It can be started again; its list, its
    counters and its notes go on where they were.
    """

    _log: RequestLog = attrs.field(init=False, factory=RequestLog)
    _tasks: set[asyncio.Task[object]] = attrs.field(init=False, factory=set[asyncio.Task[object]])
    _runner: web.ServerRunner | None = attrs.field(init=False, default=None)
    _base_url: str | None = attrs.field(init=False, default=None)
    _began_s: float | None = attrs.field(init=False, default=None)

    @abstractmethod
    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""

    @property
    def base_url(self) -> str:
        """Scheme, host and port, without a slash at the end.

        Raises:
            RuntimeError: the server was not started.

        """
        if self._base_url is None:
            msg = "the server is not started: use `async with` or `with … .in_thread()`"
            raise RuntimeError(msg)
        return self._base_url

    @property
    def requests(self) -> list[RequestSeen]:
        """All requests in order of arrival, those that failed and those in flight included."""
        return self._log.requests

    @property
    def max_in_flight(self) -> int:
        """The highest number of requests that were being handled at the same moment."""
        return self._log.max_in_flight

    @property
    def in_flight(self) -> int:
        """How many requests are being handled now."""
        return self._log.in_flight

    @property
    def in_flight_samples(self) -> list[int]:
        """How many requests, itself included, were being handled when each one arrived."""
        return self._log.samples

    def _elapsed_s(self) -> float:
        return time.monotonic() - (self._began_s or 0.0)

    async def start_serving(self) -> None:
        """Listen; for those who cannot use `async with`.

        Raises:
            OSError: the port is taken.

        """
        runner = web.ServerRunner(
            web.Server(self._handle), access_log=None, shutdown_timeout=_SHUTDOWN_S
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, _HOST, self.port, backlog=1024).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self._base_url = f"http://{_HOST}:{runner.addresses[0][1]}"
        if self._began_s is None:
            self._began_s = time.monotonic()

    async def stop_serving(self) -> None:
        """Stop listening and drop requests in flight; does nothing when it is not listening."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await runner.cleanup()

    async def __aenter__(self) -> Self:
        """Start listening."""
        await self.start_serving()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening."""
        await self.stop_serving()

    @contextmanager
    def in_thread(self) -> Generator[Self]:
        """Serve from a daemon thread with an event loop of its own, for code that blocks."""
        with in_thread(self.start_serving, self.stop_serving):
            yield self


@contextmanager
def in_thread(
    start: Callable[[], Awaitable[None]], stop: Callable[[], Awaitable[None]]
) -> Generator[None]:
    """Serve from a daemon thread with an event loop of its own until the block is left."""
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        stopping = asyncio.Event()
        try:
            await start()
        except BaseException as error:  # noqa: BLE001 - it is raised in the other thread
            started.set_exception(error)
            return
        started.set_result((asyncio.get_running_loop(), stopping))
        await stopping.wait()
        await stop()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="fake-server", daemon=True)
    thread.start()
    loop, stopping = started.result(_JOIN_S)
    try:
        yield
    finally:
        with suppress(RuntimeError):  # the loop has ended already
            loop.call_soon_threadsafe(stopping.set)
        thread.join(_JOIN_S)
