"""Cuts a window that is too large to be committed as one.

A window is committed whole, so its rows wait in memory and its pages in the spool until the last
has come.  One of more than ``2 * COMMIT_PAGES`` pages is therefore cut into about ``COMMIT_PAGES``
each, at whole seconds and evenly in time, since page 1 says how many rows there are and not where
they lie; a slice that is still too large is cut again.  A slice costs at most one page that is not
full, so this adds about half a request to each ``COMMIT_PAGES``.
"""

from __future__ import annotations

from asyncsessions.core.tiles import Span
from asyncsessions.core.windows import SECOND, Window, to_micros

__all__ = ["COMMIT_PAGES", "slices"]

COMMIT_PAGES = 200


def slices(window: Window, total: int, *, page_size: int) -> list[Window]:
    """Cut a window of so many rows, newest first; one that is small enough comes back alone."""
    pages = -(-total // page_size)
    seconds = (window.asked_end - window.asked_start) // SECOND
    count = min(-(-pages // COMMIT_PAGES), seconds)
    if pages <= 2 * COMMIT_PAGES or count < 2:
        return [window]
    cuts = [window.asked_start + seconds * n // count * SECOND for n in range(count + 1)]
    parts: list[Window] = []
    for n in range(count - 1, -1, -1):
        lo = window.owned.lo if n == 0 else to_micros(cuts[n])
        hi = window.owned.hi if n == count - 1 else to_micros(cuts[n + 1])
        parts.append(Window(Span(lo, hi), cuts[n], cuts[n + 1]))
    return parts
