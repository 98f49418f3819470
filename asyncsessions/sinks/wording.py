"""The sinks' common words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from asyncsessions.core.changes import ChangeKind

__all__ = ["NOT_COMPLETE", "START_OVER", "changes_said", "counted", "shown"]

NOT_COMPLETE = "the pull is not complete"
START_OVER = "start over with fresh (--fresh), or give another name"


def counted(rows: int) -> str:
    """Return ``1 row``, ``2,337 rows``."""
    return f"{rows:,} row{'' if rows == 1 else 's'}"


def changes_said(changes: Mapping[ChangeKind, int]) -> str:
    """Return ``: 3 added, 1 removed``, to follow on how many rows were written."""
    said = [f"{count:,} {kind}" for kind, count in sorted(changes.items())]
    return f": {', '.join(said) or 'nothing has changed'}"


def shown(path: Path) -> str:
    """Return a path as text that any UTF-8 output takes, also if its bytes are not UTF-8."""
    return str(path).encode(errors="backslashreplace").decode()
