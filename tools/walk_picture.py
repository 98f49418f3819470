"""Draw the states of a walk, as it was seen to go: ``python -m tools.walk_picture FILE``.

Nobody draws an arrow by hand: the real walk reads lists that stay, move, are in no order or have
wrong totals, at each level, and its state is told by what it has under way. An arrow that the walk
takes and this file has no words for is an error, and so is one with words that it never takes. With
`--check` nothing is written; the status is 1 if the file would change.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise, product
from math import hypot
from pathlib import Path
from typing import Literal

from attrs import evolve, frozen

from asyncsessions.core.answer import Answer, Ask
from asyncsessions.core.walk import Consistency
from asyncsessions.testing import Drift, Order, Row
from tools.pictures import keep
from tools.simulation import Vendor, overtaking, walk_of
from tools.svg import Drawing
from tools.tiles_picture import STYLE

State = Literal["start", "page 1", "pages", "positions", "ranges", "complete", "not proven"]
Arrow = tuple[State, State]
Point = tuple[float, float]

WIDTH, HEIGHT = 960, 372
LEVELS: tuple[Consistency, ...] = ("off", "count", "strict")
SEEDS = range(2)
TITLES: dict[State, str] = {
    "page 1": "page 1",
    "pages": "all other pages",
    "positions": "pages, by position",
    "ranges": "ranges of time",
    "complete": "complete",
    "not proven": "not proven",
}
BOXES: dict[State, tuple[float, float, float]] = {
    "page 1": (150, 250, 160),
    "pages": (385, 525, 85),
    "positions": (385, 525, 235),
    "ranges": (630, 750, 160),
    "complete": (848, 940, 85),
    "not proven": (848, 940, 235),
}
BOX_HEIGHT = 34
MORE_STYLE = """
.state { fill: #ddf4ff; stroke: #0b5cad } .end { fill: #dafbe1; stroke: #1a7f37 }
.bad { fill: #ffebe9; stroke: #c93c37 } .way { stroke: #59636e; stroke-width: 1.3; fill: none }
.number { fill: #ffffff; stroke: #d1d9e0 } .begin { fill: #59636e }
@media (prefers-color-scheme: dark) {
.state { fill: #10284a; stroke: #8cc2ff } .end { fill: #12301c; stroke: #3fb950 }
.bad { fill: #3b1518; stroke: #ff7b72 } .way { stroke: #9198a1 }
.number { fill: #0d1117; stroke: #3d444d } .begin { fill: #9198a1 }
}
"""


@frozen
class Way:
    """An arrow: when the walk takes it, and along which points it is drawn, two or four of them."""

    when: str
    points: tuple[Point, ...]


WAYS: dict[Arrow, Way] = {
    ("start", "page 1"): Way("`count` and `off` begin here", ((44, 160), (146, 160))),
    ("start", "ranges"): Way(
        "`strict` believes no total", ((38, 168), (60, 420), (660, 420), (684, 181))
    ),
    ("page 1", "pages"): Way(
        "it told how many there are: all are asked for at once", ((250, 150), (381, 92))
    ),
    ("page 1", "positions"): Way(
        "`off`, or its rows are in no order of time", ((250, 170), (381, 228))
    ),
    ("page 1", "ranges"): Way("it contradicts its own total", ((250, 160), (626, 160))),
    ("page 1", "complete"): Way(
        "it is all there is", ((205, 143), (230, -10), (840, -20), (905, 64))
    ),
    ("page 1", "not proven"): Way(
        "fewer rows than the total says, and no further page",
        ((205, 177), (240, 345), (820, 345), (900, 256)),
    ),
    ("pages", "ranges"): Way(
        "a seam that the totals do not prove, or too many changes", ((525, 92), (640, 139))
    ),
    ("ranges", "pages"): Way(
        "the gaps so far are closed, and pages still come",
        ((675, 143), (650, 95), (600, 78), (529, 78)),
    ),
    ("pages", "complete"): Way(
        "all totals are equal, or each change lies where it does no harm",
        ((525, 70), (640, 32), (760, 40), (848, 72)),
    ),
    ("positions", "ranges"): Way(
        "the totals or a repeated row tell that the list moves", ((525, 226), (644, 181))
    ),
    ("positions", "complete"): Way(
        "the rows add up, and nothing has moved", ((525, 235), (720, 235), (780, 180), (862, 106))
    ),
    ("positions", "not proven"): Way("the rows do not add up", ((525, 245), (844, 241))),
    ("ranges", "complete"): Way("answers tile the whole window", ((750, 150), (844, 98))),
    ("ranges", "not proven"): Way(
        "the list changed faster than it could be read again", ((750, 170), (844, 222))
    ),
}

DRIFTS: tuple[Drift | None, ...] = (
    None,
    Drift(insert_backdated_every=40, until_answer=40),
    Drift(insert_backdated_every=4, delete_every=5),
    Drift(torn_total_every=3),
    Drift(insert_backdated_every=1, delete_every=1),
)
LIES: tuple[tuple[int, dict[str, int]], ...] = (
    (0, {"more": 60}),
    (30, {"more": 60}),
    (500, {"more": 60}),
    (500, {"more": -60}),
    (2_000, {"short_page": 3}),
)
ORDERS: tuple[Order, ...] = ("newest_first", "shuffled")


@frozen
class Liar:
    """A vendor whose totals are wrong by so many rows, or that leaves rows out of one page."""

    vendor: Vendor
    more: int = 0
    short_page: int | None = None

    @property
    def seed(self) -> int:
        """The vendor's."""
        return self.vendor.seed

    def read(self, ask: Ask) -> Answer[Row]:
        """Answer as the vendor does, but for that."""
        answer = self.vendor.read(ask)
        if ask.page == self.short_page and not ask.serial:
            answer = evolve(answer, rows=answer.rows[:20], times=answer.times[:20])
        return evolve(answer, total=max(0, (answer.total or 0) + self.more))


def course(liar: Liar, level: Consistency) -> list[State]:
    """Return the states of one walk, in order."""
    walk = walk_of(liar.vendor, level)
    under_way: list[Ask] = []

    def next_ask() -> Ask | None:
        if not walk.has_ask:
            return None
        under_way.append(walk.next_ask())
        return under_way[-1]

    states: list[State] = ["start"]
    for ask, answer in overtaking(liar, next_ask):
        state: State = "pages"
        if any(each.serial for each in under_way):
            state = "ranges"
        elif walk.tag is None:
            state = "page 1"
        elif walk.positional:
            state = "positions"
        states.append(state)
        under_way.remove(ask)
        walk.answer(ask, answer)
    return [*states, "complete" if walk.is_complete else "not proven"]


def _walks() -> Iterator[tuple[Consistency, list[State]]]:
    for level, order, seed in product(LEVELS, ORDERS, SEEDS):
        for rows, drift in product((0, 30, 1_000), DRIFTS):
            yield level, course(Liar(_vendor(rows, drift, order, seed)), level)
        for (rows, lie), drift in product(LIES, DRIFTS[:2]):
            yield level, course(Liar(_vendor(rows, drift, order, seed), **lie), level)


def _vendor(rows: int, drift: Drift | None, order: Order, seed: int) -> Vendor:
    return Vendor(rows, None if drift is None else evolve(drift, seed=seed), order, seed)


@cache
def observed() -> dict[Arrow, list[Consistency]]:
    """Return every arrow that some walk took, with the levels at which it did.

    Raises ``ValueError`` if the words of this file are not those that are needed.
    """
    seen: dict[Arrow, list[Consistency]] = {}
    for level, states in _walks():
        for arrow in pairwise(states):
            if arrow[0] != arrow[1] and level not in seen.setdefault(arrow, []):
                seen[arrow].append(level)
    if seen.keys() != WAYS.keys():
        new, gone = seen.keys() - WAYS.keys(), WAYS.keys() - seen.keys()
        raise ValueError(f"the walk takes {sorted(new)} without words, and never {sorted(gone)}")
    return {arrow: seen[arrow] for arrow in WAYS}


def table() -> str:
    """Return what each arrow means, in Markdown."""
    lines = ["| | from | to | when | seen at |\n", "| ---: | --- | --- | --- | --- |\n"]
    for number, (arrow, levels) in enumerate(observed().items(), start=1):
        start, end = (TITLES.get(state, state) for state in arrow)
        names = ", ".join(f"`{level}`" for level in levels)
        lines.append(f"| {number} | {start} | {end} | {WAYS[arrow].when} | {names} |\n")
    return "".join(lines)


def picture() -> str:
    """Return the picture as SVG."""
    drawing = Drawing()
    for arrow in observed():
        _draw_way(drawing, WAYS[arrow].points)
    drawing.bar(32, 44, 160, "begin", 12)
    drawing.text(20, 145, "start")
    for state, (left, right, y) in BOXES.items():
        style = {"complete": "end", "not proven": "bad"}.get(state, "state")
        drawing.bar(left, right, y, style, BOX_HEIGHT)
        drawing.text((left + right) / 2, y + 4, TITLES[state], "strong", "middle")
    for number, arrow in enumerate(observed(), start=1):
        x, y = _middle(WAYS[arrow].points)
        drawing.bar(x - 10, x + 10, y, "number", 18)
        drawing.text(x, round(y + 4.5, 1), str(number), anchor="middle")
    told = "; ".join(f"{start} to {end}" for start, end in observed())
    return drawing.document(
        WIDTH,
        HEIGHT,
        title="The states of a walk",
        told=f"Arrows lead from {told}.",
        style=STYLE + MORE_STYLE,
    )


def _draw_way(drawing: Drawing, points: tuple[Point, ...]) -> None:
    (x0, y0), *rest = points
    letter = "L" if len(points) == 2 else "C"
    drawing.path(f"M{x0} {y0}{letter}" + " ".join(f"{x} {y}" for x, y in rest), "way")
    (px, py), (x, y) = points[-2:]
    length = hypot(x - px, y - py)
    dx, dy = 7 * (x - px) / length, 7 * (y - py) / length
    left, right = (x - dx - dy / 2, y - dy + dx / 2), (x - dx + dy / 2, y - dy - dx / 2)
    drawing.path(f"M{left[0]:.1f} {left[1]:.1f}L{x} {y}L{right[0]:.1f} {right[1]:.1f}", "way")


def _middle(points: tuple[Point, ...]) -> Point:
    if len(points) == 2:
        (ax, ay), (bx, by) = points
        return round((ax + bx) / 2, 1), round((ay + by) / 2, 1)
    weights = (1 / 8, 3 / 8, 3 / 8, 1 / 8)
    x = sum(weight * point[0] for weight, point in zip(weights, points, strict=True))
    y = sum(weight * point[1] for weight, point in zip(weights, points, strict=True))
    return round(x, 1), round(y, 1)


def main(arguments: list[str]) -> int:
    """Write the picture to the file named, or check it with `--check`; return the exit status."""
    (name,) = (argument for argument in arguments if argument != "--check")
    return keep({Path(name): picture()}, is_check="--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
