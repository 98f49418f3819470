"""Reading pages into objects, side by side: ``make bench``.

All contenders read the same list from a page server in another process, in turn, round by round, in
one process.  A contender whose library is not installed is left out.  Parts:

``contenders``  everything there is, without latency, 16 requests at a time, both vendors
``paired``      the ways of this package against the floors, in short turns, for exact ratios
``grid``        the same over latencies and concurrencies
``latency``     what else there is, at 50 ms
``server``      how fast the page server is, next to the fastest real client
``memory``      the peak of each contender, in a process of its own

What was measured whole is stored in ``benchmarks/results/reading.json``; a look at a part is only
stored where ``--write`` says.
"""

from __future__ import annotations

import argparse
import asyncio
import time
import urllib.request
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from attrs import frozen

from benchmarks.contending import (
    CONTENDERS,
    FLOOR,
    GRID,
    HUB,
    HUNDRED,
    OURS,
    PEERS,
    RAW,
    Contender,
    Read,
    fit,
    loaded,
)
from benchmarks.figuring import Cell, described, show
from benchmarks.machine import warn_if_busy
from benchmarks.measuring import alternate, ratio, server
from benchmarks.memory import peaks
from benchmarks.storing import RESULTS, store

Rows: TypeAlias = list[dict[str, Any]]
LATENCIES_S = (0.0, 0.005, 0.05)
CONCURRENCIES = (1, 4, 8, 16, 32, 64)
SLOW_S = 0.05
SEQUENTIAL_PAGES = 21  # enough to time what asks for one page after the other


