"""Has anything become slower?  ``make bench-check``.

Measures the ratios that do not depend on the machine's mood, CPU time paired with that of a floor in
the same process and the same round, and compares them with ``benchmarks/results/baseline.json``.  A
ratio that is more than 15 % worse is measured once more, for longer, and only if that finds the same
does the check fail, with a line for each such row.  Ratios differ a little between kinds of machines:
``--record`` makes the figures of this one the baseline.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Collection, Mapping
from typing import Any

from attrs import frozen

from benchmarks import micro
from benchmarks.contending import FLOOR, GRID, HUB, Contender, loaded
from benchmarks.measuring import alternate, ratio, server
from benchmarks.storing import RESULTS, store, stored

TOLERANCE = 0.15
ROUNDS, AGAIN = 21, 41
PAGES, LANES = 200, 16
KEPT = ("ours", "our_transport", "floor_tuned")
Ratios = dict[str, float]


@frozen
class Worse:
    """A row whose ratio is worse than the baseline allows; ``None`` = it was not measured."""

    name: str
    before: float
    now: float | None

    def __str__(self) -> str:
        if self.now is None:
            return f"{self.name}: stands in the baseline ({self.before:.3f}) but was not measured"
        more = self.now / self.before - 1
        return f"{self.name}: {self.now:.3f} instead of {self.before:.3f}, {more:+.0%}"


def worse(
    baseline: Mapping[str, float], measured: Mapping[str, float], *, tolerance: float = TOLERANCE
) -> list[Worse]:
    """Return the rows of the baseline whose ratio grew by more than the tolerance, or is missing.

    Rows that the baseline does not know are of no concern.
    """
    found: list[Worse] = []
    for name, before in baseline.items():
        now = measured.get(name)
        if now is None or now > before * (1 + tolerance):
            found.append(Worse(name, before, now))
    return found


def best_of(first: Mapping[str, float], again: Mapping[str, float]) -> Ratios:
    """Return the better of two measurements of each row; what was measured once stands."""
    return {name: min(value, again.get(name, value)) for name, value in first.items()}


async def measure(address: str, *, rounds: int, names: Collection[str] | None = None) -> Ratios:
    """Measure the ratios of the rows named (``None`` = all)."""
    found = await _pulls(address, rounds, names)
    if names is None or any(name.startswith("micro: ") for name in names):
        for row in micro.described(await micro.measure(rounds)):
            if not micro.is_reference(row["name"]):
                found[f"micro: {row['name']}"] = row["to_reference"]
    return {name: value for name, value in found.items() if names is None or name in names}


async def _pulls(address: str, rounds: int, names: Collection[str] | None) -> Ratios:
    chosen = {
        each: read
        for each, read in loaded(each for each in (*GRID, *HUB) if each.module in KEPT).items()
        if names is None or each.name == FLOOR or _name(each) in names
    }
    runs = {
        each: each.bound(read, f"{address}/{PAGES}/0", PAGES, LANES)
        for each, read in chosen.items()
    }
    figures = await alternate(runs, rounds=rounds)
    floors = {each.vendor: found for each, found in figures.items() if each.name == FLOOR}
    return {
        _name(each): ratio(found.cpu, floors[each.vendor].cpu)
        for each, found in figures.items()
        if each.name != FLOOR
    }


def _name(contender: Contender) -> str:
    return f"{contender.vendor}: {contender.name}"


async def check(baseline: Mapping[str, float]) -> list[Worse]:
    """Measure all rows, those that look worse once more, and return what stays worse."""
    with server() as address:
        measured = await measure(address, rounds=ROUNDS)
        suspects = worse(baseline, measured)
        if suspects:
            print("once more, for longer:", *suspects, sep="\n  ", flush=True)
            names = {each.name for each in suspects}
            measured = best_of(measured, await measure(address, rounds=AGAIN, names=names))
    for name, value in measured.items():
        known = f"(baseline {baseline[name]:.3f})" if name in baseline else "(not in the baseline)"
        print(f"{name:<55}{value:>8.3f} {known}")
    return worse(baseline, measured)


async def record() -> None:
    """Make what is measured now the baseline."""
    with server() as address:
        measured = await measure(address, rounds=AGAIN)
    rows: list[dict[str, Any]] = [
        {"name": name, "group": "baseline", "cpu_ratio": value} for name, value in measured.items()
    ]
    setting = {"pages": PAGES, "concurrency": LANES, "rounds": AGAIN}
    store(RESULTS / "baseline.json", setting, rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--record", action="store_true", help="take the figures as the baseline")
    if parser.parse_args().record:
        asyncio.run(record())
        return 0
    content = stored("baseline")
    if content is None:
        print("there is no baseline yet: make bench-check BENCH_ARGS=--record")
        return 1
    baseline = {row["name"]: row["cpu_ratio"] for row in content["results"]}
    found = asyncio.run(check(baseline))
    print(*(f"slower than the baseline: {each}" for each in found), sep="\n")
    if not found:
        print(f"nothing is more than {TOLERANCE:.0%} slower than the baseline")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
