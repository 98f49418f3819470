"""Sessions one by one: a view of the pages that owns no task of its own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator

from asyncsessions.core.records import Session
from asyncsessions.engine.run import Run
from asyncsessions.engine.stream import PageStream

__all__ = ["SessionStream", "iterate"]


class SessionStream(Run):
    """One run of a query: iterate it for sessions, or :meth:`pages` for lists of them.

    Both views share one position, so that one may stop and the other go on.  ``report`` says at
    any time what has been done.
    """

    def __init__(self, pages: PageStream) -> None:
        super().__init__(pages)
        self._rest: Iterator[Session] = iter(())

    async def __aiter__(self) -> AsyncIterator[Session]:
        while True:
            # Shared, so that a loop that was broken off can be taken up by another.
            for session in self._rest:
                yield session
            try:
                self._rest = iter(await self._pages.__anext__())
            except StopAsyncIteration:
                return

    async def pages(self) -> AsyncIterator[list[Session]]:
        """Yield the sessions in lists of about a page each, none of them empty."""
        if rest := list(self._rest):
            yield rest
        async for rows in self._pages:
            yield rows


async def iterate(pages: PageStream) -> AsyncGenerator[Session, None]:
    """Yield the sessions of a stream of pages, and close it however the iteration ends."""
    try:
        async for rows in pages:
            for session in rows:
                yield session
    finally:
        await pages.aclose()
