"""The tables of docs/pace.md, from what `make bench-pace` has recorded; see `tools.generate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["changing", "setting", "steady"]

RECORDED = Path(__file__).parents[1] / "benchmarks/results/pace.json"
SERVERS = {
    "bucket": "so many a second, else 429",
    "crowd": "so many at once, else 503",
    "knee": "so many at once, the others in line",
    "thrash": "more at once hinder each other",
}
HEADERS = (
    *("server", "asked by", "capacity used", "refused", "median latency"),
    *("converged after", "pages lost"),
)
CHANGING = ", changing"


def steady() -> str:
    """Return the table of servers whose capacity stays the same."""
    return _table([row for row in _recorded()["results"] if CHANGING not in row["group"]])


def changing() -> str:
    """Return the table of servers whose capacity halves and doubles."""
    return _table([row for row in _recorded()["results"] if CHANGING in row["group"]])


def setting() -> str:
    """Return a sentence on the machine."""
    on = _recorded()["machine"]
    return (
        f"Recorded on {on['date']}: {on['cores']} cores, {on['processor']}, "
        f"{on['python']}, aiohttp {on['versions']['aiohttp']}.\n"
    )


def _recorded() -> Any:
    return json.loads(RECORDED.read_text(encoding="utf-8"))


def _table(rows: list[dict[str, Any]]) -> str:
    lines = [HEADERS, ("---",) * len(HEADERS), *map(_line, rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _line(row: dict[str, Any]) -> tuple[str, ...]:
    name = row["name"]
    is_ours = not name.startswith("fixed")
    converged_s = row["converged_s"]
    return (
        SERVERS[row["group"].removesuffix(CHANGING)] if is_ours else "",
        f"**{name}**" if is_ours else name,
        f"{row['use']:.0%}",
        f"{row['refused']:.1%}",
        f"{row['latency_ms']:.0f} ms",
        "never" if converged_s is None else f"{converged_s:.1f} s",
        str(row["given_up"]),
    )
