"""Examples of `examples/` as blocks of the documents; see `tools.generate`."""

from __future__ import annotations

import re
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"
FOR_RUFF = re.compile(r"  # noqa: [^\n]*")


def acme() -> str:
    """Return the provider of another package, as a file that later blocks use."""
    return _file("acme.py")


def _file(name: str) -> str:
    text = FOR_RUFF.sub("", (EXAMPLES / name).read_text(encoding="utf-8"))
    return f"<!-- file: {name} -->\n```python\n{text}```\n"
