"""Print the lower bound of every run-time requirement as ``name==bound``, one a line.

What follows a semicolon says where it is needed, and is kept.

The core requirements, and those of the extras named as arguments::

    python tools/lowest.py cli duckdb | xargs pip install

A requirement without exactly one ``>=`` and nothing else is refused: a bound nobody can install
exactly is a bound nobody tests.
"""

import re
import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+(\[[\w,-]+\])?)\s*>=\s*(?P<bound>[0-9][\w.]*(\s*;.+)?)"
)


def lowest(pyproject: str, extras: list[str]) -> list[str]:
    """Return ``name==bound`` for the core requirements and those of `extras`, sorted.

    Raises:
        ValueError: an extra is unknown, a requirement has no single lower bound, or two places
            give one package different bounds.
    """
    project = tomllib.loads(pyproject)["project"]
    requirements: list[str] = list(project["dependencies"])
    for extra in extras:
        if extra not in project["optional-dependencies"]:
            raise ValueError(f"pyproject.toml has no extra {extra!r}")
        requirements += project["optional-dependencies"][extra]
    bounds: dict[str, str] = {}
    for requirement in requirements:
        match = REQUIREMENT.fullmatch(requirement)
        if match is None:
            raise ValueError(f"{requirement!r} is not of the form 'name>=bound'")
        if bounds.setdefault(match["name"], match["bound"]) != match["bound"]:
            raise ValueError(f"{match['name']!r} has two lower bounds")
    return sorted(f"{name}=={bound}" for name, bound in bounds.items())


if __name__ == "__main__":
    try:
        print("\n".join(lowest(PYPROJECT.read_text(encoding="utf-8"), sys.argv[1:])))
    except ValueError as error:
        sys.exit(f"tools/lowest.py: {error}")
