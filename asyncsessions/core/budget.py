"""How many requests it may take to read a window by time."""

from __future__ import annotations

from attrs import define

__all__ = ["Budget"]

FLOOR = 40
FACTOR = 4
"""Ranges take at most so many requests, and the factor for each page of rows that came of them.

Crowds may begin anew with as many, for each of their pages.
"""
GROWTH = 8
"""A list that grows to so many times what its first total announced is not run after for ever."""


@define
class Budget:
    """Bounds the requests for ranges of one window, and those for its crowds.

    ``first_total`` is the first that was told, ``delivered`` what came of the window, both in rows.
    ``ranges`` is how many ranges were answered, ``withdrawn`` how many requests were not sent after
    all, ``crowded_pages`` how many pages the crowds have, and ``repeated_pages`` how many were read
    once more because a crowd had changed.
    """

    first_total: int = 0
    delivered: int = 0
    ranges: int = 0
    withdrawn: int = 0
    crowded_pages: int = 0
    repeated_pages: int = 0

    def allows_range(self, *, size: int) -> bool:
        """Whether another range may be asked for, where a page has so many rows."""
        return self.ranges + self.withdrawn < self._most(self.delivered // size, size)

    def allows_crowd(self, *, size: int) -> bool:
        """Whether a page of a crowd may be asked for: not, if that is withdrawn again and again."""
        return self.withdrawn < self._most(self.crowded_pages, size)

    def allows_repetition(self, *, size: int) -> bool:
        """Whether another page of a crowd that has changed may be asked for."""
        return self.repeated_pages < self._most(self.crowded_pages, size)

    def allows_page(self, page: int, *, size: int) -> bool:
        """Whether a crowd may have so many pages."""
        return page <= self._most(page, size)

    def _most(self, pages: int, size: int) -> int:
        return FLOOR + FACTOR * min(pages, GROWTH * (self.first_total // size + 1))
