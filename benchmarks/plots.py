"""Draw what was measured: ``python -m benchmarks.plots [--check]``.

Each picture is made from the figures in ``benchmarks/results/`` alone, in a light and in a dark
version, as ``docs/images/performance-NAME-MODE.svg``.  With ``--check`` nothing is written; the status
is 1 if a file would change.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from math import ceil, log10
from pathlib import Path
from typing import Any

from benchmarks.charts import MODES, Axis, Bar, Line, Mode, Panel, bars, lines
from benchmarks.contending import DEFAULT, FLOOR, OURS, TRANSPORT
from benchmarks.storing import Content, rows_of, stored
from tools.pictures import keep

__all__ = ["PLOTS", "drawn", "main"]

IMAGES = Path(__file__).parent.parent / "docs" / "images"
STRICT = "asyncsessions pages(), strict proof"
SLOW_S = 0.05
BARS = (
    *(FLOOR, DEFAULT, TRANSPORT, OURS, STRICT, "asyncsessions items"),
    *("aiohttp + cattrs, sequential", "aiohttp + cattrs, gather"),
    *("aiohttp + cattrs, same record", "aiohttp + cattrs, gather, same record"),
    "httpx + pydantic pager",
    *("requests + cattrs, threads", "dlt RESTClient (dicts)", "Stainless runtime (openai)"),
)
GROUPS = {
    "arrow": "a table of Arrow",
    "parquet": "a Parquet file",
    "duckdb": "a DuckDB file",
    "jsonl": "JSON lines",
    "csv": "CSV",
}
Rows = Sequence[Mapping[str, Any]]


def cpu(mode: Mode) -> str | None:
    """Draw what a record costs, by contender."""
    content = stored("reading")
    found = {row["name"]: row for row in rows_of(content, "contenders") if row["vendor"] == "hum"}
    if content is None or OURS not in found:
        return None
    drawn = [_bar(found[name], name) for name in BARS if name in found]
    lanes = content["setting"]["concurrency"]
    return bars(
        drawn,
        _axis("microseconds of CPU time a record, fetched and read; less is better", drawn),
        title="What a record costs",
        told=f"Pages of 50 records without latency, {lanes} requests at a time, {_where(content)}",
        mode=mode,
    )


def _bar(row: Mapping[str, Any], name: str) -> Bar:
    size = row["cpu_us"]
    if name.startswith("asyncsessions"):
        return Bar(name, size, "ours", _said(size))
    return Bar(name, size, "floor" if name.startswith("bytes only") else "peer", _said(size))


def _said(size: float) -> str:
    return f"{size:.1f}" if size < 100 else f"{size:.0f}"


def _axis(name: str, drawn: Sequence[Bar]) -> Axis:
    step, end = _scale(max(bar.size or 0 for bar in drawn))
    return Axis(name, end, _ticks(step, end))


def _scale(most: float) -> tuple[float, float]:
    """Return a round step, and the end of an axis that has about five of them."""
    step = 10 ** int(log10(most) // 1)
    step = next(size for size in (step / 5, step / 2, step, step * 2) if most / size <= 6)
    return step, ceil(most / step) * step


def _ticks(step: float, end: float) -> list[float]:
    return [round(step * number, 9) for number in range(round(end / step) + 1)]


def concurrency(mode: Mode) -> str | None:
    """Draw how many records a second there are at 50 ms, over the concurrency."""
    content = stored("reading")
    rows = [row for row in rows_of(content, "grid") if row["latency_s"] == SLOW_S]
    if content is None or not rows:
        return None
    most = max(row["concurrency"] for row in rows)
    step, end = _scale(most * 50 / SLOW_S)
    ideal = Line("ideal: never waiting", [(0.0, 0.0), (most, most * 50 / SLOW_S)], "ideal")
    drawn = [
        ideal,
        Line("bytes only", _curve(rows, FLOOR), "floor"),
        Line("asyncsessions pages()", _curve(rows, OURS), "ours"),
        Line("… with strict proof", _curve(rows, STRICT), "also"),
        *_sequential(rows_of(content, "latency"), most),
    ]
    panel = Panel(
        "",
        Axis("requests at a time", most, sorted({row["concurrency"] for row in rows} - {1})),
        Axis("records a second", end, _ticks(step, end)),
        drawn,
    )
    told = f"Every answer takes 50 ms; pages of 50 records, {_where(content)}"
    return lines([panel], title="Where answers take long", told=told, mode=mode)


def _curve(rows: Rows, name: str) -> list[tuple[float, float]]:
    return [(row["concurrency"], row["records_per_s"]) for row in rows if row["name"] == name]


def _sequential(rows: Rows, most: int) -> list[Line]:
    """Return where everybody is who asks for one page after the other, as one level line."""
    rates = [row["records_per_s"] for row in rows if row["concurrency"] == 1]
    if not rates:
        return []
    middle = sorted(rates)[len(rates) // 2]
    return [Line("one page after the other", [(1, middle), (most, middle)], "peer")]


def scale(mode: Mode) -> str | None:
    """Draw what a row costs, and the memory, as lists grow."""
    content = stored("scale")
    rows = rows_of(content, "scale")
    if content is None or len(rows) < 2:
        return None
    sizes = [row["rows"] for row in rows]
    panels = [
        _panel(rows, "microseconds of CPU time a row", "cpu_us", sizes),
        _panel(rows, "peak of the memory, MB", "peak_mb", sizes),
    ]
    told = f"pages(), ordered and with proof, without latency, {_where(content)}"
    return lines(panels, title="As lists grow", told=told, mode=mode, height=220)


def _panel(rows: Rows, title: str, key: str, sizes: list[int]) -> Panel:
    step, end = _scale(max(row[key] for row in rows) * 1.15)
    return Panel(
        title,
        Axis("rows of the list", max(sizes), sizes, is_log=True, begin=min(sizes)),
        Axis(title, end, _ticks(step, end)),
        [Line(title, [(row["rows"], row[key]) for row in rows], "ours")],
    )


def sinks(mode: Mode) -> str | None:
    """Draw what a record costs on its way into a target."""
    content = stored("sinks")
    drawn: list[Bar] = []
    for group, heading in GROUPS.items():
        rows = rows_of(content, group)
        if rows:
            drawn += [Bar(heading), *(_bar(row, row["name"]) for row in rows)]
    if content is None or not drawn:
        return None
    return bars(
        drawn,
        _axis("microseconds of CPU time a record, fetched and written; less is better", drawn),
        title="What a record costs on its way into a file",
        told=f"Pages of 50 records without latency, {_where(content)}",
        mode=mode,
    )


def _where(content: Content) -> str:
    machine = content["machine"]
    return f"{machine['cores']} cores, {machine['python']}, {machine['date']}"


PLOTS: Mapping[str, Callable[[Mode], str | None]] = {
    "cpu": cpu,
    "concurrency": concurrency,
    "scale": scale,
    "sinks": sinks,
}


def drawn() -> dict[str, str]:
    """Return every picture that can be drawn from what was measured, by the name of its file."""
    found: dict[str, str] = {}
    for name, plot in PLOTS.items():
        for mode in MODES:
            if (picture := plot(mode)) is not None:
                found[f"performance-{name}-{mode}.svg"] = picture
    return found


def main(arguments: list[str]) -> int:
    """Write the pictures, or check them with ``--check``, and return the exit status."""
    pictures = {IMAGES / name: picture for name, picture in drawn().items()}
    return keep(pictures, is_check="--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
