"""How the stored figures are written into documents."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.storing import Content

__all__ = ["NOT_YET", "X", "dated", "table"]

NOT_YET = "Not measured yet.\n"
X = "\u00d7"


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown, or that there is nothing to show yet."""
    if not lines:
        return NOT_YET
    rows = [head, ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def dated(content: Content | None, written: str) -> str:
    """Return what was written of figures, and when and on what they were measured."""
    if content is None:
        return written
    on = content["machine"]
    machine = f"{on['processor']}, {on['cores']} cores, {on['python']}"
    return f"{written}\nMeasured on {on['date']}: {machine}.\n"
