"""How time is taken: alternating rounds in one process, and ratios within a round.

Machines are noisy; the same code may take twice as long a second later.  What is compared is
therefore measured in turn, again and again, and the figures are medians of the ratios within a
round.  CPU time is the steadier figure: it does not count what others do meanwhile.
"""

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from attrs import define, field

__all__ = [
    "Figures",
    "Run",
    "alternate",
    "in_a_process",
    "quartiles",
    "ratio",
    "ratios",
    "server",
]

K = TypeVar("K")
Run = Callable[[], Coroutine[Any, Any, int]]
"""Does the work once and returns in how many units."""


@define
class Figures:
    """CPU and wall time of each round, in seconds a unit."""

    cpu: list[float] = field(factory=list[float])
    wall: list[float] = field(factory=list[float])


async def alternate(
    runs: Mapping[K, Run], *, rounds: int, warm_up: bool = True
) -> dict[K, Figures]:
    """Do each work once a round, and return the figures of all rounds but the one to warm up."""
    figures = {key: Figures() for key in runs}
    for number in range(rounds + warm_up):
        for key, run in runs.items():
            gc.collect()  # nobody pays for the garbage of the one before
            wall, cpu = time.perf_counter(), time.process_time()
            units = await run()
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            if number >= warm_up:
                figures[key].cpu.append(cpu / units)
                figures[key].wall.append(wall / units)
    return figures


def ratios(mine: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Return the ratio of each round."""
    return [one / other for one, other in zip(mine, theirs, strict=True)]


def ratio(mine: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median of the ratios of the same round."""
    return statistics.median(ratios(mine, theirs))


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """Return between which values half of them lie."""
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def in_a_process(module: str, *arguments: object, timeout_s: float = 300.0) -> dict[str, Any]:
    """Run a module of ours in a process of its own and return the JSON that it prints."""
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        stdout=subprocess.PIPE,
        check=True,
        timeout=timeout_s,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@contextmanager
def server(*arguments: str) -> Generator[str]:
    """Run the page server in a process of its own and return its address, without a path.

    What a list is like is said in the path: ``{address}/{pages}/{latency_s}``; for the arguments see
    :mod:`benchmarks.server`.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.server", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.communicate("")
