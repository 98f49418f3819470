"""Two hundred tenants in one pull: ``make bench-tenants``.

A hundred of each vendor, with fakes that allow different numbers of requests a second; five keys are
refused and five quotas are used up.  The fakes live in this process, the pull in one of its own, so
that its memory and its CPU time are its own.

The pull cannot be done sooner than the slowest tenant's vendor allows: its pages at its rate.  Nor
can it be done in less CPU time than two pulls, one of each vendor, of as many pages in all, measured
in the same run with fakes that allow everything.  The larger of both is the bound.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from asyncsessions.sinks.holdings import open_holdings
from asyncsessions.testing import FakeAttributionHub, FakeHum, FakeTenants
from benchmarks.machine import warn_if_busy
from benchmarks.storing import RESULTS, store

KINDS = {"duckdb": ".duckdb", "dataset": "/"}
START, END = "2026-01-01", "2026-03-31"
RATES = (None, 20.0, 5.0, 1.0, 0.5)
SIZES = (500, 400, 200, 300, 600)
TOLD = 5.0
"""Limits of so many requests a second and fewer stand in the file, the others have to be found."""
CONCURRENCY = 4
MOST_MEMORY_MB = 400
MOST_RATIO = 1.3
LATER, REFUSED = 4, 3


@frozen
class Measured:
    """What a pull took, in a process of its own."""

    status: int
    wall_s: float
    cpu_s: float
    memory_mb: float


def run(arguments: list[str], environment: Mapping[str, str]) -> Measured:
    """Run the command line and measure it."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "asyncsessions", *arguments], env={**os.environ, **environment}
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024
    return Measured(
        status=process.returncode,
        wall_s=time.perf_counter() - began,
        cpu_s=used.ru_utime + used.ru_stime,
        memory_mb=used.ru_maxrss * unit / 1e6,
    )


def pull_all(tenants: FakeTenants, folder: Path, to: str, more: list[str]) -> Measured:
    """Pull all tenants."""
    file = tenants.write(folder / "tenants.toml", defaults={"concurrency": CONCURRENCY})
    arguments = ["pull", "--tenants", str(file), "--start", START, "--end", END, "--to", to]
    report = str(folder / "report.json")
    return run([*arguments, "--report", report, *more], tenants.environment)


def pull_singly(rows: int, folder: Path, kind: str) -> float:
    """Return the CPU time of two pulls of as many rows each, one of either vendor.

    Only one of them has to start: what a pull takes that has nothing to do counts once.
    """
    switches: dict[str, Any] = {"rows": rows, "latency_s": 0.02}
    total = 0.0
    with (
        FakeHum(**switches).in_thread() as hum,
        FakeAttributionHub(**switches).in_thread() as hub,
    ):
        for name, fake, key in (
            ("hum", hum, {"HUM_API_TOKEN": hum.token}),
            ("attributionhub", hub, {"ATTRIBUTIONHUB_API_KEY": hub.key}),
        ):
            to = f"{folder}/single{kind}"
            arguments = ["pull", name, "--base-url", fake.base_url, "--start", START, "--end", END]
            arguments += ["--to", to, "--concurrency", str(CONCURRENCY)]
            found, again = run(arguments, key), run(arguments, key)
            assert found.status == again.status == 0
            total += found.cpu_s
    return total - again.cpu_s


