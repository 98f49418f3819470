"""Reading pages into objects, side by side: ``make bench``.

All contenders read the same prepared pages from a server in another process, interleaved round by
round in one process, since machines are noisy: what is compared is the CPU time (and the wall time)
of one round, and the figures are medians of the ratios within a round.  A contender whose library is
not installed is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from benchmarks.machine import machine

PAGE = 50
Run = Callable[[str, int, int], Awaitable[int]]


@frozen
class Contender:
    """A way to read pages; ``share`` of the pages is enough to time a slow one."""

    name: str
    module: str
    function: str = "run"
    share: float = 1.0

    def load(self) -> Run:
        """Return it; raises ``ImportError`` where a library is missing."""
        module = import_module(f"benchmarks.contenders.{self.module}")
        run: Run = getattr(module, self.function)
        return run


FLOOR, DEFAULT = "bytes only, tuned aiohttp", "bytes only, aiohttp as it comes"
CONTENDERS = (
    Contender(FLOOR, "floor_tuned"),
    Contender(DEFAULT, "floor_default"),
    Contender("asyncsessions pages()", "ours", "pages"),
    Contender("asyncsessions pages(), unordered", "ours", "pages_unordered"),
    Contender("asyncsessions pages(), no proof", "ours", "pages_without_proof"),
    Contender("asyncsessions items", "ours", "items"),
    Contender("asyncsessions collect()", "ours", "collected"),
    Contender("aiohttp + cattrs, gather", "cattrs_loop", "gathered"),
    Contender("aiohttp + cattrs, sequential", "cattrs_loop", "sequential", 0.5),
    Contender("requests + cattrs, threads", "threads", share=0.5),
    Contender("httpx + pydantic pager", "httpx_pydantic", share=0.5),
    Contender("dlt RESTClient (dicts)", "dlt_rest", share=0.25),
    Contender("Stainless runtime (openai)", "stainless", share=0.25),
)


@define
class Figures:
    """CPU and wall time of each round, in microseconds a record."""

    cpu: list[float] = field(factory=list[float])
    wall: list[float] = field(factory=list[float])


def ratio(mine: list[float], theirs: list[float]) -> float:
    """Return the median of the ratios of the same round."""
    return statistics.median(one / other for one, other in zip(mine, theirs, strict=True))


@contextmanager
def serving(pages: int, latency_s: float) -> Generator[str]:
    """Run the page server in a process of its own and return its address."""
    command = [sys.executable, "-m", "benchmarks.server"]
    process = subprocess.Popen(
        [*command, "--pages", str(pages), "--latency", str(latency_s)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.communicate("")


async def measure(
    contenders: dict[Contender, Run], *, pages: int, rounds: int, concurrency: int, latency_s: float
) -> dict[str, Figures]:
    """Run all contenders in each round and return their figures by name."""
    figures = {contender.name: Figures() for contender in contenders}
    servers = {share: round(pages * share) for share in {each.share for each in contenders}}
    with _all_serving(servers, latency_s) as addresses:
        for number in range(rounds + 1):
            for contender, run in contenders.items():
                count = servers[contender.share]
                wall, cpu = time.perf_counter(), time.process_time()
                found = await run(addresses[contender.share], count, concurrency)
                cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
                assert found in {count, count * PAGE}, f"{contender.name} has read {found}"
                if number:  # the first round warms up
                    figures[contender.name].cpu.append(cpu / count / PAGE * 1e6)
                    figures[contender.name].wall.append(wall / count / PAGE * 1e6)
    return figures


@contextmanager
def _all_serving(servers: dict[float, int], latency_s: float) -> Generator[dict[float, str]]:
    """Serve a list of each length, since most contenders read to the end of it."""
    if not servers:
        yield {}
        return
    share, pages = next(iter(servers.items()))
    others = {other: count for other, count in servers.items() if other != share}
    with serving(pages, latency_s) as address, _all_serving(others, latency_s) as addresses:
        yield {share: address, **addresses}


def loaded(names: str | None) -> dict[Contender, Run]:
    """Return the contenders that can be run, by a part of their names (``None`` = all)."""
    found: dict[Contender, Run] = {}
    for contender in CONTENDERS:
        if names is not None and contender.name != FLOOR and names not in contender.name:
            continue
        try:
            found[contender] = contender.load()
        except ImportError as missing:
            print(f"left out: {contender.name} ({missing.name} is not installed)")
    return found


def show(figures: dict[str, Figures]) -> list[dict[str, Any]]:
    """Print the figures and return them as plain data."""
    floor, default = figures[FLOOR], figures.get(DEFAULT, figures[FLOOR])
    rows: list[dict[str, Any]] = []
    print(f"{'':<34}{'records/s':>10} {'CPU us':>8} {'x floor':>8} {'x default':>9} {'x wall':>7}")
    for name, each in figures.items():
        row = {
            "name": name,
            "records_per_s": 1e6 / statistics.median(each.wall),
            "cpu_us": statistics.median(each.cpu),
            "cpu_to_floor": ratio(each.cpu, floor.cpu),
            "cpu_to_default": ratio(each.cpu, default.cpu),
            "wall_to_floor": ratio(each.wall, floor.wall),
            "rounds": len(each.cpu),
        }
        rows.append(row)
        print(
            f"{name:<34}{row['records_per_s']:>10,.0f} {row['cpu_us']:>8.2f} "
            f"{row['cpu_to_floor']:>8.2f} {row['cpu_to_default']:>9.2f} {row['wall_to_floor']:>7.2f}",
            flush=True,
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pages", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds")
    parser.add_argument("--only", default=None, help="contenders whose name holds this")
    parser.add_argument("--write", type=Path, default=None)
    args = parser.parse_args()
    figures = asyncio.run(
        measure(
            loaded(args.only),
            pages=args.pages,
            rounds=args.rounds,
            concurrency=args.concurrency,
            latency_s=args.latency,
        )
    )
    rows = show(figures)
    if args.write is not None:
        args.write.parent.mkdir(exist_ok=True)
        setting = {name: getattr(args, name) for name in ("pages", "concurrency", "latency")}
        content = {"machine": machine(), "setting": setting, "results": rows}
        args.write.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
