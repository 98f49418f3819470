"""What it takes to start: ``make bench-startup``.

Each round starts every case once, in a process of its own, and the bare interpreter among them; the
figures are medians of the wall times, and of what a case takes on top of the bare interpreter in the
same round.  The first round, which compiles everything as an installation does, is not counted.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from attrs import frozen

from benchmarks.measuring import quartiles
from benchmarks.storing import RESULTS, store

__all__ = ["CASES", "main", "measure"]


@frozen
class Case:
    """Arguments for Python, and what is promised.

    ``most_ms`` bounds the whole, ``most_extra_ms`` what is on top of the bare interpreter.
    """

    name: str
    group: str
    arguments: tuple[str, ...]
    most_ms: float | None = None
    most_extra_ms: float | None = None


def _code(name: str, group: str, code: str, *, most_extra_ms: float | None = None) -> Case:
    return Case(name, group, ("-c", code), most_extra_ms=most_extra_ms)


def _command(line: str, *, most_ms: float | None = None) -> Case:
    return Case(f"asyncsessions {line}", "command", ("-m", "asyncsessions", *line.split()), most_ms)


NAMES = "from asyncsessions import Client, Hum"
BARE = _code("bare interpreter", "interpreter", "pass")
CASES = (
    BARE,
    _code("import asyncsessions", "library", "import asyncsessions", most_extra_ms=60),
    _code(NAMES, "library", NAMES),
    _code("from asyncsessions import blocking", "library", "from asyncsessions import blocking"),
    _code("import asyncio", "others", "import asyncio"),
    _code("import asyncio, attrs, msgspec", "others", "import asyncio, attrs, msgspec"),
    _code("import aiohttp", "others", "import aiohttp"),
    _command("--help", most_ms=300),
    _command("pull hum --help", most_ms=300),
    _command("--version"),
)


def measure(rounds: int) -> dict[Case, list[float]]:
    """Start every case once a round and return the wall times in milliseconds."""
    times: dict[Case, list[float]] = {case: [] for case in CASES}
    with tempfile.TemporaryDirectory() as compiled:
        for number in range(rounds + 1):
            for case in CASES:
                began = time.perf_counter()
                subprocess.run(
                    [sys.executable, *case.arguments],
                    check=True,
                    stdout=subprocess.DEVNULL,
                    env=_environment(compiled),
                )
                if number:
                    times[case].append((time.perf_counter() - began) * 1e3)
    return times


def _environment(compiled: str) -> dict[str, str]:
    """Return ours without what makes Python slower: development mode, nothing kept compiled."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "PYTHONPYCACHEPREFIX": compiled}


def show(times: dict[Case, list[float]]) -> list[dict[str, Any]]:
    """Print the figures and return them as plain data."""
    rows: list[dict[str, Any]] = []
    print(f"{'':<42}{'ms':>8}{'more than bare':>16}{'bound':>12}")
    for case, each in times.items():
        extra = [mine - bare for mine, bare in zip(each, times[BARE], strict=True)]
        row = {
            "name": case.name,
            "group": case.group,
            "wall_ms": statistics.median(each),
            "wall_quartiles_ms": list(quartiles(each)),
            "extra_ms": statistics.median(extra),
            "extra_quartiles_ms": list(quartiles(extra)),
            "most_ms": case.most_ms,
            "most_extra_ms": case.most_extra_ms,
            "rounds": len(each),
        }
        rows.append(row)
        bound = "" if case.most_ms is None else f"{case.most_ms:.0f}"
        if case.most_extra_ms is not None:
            bound = f"+{case.most_extra_ms:.0f}"
        print(f"{case.name:<42}{row['wall_ms']:>8.1f}{row['extra_ms']:>+16.1f}{bound:>12}")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--write", type=Path, nargs="?", const=RESULTS / "startup.json")
    args = parser.parse_args()
    rows = show(measure(args.rounds))
    if args.write is not None:
        store(args.write, {"rounds": args.rounds}, rows)


if __name__ == "__main__":
    main()
