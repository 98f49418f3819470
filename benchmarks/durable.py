"""A million rows into each durable target: time, CPU, memory, requests.

    python -m benchmarks.durable [--rows 1000000] [--write benchmarks/results/durable.json]

The vendor is the shipped fake in a process of its own, so that the figures are of the pulling
process alone; the fake is slower than the pull, so the time is the fake's and the CPU seconds are
what counts.  Memory is sampled all the time and given at a tenth, at half and at the end of the
pull: where it is flat, these are alike.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import machine

KINDS = ("sessions.duckdb", "sessions.parquet", "sessions/", "sessions.jsonl", "sessions.csv")

SERVER = """
import asyncio, sys
from asyncsessions.testing import FakeHum

async def main():
    async with FakeHum(rows=int(sys.argv[1])) as fake:
        print(fake.base_url, flush=True)
        await asyncio.to_thread(sys.stdin.read)
        print(len(fake.requests), flush=True)

asyncio.run(main())
"""

PULL = """
import asyncio, json, resource, sys
from asyncsessions import Client, Hum
from asyncsessions.testing import HUM_TOKEN

async def main():
    async with Client(Hum(HUM_TOKEN, base_url=sys.argv[1]), concurrency=8) as client:
        query = client.sessions(start="2026-01-01", end="2026-03-31")
        return await query.with_options(on_progress=show).pull(sys.argv[2])

def show(report):
    if report.pages % 100 == 0:
        print(report.pages, flush=True)

report = asyncio.run(main())
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    "rows": report.rows,
    "requests": report.requests,
    "complete": report.complete,
    "wall_s": report.elapsed_s,
    "cpu_s": used.ru_utime + used.ru_stime,
}))
"""


def measure(target: str, rows: int, folder: Path) -> dict[str, Any]:
    """Pull so many rows into a target and return the figures."""
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(rows)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    address = server.stdout.readline().strip()
    try:
        pull = subprocess.Popen(
            [sys.executable, "-c", PULL, address, f"{folder}/{target}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        memory = Memory(pull.pid)
        assert pull.stdout is not None
        last = ""
        for line in pull.stdout:
            last = line
            if line[0] != "{":
                memory.pages = int(line)
        pull.wait()
    finally:
        counted, _ = server.communicate("")
    figures: dict[str, Any] = json.loads(last)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {
        "target": target,
        **figures,
        "counted_by_server": int(counted),
        "file_mb": size / 1e6,
        **memory.at_shares(rows // 50),
    }


class Memory:
    """The resident memory of a process, sampled by the pages that it has read."""

    def __init__(self, pid: int) -> None:
        self.pages = 0
        self._samples: list[tuple[int, float]] = []
        self._status = Path(f"/proc/{pid}/status")
        threading.Thread(target=self._sample, daemon=True).start()

    def _sample(self) -> None:
        while True:
            try:
                text = self._status.read_text()
            except OSError:
                return
            if "VmRSS" not in text:
                return
            kib = int(text.split("VmRSS:")[1].split()[0])
            self._samples.append((self.pages, kib * 1024 / 1e6))
            time.sleep(0.02)

    def at_shares(self, pages: int) -> dict[str, float]:
        """Return the highest memory up to a tenth, up to a half, and in all, in MB."""
        return {
            f"peak_mb_at_{share:.0%}": max(mb for at, mb in self._samples if at <= share * pages)
            for share in (0.1, 0.5, 1.0)
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--write", type=Path, default=None)
    parser.add_argument("targets", nargs="*", default=KINDS)
    args = parser.parse_args()
    results = list[dict[str, Any]]()
    for target in args.targets:
        with tempfile.TemporaryDirectory() as folder:
            found = measure(target, args.rows, Path(folder))
        results.append(found)
        print(
            f"{target:<18} {found['rows']:>9,} rows {found['requests']:>7,} requests "
            f"{found['wall_s']:6.1f} s {found['cpu_s']:6.1f} s CPU "
            f"{found['cpu_s'] / found['rows'] * 1e6:5.1f} us/row "
            f"{found['file_mb']:7.1f} MB on disk, memory "
            + " ".join(f"{found[f'peak_mb_at_{share}']:.0f}" for share in ("10%", "50%", "100%"))
            + " MB",
            flush=True,
        )
    if args.write is not None:
        args.write.parent.mkdir(exist_ok=True)
        args.write.write_text(json.dumps({"machine": machine(), "results": results}, indent=2))


if __name__ == "__main__":
    main()
