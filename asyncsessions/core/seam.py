"""What lies between two pages of a list, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import msgspec
from attrs import field, frozen

from asyncsessions.core.answer import NOWHERE, PlacedPage
from asyncsessions.core.tiles import Span

__all__ = ["Gap", "Seam", "edge", "seam_between"]

T = TypeVar("T")


@frozen
class Gap(Generic[T]):
    """Instants below page ``place`` of which not all rows may have come, and those that have."""

    place: int
    span: Span
    parts: Sequence[Sequence[T]] = field(repr=False)


class Seam(msgspec.Struct, Generic[T], frozen=True):
    """What lies between two solid pages; the pages between them span no time.

    ``span`` are the instants from the last of the upper page to the first of the lower, both
    included.
    """

    upper: int
    lower: int
    above: PlacedPage[T]
    below: PlacedPage[T]
    links: Sequence[PlacedPage[T]]
    span: Span

    @property
    def parts(self) -> list[Sequence[T]]:
        """The rows of these instants, from each page."""
        return [self.above.tail, *(link.tail for link in self.links), self.below.head]

    @property
    def rows(self) -> list[T]:
        """The rows of these instants, page by page."""
        if not self.links:
            return [*self.above.tail, *self.below.head]
        return [row for part in self.parts for row in part]

    @property
    def is_descending(self) -> bool:
        """Whether it leads from newer to older, and the links lie on the way."""
        span, links = self.span, self.links
        return span.lo < span.hi and (not links or all(link.lies_in(span) for link in links))


def seam_between(
    above: PlacedPage[T],
    below: PlacedPage[T],
    links: Sequence[PlacedPage[T]],
    upper: int = 0,
    lower: int = 0,
) -> Seam[T]:
    """Return what lies between two pages, which have such numbers."""
    return Seam(upper, lower, above, below, links, Span(below.first, above.last + 1))


def edge(border: int) -> PlacedPage[Any]:
    """Return an imaginary page that lies beyond a border of the window and holds no rows."""
    return PlacedPage(border, border - 1, 0, NOWHERE, (), (), ())
