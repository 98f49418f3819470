"""How well the pace is found: ``make bench-pace``, six minutes.

    python -m benchmarks.pace [--only knee] [--write benchmarks/results/pace.json]

Our client, which may have up to 32 requests in flight, and loops with a fixed number of workers ask
servers whose capacity is known (see ``benchmarks.pace_server``).  What is counted is what the server
has seen:

- *use*: pages answered, as a share of what could be answered in that time;
- *refused*: the share of all answers that were refusals;
- *latency*: the median time that a page took in the server, which is 50 ms without a queue;
- *converged*: how long after the start, or after the last change of the capacity that took
  longest, it was until half a second went well, which is: at least 0.85 used, at most 0.1
  refused, the median latency at most 2.5 times that without a queue.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from benchmarks.pace_clients import adaptive, fixed
from benchmarks.pace_server import BURST_S, LATENCY_S
from benchmarks.storing import store

AT_ONCE = 10
MOST = 32
STEADY = (1.0,)
CHANGING = (1.0, 0.5, 1.0, 2.0)
STEADY_S, PHASE_S = 8.0, 3.0
SPAN_S, STEP_S = 0.5, 0.05
GOOD_USE, GOOD_REFUSED, GOOD_LATENCY = 0.85, 0.1, 2.5

Seen = Sequence[tuple[float, float, int]]


@frozen
class Server:
    """A kind of server, and how its capacity changes."""

    kind: str
    factors: tuple[float, ...]
    phase_s: float

    @property
    def seconds(self) -> float:
        """How long it is asked."""
        return self.phase_s * len(self.factors)

    @property
    def group(self) -> str:
        """Its name among the results."""
        return self.kind if len(self.factors) == 1 else f"{self.kind}, changing"


@frozen
class Asker:
    """Who asks, and with how many requests in flight at most."""

    name: str
    run: Callable[[str, int, float], Awaitable[int]]
    concurrency: int


@frozen
class Figures:
    """What one asker got from one server; see the top of the file."""

    use: float
    refused: float
    latency_ms: float
    slow_ms: float
    converged_s: float | None
    pages: int
    given_up: int


KINDS = ("bucket", "crowd", "knee", "thrash")
SERVERS = (
    *(Server(kind, STEADY, STEADY_S) for kind in KINDS),
    *(Server(kind, CHANGING, PHASE_S) for kind in KINDS),
)
ASKERS = (
    Asker("asyncsessions", adaptive, MOST),
    *(Asker(f"fixed, {number} at once", fixed, number) for number in (1, 8, 32)),
)


async def measure(server: Server, asker: Asker) -> Figures:
    """Let one ask the other, and judge by what the server saw."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.pace_server", server.kind),
        *("--at-once", str(AT_ONCE), "--phase", str(server.phase_s)),
        *map(str, server.factors),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    told = b"[]"
    try:
        url = f"http://127.0.0.1:{int(await process.stdout.readline())}"
        given_up = await asker.run(url, asker.concurrency, server.seconds)
    finally:
        told, _ = await process.communicate(b"")
    seen: Seen = json.loads(told)
    return judge(server, seen, given_up)


async def compare(server: Server) -> dict[str, Figures]:
    """Let all ask one kind of server, one after the other, each a server of its own."""
    return {asker.name: await measure(server, asker) for asker in ASKERS}


def judge(server: Server, seen: Seen, given_up: int = 0) -> Figures:
    """Return the figures of what a server has seen: pairs of moments and the status."""
    seen = [one for one in seen if one[1] <= server.seconds]
    pages = [(end - begin) * 1e3 for begin, end, status in seen if status == 200]
    possible = sum(_rate(factor) * server.phase_s for factor in server.factors)
    if server.kind == "bucket":
        possible += BURST_S * _rate(1.0)
    return Figures(
        use=len(pages) / possible,
        refused=1 - len(pages) / len(seen),
        latency_ms=statistics.median(pages),
        slow_ms=statistics.quantiles(pages, n=20)[-1],
        converged_s=_converged(server, seen),
        pages=len(pages),
        given_up=given_up,
    )


def _rate(factor: float) -> float:
    return AT_ONCE * factor / LATENCY_S


def _converged(server: Server, seen: Seen) -> float | None:
    """Return the longest time until it went well, over all phases; ``None`` = in one it never did."""
    longest_s = 0.0
    for phase, factor in enumerate(server.factors):
        steps = range(int((server.phase_s - SPAN_S) / STEP_S + 1e-6) + 1)
        begin_s = phase * server.phase_s
        good = (step * STEP_S for step in steps if _is_good(seen, begin_s + step * STEP_S, factor))
        first_s = next(good, None)
        if first_s is None:
            return None
        longest_s = max(longest_s, first_s)
    return longest_s


def _is_good(seen: Seen, begin_s: float, factor: float) -> bool:
    span = [one for one in seen if begin_s <= one[1] < begin_s + SPAN_S]
    took = [end - begin for begin, end, status in span if status == 200]
    return (
        len(took) >= GOOD_USE * _rate(factor) * SPAN_S
        and len(span) - len(took) <= GOOD_REFUSED * len(span)
        and statistics.median(took) <= GOOD_LATENCY * LATENCY_S
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="servers whose name holds this")
    parser.add_argument("--write", type=Path, default=None)
    args = parser.parse_args()
    began, results = time.monotonic(), list[dict[str, Any]]()
    for server in SERVERS:
        if args.only in server.group:
            compared = asyncio.run(compare(server))
            show(server, compared)
            results += [
                {"name": name, "group": server.group, **asdict(found)}
                for name, found in compared.items()
            ]
    print(f"{time.monotonic() - began:.0f} s in all")
    if args.write is not None and not args.only:  # a part is only looked at
        setting = {
            "at_once": AT_ONCE,
            "latency_s": LATENCY_S,
            "most": MOST,
            "steady_s": STEADY_S,
            "phase_s": PHASE_S,
            "changing": CHANGING,
        }
        store(args.write, setting, results)


def show(server: Server, compared: dict[str, Figures]) -> None:
    """Print what was found at one server."""
    print(f"{server.group:<20} {'use':>6} {'refused':>8} {'latency':>8} {'95 %':>8} converged")
    for name, found in compared.items():
        converged = "never" if found.converged_s is None else f"{found.converged_s:.2f} s"
        print(
            f"  {name:<18} {found.use:>6.2f} {found.refused:>8.1%} "
            f"{found.latency_ms:>5.0f} ms {found.slow_ms:>5.0f} ms {converged:>9}"
            + (f", {found.given_up} given up" if found.given_up else ""),
            flush=True,
        )


if __name__ == "__main__":
    main()
