"""From a thousand rows to a million into each durable target: time, CPU, memory, requests.

    python -m benchmarks.durable [TARGET…] [--rows 1000 10000 100000 1000000] [--write FILE]

The vendor is the page server in a process of its own, and each target is filled in a process of its
own too, after a first small pull; short pulls are repeated, and their medians given.  CPU time stands
beside that of fetching the bytes alone in the same process.  ``more_us`` is what each row costs that a
pull has more than the next shorter one, in which what a pull costs once is not contained.  Memory is
sampled all the time and given up to a tenth, a half and the end of the longest pull's time: where it
is flat, these are alike.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from attrs import define, field

from asyncsessions import Client, Hum, Report
from benchmarks.listing import END
from benchmarks.measuring import server
from benchmarks.sinks_child import floor_of, timed
from benchmarks.storing import store

TARGETS = ("sessions.duckdb", "sessions.parquet", "sessions/", "sessions.jsonl", "sessions.csv")
ROWS = (1_000, 10_000, 100_000, 1_000_000)
PAGE = 50
CONCURRENCY = 8
WARM_UP = 1_000
REPEATED_ROWS = 70_000
"""Pulls are repeated up to about so many rows in all, at most ``MOST`` times."""
MOST = 7
FLOOR_PAGES = 400
SHARES = (0.1, 0.5, 1.0)
US = 1e6


async def pull(address: str, rows: int, target: str) -> Report:
    """Pull a list of so many rows into a target."""
    pages = -(-rows // PAGE)
    async with Client(
        Hum("invented", base_url=f"{address}/{pages}/0"), concurrency=CONCURRENCY
    ) as client:
        # The server lists a page a minute, so the rows lie evenly in the range.
        return await client.sessions(start=END - timedelta(minutes=pages), end=END).pull(target)


def work(target: str, address: str, rows: int) -> None:
    """Fill a target, and print the figures; what the process that measures runs."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(pull(address, WARM_UP, f"{folder}/{target}"))
    for _ in range(max(1, min(MOST, REPEATED_ROWS // rows))):
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(_once(address, rows, folder, target)), flush=True)


def _once(address: str, rows: int, folder: str, target: str) -> dict[str, float]:
    pages = min(FLOOR_PAGES, rows // PAGE)

    def fetch() -> int:
        return asyncio.run(floor_of("hum")(f"{address}/{pages}/0", pages, CONCURRENCY))

    def fill() -> Report:
        return asyncio.run(pull(address, rows, f"{folder}/{target}"))

    before, _, _ = timed(fetch)
    print("begin", flush=True)
    cpu, wall, report = timed(fill)
    print("end", flush=True)
    after, _, _ = timed(fetch)
    assert report.complete
    assert report.rows == rows, f"{report.rows} rows instead of {rows}"
    files = [path for path in Path(folder).rglob("*") if path.is_file()]
    return {
        "requests": report.requests,
        "cpu_s": cpu,
        "wall_s": wall,
        "floor_us": (before + after) / 2 / pages / PAGE * US,
        "file_mb": sum(path.stat().st_size for path in files) / 1e6,
    }


def measure(target: str, address: str, rows: int) -> dict[str, Any]:
    """Fill a target in a process of its own and return the figures."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "benchmarks.durable",
            "--work",
            address,
            target,
            "--rows",
            str(rows),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    memory = Memory(process.pid)
    found: list[dict[str, float]] = []
    for line in process.stdout:
        if line[0] == "{":
            found.append(json.loads(line))
        else:
            memory.marks.append(time.monotonic())
    if process.wait() or not found:
        sys.exit(f"{target} with {rows:,} rows could not be measured")
    figures = {name: statistics.median(each[name] for each in found) for name in found[0]}
    row: dict[str, Any] = {
        "name": target,
        "group": "durable",
        "rows": rows,
        "repeats": len(found),
        "requests": round(figures.pop("requests")),
        **figures,
        "cpu_us": figures["cpu_s"] / rows * US,
        "wall_us": figures["wall_s"] / rows * US,
        "cpu_to_floor": statistics.median(
            each["cpu_s"] / rows * US / each["floor_us"] for each in found
        ),
    }
    return row | memory.at_shares()


@define
class Memory:
    """The resident memory of a process, sampled while it runs.

    ``marks`` are the moments at which pulls began and ended, in turn.
    """

    pid: int
    marks: list[float] = field(factory=list[float])
    _samples: list[tuple[float, float]] = field(factory=list[tuple[float, float]], init=False)

    def __attrs_post_init__(self) -> None:
        threading.Thread(target=self._sample, daemon=True).start()

    def _sample(self) -> None:
        status = Path(f"/proc/{self.pid}/status")
        while True:
            try:
                text = status.read_text(encoding="utf-8")
            except OSError:
                return
            if "VmRSS" not in text:
                return
            kib = int(text.split("VmRSS:")[1].split()[0])
            self._samples.append((time.monotonic(), kib * 1024 / 1e6))
            time.sleep(0.005)

    def at_shares(self) -> dict[str, float]:
        """Return the highest memory in each share of the first pull's time, in MB.

        Nothing, where the system does not tell the memory or the pull was over at once.
        """
        begin, end = self.marks[:2]
        found: dict[str, float] = {}
        for share in SHARES:
            until = begin + share * (end - begin)
            inside = [mb for at, mb in self._samples if begin <= at <= until]
            if inside:
                found[f"peak_mb_at_{share:.0%}"] = max(inside)
        return found


def with_slope(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add what each further row costs, from one length of a target to the next."""
    found: list[dict[str, Any]] = []
    for row in rows:
        if found and found[-1]["name"] == row["name"] and row["rows"] > found[-1]["rows"]:
            more = row["cpu_s"] - found[-1]["cpu_s"]
            found.append({**row, "more_us": more / (row["rows"] - found[-1]["rows"]) * US})
        else:
            found.append(row)
    return found


def show(row: dict[str, Any]) -> None:
    """Print one line."""
    peaks = [row.get(f"peak_mb_at_{share:.0%}") for share in SHARES]
    memory = " ".join("-" if each is None else f"{each:.0f}" for each in peaks)
    more = f"{row['more_us']:5.1f} each more" if "more_us" in row else ""
    print(
        f"{row['name']:<17}{row['rows']:>10,} rows {row['requests']:>7,} requests "
        f"{row['wall_s']:7.2f} s {row['cpu_s']:7.2f} s CPU, us/row {row['cpu_us']:6.1f} "
        f"= {row['cpu_to_floor']:5.2f} x bytes {more:<15} {row['file_mb']:6.1f} MB on disk, "
        f"memory {memory} MB",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--write", type=Path, default=None)
    parser.add_argument("--work", default=None, help=argparse.SUPPRESS)
    parser.add_argument("targets", nargs="*", default=TARGETS)
    args = parser.parse_args()
    if args.work is not None:
        work(args.targets[0], args.work, args.rows[0])
        return
    results: list[dict[str, Any]] = []
    with server() as address:
        for target in args.targets:
            for rows in sorted(args.rows):
                results = with_slope([*results, measure(target, address, rows)])
                show(results[-1])
    if args.write is not None:
        store(args.write, {"concurrency": CONCURRENCY, "latency": 0.0}, results)


if __name__ == "__main__":
    main()
