"""The sinks' common words."""

from __future__ import annotations

__all__ = ["NOT_COMPLETE", "counted"]

NOT_COMPLETE = "the pull is not complete"


def counted(rows: int) -> str:
    """Return ``1 row``, ``2,337 rows``."""
    return f"{rows:,} row{'' if rows == 1 else 's'}"
