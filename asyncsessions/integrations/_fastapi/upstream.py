"""The vendor behind an app: one client, opened and closed with it, shared by all of its requests."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Generic, ParamSpec

from asyncsessions.client import Client
from asyncsessions.core.events import Observer
from asyncsessions.core.pace import Retry
from asyncsessions.errors import ConfigurationError
from asyncsessions.providers.base import Provider
from asyncsessions.transport.base import Transport

__all__ = ["Upstream", "lifespan"]

P = ParamSpec("P")


class Upstream(Generic[P]):
    """A vendor's API as a dependency: ``Annotated[Client, Depends(upstream)]``.

    The arguments are those of :class:`Client`, but ``http``.  All requests of the app share the one client, and
    so one limit of concurrency, one rate, one retry budget and one quota.  It is opened by
    :func:`lifespan` or by the router that serves it; both together open it once.
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
        self.provider = provider
        self._concurrency = concurrency
        self._requests_per_second = requests_per_second
        self._timeout_s = timeout_s
        self._retry = retry
        self._transport = transport
        self._observers = tuple(observers)
        self._client: Client[P] | None = None
        self._openings = 0
        self._make()  # what cannot be is refused where it is written, not when the app starts

    def __repr__(self) -> str:
        return f"Upstream({self.provider!r}, concurrency={self._concurrency})"

    def _make(self) -> Client[P]:
        return Client(
            self.provider,
            concurrency=self._concurrency,
            requests_per_second=self._requests_per_second,
            timeout_s=self._timeout_s,
            retry=self._retry,
            transport=self._transport,
            observers=self._observers,
        )

    @property
    def is_open(self) -> bool:
        """Whether there is a client now."""
        return self._client is not None

    def __call__(self) -> Client[P]:
        """Return the client; this is what ``Depends`` calls.

        Raises :class:`ConfigurationError` if the app was started without the lifespan.
        """
        if self._client is None:
            raise ConfigurationError(
                "the client is not open: give the app lifespan=lifespan(upstream)"
            )
        return self._client

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Client[P]]:
        """Open the client until the block ends; inside another such block it is the same one."""
        self._openings += 1
        if self._client is None:
            self._client = self._make()
        try:
            yield self._client
        finally:
            self._openings -= 1
            if not self._openings:
                client, self._client = self._client, None
                await client.aclose()


def lifespan(*upstreams: Upstream[...]) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """Return a lifespan for ``FastAPI(lifespan=…)`` that opens and closes these upstreams."""

    @asynccontextmanager
    async def opened(_: Any) -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            for upstream in upstreams:
                await stack.enter_async_context(upstream.open())
            yield

    return opened
