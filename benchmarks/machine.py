"""What figures depend on: the machine, the day, the versions."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["machine", "warn_if_busy"]

PACKAGES = (
    *("aiohttp", "attrs", "cattrs", "dlt", "duckdb", "fastapi", "httpx", "msgspec", "openai"),
    *("orjson", "pandas", "polars", "pyarrow", "pydantic", "requests", "starlette", "uvicorn"),
    "uvloop",
)


def machine() -> dict[str, Any]:
    """Return what the figures depend on; packages that are not installed are left out."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "versions": dict(_versions()),
    }


def warn_if_busy() -> None:
    """Say so if others are at work: ratios of CPU time bear that, rates and shares do not."""
    if not hasattr(os, "getloadavg"):
        return
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load > cores / 2:
        print(f"the machine is busy (load {load:.1f} on {cores} cores): rates will be too low")


def _processor() -> str:
    """Return the model's name as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _versions() -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name in PACKAGES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return found