def slowest_s(tenants: FakeTenants, rates: Sequence[float | None]) -> float:
    """Return how long the slowest tenant's vendor takes to allow all pages."""
    times = [0.0]
    for number, (name, fake) in enumerate(tenants.fakes.items()):
        rate = rates[number // 2 % len(rates)]
        if rate is not None and name not in tenants.refused:
            times.append((_requests(fake) - 1) / rate)
    return max(times)


def _requests(fake: FakeHum | FakeAttributionHub) -> int:
    """Return how many requests a pull takes at least."""
    assert isinstance(fake.rows, int)
    if isinstance(fake, FakeAttributionHub):
        return fake.quota if fake.quota is not None else -(-fake.rows // 50) + 2  # empty windows
    return -(-fake.rows // 50)


def check(tenants: FakeTenants, folder: Path, to: str) -> dict[str, int]:
    """Return how many tenants are complete and why the others are not; raises if that is wrong."""
    told = json.loads((folder / "report.json").read_text(encoding="utf-8"))["tenants"]
    statuses = {each["tenant"]: each["exit_status"] for each in told}
    with open_holdings(to) as holdings:
        held = {stream.tenant: stream for stream in holdings.streams()}
        assert not holdings.strays()
    for name, fake in tenants.fakes.items():
        is_over = isinstance(fake, FakeAttributionHub) and fake.quota is not None
        wanted = REFUSED if name in tenants.refused else LATER if is_over else 0
        assert statuses[name] == wanted, (name, statuses[name], wanted)
        if not wanted:
            assert held[name].rows == fake.rows, name
            assert all(window.complete for window in held[name].windows), name
    counts = [*statuses.values()]
    return {
        "complete": counts.count(0),
        "refused": counts.count(REFUSED),
        "out_of_quota": counts.count(LATER),
    }


def _rows(to: str) -> int:
    with open_holdings(to) as holdings:
        return sum(stream.rows for stream in holdings.streams())


def measure(args: argparse.Namespace, target: str, folder: Path) -> dict[str, Any]:
    """Pull, check, and return the figures."""
    kind = KINDS[target]
    to = str(folder / "sessions") + kind
    rates: tuple[float | None, ...] = (None,) if args.unlimited else RATES
    tenants = FakeTenants.of_each(
        args.tenants // 2,
        refused=5,
        over_quota=5,
        rates=rates,
        told=TOLD,
        sizes=[size * args.scale for size in SIZES],
        latency_s=(0.01, 0.05),
    )
    with tenants.in_thread():
        found = pull_all(tenants, folder, to, args.more)
    counts = check(tenants, folder, to)
    slowest = slowest_s(tenants, rates)
    rows = _rows(to)
    cpu = pull_singly(rows // 2, folder, kind)
    bound = max(slowest, cpu)
    requests = sum(len(fake.requests) for fake in tenants.fakes.values())
    return {
        "target": target,
        "tenants": len(tenants.fakes),
        **counts,
        "rows": rows,
        "requests": requests,
        "exit_status": found.status,
        "wall_s": found.wall_s,
        "cpu_s": found.cpu_s,
        "memory_mb": found.memory_mb,
        "slowest_limit_s": slowest,
        "single_pulls_cpu_s": cpu,
        "bound_s": bound,
        "ratio": found.wall_s / bound,
        "most_ratio": MOST_RATIO,
        "most_memory_mb": MOST_MEMORY_MB,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tenants", type=int, default=200)
    parser.add_argument("--scale", type=int, default=1, help="so many times the rows")
    parser.add_argument("--target", choices=KINDS, action="append", help="this one [both]")
    parser.add_argument("--unlimited", action="store_true", help="vendors that allow everything")
    parser.add_argument("--write", type=Path, nargs="?", const=RESULTS / "tenants.json")
    parser.add_argument("more", nargs="*", help="further options of the pull, after --")
    args = parser.parse_args()
    warn_if_busy()
    rows: list[dict[str, Any]] = []
    for target in args.target or KINDS:
        with tempfile.TemporaryDirectory() as folder:
            row = measure(args, target, Path(folder))
        rows.append(row)
        for name, value in row.items():
            shown = f"{value:,.2f}" if isinstance(value, float) else str(value)
            print(f"{name:<20}{shown:>12}")
    if args.write is not None:
        store(args.write, {"rates": RATES, "sizes": SIZES, "concurrency": CONCURRENCY}, rows)


if __name__ == "__main__":
    main()
