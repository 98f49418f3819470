"""How many requests it may take to read a window by time."""

from __future__ import annotations

from attrs import define

__all__ = ["Budget"]

FLOOR = 40
FACTOR = 4
"""Ranges take at most so many requests, and the factor for each page of rows that came of them.

So do crowds, by themselves, for each of their pages; one that stands still takes less than two.
"""
GROWTH = 8
"""A list that grows to so many times what its first total announced is not run after for ever."""


@define
class Budget:
    """Bounds the requests for ranges of one window, and those for its crowds.

    ``first_total`` is the first that was told, in rows.  ``ranges`` and ``crowds`` are the requests
    that either took, ``crowded_pages`` the most pages that the crowds had.
    """

    first_total: int = 0
    ranges: int = 0
    crowds: int = 0
    crowded_pages: int = 0

    def allows_range(self, delivered: int, *, size: int) -> bool:
        """Whether another range may be asked for; so many rows came of the window, ``size`` a page."""
        return self._allows(self.ranges, delivered // size, size)

    def allows_crowd(self, *, size: int) -> bool:
        """Whether another page of a crowd may be asked for."""
        return self._allows(self.crowds, self.crowded_pages, size)

    def _allows(self, asks: int, pages: int, size: int) -> bool:
        most_pages = GROWTH * (self.first_total // size + 1)
        return asks < FLOOR + FACTOR * min(pages, most_pages)
