"""The same reading under other conditions: ``python -m benchmarks.variants``.

Another event loop, and answers that are packed.  Each variant has a process of its own, round by
round, as in :mod:`benchmarks.apart`; what is compared is CPU time within a round.  The server packs
each page once and keeps it, so that it stays quicker than its clients.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from benchmarks.apart import index_of, read
from benchmarks.contending import FLOOR, OURS, PAGE
from benchmarks.measuring import in_a_process, quartiles, ratio, ratios, server
from benchmarks.storing import RESULTS, store

__all__ = ["VARIANTS", "Variant"]

US = 1e6


@frozen
class Variant:
    """Who reads a list of Hum, and how."""

    contender: str
    has_uvloop: bool = False
    is_packed: bool = False

    @property
    def name(self) -> str:
        """What it is called in tables."""
        how = ["uvloop"] * self.has_uvloop + ["packed answers"] * self.is_packed
        return ", ".join((self.contender, *how))

    @property
    def usual(self) -> Variant:
        """What it is compared with: the same under asyncio's own loop, with unpacked answers."""
        return Variant(self.contender)


VARIANTS: tuple[Variant, ...] = (
    Variant(FLOOR),
    Variant(FLOOR, has_uvloop=True),
    Variant(OURS),
    Variant(OURS, has_uvloop=True),
    Variant(OURS, is_packed=True),
    Variant(OURS, has_uvloop=True, is_packed=True),
)


def measure(*, pages: int, rounds: int) -> list[dict[str, Any]]:
    """Give each variant a process in each round, and return a row for each."""
    found: dict[Variant, list[float]] = {variant: [] for variant in VARIANTS}
    with server() as plain, server("--packed") as packed:
        for _ in range(rounds):
            for number, variant in enumerate(VARIANTS):
                address = packed if variant.is_packed else plain
                how = ("--read", address, "--pages", pages, number)
                found[variant].append(in_a_process("benchmarks.variants", *how)["cpu"])
    return [_described(variant, mine, found[variant.usual]) for variant, mine in found.items()]


def _described(variant: Variant, mine: Sequence[float], usual: Sequence[float]) -> dict[str, Any]:
    row = {
        "name": variant.name,
        "group": "variants",
        "cpu_us": statistics.median(mine) / PAGE * US,
        "cpu_to_usual": ratio(mine, usual),
        "cpu_to_usual_spread": quartiles(ratios(mine, usual)),
        "rounds": len(mine),
    }
    print(
        f"{variant.name:<50}{row['cpu_us']:>7.2f} us CPU a record, {row['cpu_to_usual']:.2f} x usual",
        flush=True,
    )
    return row


def read_here(variant: Variant, address: str, pages: int) -> dict[str, float]:
    """Read in this process and return what a page takes."""
    work = read(index_of(variant.contender), address, pages)
    if not variant.has_uvloop:
        return asyncio.run(work)
    import uvloop

    return uvloop.run(work)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("number", nargs="?", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--pages", type=int, default=1_000)
    parser.add_argument("--write", type=Path, default=RESULTS / "variants.json")
    parser.add_argument("--read", default=None, metavar="ADDRESS", help="in this process")
    args = parser.parse_args()
    if args.read is not None:
        print(json.dumps(read_here(VARIANTS[int(args.number)], args.read, args.pages)))
        return
    results = measure(pages=args.pages, rounds=args.rounds)
    store(args.write, {"pages": args.pages, "rounds": args.rounds}, results)


if __name__ == "__main__":
    main()
