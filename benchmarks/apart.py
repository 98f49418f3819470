"""What reading costs in a process that does nothing else: ``python -m benchmarks.apart``.

In one process (:mod:`benchmarks.reading`) all ways share a heap.  One that only fetches bytes frees
the top of it with each page, and the C library gives that back to the system and takes it again: some
page faults a page, which nobody has after anything else has grown the heap.  So here each way has a
process of its own, round by round; each reads the list a few times and tells the median.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.contending import CONTENDERS, DEFAULT, FLOOR, OURS, PAGE, TRANSPORT
from benchmarks.measuring import alternate, in_a_process, quartiles, ratio, ratios, server
from benchmarks.storing import RESULTS, store

__all__ = ["NAMES", "index_of", "read"]

CONCURRENCY = 16
WARM_UP = 100  # pages
TIMES = 3
NAMES = (FLOOR, DEFAULT, TRANSPORT, OURS, "asyncsessions items")
US = 1e6


async def read(index: int, address: str, pages: int) -> dict[str, float]:
    """Let a contender read in this process, and return what a page takes."""
    contender, work = CONTENDERS[index], CONTENDERS[index].load()
    await work(f"{address}/{WARM_UP}/0", WARM_UP, CONCURRENCY)
    run = contender.bound(work, f"{address}/{pages}/0", pages, CONCURRENCY)
    before = _faults()
    figures = await alternate({contender: run}, rounds=TIMES, warm_up=False)
    faults = (_faults() - before) / TIMES / pages
    return {"cpu": statistics.median(figures[contender].cpu), "faults": faults}


def index_of(name: str) -> int:
    """Return the number of a contender that reads Hum."""
    found = {each.name: at for at, each in enumerate(CONTENDERS) if each.vendor == "hum"}
    return found[name]


def _faults() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def measure(indices: Sequence[int], *, pages: int, rounds: int) -> list[dict[str, Any]]:
    """Give each contender a process in each round, and return a row for each."""
    found: dict[int, list[Mapping[str, float]]] = {index: [] for index in indices}
    with server() as address:
        for _ in range(rounds):
            for index in indices:
                how = ("--read", address, "--pages", pages, index)
                found[index].append(in_a_process("benchmarks.apart", *how))
    return [_described(index, found) for index in indices]


def _described(index: int, found: Mapping[int, Sequence[Mapping[str, float]]]) -> dict[str, Any]:
    contender = CONTENDERS[index]
    mine, theirs, plain = (
        [each["cpu"] for each in rounds]
        for rounds in (found[index], *list(found.values())[:2])  # the floors come first
    )
    row = {
        "name": contender.name,
        "group": "apart",
        "vendor": contender.vendor,
        "cpu_us": statistics.median(mine) / PAGE * US,
        "cpu_to_floor": ratio(mine, theirs),
        "cpu_to_floor_spread": quartiles(ratios(mine, theirs)),
        "cpu_to_default": ratio(mine, plain),
        "faults_a_page": statistics.median(each["faults"] for each in found[index]),
        "rounds": len(mine),
    }
    print(
        f"{contender.name:<38}{row['cpu_us']:>7.2f} us CPU a record, {row['cpu_to_floor']:.2f} "
        f"x floor, {row['faults_a_page']:.1f} page faults a page",
        flush=True,
    )
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("index", nargs="?", type=int, default=None)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--pages", type=int, default=1_000)
    parser.add_argument("--write", type=Path, default=RESULTS / "apart.json")
    parser.add_argument("--read", default=None, metavar="ADDRESS", help="in this process")
    args = parser.parse_args()
    if args.read is not None:
        print(json.dumps(asyncio.run(read(args.index, args.read, args.pages))))
        return
    results = measure([index_of(name) for name in NAMES], pages=args.pages, rounds=args.rounds)
    setting = {"pages": args.pages, "rounds": args.rounds, "concurrency": CONCURRENCY}
    store(args.write, setting, results)


if __name__ == "__main__":
    main()
