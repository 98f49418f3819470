"""How many tenants are pulled at the same time: as many as connections and memory allow.

A tenant that begins is not known yet: how many rows it has is told by its first answers.  So only
a few may be unheard of at a time, and whoever is heard counts with the rows that it may come to hold
in memory until they are committed.  What is bounded is the sum, whatever the number of tenants; one
tenant alone may always begin.
"""

from __future__ import annotations

from attrs import define, field, frozen

from asyncsessions.core.slices import COMMIT_PAGES

__all__ = ["Admission", "Bounds"]

HELD_PAGES = 2 * 2 * COMMIT_PAGES
"""So many pages of a tenant may wait for their commit: two windows that are not cut yet."""


@frozen(kw_only=True)
class Bounds:
    """At most so many tenants, requests in flight, rows in memory, and tenants not heard of yet."""

    tenants: int = 200
    connections: int = 800
    rows: int = 80_000
    unheard: int = 32


@define
class Begun:
    """What a tenant that has begun takes: connections, and rows (``None`` = not heard of yet)."""

    connections: int
    rows: int | None = None


@define
class Admission:
    """Says whether one more tenant may begin."""

    bounds: Bounds
    _begun: dict[str, Begun] = field(factory=dict[str, Begun], init=False)

    def may_begin(self, concurrency: int) -> bool:
        """Whether a tenant with so many requests in flight may begin now."""
        begun, bounds = self._begun.values(), self.bounds
        if not begun:
            return True
        return (
            len(begun) < bounds.tenants
            and sum(each.connections for each in begun) + concurrency <= bounds.connections
            and sum(each.rows is None for each in begun) < bounds.unheard
            and sum(each.rows or 0 for each in begun) < bounds.rows
        )

    def begin(self, name: str, concurrency: int) -> None:
        """Let a tenant begin."""
        self._begun[name] = Begun(concurrency)

    def hear(self, name: str, rows: int, *, page_size: int) -> bool:
        """Note how many rows a tenant has; return whether it was not known before."""
        begun = self._begun[name]
        was_unheard, begun.rows = begun.rows is None, min(rows, HELD_PAGES * page_size)
        return was_unheard

    def end(self, name: str) -> None:
        """Let a tenant go."""
        del self._begun[name]
