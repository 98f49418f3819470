"""What the model of a concurrent pull tries: kinds of lists and drifts, and what they may cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import frozen

from asyncsessions.core.walk import Consistency
from asyncsessions.testing import Drift, Order

ROWS = 4_000
PAGE_SIZE = 50
PAGES = ROWS // PAGE_SIZE
CROWD = 120


@frozen(kw_only=True)
class Cell:
    """One kind of list and drift, and what a pull of it may cost at most.

    ``drift`` makes the drift of a seed. ``most`` is the most requests a page, ``None`` without a
    promise: then only the table shows it.
    """

    name: str
    consistency: Consistency = "count"
    drift: Callable[[int], Drift] | None = None
    order: Order = "newest_first"
    crowd: int = 0
    most: float | None = None

    @property
    def title(self) -> str:
        return f"{self.name} [{self.consistency}]"


def dense(**changes: int | None) -> Callable[[int], Drift]:
    """Return what makes a drift of every seed, the same in kind."""
    return lambda seed: Drift(seed=seed, **changes)


def single(kind: str) -> Callable[[int], Drift]:
    """Return what makes a drift of one change, after another answer for each seed.

    The very last total is never torn: that nobody contradicts, which is a known limit of `count`.
    """
    moments = PAGES - (kind == "torn_total_every")

    def drift(seed: int) -> Drift:
        moment = seed * 37 % moments + 1
        return Drift(seed=seed, until_answer=moment, **{kind: moment})

    return drift


ALL_KINDS: dict[str, int | None] = {
    "insert_now_every": 6,
    "insert_backdated_every": 4,
    "insert_on_instant_every": 7,
    "delete_every": 5,
    "edit_every": 2,
}


def _dense_drifts() -> Iterator[tuple[str, dict[str, int | None]]]:
    kinds: list[tuple[str, dict[str, int | None]]] = [
        (f"+{insert} -{delete}", {"insert_backdated_every": insert, "delete_every": delete})
        for insert in (3, 4)
        for delete in (3, 5)
    ]
    for name, kind in [*kinds, ("all kinds", ALL_KINDS)]:
        for torn in (None, 7):
            for until in (40, None):
                ending = "for ever" if until is None else f"until {until}"
                title = f"dense {name}{' torn' if torn else ''} {ending}"
                yield title, {**kind, "torn_total_every": torn, "until_answer": until}


def _cells() -> Iterator[Cell]:
    yield Cell(name="nothing moves", most=1.0)
    yield Cell(name="nothing moves", consistency="strict", most=1.15)
    yield Cell(name="edits alone", drift=dense(edit_every=1), most=1.0)
    for kind in ("insert_backdated", "insert_now", "insert_on_instant", "delete", "torn_total"):
        yield Cell(name=f"one {kind}", drift=single(f"{kind}_every"), most=1.2)
    for name, changes in _dense_drifts():
        # Both after every third answer cancel unseen: the documented limit of `count`.
        is_balanced = changes["delete_every"] == changes["insert_backdated_every"]
        yield Cell(name=name, drift=dense(**changes), most=None if is_balanced else 1.6)
        yield Cell(name=name, consistency="strict", drift=dense(**changes), most=1.6)
    both = dense(insert_backdated_every=1, delete_every=1)
    yield Cell(name="+1 -1 for ever", consistency="strict", drift=both, most=1.3)
    for order in ("shuffled", "oldest_first"):
        for name, changes in [("still", {}), *_dense_drifts()]:
            if name == "still" or name.startswith(("dense +4 -5", "dense all")):
                most = 1.0 if name == "still" else 2.2
                drift = dense(**changes)
                yield Cell(name=f"{order} {name}", drift=drift, order=order, most=most)
                yield Cell(
                    name=f"{order} {name}",
                    consistency="strict",
                    drift=drift,
                    order=order,
                    most=2.2,
                )
    for consistency in ("count", "strict"):
        for name, changes in [("still", {}), *_dense_drifts()]:
            if name == "still" or name.startswith(("dense +4 -5", "dense all")):
                yield Cell(
                    name=f"crowd {name}",
                    consistency=consistency,
                    drift=dense(**changes),
                    crowd=CROWD,
                    most=1.0 if name == "still" and consistency == "count" else 1.6,
                )


CELLS = list(_cells())
