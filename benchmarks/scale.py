"""What a row costs as lists grow: ``python -m benchmarks.scale [ROWS …] [--rounds 5]``.

Lists of a thousand to five million rows are streamed by ``pages()``, ordered and with proof, each in a
process of its own, in turn, round by round; figures are medians.  Memory is the highest until a
tenth, until half and until the end of the list was delivered: where it is flat, these are alike.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from pathlib import Path
from typing import Any

from asyncsessions import Client, Hum
from benchmarks.measuring import in_a_process, server
from benchmarks.memory import peak_mb, resident_mb
from benchmarks.storing import RESULTS, store

PAGE = 50
FIRST = 20  # pages that are read before the time is taken
SIZES = (1_000, 10_000, 100_000, 1_000_000, 5_000_000)
SHARES = {"tenth": 0.1, "half": 0.5, "end": 1.0}
START, END = "2026-01-01", "2026-03-30"


async def pull(server: str, rows: int, concurrency: int) -> dict[str, Any]:
    """Stream a list of so many rows in this process and return what it took."""
    async with Client(Hum("invented", base_url=f"{server}/{FIRST}/0")) as client:
        await client.sessions(start=START, end=END).collect()  # what is imported on use, is now
    marks = [(round(share * rows), name) for name, share in SHARES.items()]
    count, peaks = 0, dict[str, float]()
    before = resident_mb()
    wall, cpu = time.perf_counter(), time.process_time()
    hum = Hum("invented", base_url=f"{server}/{rows // PAGE}/0")
    async with (
        Client(hum, concurrency=concurrency) as client,
        client.sessions(start=START, end=END) as stream,
    ):
        async for page in stream.pages():
            count += len(page)
            while marks and count >= marks[0][0]:
                peaks[f"peak_mb_{marks.pop(0)[1]}"] = peak_mb()
        report = stream.report
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {
        "rows": report.rows,
        "requests": report.requests,
        "complete": report.complete,
        "wall_s": wall,
        "cpu_s": cpu,
        "wall_us": wall / rows * 1e6,
        "cpu_us": cpu / rows * 1e6,
        "before_mb": before,
        **peaks,
        "peak_mb": peak_mb(),
    }


def measure(sizes: list[int], *, rounds: int, concurrency: int) -> list[dict[str, Any]]:
    """Pull each size once a round and return the median figures of each."""
    found: dict[int, list[dict[str, Any]]] = {size: [] for size in sizes}
    with server() as address:
        for _ in range(rounds):
            for size in sizes:
                found[size].append(_in_a_process(address, size, concurrency))
    return [_middle(size, runs) for size, runs in found.items()]


def _in_a_process(address: str, rows: int, concurrency: int) -> dict[str, Any]:
    how = ("--pull", address, "--concurrency", concurrency, rows)
    found = in_a_process("benchmarks.scale", *how, timeout_s=1_800)
    assert found["rows"] == rows, found
    assert found["complete"], found
    return found


def _middle(size: int, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the medians; of memory the highest."""
    row: dict[str, Any] = {"name": f"{size:,} rows", "group": "scale", "rounds": len(runs)}
    for key, first in runs[0].items():
        each = [run[key] for run in runs]
        row[key] = statistics.median(each) if isinstance(first, float) else first
        if key.startswith("peak_mb"):
            row[key] = max(each)
    print(
        f"{size:>10,} rows {row['requests']:>8,} requests {row['wall_s']:>8.2f} s "
        f"{row['cpu_us']:>6.2f} us CPU and {row['wall_us']:>6.2f} us a row, "
        f"{row['before_mb']:.0f} MB before, at the peak "
        + " / ".join(f"{row[f'peak_mb_{name}']:.0f}" for name in SHARES)
        + " MB by a tenth, half, all",
        flush=True,
    )
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("rows", nargs="*", type=int, default=SIZES)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--write", type=Path, default=RESULTS / "scale.json")
    parser.add_argument("--pull", default=None, metavar="ADDRESS", help="in this process, once")
    args = parser.parse_args()
    if args.pull is not None:
        print(json.dumps(asyncio.run(pull(args.pull, args.rows[0], args.concurrency))))
        return
    sizes = [max(PAGE, rows // PAGE * PAGE) for rows in args.rows]
    results = measure(sizes, rounds=args.rounds, concurrency=args.concurrency)
    store(args.write, {"rounds": args.rounds, "concurrency": args.concurrency}, results)


if __name__ == "__main__":
    main()
