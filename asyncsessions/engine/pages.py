"""Page tasks: requests under way, and the moment at which one of them is done.

Nothing here refers to the stream that owns the tasks, so that a stream which is simply dropped
can be finalised while its requests are still under way.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol, TypeAlias, TypeVar, cast

import msgspec
from attrs import evolve, field, frozen

from asyncsessions.core.answer import Answer, Ask
from asyncsessions.core.events import PageReceived
from asyncsessions.core.http import Request, Response
from asyncsessions.core.meter import Meter
from asyncsessions.core.records import Session
from asyncsessions.core.rows import SentRows
from asyncsessions.core.watch import Watch
from asyncsessions.core.windows import Window
from asyncsessions.providers.base import LineProvider, Provider, Query, RowProvider

__all__ = ["Fetch", "PageRead", "PageTask", "PageTasks", "Source"]

T = TypeVar("T")


class Fetch(Protocol):
    """Sends a request, repeats it where that helps, and returns what ``read`` made of it."""

    def __call__(
        self, request: Request, read: Callable[[Response], T], meter: Meter
    ) -> Awaitable[T]:
        """Raise a :class:`SessionsError` if there is no readable answer."""
        ...


class PageRead(msgspec.Struct, frozen=True):
    """An answer and its body, with the undocumented field names if they were looked for."""

    answer: Answer[Session]
    unknown_fields: Sequence[str] = ()
    body: bytes = b""

    def __repr__(self) -> str:
        return f"PageRead({self.answer})"


@frozen
class Source:
    """Where pages come from: a vendor, a query, and the way to send.

    ``rows`` reads pages into the vendor's own rows instead of sessions (``None``).  They become
    sessions when they are delivered: as long as pages wait for others there is little for the
    garbage collector to go through, which else takes a seventh of the time of a pull.
    ``told`` holds answers to page 1 of windows that somebody has asked for already; each is used
    once, by the first who asks.
    """

    provider: Provider[...]
    query: Query
    fetch: Fetch
    meter: Meter
    raw: bool = False
    rows: RowProvider | None = None
    told: dict[Window, Response] = field(factory=dict[Window, Response], repr=False)

    def of_rows(self) -> Source:
        """Return the source that reads the vendor's own rows, where the vendor knows how to."""
        provider = self.provider
        if self.raw or not isinstance(provider, RowProvider) or not _knows_its_rows(provider):
            return self  # rows do not keep their JSON
        return evolve(self, rows=provider)

    def sessions(self, rows: list[Session]) -> list[Session]:
        """Return what was read as sessions."""
        return rows if self.rows is None else self.rows.as_sessions(rows)

    def sent(self, rows: Sequence[Any]) -> Sequence[Session]:
        """Return the same, but made only when somebody looks: columns do without them."""
        if self.rows is None:
            return rows
        vendor = self.rows
        return SentRows(
            rows,
            as_sessions=vendor.as_sessions,
            as_columns=vendor.as_columns,
            as_lines=vendor.as_lines if isinstance(vendor, LineProvider) else None,
        )

    async def read(self, ask: Ask) -> PageRead:
        """Fetch and read one page, or only read it if it was told."""
        if ask.page == 1 and not ask.serial and ask.window in self.told:
            return self.understand(1, self.told.pop(ask.window))
        request = self.provider.page_request(self.query, ask.window, ask.page)
        read = await self.fetch(request, partial(self.understand, ask.page), self.meter)
        if self.meter.watch is not None:
            _tell(self.meter.watch, ask, read.answer)
        return read

    def understand(self, page: int, response: Response) -> PageRead:
        """Read the answer to a request for a page; raises :class:`UnexpectedResponseError`."""
        if self.rows is None:
            answer = self.provider.read_page(response, page=page, raw=self.raw)
        else:
            answer = self.rows.read_rows(response, page=page)
        # Looked for on the first page of a window only: it costs a second decoding.
        unknown = self.provider.unknown_fields(response) if page == 1 else ()
        return PageRead(answer, unknown, response.body)


