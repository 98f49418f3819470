"""Pages of a vendor: asked for, fetched and read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

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

__all__ = ["OK", "Fetch", "PageRead", "Source"]

T = TypeVar("T")

OK = 200


class Fetch(Protocol):
    """Sends a request, repeats it where that helps, and returns what ``read`` made of it."""

    def __call__(
        self, request: Request, read: Callable[[Response], T], meter: Meter
    ) -> Awaitable[T]:
        """Raise a :class:`SessionsError` if there is no readable answer."""
        ...


class PageRead(msgspec.Struct, frozen=True):
    """An answer and its body."""

    answer: Answer[Session]
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
        return PageRead(answer, response.body)

    def unknown_fields(self, read: PageRead) -> Sequence[str]:
        """Return the undocumented names of an answer, which costs a second decoding."""
        return self.provider.unknown_fields(Response(status=OK, body=read.body))


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
