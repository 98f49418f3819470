"""The peak of each contender's memory, in a process of its own.

    python -m benchmarks.memory INDEX ADDRESS PAGES CONCURRENCY

prints, for the contender of that number, the memory after its imports and the peak after it has read
the list, in MB.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.contending import CONTENDERS, Contender
from benchmarks.measuring import in_a_process

__all__ = ["peak_mb", "peaks", "resident_mb"]


def peak_mb() -> float:
    """Return the peak of this process.

    Not ``getrusage`` where it can be had otherwise: on Linux a child begins with its parent's.
    """
    if (found := _status("VmHWM")) is not None:
        return found
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def resident_mb() -> float:
    """Return what this process has now; the peak, where a system does not tell."""
    found = _status("VmRSS")
    return peak_mb() if found is None else found


def _status(name: str) -> float | None:
    try:
        text = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return None
    return int(text.split(f"{name}:")[1].split()[0]) * 1024 / 1e6


def peaks(
    contenders: Iterable[Contender], address: str, *, pages: int, concurrency: int
) -> list[dict[str, Any]]:
    """Return a row for each contender."""
    rows: list[dict[str, Any]] = []
    for contender in contenders:
        what = (CONTENDERS.index(contender), f"{address}/{pages}/0", pages, concurrency)
        found = in_a_process("benchmarks.memory", *what)
        row = {"name": contender.name, "group": "memory", "vendor": contender.vendor}
        rows.append({**row, "pages": pages, "concurrency": concurrency, **found})
        print(
            f"{contender.name:<38}{rows[-1]['imports_mb']:>8.1f} MB after imports, "
            f"{rows[-1]['peak_mb']:>7.1f} MB at the peak",
            flush=True,
        )
    return rows


def main() -> None:
    index, address, pages, concurrency = sys.argv[1:]
    read = CONTENDERS[int(index)].load()
    imports = resident_mb()
    asyncio.run(read(address, int(pages), int(concurrency)))
    print(json.dumps({"imports_mb": imports, "peak_mb": peak_mb()}))


if __name__ == "__main__":
    main()
