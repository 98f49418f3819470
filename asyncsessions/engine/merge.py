"""Several streams as one, newest session first."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Sequence
from typing import Literal, Self

from asyncsessions.core.records import Session
from asyncsessions.core.report import Report
from asyncsessions.engine.items import SessionStream
from asyncsessions.engine.persistence import to_the_end
from asyncsessions.errors import ConfigurationError, SessionsError

__all__ = ["MergedStream", "OnSourceError"]

OnSourceError = Literal["raise", "skip"]


class MergedStream:
    """Merges streams, once, by ``started_at``, newest first; of equal times the first source goes first.

    That holds where every source is in order; ``is_in_order`` says so.  If a source fails,
    ``"raise"`` ends the whole, ``"skip"`` goes on with the others and keeps the error in
    ``errors`` under the source's index.
    """

    def __init__(self, streams: Sequence[SessionStream], on_source_error: OnSourceError) -> None:
        self._streams = streams
        self._on_source_error = on_source_error
        self._has_begun = False
        self.errors: dict[int, SessionsError] = {}
        """What ended a source that was left out, by the index of the source."""

    async def __aiter__(self) -> AsyncIterator[Session]:
        if self._has_begun:
            raise ConfigurationError(
                "a merged stream can be iterated once: merge the queries again"
            )
        self._has_begun = True
        items = [aiter(stream) for stream in self._streams]
        heads: list[tuple[float, int, Session]] = []
        try:
            for index in range(len(items)):
                await self._advance(heads, items[index], index)
            while heads:
                _, index, session = heads[0]
                heapq.heappop(heads)
                yield session
                await self._advance(heads, items[index], index)
        finally:
            await self.aclose()

    async def _advance(
        self,
        heads: list[tuple[float, int, Session]],
        items: AsyncIterator[Session],
        index: int,
    ) -> None:
        try:
            session = await anext(items)
        except StopAsyncIteration:
            return
        except SessionsError as error:
            if self._on_source_error == "raise":
                raise
            self.errors[index] = error
            return
        heapq.heappush(heads, (-session.started_at.timestamp(), index, session))

    @property
    def reports(self) -> tuple[Report, ...]:
        """One report for each source, in the order given."""
        return tuple(stream.report for stream in self._streams)

    @property
    def is_complete(self) -> bool:
        """Whether every source is proven complete."""
        return all(report.complete for report in self.reports)

    @property
    def is_in_order(self) -> bool:
        """Whether every source was in order, so that the whole is."""
        return all(report.ordered for report in self.reports)

    async def aclose(self) -> None:
        """Stop all sources."""
        await to_the_end(asyncio.gather(*(stream.aclose() for stream in self._streams)))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
