"""Cuts a window that is too large to be committed as one.

A window is committed whole, so its rows wait in memory and its pages in the spool until the last
has come.  One of more than ``2 * COMMIT_PAGES`` pages is therefore cut into about ``COMMIT_PAGES``
each, at whole seconds and evenly in time, since page 1 says how many rows there are and not where
they lie; a slice that is still too large is cut again.  A slice costs at most one page that is not
full, so this adds about half a request to each ``COMMIT_PAGES``.

A total may be wrong by any factor, and must not make a million requests of a few rows.  Slices of one
window can hold no more rows than it does: where their totals add up to far more, totals are not
believed any more (:class:`Cuts`), and what is left is read in windows as long as the vendor allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from attrs import define

from asyncsessions.core.tiles import Span, Tiles
from asyncsessions.core.windows import SECOND, TimeRange, Window, split, to_datetime, to_micros

__all__ = ["COMMIT_PAGES", "Cuts", "merged", "slices"]

COMMIT_PAGES = 200
MOST_SLICES = 50
"""Into so many a window is cut at a time."""
CREDIT = 2
"""Totals of slices may add up to so many times the total of the window; a list may grow meanwhile."""


def slices(window: Window, total: int, *, page_size: int, aim: int | None = None) -> list[Window]:
    """Cut a window of so many rows into slices of about ``aim`` pages, newest first.

    One that is small enough comes back alone.  ``aim=None``: :data:`COMMIT_PAGES`.
    """
    aim = aim or COMMIT_PAGES
    pages = -(-total // page_size)
    seconds = (window.asked_end - window.asked_start) // SECOND
    count = min(-(-pages // aim), seconds, MOST_SLICES)
    if pages <= 2 * aim or count < 2:
        return [window]
    cuts = [window.asked_start + seconds * n // count * SECOND for n in range(count + 1)]
    parts: list[Window] = []
    for n in range(count - 1, -1, -1):
        lo = window.owned.lo if n == 0 else to_micros(cuts[n])
        hi = window.owned.hi if n == count - 1 else to_micros(cuts[n + 1])
        parts.append(Window(Span(lo, hi), cuts[n], cuts[n + 1]))
    return parts


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

    def cut(self, window: Window, total: int) -> Sequence[Window]:
        """Take the total that page 1 of a window told, and return its slices, or itself alone."""
        claims = self._claims.pop(window, None)
        if claims is not None:
            claims.sum += total
            self.are_believed &= claims.sum <= CREDIT * claims.total + self._page_size
        if not self.are_believed:
            return [window]
        parts = slices(window, total, page_size=self._page_size, aim=self._aim)
        if len(parts) > 1:
            shared = Claims(total)
            self._claims |= dict.fromkeys(parts, shared)
        return parts
