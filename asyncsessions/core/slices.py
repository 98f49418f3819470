"""Cuts a window that is too large to be committed as one.

A window is committed whole, so its rows wait in memory and its pages in the spool until the last
has come.  One of more than ``2 * COMMIT_PAGES`` pages is therefore cut into about ``COMMIT_PAGES``
each, at whole seconds and evenly in time, since page 1 says how many rows there are and not where
they lie; a slice that is still too large is cut again.  A slice costs at most one page that is not
full, so this adds about half a request to each ``COMMIT_PAGES``.

Of a list that began lately all rows may lie in a small part of what was asked for, and cutting evenly
finds that part by halves or thirds, an empty slice or two and a round at a time.  Page 1 gives it away:
where its rows are so dense that all of them would fill less than ``1 / FAR`` of the window, only
that part is cut, and what is older is a slice of its own.  Rows may be dense there by chance, so this
is done once: what comes of it is cut evenly.

A total may be wrong by any factor, and must not make a million requests of a few rows.  Slices of one
window can hold no more rows than it does: where their totals add up to far more, totals are not
believed any more (:class:`Cuts`), and what is left is read in windows as long as the vendor allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from attrs import define

from asyncsessions.core.answer import is_newest_first
from asyncsessions.core.ranges import SECOND_US
from asyncsessions.core.tiles import Span, Tiles
from asyncsessions.core.windows import SECOND, TimeRange, Window, split, to_datetime, to_micros

__all__ = ["COMMIT_PAGES", "Cuts", "merged", "slices"]

COMMIT_PAGES = 200
MOST_SLICES = 50
"""Into so many a window is cut at a time."""
FAR = 8
"""So many times as much as the rows seem to need is too much to be cut evenly."""
CREDIT = 2
"""Totals of slices may add up to so many times the total of the window; a list may grow meanwhile."""


def slices(
    window: Window,
    total: int,
    *,
    page_size: int,
    aim: int | None = None,
    times: Sequence[datetime] = (),
) -> list[Window]:
    """Cut a window of so many rows into slices of about ``aim`` pages, newest first.

    One that is small enough comes back alone.  ``aim=None``: :data:`COMMIT_PAGES`.  ``times`` are
    those of the rows on page 1, which tell how dense they are; none = not known.
    """
    aim = aim or COMMIT_PAGES
    pages = -(-total // page_size)
    seconds = (window.asked_end - window.asked_start) // SECOND
    count = min(-(-pages // aim), seconds, MOST_SLICES)
    if pages <= 2 * aim or count < 2:
        return [window]
    low, high = _stretch(window, seconds, total, times, count=count)
    steps = {low + (high - low) * n // count for n in range(count)}
    cuts = [window.asked_start + second * SECOND for second in sorted({0, *steps, seconds})]
    parts: list[Window] = []
    for n in range(len(cuts) - 2, -1, -1):
        lo = window.owned.lo if n == 0 else to_micros(cuts[n])
        hi = window.owned.hi if n == len(cuts) - 2 else to_micros(cuts[n + 1])
        parts.append(Window(Span(lo, hi), cuts[n], cuts[n + 1]))
    return parts


def _stretch(
    window: Window, seconds: int, total: int, times: Sequence[datetime], *, count: int
) -> tuple[int, int]:
    """Return between which of its ``seconds`` the rows of a window seem to lie, or all of them."""
    if len(times) < 2 or not is_newest_first(times):
        return 0, seconds
    start = to_micros(window.asked_start)
    newest, oldest = to_micros(times[0]) - start, to_micros(times[-1]) - start
    high = min(seconds, -(-newest // SECOND_US))
    length = total * (newest - oldest) // ((len(times) - 1) * SECOND_US)
    low = high - max(length, count)
    return (low, high) if low > 0 and (high - low) * FAR < seconds else (0, seconds)


def merged(windows: Iterable[Window], longest: timedelta | None) -> list[Window]:
    """Return the same instants in as few windows as the vendor allows, newest first."""
    instants = Tiles()
    for window in windows:
        instants.claim(window.owned)
    whole: list[Window] = []
    for span in instants.spans()[::-1]:
        last = to_datetime(span.hi - 1)
        whole += split(TimeRange(to_datetime(span.lo), last, closed=True), longest)
    return whole


@define
class Claims:
    """The total of a window that was cut, and what its slices have claimed so far."""

    total: int
    sum: int = 0


class Cuts:
    """Cuts windows as long as their totals can be true; ``aim`` is how many pages a slice gets."""

    def __init__(self, page_size: int, aim: int | None = None) -> None:
        self.are_believed = True
        self._page_size = page_size
        self._aim = aim
        self._claims: dict[Window, Claims] = {}

    def cut(self, window: Window, total: int, times: Sequence[datetime] = ()) -> Sequence[Window]:
        """Take the total and the times that page 1 of a window told; return its slices, or itself."""
        claims = self._claims.pop(window, None)
        if claims is not None:
            claims.sum += total
            self.are_believed &= claims.sum <= CREDIT * claims.total + self._page_size
        if not self.are_believed:
            return [window]
        how_dense = times if claims is None else ()
        parts = slices(window, total, page_size=self._page_size, aim=self._aim, times=how_dense)
        if len(parts) > 1:
            shared = Claims(total)
            self._claims |= dict.fromkeys(parts, shared)
        return parts
