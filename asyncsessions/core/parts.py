"""Parts of a pull that are read elsewhere, each by somebody who knows nothing of the others.

A part is some of the windows of a pull, with the page 1 that was asked for to count their rows: who
reads the part begins with those answers and does not buy them again.  An answer that has become old
is not used, because its total proves nothing about the answers that come after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from zlib import compress, decompress

from attrs import field, frozen

from asyncsessions.core.http import Response
from asyncsessions.core.windows import Window

__all__ = ["FRESH", "PART_ROWS", "SLACK", "Counted", "Part", "Parts", "packed"]

PART_ROWS = 10_000
"""As many rows as a part has unless asked otherwise: 200 pages."""
FRESH = timedelta(minutes=5)
"""A total that was told longer ago proves nothing about what is told now."""
SLACK = timedelta(seconds=5)
"""By so much the clocks of two machines may differ."""
OK = 200


@frozen(kw_only=True)
class Counted:
    """A window whose rows were counted: its ``total``, and page 1 as it was sent (compressed).

    ``pages`` is how many pages the window has, page 1 included.
    """

    window: Window
    total: int
    pages: int
    page_1: bytes = field(repr=False)
    read_at: datetime

    @classmethod
    def of(
        cls, window: Window, body: bytes, *, total: int, pages: int, read_at: datetime
    ) -> Counted:
        """Return the window with the answer that counted it."""
        return cls(
            window=window, total=total, pages=pages, page_1=compress(body, 1), read_at=read_at
        )

    def is_fresh(self, now: datetime) -> bool:
        """Whether page 1 may stand for one that is asked for now."""
        return -SLACK <= now - self.read_at <= FRESH


@frozen(kw_only=True)
class Part:
    """Windows of a pull that one reader reads, newest first.  It holds no credentials.

    It can be pickled and read by another process, on another machine: see
    :meth:`Sessions.batches`.
    """

    counted: tuple[Counted, ...]

    @property
    def windows(self) -> list[Window]:
        """The windows, newest first."""
        return [each.window for each in self.counted]

    @property
    def rows(self) -> int:
        """How many rows the vendor has announced; those on borders between windows count twice."""
        return sum(each.total for each in self.counted)

    @property
    def requests(self) -> int:
        """What reading it takes within five minutes, if nothing moves."""
        return sum(each.pages - 1 for each in self.counted)

    def told(self, now: datetime) -> dict[Window, Response]:
        """Return page 1 of the windows of which it is not too old."""
        return {
            each.window: Response(status=OK, body=decompress(each.page_1))
            for each in self.counted
            if each.is_fresh(now)
        }


@frozen(kw_only=True)
class Parts:
    """A pull in parts, and how many requests were ``spent`` on making them."""

    parts: Sequence[Part]
    spent: int

    @property
    def rows(self) -> int:
        """How many rows all parts have."""
        return sum(part.rows for part in self.parts)

    @property
    def requests(self) -> int:
        """What reading all parts takes, if nothing moves; without the ``spent`` ones."""
        return sum(part.requests for part in self.parts)


def packed(counted: Sequence[Counted], *, aim: int, most: int | None) -> list[Part]:
    """Put windows together into parts of about ``aim`` pages and as equal as they can be.

    ``most`` is the largest number of parts, ``None`` = any.  Each window, the largest first, goes to
    the part that has the fewest pages so far.
    """
    pages = sum(each.pages for each in counted)
    count = min(len(counted), -(-pages // aim))
    count = max(1, count if most is None else min(count, most))
    heap = [(0, number) for number in range(count)]
    heapify(heap)
    bins: list[list[Counted]] = [[] for _ in heap]
    for each in sorted(counted, key=lambda each: each.pages, reverse=True):
        size, number = heappop(heap)
        bins[number].append(each)
        heappush(heap, (size + each.pages, number))
    for each_bin in bins:
        each_bin.sort(key=lambda each: each.window.owned.hi, reverse=True)
    bins.sort(key=lambda each_bin: each_bin[0].window.owned.hi, reverse=True)
    return [Part(counted=tuple(each_bin)) for each_bin in bins]
