"""Draw how the answers of one small pull tile its time: ``python -m tools.tiles_picture FILE``.

The picture shows what the real walk did with a list of nine pages in which one row appears late and
another vanishes. With `--check` nothing is written; the status is 1 if the file would change.
"""

import sys
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random
from typing import Literal

from attrs import define, field, frozen

from asyncsessions.core.answer import Answer, Ask, Portion, place
from asyncsessions.core.tiles import Span
from asyncsessions.core.windows import Window, to_micros
from asyncsessions.testing import Drift, Row
from tools.pictures import keep
from tools.simulation import Vendor, walk_of
from tools.svg import Drawing

PAGE_SIZE = 8
ROWS = 70
CONCURRENCY = 3
SEED = 35
DRIFT = Drift(insert_backdated_every=6, delete_every=7, until_answer=7, seed=SEED)

WIDTH = 960
LEFT, RIGHT = 150, WIDTH - 28
TOP = 148
PITCH = 23
BAR = 14

STYLE = """
text { font: 12.5px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #24292f }
.strong { font-weight: 600 }
.faint { fill: #59636e }
.card { fill: #ffffff; stroke: #d1d9e0 }
.rule { stroke: #d1d9e0; stroke-width: 1 }
.arrow { stroke: #59636e; stroke-width: 1.2; fill: none }
.page { fill: #8fbcf2 } .page-row { fill: #0b5cad }
.range { fill: url(#hatch) } .range-row { fill: #a33d00 }
.hatch { stroke: #ef8a4c; stroke-width: 2.6 } .hatch-back { fill: #fbd9c3 }
.seam { fill: #2da67d }
.asked { fill: none; stroke: #c93c37; stroke-dasharray: 3 2.5; stroke-width: 1.3 }
.event { fill: none; stroke: #c93c37; stroke-width: 2 }
.ring { fill: none; stroke: #24292f; stroke-width: 1.6 }
.event-line { stroke: #c93c37; stroke-width: 0.8; stroke-dasharray: 1.5 3 }
@media (prefers-color-scheme: dark) {
text { fill: #d1d7e0 } .faint { fill: #9198a1 } .arrow { stroke: #9198a1 }
.card { fill: #0d1117; stroke: #3d444d } .rule { stroke: #3d444d }
.page { fill: #1f4f86 } .page-row { fill: #8cc2ff } .seam { fill: #2f9e79 }
.range-row { fill: #ffb98f } .hatch { stroke: #b4561f } .hatch-back { fill: #5b2c12 }
.asked, .event, .event-line { stroke: #ff7b72 } .ring { stroke: #f0f6fc }
}
"""

Kind = Literal["page", "range"]


@frozen
class Came:
    """One answer, and what it proves without any other."""

    name: str
    kind: Kind
    asked: Span
    covers: Span
    instants: Sequence[int]


@frozen
class Moved:
    """One change of the list, at the place in time of its row."""

    name: str
    instant: int


@define
class Story:
    """What happened, in order, and the tiles that came of it."""

    window: Window
    steps: list[Came | Moved] = field(factory=list["Came | Moved"])
    tiles: list[Span] = field(factory=list[Span])
    instants: list[int] = field(factory=list[int])
    slipped: set[int] = field(factory=set[int])
    is_complete: bool = False


def tell() -> Story:
    """Drive the real walk over the small list; each request is read and arrives in one step."""
    vendor = Vendor(ROWS, DRIFT, seed=SEED, page_size=PAGE_SIZE, length_s=ROWS * 60)
    walk = walk_of(vendor, "count")
    story = Story(vendor.window)
    chance = Random(SEED)  # noqa: S311 - seeded on purpose
    sent: list[Ask] = []
    portions: list[Portion[Row]] = []
    while not walk.is_finished:
        while walk.has_ask and len(sent) < CONCURRENCY:
            sent.append(walk.next_ask())
        ask = sent.pop(chance.randrange(len(sent)))
        before = vendor.listing.version
        answer = vendor.read(ask)
        story.steps.append(_came(ask, answer, vendor.window))
        for change in vendor.listing.changes[before:]:
            name = "a row appears" if change.kind == "insert" else "a row vanishes"
            story.steps.append(Moved(name, to_micros(change.time)))
        portions += walk.answer(ask, answer)
    listing = vendor.listing
    story.instants = sorted({to_micros(listing.row(uid).time) for uid in listing.all_uids_ever})
    paged = {i for step in _came_of(story, "page") for i in step.instants}
    story.slipped = {to_micros(row.time) for row in listing.standing_since(version=0)} - paged
    story.tiles = sorted((portion.span for portion in portions), reverse=True)
    story.is_complete = walk.is_complete
    return story


def _came_of(story: Story, kind: Kind) -> list[Came]:
    return [step for step in story.steps if isinstance(step, Came) and step.kind == kind]


def _came(ask: Ask, answer: Answer[Row], window: Window) -> Came:
    covers = place(answer).inner
    if ask.page == 1:
        covers = Span(covers.lo, ask.window.asked.hi)
    if len(answer.rows) < PAGE_SIZE:
        covers = Span(ask.window.asked.lo, covers.hi)
    kind: Kind = "page" if ask.window == window else "range"
    name = f"page {ask.page}" if kind == "page" or ask.page > 1 else "range"
    return Came(name, kind, ask.window.asked, covers, [to_micros(time) for time in answer.times])


