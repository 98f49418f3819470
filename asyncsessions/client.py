"""The front door."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime
from math import inf
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, NoReturn, ParamSpec, TypeVar
from weakref import WeakSet

from asyncsessions.core.books import Stream
from asyncsessions.core.events import Observer, Operation
from asyncsessions.core.http import Request, Response
from asyncsessions.core.meter import Meter
from asyncsessions.core.options import Options, is_plain_function
from asyncsessions.core.pace import Pace, Retry
from asyncsessions.core.records import SessionDetail
from asyncsessions.core.verdict import is_success, judge
from asyncsessions.core.watch import Watch
from asyncsessions.core.windows import EPOCH
from asyncsessions.engine.comparing import Comparison, compare
from asyncsessions.engine.pages import Source
from asyncsessions.engine.persistence import to_the_end
from asyncsessions.engine.stream import PageStream
from asyncsessions.engine.watching import make_watch, watched
from asyncsessions.errors import ConfigurationError, SessionsError
from asyncsessions.providers.base import DetailProvider, PingProvider, Provider, Query
from asyncsessions.query import Sessions

if TYPE_CHECKING:
    from asyncsessions.transport.aiohttp import ClientSession
    from asyncsessions.transport.attempt import Attempts
    from asyncsessions.transport.base import Transport
    from asyncsessions.transport.retry import Fetcher

__all__ = ["Client"]

P = ParamSpec("P")
T = TypeVar("T")


class Client(Generic[P]):
    """A vendor's API, open for questions.

    What is given here holds for everything the client does: at most ``concurrency`` requests in
    flight and, unless ``None``, at most ``requests_per_second``; ``timeout_s`` seconds for one
    attempt, connecting and reading included; ``retry`` for what may be repeated.  ``http`` is
    your own ``aiohttp.ClientSession`` (proxies, tracing, connectors), which is never closed here;
    ``None`` opens one with the first request.  ``transport`` replaces the network altogether.
    ``observers`` are called with every event, see :data:`Observer`.

    Use it as ``async with Client(…) as client``, or call :meth:`aclose` when done.  Raises
    :class:`ConfigurationError` for values that cannot be.
    """

    def __init__(
        self,
        provider: Provider[P],
        *,
        concurrency: int = 8,
        requests_per_second: float | None = None,
        timeout_s: float = 30.0,
        retry: Retry | None = None,
        http: ClientSession | None = None,
        transport: Transport | None = None,
        observers: Iterable[Observer] = (),
    ) -> None:
        if isinstance(concurrency, bool) or not isinstance(concurrency, int) or concurrency < 1:
            raise ConfigurationError("concurrency must be a whole number of at least 1")
        if requests_per_second is not None and not 0 < requests_per_second < inf:
            raise ConfigurationError("requests_per_second must be more than 0, or None")
        if not 0 < timeout_s < inf:
            raise ConfigurationError("timeout_s must be a number of seconds, more than 0")
        if http is not None and transport is not None:
            raise ConfigurationError("give http or transport, not both")
        self._observers = tuple(observers)
        if not all(map(is_plain_function, self._observers)):
            raise ConfigurationError("each observer must be a function of one argument, not async")
        self.provider = provider
        self.concurrency = concurrency
        self._requests_per_second = requests_per_second
        self._timeout_s = timeout_s
        self._retry = retry or Retry()
        self._http = http
        self._transport = transport
        self._loop: asyncio.AbstractEventLoop | None = None
        self._attempts: Attempts | None = None
        self._fetcher: Fetcher | None = None
        self._runs: WeakSet[PageStream] = WeakSet()
        self._is_closed = False

    def __repr__(self) -> str:
        return f"Client({self.provider!r}, concurrency={self.concurrency})"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a client holds connections and cannot be pickled: make one where it is used"
        )

    def sessions(self, *args: P.args, **kwargs: P.kwargs) -> Sessions:
        """Ask for sessions; the arguments are the vendor's own, as of its ``query`` method.

        Nothing is sent before the result is iterated or awaited.  Raises
        :class:`InvalidQueryError` for a question that makes no sense, and ``TypeError`` for a
        filter that the vendor does not have.
        """
        return Sessions(self, self.provider.query(*args, **kwargs))

    async def session(
        self,
        session_id: str,
        *,
        max_requests: int | None = None,
        deadline_s: float | None = None,
    ) -> SessionDetail:
        """Return one session with its order and every step of its cart (Hum).

        ``max_requests`` and ``deadline_s`` bound the request with its repetitions.  Raises
        :class:`NotFoundError` if the vendor knows no such session, :class:`BudgetExceededError` if
        a bound does not suffice, and :class:`ConfigurationError` if it has no such endpoint.
        """
        provider = self.provider
        if not isinstance(provider, DetailProvider):
            raise ConfigurationError(f"{provider.name} cannot look up a single session")
        request = provider.session_request(session_id)
        bounds = Options(max_requests=max_requests, deadline_s=deadline_s)
        return await self._ask("session", request, provider.read_session, bounds)

    async def ping(self) -> None:
        """Check that the vendor can be reached and accepts the credentials (Hum).

        Raises the error that says why not; :class:`ConfigurationError` if the vendor has no such
        endpoint.
        """
        provider = self.provider
        if not isinstance(provider, PingProvider):
            raise ConfigurationError(f"{provider.name} has no request that costs nothing")
        await self._ask("ping", provider.ping_request(), provider.read_ping, Options())

    async def _ask(
        self,
        operation: Operation,
        request: Request,
        read: Callable[[Response], T],
        bounds: Options,
    ) -> T:
        meter = _meter(bounds.max_requests, bounds.deadline_s, self.watch(operation))
        return await watched(meter.watch, self.fetch(request, read, meter))

    def watch(self, operation: Operation, options: Options | None = None) -> Watch | None:
        """Return what tells the observers of one call; ``None`` if nobody listens."""
        name = self.provider.name
        return make_watch(operation, name, self._observers, options or Options())

    async def compare(
        self,
        stream: Stream,
        moments: Iterable[int],
        *,
        before_request: Callable[[], None] | None = None,
        max_requests: int | None = None,
        deadline_s: float | None = None,
    ) -> list[Comparison]:
        """Ask whether as many sessions are listed as are stored; see :mod:`engine.comparing`.

        ``stream`` is what a target says it holds, ``moments`` the starts of its sessions in
        microseconds since 1970.  ``before_request`` is called before each request is sent.
        """
        meter = _meter(max_requests, deadline_s, self.watch("compare"))
        meter.enter = before_request
        query = Query(EPOCH, filters=stream.filters)
        source = Source(self.provider, query, self.fetch, meter)
        work = compare(source, stream, moments, concurrency=self.concurrency)
        return await watched(meter.watch, work)

    def fetch(
        self, request: Request, read: Callable[[Response], T], meter: Meter
    ) -> Coroutine[Any, Any, T]:
        """Send a request of the provider's and return what ``read`` makes of the answer."""
        fetcher = None if self._is_closed else self._fetcher
        if fetcher is None or self._loop is not asyncio.get_running_loop():
            return self._open_and_fetch(request, read, meter)
        return fetcher.fetch(request, read, meter)

    async def _open_and_fetch(
        self, request: Request, read: Callable[[Response], T], meter: Meter
    ) -> T:
        if self._is_closed:
            raise closed_error()
        loop = asyncio.get_running_loop()
        if self._fetcher is None:
            self._loop, self._fetcher = loop, self._open()
        if self._loop is not loop:
            raise ConfigurationError("the client belongs to another event loop: make one for each")
        return await self._fetcher.fetch(request, read, meter)

    def adopt(self, run: PageStream) -> None:
        """Close this run, if it still lives, when the client closes."""
        self._runs.add(run)

    def _open(self) -> Fetcher:
        # Imported on use: aiohttp takes longer to load than all of the rest.
        from asyncsessions.transport.attempt import Attempts
        from asyncsessions.transport.retry import Fetcher
        from asyncsessions.transport.throttle import Throttle

        concurrency = self.concurrency
        if self._transport is None:
            from asyncsessions.transport.aiohttp import AiohttpTransport

            self._transport = network = AiohttpTransport(self._http)
            # Who waits for a connection of a small pool would lose time of `timeout_s`.
            concurrency = min(concurrency, network.connections or concurrency)
        self._attempts = Attempts(
            self._transport,
            Throttle(Pace(concurrency, self._requests_per_second)),
            self._judge,
            timeout_s=self._timeout_s,
        )
        return Fetcher(self._attempts, self._retry, provider=self.provider.name)

    def _judge(self, request: Request, response: Response) -> SessionsError | None:
        if is_success(response):
            return None  # and nobody has to look at the clock
        provider = self.provider
        return judge(
            request,
            response,
            provider=provider.name,
            secrets=provider.secrets,
            read_refusal=provider.read_refusal,
            now=datetime.now(UTC),
        )

    async def aclose(self) -> None:
        """Stop every run and close the connections; your own ``http`` stays open."""
        await to_the_end(self._close())

    async def _close(self) -> None:
        self._is_closed = True
        if self._attempts is not None:
            self._attempts.close(closed_error())
        await asyncio.gather(*(run.aclose() for run in tuple(self._runs)), return_exceptions=True)
        close = getattr(self._transport, "aclose", None)
        if close is not None:
            await close()

    async def __aenter__(self) -> Client[P]:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


def _meter(max_requests: int | None, deadline_s: float | None, watch: Watch | None) -> Meter:
    """Return the accounts of what begins now."""
    meter = Meter(max_requests=max_requests, deadline_s=deadline_s, watch=watch)
    if deadline_s is not None:
        meter.deadline = asyncio.get_running_loop().time() + deadline_s
    return meter


def closed_error() -> ConfigurationError:
    """Return the error of whoever uses a client that is closed."""
    return ConfigurationError("the client is closed: open a new one")
