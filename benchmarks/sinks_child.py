"""One way to fill a target, in a process of its own, beside the fetching of the bytes alone.

    python -m benchmarks.sinks_child MODULE FUNCTION VENDOR ADDRESS PAGES CONCURRENCY LATENCY

Each line on the standard input is a folder, and asks for a round: the bytes alone, a target filled in
that folder, the bytes alone again.  After each, one line of JSON: CPU and wall time in seconds, memory
in MB, and the target (a path, or the number of rows in memory).  The first line says ``{}`` once
everything is imported and warm, or ``{"missing": …}`` where a library is not installed.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.memory import peak_mb, resident_mb

__all__ = ["Fill", "Floor", "Round", "cpu_s", "floor_of", "timed"]

Fill = Callable[[str, int, int, Path], Any]
"""Reads a list of so many pages, with so many requests at once, into a folder; returns the target."""
Floor = Callable[[str, int, int], Coroutine[Any, Any, int]]
FLOORS = {"hum": "run", "attributionhub": "attributionhub"}
WARM_UP = 20  # pages


def cpu_s() -> float:
    """Return the CPU time of this process, of all its threads, and of children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Do the work once, and return CPU and wall time in seconds, and what it returns."""
    gc.collect()  # nobody pays for the garbage of the one before
    wall, cpu = time.perf_counter(), cpu_s()
    made = work()
    return cpu_s() - cpu, time.perf_counter() - wall, made


def floor_of(vendor: str) -> Floor:
    """Return the fetching of the bytes alone, by aiohttp set up as our transport sets it up."""
    floor: Floor = getattr(import_module("benchmarks.contenders.floor_tuned"), FLOORS[vendor])
    return floor


class Round:
    """A contender beside its floor, on one list."""

    def __init__(
        self,
        fill: Fill,
        floor: Floor,
        address: str,
        *,
        pages: int,
        concurrency: int,
        latency_s: float,
    ) -> None:
        self._fill = fill
        self._floor = floor
        self._address = address
        self._pages = pages
        self._concurrency = concurrency
        self._latency_s = latency_s

    def run(self, folder: Path) -> dict[str, Any]:
        """Return the figures of one round; the floor's are the means of before and after."""
        floor = [self._fetch(self._pages)]
        cpu, wall, made = self._filled(self._pages, self._latency_s, folder)
        # Counting the rows is left to another process: it takes memory too.
        target = str(made) if isinstance(made, Path) else made.num_rows
        del made
        peak = peak_mb()
        floor.append(self._fetch(self._pages))
        return {
            "target": target,
            "cpu": cpu,
            "wall": wall,
            "floor_cpu": (floor[0][0] + floor[1][0]) / 2,
            "floor_wall": (floor[0][1] + floor[1][1]) / 2,
            "peak_mb": peak,
        }

    def warm_up(self) -> None:
        """Do all of it once with little, so that nothing is imported or made for the first time."""
        self._fetch(WARM_UP)
        with tempfile.TemporaryDirectory() as folder:
            self._filled(WARM_UP, 0.0, Path(folder))

    def _fetch(self, pages: int) -> tuple[float, float]:
        address = f"{self._address}/{pages}/{self._latency_s:g}"
        cpu, wall, read = timed(lambda: asyncio.run(self._floor(address, pages, self._concurrency)))
        assert read == pages, f"the floor has read {read} pages"
        return cpu, wall

    def _filled(self, pages: int, latency_s: float, folder: Path) -> tuple[float, float, Any]:
        address = f"{self._address}/{pages}/{latency_s:g}"
        return timed(lambda: self._fill(address, pages, self._concurrency, folder))


def main() -> None:
    module, function, vendor, address, pages, concurrency, latency_s = sys.argv[1:]
    # What libraries print shall not stand among the figures.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    try:
        fill: Fill = getattr(import_module(f"benchmarks.contenders.{module}"), function)
    except ImportError as missing:
        print(json.dumps({"missing": missing.name}), file=answers)
        return
    imports_mb = resident_mb()
    one = Round(
        fill,
        floor_of(vendor),
        address,
        pages=int(pages),
        concurrency=int(concurrency),
        latency_s=float(latency_s),
    )
    one.warm_up()
    print("{}", file=answers)
    for folder in sys.stdin:
        figures = {"imports_mb": imports_mb, **one.run(Path(folder.rstrip("\n")))}
        print(json.dumps(figures), file=answers)


if __name__ == "__main__":
    main()
