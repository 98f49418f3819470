"""What all views of one run have in common: a report, and an end."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from asyncsessions.core.report import Report
from asyncsessions.engine.stream import PageStream

__all__ = ["Run"]


class Run:
    """One run of a query, seen through its pages; closed at the end of an ``async with``."""

    def __init__(self, pages: PageStream) -> None:
        self._pages = pages

    @property
    def report(self) -> Report:
        """What has been done so far."""
        return self._pages.report

    async def aclose(self) -> None:
        """Stop: no request is under way any more when this returns."""
        await self._pages.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()
