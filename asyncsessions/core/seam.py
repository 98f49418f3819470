"""What lies between two pages of a list, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import msgspec
from attrs import field, frozen

from asyncsessions.core.answer import PlacedPage
from asyncsessions.core.tiles import Span

__all__ = ["Gap", "Seam", "edge"]

T = TypeVar("T")


@frozen
class Gap(Generic[T]):
    """Instants below page ``place`` of which not all rows may have come, and those that have."""

    place: int
    span: Span
    parts: Sequence[Sequence[T]] = field(repr=False)


class Seam(msgspec.Struct, Generic[T], frozen=True):
    """What lies between two solid pages; the pages between them span no time."""

    upper: int
    lower: int
    above: PlacedPage[T]
    below: PlacedPage[T]
    links: Sequence[PlacedPage[T]]

    @property
    def span(self) -> Span:
        """The instants from the last of the upper page to the first of the lower, both included."""
        return Span(self.below.first, self.above.last + 1)

    @property
    def parts(self) -> list[Sequence[T]]:
        """The rows of these instants, from each page."""
        if not self.links:
            return [self.above.tail, self.below.head]
        return [self.above.tail, *(link.tail for link in self.links), self.below.head]

    @property
    def is_descending(self) -> bool:
        """Whether it leads from newer to older, and the links lie on the way."""
        span = self.span
        return bool(span) and (not self.links or all(link.lies_in(span) for link in self.links))


def edge(border: int) -> PlacedPage[Any]:
    """Return an imaginary page that lies beyond a border of the window and holds no rows."""
    return PlacedPage(border, border - 1, 0, Span(0, 0), (), (), ())
