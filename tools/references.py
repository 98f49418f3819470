"""What the reference of the site, `docs/api.md`, has, and how docstrings lead there.

Docstrings say ``:class:`Report``` where a reader may want to look it up. A name that the reference
has becomes a link, any other stays a name.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

REFERENCE = Path(__file__).parents[1] / "docs" / "api.md"
ROLE = re.compile(r":(?:attr|class|data|exc|func|meth|mod):`~?([\w.]+)`")
ENTRY = re.compile(r"^::: ([\w.]+)$", re.MULTILINE)


def fields_told(text: str) -> str:
    """Return the docstring of a class whose fields make its ``__init__``, telling of them as such.

    Nobody who reads the source sees that method: to say what its arguments are is to say what the
    fields are.
    """
    return re.sub(r"^Args:$", "Attributes:", text, flags=re.MULTILINE)


def entries() -> list[str]:
    """Return what the reference describes, in its order."""
    return ENTRY.findall(REFERENCE.read_text(encoding="utf-8"))


@cache
def places() -> dict[str, str]:
    """Return what leads to each name; of two places with one name the first."""
    return {identifier.rpartition(".")[2]: identifier for identifier in reversed(entries())}


def linked(text: str, known: dict[str, str]) -> str:
    """Return the text with links for the names that are known, and code for the others."""

    def replaced(role: re.Match[str]) -> str:
        name = role[1]
        owner, _, member = name.rpartition(".")
        if name in known:
            return f"[`{name}`][{known[name]}]"
        if owner in known:
            return f"[`{name}`][{known[owner]}.{member}]"
        return f"`{name}`"

    return ROLE.sub(replaced, text)
