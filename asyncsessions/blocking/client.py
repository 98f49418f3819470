"""A vendor's API, for plain code."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Generic, ParamSpec

from asyncsessions import client
from asyncsessions.blocking.sessions import Sessions
from asyncsessions.blocking.thread import LoopThread
from asyncsessions.core.events import Observer
from asyncsessions.core.pace import Retry
from asyncsessions.core.records import SessionDetail
from asyncsessions.providers.base import Provider

if TYPE_CHECKING:
    from asyncsessions.transport.base import Transport

__all__ = ["Client"]

P = ParamSpec("P")


class Client(Generic[P]):
    """A vendor's API for plain code; arguments as of :class:`asyncsessions.Client`.

    Your own ``http`` session cannot be given here: it belongs to another event loop.  Observers and
    callbacks are called in the thread of that loop.
    """

    def __init__(
        self,
        provider: Provider[P],
        *,
        concurrency: int = 8,
        requests_per_second: float | None = None,
        timeout_s: float = 30.0,
        retry: Retry | None = None,
        transport: Transport | None = None,
        observers: Iterable[Observer] = (),
    ) -> None:
        self._client = client.Client(
            provider,
            concurrency=concurrency,
            requests_per_second=requests_per_second,
            timeout_s=timeout_s,
            retry=retry,
            transport=transport,
            observers=observers,
        )
        self._running: LoopThread | None = None
        self._is_closed = False

    def __repr__(self) -> str:
        return f"blocking.{self._client!r}"

    @property
    def _loop(self) -> LoopThread:
        if self._is_closed:
            raise client.closed_error()
        if self._running is None:
            self._running = LoopThread()
        return self._running

    def sessions(self, *args: P.args, **kwargs: P.kwargs) -> Sessions:
        """Ask for sessions; nothing is sent before the result is iterated."""
        return Sessions(self._loop, self._client.sessions(*args, **kwargs))

    def session(
        self,
        session_id: str,
        *,
        max_requests: int | None = None,
        deadline_s: float | None = None,
    ) -> SessionDetail:
        """Return one session with its order and every step of its cart (Hum)."""
        work = self._client.session(session_id, max_requests=max_requests, deadline_s=deadline_s)
        return self._loop.run(work)

    def ping(self) -> None:
        """Check that the vendor can be reached and accepts the credentials (Hum)."""
        self._loop.run(self._client.ping())

    def close(self) -> None:
        """Stop every run, close the connections and end the thread."""
        self._is_closed = True
        running, self._running = self._running, None
        if running is not None:
            running.run(self._client.aclose())
            running.close()

    def __enter__(self) -> Client[P]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
