"""Many tenants side by side in one process: what each of them adds, in CPU time and memory.

    python -m benchmarks.fleet [--rounds 3] [--write FILE]

Each tenant is a client of its own that pulls its list into a target of its own, all at once in one
event loop; the vendor is the page server in a process of its own, and every answer takes 50 ms.
Each cell is measured in processes of its own, after a first small pull.  What a tenant costs however
little it reads follows from two lengths of lists: ``start_ms``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from asyncsessions import Client, Hum, Report
from benchmarks.listing import END
from benchmarks.measuring import in_a_process, server
from benchmarks.memory import peak_mb
from benchmarks.sinks_child import timed
from benchmarks.storing import store

TARGETS = ("sessions/", "sessions.jsonl", "sessions.duckdb")
SHORT, LONG = 20, 100  # pages
CELLS = ((1, SHORT), (50, SHORT), (50, LONG), (200, SHORT))  # tenants, pages of each
PAGE = 50
CONCURRENCY = 8
LATENCY_S = 0.05
MS = 1e3


async def pull(address: str, pages: int, target: str) -> Report:
    """Pull the list of one tenant."""
    hum = Hum("invented", base_url=f"{address}/{pages}/{LATENCY_S}")
    async with Client(hum, concurrency=CONCURRENCY) as client:
        # The server lists a page a minute.
        return await client.sessions(start=END - timedelta(minutes=pages), end=END).pull(target)


async def pull_all(address: str, tenants: int, pages: int, folder: str, target: str) -> int:
    """Pull all tenants at once and return how many requests that took."""
    paths = [f"{folder}/{number}-{target}" for number in range(tenants)]
    reports = await asyncio.gather(*(pull(address, pages, path) for path in paths))
    assert all(report.complete and report.rows == pages * PAGE for report in reports)
    return sum(report.requests for report in reports)


def work(address: str, tenants: int, pages: int, target: str) -> None:
    """Measure a cell once, and print it; what a process of its own runs."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("first", "all"):
            Path(folder, name).mkdir()
        asyncio.run(pull_all(address, 1, SHORT, f"{folder}/first", target))
        before_mb = peak_mb()
        cpu_s, wall_s, requests = timed(
            lambda: asyncio.run(pull_all(address, tenants, pages, f"{folder}/all", target))
        )
    most_mb = peak_mb()
    figures = {
        "requests": requests,
        "cpu_ms": cpu_s / tenants * MS,
        "wall_s": wall_s,
        "before_mb": before_mb,
        "peak_mb": most_mb,
        "mb_a_tenant": (most_mb - before_mb) / tenants,
    }
    print(json.dumps(figures))


def measure(address: str, tenants: int, pages: int, target: str, rounds: int) -> dict[str, Any]:
    """Return the medians of a cell."""
    how = ("--work", address, target, "--cell", tenants, pages)
    found: list[dict[str, float]] = [
        in_a_process("benchmarks.fleet", *how, timeout_s=1_800) for _ in range(rounds)
    ]
    medians = {name: statistics.median(each[name] for each in found) for name in found[0]}
    return {
        "name": target,
        "group": "tenants",
        "tenants": tenants,
        "rows": pages * PAGE,
        "rounds": rounds,
        **medians,
    }


def with_start(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Add what a tenant costs before its first record, where as many read lists of two lengths."""
    found: list[dict[str, Any]] = []
    for row in rows:
        longer = [
            other
            for other in rows
            if all(other[key] == row[key] for key in ("name", "tenants"))
            and other["rows"] > row["rows"]
        ]
        more = {}
        if longer:
            each_ms = (longer[0]["cpu_ms"] - row["cpu_ms"]) / (longer[0]["rows"] - row["rows"])
            more = {"start_ms": max(0.0, row["cpu_ms"] - each_ms * row["rows"])}
        found.append({**row, **more})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", type=Path, default=None)
    parser.add_argument("--cell", type=int, nargs=2, default=(1, SHORT), help=argparse.SUPPRESS)
    parser.add_argument("--work", nargs=2, default=None, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.work is not None:
        (address, target), (tenants, pages) = args.work, args.cell
        work(address, tenants, pages, target)
        return
    results: list[dict[str, Any]] = []
    with server() as address:
        for target in TARGETS:
            for tenants, pages in CELLS:
                row = measure(address, tenants, pages, target, args.rounds)
                results.append(row)
                print(
                    f"{target:<16}{tenants:>4} tenants of {row['rows']:>5,} rows: "
                    f"{row['cpu_ms']:6.1f} ms CPU and {row['mb_a_tenant']:5.2f} MB each, "
                    f"{row['wall_s']:5.2f} s, {row['before_mb']:.0f} to {row['peak_mb']:.0f} MB",
                    flush=True,
                )
    if args.write is not None:
        setting = {"concurrency": CONCURRENCY, "latency": LATENCY_S}
        store(args.write, setting, with_start(results))


if __name__ == "__main__":
    main()
