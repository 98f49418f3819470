"""The sinks' common words."""

from __future__ import annotations

from pathlib import Path

__all__ = ["NOT_COMPLETE", "START_OVER", "counted", "shown"]

NOT_COMPLETE = "the pull is not complete"
START_OVER = "start over with fresh (--fresh), or give another name"


def counted(rows: int) -> str:
    """Return ``1 row``, ``2,337 rows``."""
    return f"{rows:,} row{'' if rows == 1 else 's'}"


def shown(path: Path) -> str:
    """Return a path as text that any UTF-8 output takes, also if its bytes are not UTF-8."""
    return str(path).encode(errors="backslashreplace").decode()
