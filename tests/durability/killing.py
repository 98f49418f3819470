"""Kills pulls at random moments, and checks what is left against what the vendor counted.

python -m tests.durability.killing duckdb 200 --seed 1     kills of one kind of target, with figures
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from attrs import field, frozen

from asyncsessions import AttributionHub, Hum
from asyncsessions.core.windows import resolve_range, split
from asyncsessions.sinks.holdings import months_in, open_holdings
from asyncsessions.testing import FakeAttributionHub, FakeHum
from tests.cli.shell import PROGRAM, environment
from tests.durability.reading import ids_in

KINDS = ("duckdb", "parquet", "dataset", "jsonl", "csv")
QUARTER = ("--start", "2026-01-01", "--end", "2026-03-31")
VENDORS: dict[str, tuple[type[FakeHum | FakeAttributionHub], dict[str, datetime]]] = {
    "hum": (FakeHum, {}),
    # Three windows and a little one, so that commits come in the middle.
    "attributionhub": (FakeAttributionHub, {"start": datetime(2026, 1, 1, tzinfo=UTC)}),
}
COMMITTING = (".wal", ".partial", ".tmp", "books.json.new", "manifest.json.new")
AT_COMMITS = 0.4
"""How many kills wait for a commit to begin."""
Fake = FakeHum | FakeAttributionHub
MOST_GOES = 60


@frozen
class Course:
    """One pull that was killed several times: what it cost and what came of it."""

    kills: int
    pages: int
    requests: int
    ledger: int
    missing: int
    doubled: int
    problems: list[str] = field(factory=list[str])

    @property
    def wasted(self) -> int:
        """Requests beyond one for each page."""
        return self.requests - self.pages


def name_of(kind: str) -> str:
    return "sessions/" if kind == "dataset" else f"sessions.{kind}"


def run_course(
    folder: Path,
    kind: str,
    *,
    vendor: str = "hum",
    kills: int,
    seed: int,
    rows: int = 1_500,
    concurrency: int = 4,
    latency_s: float = 0.02,
    most_between: int = 14,
) -> Course:
    """Pull, killing so many goes at random moments, then let one go to its end.

    ``most_between`` is after how many requests of a go it is killed at the latest.
    """
    chance = random.Random(seed)
    make, span = VENDORS[vendor]
    target = folder / name_of(kind)
    switches = {"rows": rows, "latency_s": latency_s, "read_point": None, "seed": seed}
    with make(**switches, **span).in_thread() as fake:
        args = ["pull", vendor, "--base-url", fake.base_url, *QUARTER, "-q"]
        args += ["--to", str(folder / name_of(kind)) + "/" * (kind == "dataset")]
        args += ["--concurrency", str(concurrency)]
        killed, problems = 0, list[str]()
        for _ in range(MOST_GOES):
            go = subprocess.Popen(
                [*PROGRAM, *args], env=environment(), stderr=subprocess.PIPE, text=True
            )
            if killed < kills and _kill(go, fake, folder, chance, most_between):
                killed += 1
                continue
            _, err = go.communicate(timeout=60)
            if go.returncode == 0 and killed >= kills:
                break
            if go.returncode not in (0, -signal.SIGKILL):
                problems.append(f"status {go.returncode}: {err}")
                break
            if go.returncode == 0:
                break
        ledger = _entered(target, kind)
        truth = Counter(_names(fake))
        found = Counter(ids_in(target, kind))
        if vendor == "attributionhub":
            truth, found = Counter({"": sum(truth.values())}), _twins_apart(found)
        return Course(
            kills=killed,
            pages=_pages(fake, vendor),
            requests=len(fake.requests),
            ledger=ledger,
            missing=sum((truth - found).values()),
            doubled=sum((found - truth).values()),
            problems=problems,
        )


def _entered(target: Path, kind: str) -> int:
    """Return how many requests the books and the ledger have."""
    with open_holdings(target) as holdings:
        return sum(sum(months_in(holdings, each).values()) for each in holdings.streams())


def _pages(fake: Fake, vendor: str) -> int:
    """Return how many requests a pull takes that nobody kills."""
    provider = Hum if vendor == "hum" else AttributionHub
    pinned = resolve_range("2026-01-01", "2026-03-31", now=datetime.now(UTC))
    return sum(
        max(1, -(-fake.listing.count(window.asked_start, window.asked_end) // 50))
        for window in split(pinned, provider.longest_window)
    )


def _names(fake: Fake) -> list[str]:
    return [str(row.data.get("id", row.uid)) for row in fake.listing.snapshot()]


def _twins_apart(found: Counter[str]) -> Counter[str]:
    """Ids of ours are each there once; then their number is what counts."""
    assert all(count == 1 for count in found.values())
    return Counter({"": sum(found.values())})


def _kill(
    go: subprocess.Popen[str],
    fake: Fake,
    folder: Path,
    chance: random.Random,
    most_between: int,
) -> bool:
    """Kill it at some moment after it has begun to ask; false if it ended before that."""
    if chance.random() < AT_COMMITS:
        _await_commit(go, folder)
        time.sleep(chance.random() * 0.004)
    else:
        wanted = len(fake.requests) + chance.randint(0, most_between)
        until = time.monotonic() + 30
        while go.poll() is None and len(fake.requests) <= wanted and time.monotonic() < until:
            time.sleep(0.001)
        time.sleep(chance.random() * 0.03)
    if go.poll() is not None:
        go.communicate()
        return False
    go.send_signal(signal.SIGKILL)
    go.communicate()
    return True


def _await_commit(go: subprocess.Popen[str], folder: Path) -> None:
    """Wait until a commit begins: that is when files are written that a moment later are gone."""
    until = time.monotonic() + 30
    before = _sizes(folder)
    while go.poll() is None and time.monotonic() < until:
        now = _sizes(folder)
        if any(now[path] > before.get(path, 0) for path in now):
            return
        before = now
        time.sleep(0.0005)


def _sizes(folder: Path) -> dict[Path, int]:
    """Return the sizes of the files that only a commit touches."""
    sizes: dict[Path, int] = {}
    for parent, _, names in os.walk(folder):  # which passes by folders that vanish meanwhile
        for path in (Path(parent, name) for name in names if name.endswith(COMMITTING)):
            with suppress(OSError):
                sizes[path] = path.stat().st_size + 1
    return sizes


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("kills", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--vendor", default="hum", choices=VENDORS)
    args = parser.parse_args()
    total = 0
    seed = args.seed
    while total < args.kills:
        with tempfile.TemporaryDirectory() as folder:
            course = run_course(Path(folder), args.kind, vendor=args.vendor, kills=5, seed=seed)
        seed += 1
        total += course.kills
        print(course, "wasted a kill:", course.wasted / max(1, course.kills), flush=True)


if __name__ == "__main__":
    sys.exit(main())
