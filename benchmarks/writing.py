"""How the stored figures are written into documents."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.storing import Content

__all__ = ["NOT_YET", "X", "measured_on", "table"]

NOT_YET = "Not measured yet.\n"
X = "\u00d7"


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown, or that there is nothing to show yet."""
    if not lines:
        return NOT_YET
    rows = [head, ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def measured_on(content: Content) -> str:
    """Return when and on what something was measured, without a full stop."""
    on = content["machine"]
    return f"Measured on {on['date']}: {on['processor']}, {on['cores']} cores, {on['python']}"
