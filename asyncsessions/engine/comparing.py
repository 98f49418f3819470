"""Ask a vendor whether it still has as many sessions as are stored: a request a window."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from attrs import frozen

from asyncsessions.core.books import Stream, covered
from asyncsessions.core.windows import TimeRange, Window, split, to_datetime, to_micros
from asyncsessions.engine.pages import Source
from asyncsessions.engine.probe import first_pages

__all__ = ["Comparison", "compare"]


@frozen
class Comparison:
    """How many rows of a window are stored, and how many the vendor has now.

    Both count the range as it was asked, in whole seconds.  Equal numbers do not say that no row
    was edited.
    """

    window: Window
    stored: int
    listed: int

    @property
    def is_equal(self) -> bool:
        """Whether there are as many on both sides."""
        return self.stored == self.listed


async def compare(
    source: Source, stream: Stream, moments: Iterable[int], *, concurrency: int
) -> list[Comparison]:
    """Compare what is proven of a stream, newest first, in as few windows as the vendor allows.

    ``moments`` are the starts of the stored sessions in microseconds since 1970, in any order.
    Raises what asking raises.
    """
    instants = array("q", sorted(moments))
    windows: list[Window] = []
    for span in covered(stream.windows).spans()[::-1]:
        last = to_datetime(span.hi - 1)
        pinned = TimeRange(to_datetime(span.lo), last, closed=True)
        windows += split(pinned, source.provider.longest_window)
    pages = await first_pages(source, windows, concurrency=concurrency)
    return [
        Comparison(window, _stored(instants, window), page.total or 0)
        for window, page in zip(windows, pages, strict=True)
    ]


def _stored(instants: array[int], window: Window) -> int:
    begin = bisect_left(instants, to_micros(window.asked_start))
    return bisect_right(instants, to_micros(window.asked_end)) - begin
