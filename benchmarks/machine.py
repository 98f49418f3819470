"""What figures depend on: the machine, the day, the versions."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

__all__ = ["machine"]

PACKAGES = (
    *("aiohttp", "attrs", "cattrs", "dlt", "duckdb", "httpx", "msgspec", "openai", "pyarrow"),
    *("pydantic", "requests"),
)


def machine() -> dict[str, Any]:
    """Return what the figures depend on; packages that are not installed are left out."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": dict(_versions()),
    }


def _versions() -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name in PACKAGES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return found
