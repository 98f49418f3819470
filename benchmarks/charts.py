"""Charts as SVG: bars from left to right, and lines; each in a light and in a dark version."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import log10
from typing import Literal

from attrs import frozen

from tools.svg import Drawing

__all__ = ["MODES", "Axis", "Bar", "Line", "Mode", "Panel", "bars", "lines"]

Mode = Literal["light", "dark"]
Kind = Literal["ours", "also", "floor", "peer", "ideal"]
MODES: tuple[Mode, ...] = ("light", "dark")
WIDTH = 820
MARGIN = 20
HEAD = 76  # title and subtitle
COLOURS: Mapping[Mode, Mapping[str, str]] = {
    "light": {
        "card": "#ffffff",
        "edge": "#d1d9e0",
        "text": "#24292f",
        "faint": "#59636e",
        "grid": "#e8ecf0",
        "ours": "#0b6bcb",
        "also": "#1f9a73",
        "floor": "#6e7781",
        "peer": "#b9c1ca",
        "ideal": "#9aa3ad",
    },
    "dark": {
        "card": "#0d1117",
        "edge": "#3d444d",
        "text": "#d1d7e0",
        "faint": "#9198a1",
        "grid": "#21272f",
        "ours": "#4c9df3",
        "also": "#3dbb90",
        "floor": "#8b949e",
        "peer": "#4a525c",
        "ideal": "#6e7681",
    },
}
KINDS: tuple[Kind, ...] = ("ours", "also", "floor", "peer", "ideal")


@frozen
class Bar:
    """A bar with its name; ``size=None`` makes it a heading of those that follow."""

    name: str
    size: float | None = None
    kind: Kind = "peer"
    said: str = ""


@frozen
class Line:
    """Points from left to right; those of the ideal and of peers are not marked."""

    name: str
    points: Sequence[tuple[float, float]]
    kind: Kind


@frozen
class Axis:
    """What runs along an edge, up to where, and at which values a tick is drawn."""

    name: str
    end: float
    ticks: Sequence[float]
    is_log: bool = False
    begin: float = 0.0

    def share(self, value: float) -> float:
        """Return how far along the axis a value lies, from 0 to 1."""
        if self.is_log:
            return (log10(value) - log10(self.begin)) / (log10(self.end) - log10(self.begin))
        return (value - self.begin) / (self.end - self.begin)


@frozen
class Panel:
    """A set of lines over two axes."""

    title: str
    across: Axis
    up: Axis
    lines: Sequence[Line]


def bars(rows: Sequence[Bar], axis: Axis, *, title: str, told: str, mode: Mode) -> str:
    """Return a chart of bars, one below the other."""
    drawing, left, right = Drawing(), 282, WIDTH - 60
    _title(drawing, title, told)
    bottom = HEAD + sum(_pitch(row) for row in rows) + 6

    def x(value: float) -> float:
        return round(left + (right - left) * axis.share(value), 1)

    for tick in axis.ticks:
        drawing.path(f"M{x(tick)} {HEAD - 8}V{bottom}", "grid")
        drawing.text(x(tick), bottom + 18, f"{tick:,g}", "faint", "middle")
    y = HEAD
    for row in rows:
        pitch = _pitch(row)
        y += pitch
        if row.size is None:
            drawing.text(MARGIN, y - 6, row.name, "strong")
            continue
        middle = y - pitch / 2
        drawing.text(left - 10, middle + 4.5, row.name, "mine" * (row.kind == "ours"), "end")
        drawing.bar(left, x(row.size), middle, row.kind, 16)
        drawing.text(x(row.size) + 7, middle + 4.5, row.said, "strong" * (row.kind == "ours"))
    drawing.text((left + right) / 2, bottom + 40, axis.name, "faint", "middle")
    words = [_words(row) for row in rows]
    return _document(drawing, bottom + 56, title=title, told=told, mode=mode, words=words)


def lines(panels: Sequence[Panel], *, title: str, told: str, mode: Mode, height: int = 300) -> str:
    """Return a chart of lines, with one or more panels side by side."""
    drawing = Drawing()
    _title(drawing, title, told)
    room = (WIDTH - 2 * MARGIN) / len(panels)
    top, bottom = HEAD + 8 + 18 * (len(panels) > 1), HEAD + height
    for index, panel in enumerate(panels):
        left = MARGIN + index * room + 62
        wide = 190 if len(panels) == 1 else 26  # beside a single panel its lines are named
        right = MARGIN + (index + 1) * room - wide
        _panel(drawing, panel, (left, top, right, bottom), is_alone=len(panels) == 1)
    words = [_words_of(line) for panel in panels for line in panel.lines]
    return _document(drawing, bottom + 56, title=title, told=told, mode=mode, words=words)


def _panel(
    drawing: Drawing,
    panel: Panel,
    box: tuple[float, float, float, float],
    *,
    is_alone: bool,
) -> None:
    left, top, right, bottom = box

    def x(value: float) -> float:
        return round(left + (right - left) * panel.across.share(value), 1)

    def y(value: float) -> float:
        return round(bottom - (bottom - top) * panel.up.share(value), 1)

    if not is_alone:
        drawing.text(left - 46, top - 16, panel.title, "strong")
    for tick in panel.up.ticks:
        drawing.path(f"M{left} {y(tick)}H{right}", "grid")
        drawing.text(left - 8, y(tick) + 4, f"{tick:,g}", "faint", "end")
    for tick in panel.across.ticks:
        drawing.path(f"M{x(tick)} {bottom}v5", "grid")
        drawing.text(x(tick), bottom + 20, f"{tick:,.0f}", "faint", "middle")
    drawing.text((left + right) / 2, bottom + 42, panel.across.name, "faint", "middle")
    if is_alone:
        drawing.text(left - 46, top - 12, panel.up.name, "faint")
    for line in panel.lines:
        _draw(drawing, line, x, y)
    if is_alone:
        _name_lines(drawing, panel, right + 12, x, y)


def _draw(
    drawing: Drawing, line: Line, x: Callable[[float], float], y: Callable[[float], float]
) -> None:
    steps = "L".join(f"{x(across)} {y(up)}" for across, up in line.points)
    drawing.path(f"M{steps}", f"line line-{line.kind}")
    if line.kind not in {"ideal", "peer"}:
        for across, up in line.points:
            drawing.dot(x(across), y(up), line.kind)


def _name_lines(
    drawing: Drawing,
    panel: Panel,
    left: float,
    x: Callable[[float], float],
    y: Callable[[float], float],
) -> None:
    """Write the names of lines to the right of their ends, apart from each other."""
    lowest = -20.0
    for line in sorted(panel.lines, key=lambda line: y(line.points[-1][1])):
        end, height = line.points[-1]
        if x(end) < left - 20:  # what ends inside is named there
            drawing.text(x(end) + 9, y(height) - 7, line.name, f"name-{line.kind}")
            continue
        at = max(y(height) + 4, lowest + 17)
        drawing.text(left, at, line.name, f"name-{line.kind}")
        lowest = at


def _pitch(row: Bar) -> int:
    return 34 if row.size is None else 25


def _title(drawing: Drawing, title: str, told: str) -> None:
    drawing.text(MARGIN, 30, title, "title")
    drawing.text(MARGIN, 50, told, "faint")


def _words(row: Bar) -> str:
    return f"{row.name}:" if row.size is None else f"{row.name} {row.said};"


def _words_of(line: Line) -> str:
    return f"{line.name}: " + ", ".join(f"{up:,.3g} at {across:,g}" for across, up in line.points)


def _document(
    drawing: Drawing, height: float, *, title: str, told: str, mode: Mode, words: Sequence[str]
) -> str:
    said = f"{told}. {' '.join(words)}"
    return drawing.document(WIDTH, height, title=title, told=said, style=_style(mode))


def _style(mode: Mode) -> str:
    colours = COLOURS[mode]
    font = '13px system-ui, "Segoe UI", Helvetica, Arial, sans-serif'
    rules = [
        f"text {{ font: {font}; fill: {colours['text']} }}",
        ".title { font-size: 16px; font-weight: 600 } .strong, .mine { font-weight: 600 }",
        f".faint {{ fill: {colours['faint']}; font-size: 12px }}",
        f".card {{ fill: {colours['card']}; stroke: {colours['edge']} }}",
        f".grid {{ stroke: {colours['grid']}; stroke-width: 1 }}",
        ".line { fill: none; stroke-width: 2.2; stroke-linejoin: round }",
        ".line-ideal { stroke-width: 1.5; stroke-dasharray: 5 4 }",
    ]
    for kind in KINDS:
        name = colours[kind if kind in {"ours", "also"} else "faint"]
        rules += [
            f".{kind} {{ fill: {colours[kind]} }} .line-{kind} {{ stroke: {colours[kind]} }}",
            f".name-{kind} {{ fill: {name} }}",
        ]
    return "\n" + "\n".join(rules) + "\n.name-ours { font-weight: 600 }\n"