@frozen
class Bench:
    """What a run measures, and with what."""

    address: str
    pages: int
    rounds: int
    concurrency: int
    latency_s: float
    only: str

    async def contenders(self) -> Rows:
        """Measure everything there is in one cell."""
        return await self._cell(
            "contenders", loaded(CONTENDERS, self.only), self.pages, rounds=3 * self.rounds
        )

    async def paired(self) -> Rows:
        """Measure our ways against the floors, with many short rounds."""
        chosen = (*GRID, *(each for each in HUB if not each.module.startswith("cattrs")))
        return await self._cell(
            "paired", loaded(chosen, self.only), self.pages, rounds=4 * self.rounds
        )

    async def grid(self) -> Rows:
        """Measure our ways and the floors over latencies and concurrencies."""
        rows: Rows = []
        chosen = loaded(GRID, self.only)
        for latency_s in LATENCIES_S:
            for lanes in CONCURRENCIES:
                pages = 1 + lanes * _steps(lanes, latency_s) if latency_s else self.pages
                rows += await self._cell(
                    *("grid", chosen, pages),
                    rounds=self.rounds,
                    concurrency=lanes,
                    latency_s=latency_s,
                )
        return rows

    async def latency(self) -> Rows:
        """Measure what else there is, where an answer takes long."""
        chosen = loaded((GRID[0], *(each for each in GRID if each.name == OURS), HUNDRED, *PEERS))
        return await self._cell(
            *("latency", chosen, 1 + 20 * self.concurrency),
            rounds=self.rounds,
            latency_s=SLOW_S,
        )

    async def _cell(
        self,
        group: str,
        chosen: Mapping[Contender, Read],
        pages: int,
        *,
        rounds: int,
        concurrency: int | None = None,
        latency_s: float | None = None,
    ) -> Rows:
        """Measure contenders in turn, print the figures and return them."""
        lanes = concurrency or self.concurrency
        chosen = await fit(chosen, self.address)
        latency_s = self.latency_s if latency_s is None else latency_s
        counts = {each: _count(each, pages, latency_s=latency_s) for each in chosen}
        runs = {
            each: each.bound(
                read, f"{self.address}/{counts[each]}/{latency_s:g}", counts[each], lanes
            )
            for each, read in chosen.items()
        }
        figures = await alternate(runs, rounds=rounds, warm_up=not latency_s)
        rows = described(figures, Cell(group, counts, lanes, latency_s))
        show(rows)
        return rows

    async def server(self) -> Rows:
        """Measure how fast the page server is, and how busy the fastest real client keeps it."""
        address = f"{self.address}/{self.pages}/0"
        runs = {
            each: each.bound(read, address, self.pages, self.concurrency)
            for each, read in loaded((GRID[0], RAW)).items()
        }
        figures = await alternate(runs, rounds=2 * self.rounds)
        busy, began = await self._busy_s(), time.perf_counter()
        for _ in range(self.rounds):
            await runs[GRID[0]]()
        busy, wall = await self._busy_s() - busy, time.perf_counter() - began
        row = {
            "name": "page server",
            "group": "server",
            "pages_per_s": self.pages_per_s(figures[RAW].wall),
            "floor_pages_per_s": self.pages_per_s(figures[GRID[0]].wall),
            "times_floor": ratio(figures[GRID[0]].wall, figures[RAW].wall),
            "busy_share": busy / wall,
        }
        print(
            f"\nserver: {row['pages_per_s']:,.0f} pages/s to a hand-made client, "
            f"{row['times_floor']:.1f} times what {FLOOR!r} takes, "
            f"which keeps it busy {row['busy_share']:.0%} of the time"
        )
        return [row]

    @staticmethod
    def pages_per_s(wall: list[float]) -> float:
        """Return the rate of the median round."""
        return 1 / sorted(wall)[len(wall) // 2]

    async def _busy_s(self) -> float:
        return await asyncio.to_thread(_get_number, f"{self.address}/busy")

    async def memory(self) -> Rows:
        """Measure the peak of each contender in a process of its own."""
        print("\nmemory")
        found = await fit(loaded(CONTENDERS, self.only), self.address)
        chosen = [each for each in found if each.vendor == "hum"]
        return await asyncio.to_thread(
            peaks, chosen, self.address, pages=2 * self.pages, concurrency=self.concurrency
        )


def _steps(lanes: int, latency_s: float) -> int:
    """Return after how many answers of each request that is kept open enough was seen."""
    return 6 if latency_s >= SLOW_S and lanes <= 4 else 20


def _get_number(url: str) -> float:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own server
        return float(answer.read())


def _count(contender: Contender, pages: int, *, latency_s: float) -> int:
    """Return how many pages are enough to time a contender."""
    if latency_s and contender.lanes == 1:
        return min(pages, SEQUENTIAL_PAGES)
    return max(1, round(pages * contender.share)) if not latency_s else pages


PARTS: dict[str, Callable[[Bench], Coroutine[Any, Any, Rows]]] = {
    "server": Bench.server,
    "contenders": Bench.contenders,
    "paired": Bench.paired,
    "grid": Bench.grid,
    "latency": Bench.latency,
    "memory": Bench.memory,
}


async def measure(args: argparse.Namespace) -> Rows:
    """Measure the parts that were asked for."""
    rows: Rows = []
    with server() as address:
        bench = Bench(
            *(address, args.pages, args.rounds, args.concurrency, args.latency, args.only or "")
        )
        for part in args.parts:
            began = time.perf_counter()
            rows += await PARTS[part](bench)
            print(f"({part}: {time.perf_counter() - began:.0f} s)")
    return rows


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=None, help="all, if not given")
    parser.add_argument("--only", default=None, help="contenders whose name holds this")
    parser.add_argument("--pages", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5, help="the least of any part")
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds")
    parser.add_argument("--write", type=Path, default=None)
    args = parser.parse_args()
    looks = args.only is not None or args.parts is not None or args.latency
    args.write = args.write or (None if looks else RESULTS / "reading.json")
    # A word about one cell is answered with that cell.
    args.parts = args.parts or (["contenders"] if looks else list(PARTS))
    return args


def main() -> None:
    args = _arguments()
    warn_if_busy()
    rows = asyncio.run(measure(args))
    if args.write is not None:
        setting = {name: getattr(args, name) for name in ("pages", "rounds", "concurrency")}
        store(args.write, setting, rows)


if __name__ == "__main__":
    main()