@define
class Scale:
    """Places instants from left (newest) to right; every instant of a row gets the same room."""

    instants: Sequence[int]
    span: Span

    def x(self, instant: int) -> float:
        """Return the place of an instant, also of one between two rows."""
        known = [self.span.lo, *self.instants, self.span.hi]
        index = max(1, bisect_left(known, instant))
        low, high = known[index - 1], known[index]
        position = index - (high - instant) / (high - low)
        return round(RIGHT - (RIGHT - LEFT) * position / (len(known) - 1), 1)


def picture() -> str:
    """Return the picture as SVG."""
    story = tell()
    scale = Scale(story.instants, story.window.asked)
    drawing = Drawing()
    _legend(drawing)
    y = TOP
    for step in story.steps:
        if isinstance(step, Came):
            _draw_answer(drawing, scale, y, step)
            _draw_slipped(drawing, scale, y, story.slipped.intersection(step.instants))
        else:
            _draw_change(drawing, scale, y, step)
        y += PITCH
    _draw_tiles(drawing, scale, y + 14, story)
    drawing.pattern(
        '<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect class="hatch-back" width="6" height="6"/>'
        '<line class="hatch" x1="0" y1="0" x2="0" y2="6"/></pattern>'
    )
    return drawing.document(
        WIDTH, y + 52, title="The answers of one pull tile its time", told=_told(story), style=STYLE
    )


def _legend(drawing: Drawing) -> None:
    entries = [
        ("page", "what a page proves alone: all rows between its first and its last", 16, 28),
        ("seam", "joined, because the totals agree", LEFT + 460, 28),
        ("range", "what the answer for a range of time proves", 16, 52),
        ("asked", "the range that was asked for", LEFT + 460, 52),
    ]
    drawing.ring(29, 72)
    drawing.path("M28 68h2v8h-2z", "range-row")
    drawing.text(52, 76, "a row that was there all the time, and that no page had")
    for style, said, x, y in entries:
        drawing.bar(x, x + 26, y - 4, style)
        drawing.text(x + 36, y, said)
    y = TOP - 28
    drawing.text(16, y + 4, "as they came", "faint")
    drawing.text(LEFT, y + 4, "newest", "faint")
    drawing.text(RIGHT, y + 4, "oldest", "faint", "end")
    drawing.path(f"M{LEFT + 56} {y}H{RIGHT - 54}m-6 -4l6 4l-6 4", "arrow")


def _draw_answer(drawing: Drawing, scale: Scale, y: float, came: Came) -> None:
    drawing.text(16, y + 4, came.name)
    if came.kind == "range":
        drawing.bar(scale.x(came.asked.hi) - 3, scale.x(came.asked.lo) + 3, y, "asked", BAR + 4)
    if came.covers:
        # The instants at the ends of an open stretch stand outside of its bar.
        left = scale.x(came.covers.hi) + 3 * (came.covers.hi in came.instants)
        right = scale.x(came.covers.lo) - 3 * (came.covers.lo - 1 in came.instants)
        drawing.bar(round(left, 1), right, y, came.kind)
    _draw_rows(drawing, scale, y, came.instants, came.kind)


def _draw_rows(
    drawing: Drawing, scale: Scale, y: float, instants: Iterable[int], kind: Kind
) -> None:
    marks = "".join(f"M{scale.x(instant) - 1} {y - 4}h2v8h-2z" for instant in instants)
    drawing.path(marks, f"{kind}-row")


def _draw_slipped(drawing: Drawing, scale: Scale, y: float, instants: Iterable[int]) -> None:
    for instant in sorted(instants):
        drawing.ring(scale.x(instant), y)


def _draw_change(drawing: Drawing, scale: Scale, y: float, moved: Moved) -> None:
    x = scale.x(moved.instant)
    drawing.text(16, y + 4, moved.name, "strong")
    drawing.path(f"M{LEFT} {y}H{RIGHT}", "event-line")
    sign = "M{0} {1}v10m-5 -5h10" if "appears" in moved.name else "M{2} {1}l9 9m0 -9l-9 9"
    drawing.path(sign.format(x, y - 5, x - 4.5), "event")


def _draw_tiles(drawing: Drawing, scale: Scale, y: float, story: Story) -> None:
    drawing.path(f"M16 {y - 18}H{RIGHT}", "rule")
    drawing.text(16, y + 4, "together", "strong")
    for tile in story.tiles:
        left, right = scale.x(tile.hi), scale.x(tile.lo)
        drawing.bar(left + 0.5, right - 0.5, y, _origin(tile, story), BAR + 2)
    said = "every instant has exactly one answer" if story.is_complete else "not complete"
    drawing.text(LEFT, y + 26, said, "faint")


def _origin(tile: Span, story: Story) -> str:
    """Return who covered a tile: the first answer that proves it alone, else the totals did."""
    for step in story.steps:
        if isinstance(step, Came) and step.covers & tile == tile:
            return step.kind
    return "seam"


def _told(story: Story) -> str:
    """Return the picture in words."""
    told = [
        step.name if isinstance(step, Moved) else f"{step.name} with {len(step.instants)} rows"
        for step in story.steps
    ]
    return f"In order of arrival: {', '.join(told)}. Together they cover all of the time."


def main(arguments: list[str]) -> int:
    """Write the picture to the file named, or check it with `--check`; return the exit status."""
    (name,) = (argument for argument in arguments if argument != "--check")
    return keep({Path(name): picture()}, is_check="--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
