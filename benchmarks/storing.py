"""Where figures are kept: ``benchmarks/results/``, a JSON file for each subject, all of one form.

``{"machine": …, "setting": {…}, "results": [{"name": …, "group": …, figures…}, …]}``
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import machine

__all__ = ["RESULTS", "Content", "results_of", "rows_of", "store", "stored"]

RESULTS = Path(__file__).parent / "results"
DIGITS = 5

Content = Mapping[str, Any]


def store(path: Path, setting: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> None:
    """Write figures, with the machine; five digits are more than any of them is good for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"machine": machine(), "setting": dict(setting), "results": _rounded(results)}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(f"written: {path.name}")


def stored(name: str) -> Content | None:
    """Return the figures of a subject, ``None`` if it was not measured yet."""
    path = RESULTS / f"{name}.json"
    if not path.exists():
        return None
    content: Content = json.loads(path.read_text(encoding="utf-8"))
    return content


def rows_of(content: Content | None, group: str) -> list[Mapping[str, Any]]:
    """Return the rows of a group, in their order."""
    return [row for row in results_of(content) if row.get("group") == group]


def results_of(content: Content | None) -> list[Mapping[str, Any]]:
    """Return all rows, none of what was not measured yet."""
    return [] if content is None else content["results"]


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, Mapping):
        return {key: _rounded(inner) for key, inner in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]  # pyright: ignore[reportUnknownVariableType]
    return value
