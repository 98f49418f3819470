"""Lists that the laws of the walk are tried on, and how they change meanwhile."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from random import Random

from attrs import frozen
from hypothesis import strategies as st

from asyncsessions.core.tiles import Span
from asyncsessions.core.windows import Window, to_micros
from tests.core.model import ORDERS, Drift, Vendor, at, vendor_of, window

LAST = 20
ASKED = window(0, LAST)
"""Twenty seconds, owned to the last instant."""
CLIPPED = Window(Span(to_micros(at(4.25)), to_micros(at(15.5))), at(4), at(16))
"""A window that owns less than it asks for."""

# ---------------------------------------------------------------------- lists

GRIDS: dict[str, Callable[[Random], float]] = {
    "quarters": lambda chance: chance.randrange(4 * LAST + 1) / 4,
    "seconds": lambda chance: chance.randrange(LAST + 1),
    "three seconds": lambda chance: 8 + chance.randrange(3),
    "quarters of a second": lambda chance: 9 + chance.randrange(4) / 4,
    "one instant": lambda chance: 7,
}


@frozen
class Listed:
    """What a vendor's list is at first; ``twins`` as :class:`Vendor` takes it."""

    rows: int
    grid: str
    size: int
    order: str
    twins: int
    seed: int

    def vendor(self) -> Vendor:
        """Return the vendor of a new list."""
        chance = Random(self.seed)
        seconds = [GRIDS[self.grid](chance) for _ in range(self.rows)]
        # Pages of nothing but twins are taken for one page that came twice, as they may be.
        twins = self.twins if self.twins < self.size else 0
        return vendor_of(seconds, self.size, order=ORDERS[self.order], twins=twins)


def lists(
    order: str = "newest first",
    *,
    sizes: Sequence[int] = range(1, 11),
    grids: Sequence[str] = sorted(GRIDS),
    most_rows: int = 40,
) -> st.SearchStrategy[Listed]:
    """Return lists of an order."""
    return st.builds(
        Listed,
        rows=st.integers(0, most_rows),
        grid=st.sampled_from(grids),
        size=st.sampled_from(sizes),
        order=st.just(order),
        twins=st.sampled_from([0, 0, 2]),
        seed=st.integers(0, 2**32),
    )


traffic = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**32),
        "open_asks": st.sampled_from([1, 3, 8]),
        "busyness": st.sampled_from([0.05, 0.3, 0.7]),
        "tearing": st.sampled_from([0.0, 0.0, 0.3]),
        "loss": st.sampled_from([0.0, 0.0, 0.2]),
    }
)
windows = st.sampled_from([ASKED, ASKED, CLIPPED])


# ---------------------------------------------------------------------- changes


def _on_an_instant(vendor: Vendor, chance: Random) -> None:
    vendor.insert(chance.choice(vendor.rows).started_at if vendor.rows else at(LAST / 2))


def _replace(vendor: Vendor, chance: Random) -> None:
    CHANGES["delete"](vendor, chance)
    CHANGES[chance.choice(INSERTS)](vendor, chance)


CHANGES: dict[str, Drift] = {
    "insert now": lambda vendor, chance: vendor.insert(at(LAST)),
    "insert backdated": lambda vendor, chance: vendor.insert(at(GRIDS["quarters"](chance))),
    "insert on an instant": _on_an_instant,
    "delete": lambda vendor, chance: vendor.delete(chance.randrange(1000)),
    "edit": lambda vendor, chance: vendor.edit(chance.randrange(1000)),
    "replace": _replace,
}
INSERTS = ("insert now", "insert backdated", "insert on an instant")
MIXED = (*INSERTS, "delete", "delete", "delete", "edit", "replace")


def any_of(kinds: Sequence[str]) -> Drift:
    """Return a drift of changes of these kinds."""
    return lambda vendor, chance: CHANGES[chance.choice(kinds)](vendor, chance)


def one_at_a_time(vendor: Vendor, chance: Random) -> None:
    """Insert or delete once between two totals of the whole window."""
    if _is_seen(vendor):
        CHANGES[chance.choice((*INSERTS, *["delete"] * 3))](vendor, chance)
    else:
        CHANGES["edit"](vendor, chance)


def in_bursts(vendor: Vendor, chance: Random) -> None:
    """Let several changes fall between two totals that differ all the same."""
    if _is_seen(vendor):
        more, less = chance.choice([(2, 1), (1, 2), (3, 1), (0, 2)])
        kinds = [chance.choice(INSERTS) for _ in range(more)]
        kinds += ["delete"] * less if len(vendor.rows) >= less else []
        chance.shuffle(kinds)
        for kind in kinds:
            CHANGES[kind](vendor, chance)


VISIBLE: dict[str, Drift] = {
    "grows": any_of((*INSERTS, "edit")),
    "grows on top": any_of(("insert now",)),
    "shrinks": any_of(("delete", "edit")),
    "one at a time": one_at_a_time,
    "in bursts": in_bursts,
}
"""Drifts that equal totals do not hide, unless the last total was torn."""
ANY: dict[str, Drift] = {
    **VISIBLE,
    "replaces": any_of(("replace",)),
    "top and bottom": any_of(("insert now", "delete")),
    "mixed": any_of(MIXED),
}


def ending(drift: Drift, changes: int | None) -> Drift:
    """Return a drift that is over after so many changes; ``None``: it goes on for ever."""
    left: Iterator[int] = itertools.count() if changes is None else iter(range(changes))

    def limited(vendor: Vendor, chance: Random) -> None:
        if next(left, None) is not None:
            drift(vendor, chance)

    return limited


def _is_seen(vendor: Vendor) -> bool:
    """Whether a total of the whole window was told since the last change."""
    for reading in reversed(vendor.readings):
        if reading.is_told and reading.ask.window == vendor.readings[0].ask.window:
            return reading.counted == len(vendor.changes)
    return not vendor.changes