def _knows_its_rows(provider: Provider[...]) -> bool:
    """Whether nobody reads pages into sessions of their own, in a subclass or by delegation."""
    classes = type(provider).__mro__
    readers = ("read_page", "read_rows")
    by_page, by_row = (
        next((each for each in classes if name in vars(each)), None) for name in readers
    )
    return by_page is by_row


def _tell(watch: Watch, ask: Ask, answer: Answer[Session]) -> None:
    window = ask.window
    watch.tell(
        PageReceived(
            pull=watch.begin(),
            start=window.asked_start,
            end=window.asked_end,
            page=ask.page,
            rows=len(answer.rows),
            total=answer.total,
        )
    )


PageTask: TypeAlias = "asyncio.Task[PageRead | None]"
TakePage: TypeAlias = Callable[[PageTask, PageRead], Ask | None]


class PageTasks:
    """The requests under way of one stream, and those that are done but not taken yet.

    The result of a task is what it read last, ``None`` if that was taken already.
    """

    def __init__(self) -> None:
        self.under_way: dict[PageTask, None] = {}
        self._done: deque[PageTask] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._take: TakePage | None = None
        self._has_failed = False
        self._is_abandoned = False

    def start(self, source: Source, ask: Ask) -> PageTask:
        """Begin to fetch a page."""
        task = asyncio.get_running_loop().create_task(self._read(source, ask))
        self.under_way[task] = None
        task.add_done_callback(self._note)
        return task

    async def _read(self, source: Source, ask: Ask) -> PageRead | None:
        following: Ask | None = ask
        waiter: asyncio.Future[None] | None = None
        while following is not None:
            try:
                read = await source.read(following)
            except Exception:
                self._has_failed = True  # who waits has to know before anything else is sent
                raise
            if self._take is None or self._has_failed or self._waiter is waiter:
                return read  # nobody waits, or they have had no turn since this task's last page
            waiter = self._waiter
            following = self._take(cast("PageTask", asyncio.current_task()), read)
            self.wake()
        return None

    def _note(self, task: PageTask) -> None:
        del self.under_way[task]
        self._done.append(task)
        if self._is_abandoned:
            self._forget_done()
        self.wake()

    def wake(self) -> None:
        """End the wait of who waits, whether a task is done or not."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def take_done(self) -> PageTask | None:
        """Return a task that is done, oldest first; ``None`` if there is none."""
        return self._done.popleft() if self._done else None

    async def wait(self, take: TakePage | None = None) -> None:
        """Wait until another page was read, or somebody calls :meth:`wake`.

        ``take`` is called meanwhile with each task and what it read, and says what the task shall
        ask for next; not once one has failed.  So the next request goes out before the next answer
        is read: those that come together would else be read together, and all that follow them
        sent together.
        """
        self._waiter, self._take = asyncio.get_running_loop().create_future(), take
        try:
            await self._waiter
        finally:
            self._take = None

    def cancel(self) -> None:
        """Ask all tasks to stop."""
        for task in tuple(self.under_way):
            task.cancel()

    async def aclose(self) -> None:
        """Stop all tasks and wait until they have; any number of cancellations only postpones."""
        self.cancel()
        interruption: asyncio.CancelledError | None = None
        while self.under_way:
            try:
                await asyncio.wait(tuple(self.under_way))
            except asyncio.CancelledError as cancelled:
                interruption = cancelled
        self._forget_done()
        if interruption is not None:
            raise interruption

    def abandon(self) -> None:
        """Stop all tasks of which nobody will ask the outcome."""
        self._is_abandoned = True
        self.cancel()
        self._forget_done()

    def _forget_done(self) -> None:
        while self._done:
            task = self._done.popleft()
            if not task.cancelled():
                task.exception()  # marks it as retrieved
