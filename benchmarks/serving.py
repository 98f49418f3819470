"""100,000 sessions through uvicorn: our stream beside a plain typed ``yield`` endpoint.

Both are measured twice, in turns, in the same run: with the sessions already in memory, which is
serving alone, and read from a vendor in another process, where both pay for the same pull.  curl is
the reader.  The plain endpoint is what FastAPI's documentation shows: ``AsyncIterable`` of a pydantic
model.  ``make bench-serving``; ends with status 1 if serving alone is not ten times as fast.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterable, Generator, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import uvicorn
from attrs import Factory, field, frozen
from fastapi import Depends, FastAPI
from pydantic import BaseModel

from asyncsessions import Client, Hum, Report, Session, Sessions
from asyncsessions.core.http import Response
from asyncsessions.engine.outbox import Batch
from asyncsessions.integrations.fastapi import LinesAnswer, Upstream, sessions_router
from benchmarks.listing import PAGE, hum
from benchmarks.measuring import ratio, server
from benchmarks.storing import store

RANGE = {"start": "2026-01-01", "end": "2026-03-31"}
QUERY = "?start=2026-01-01&end=2026-03-31"
WANTED = 10.0
LATENCY_S = 0.05  # of a page, where the first byte is timed
IN_MEMORY, WHOLE = "serving alone", "with the pull"
OURS, PLAIN = "asyncsessions", "plain yield"
SERVER = "the server"
PATHS = {
    (IN_MEMORY, OURS): "/memory/ours",
    (IN_MEMORY, PLAIN): "/memory/plain",
    (WHOLE, OURS): f"/sessions{QUERY}",
    (WHOLE, PLAIN): "/plain",
}


# ---------------------------------------------------------------------- the server


class PlainAddress(BaseModel):
    """An address, as a user of FastAPI would write it down."""

    street1: str | None = None
    street2: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None


class PlainOrder(BaseModel):
    """An order, likewise."""

    number: str | None = None
    ordered_at: datetime | None = None
    installed: bool | None = None
    installed_at: datetime | None = None
    commission_cents: int | None = None


class PlainSession(BaseModel):
    """A session, likewise."""

    provider: str
    id: str
    started_at: datetime
    campaign: str | None = None
    source: str | None = None
    medium: str | None = None
    content: str | None = None
    term: str | None = None
    landing_page: str | None = None
    address: PlainAddress | None = None
    furthest_step: int | None = None
    order: PlainOrder | None = None
    conversion: None = None
    exit: None = None
    duration: timedelta | None = None


@frozen
class Held:
    """Pages that were read before, in the place of a query."""

    held: list[list[Session]]
    report: Report = field(factory=lambda: Report(provider="hum", complete=True))
    rest: Iterator[list[Session]] = field(
        init=False, default=Factory(lambda self: iter(self.held), takes_self=True)
    )

    def pages(self) -> Held:
        """Return what is asked for one page after the other."""
        return Held(self.held)

    async def next_batch(self, *, as_sent: bool) -> Batch:
        """Return the next page."""
        assert as_sent
        page = next(self.rest, None)
        if page is None:
            raise StopAsyncIteration
        return Batch(0, page)

    def sent(self, rows: list[Session]) -> list[Session]:
        """Return the sessions, which they are already."""
        return rows

    async def aclose(self) -> None:
        """Nothing is open."""


def read_pages(count: int) -> Held:
    vendor, listing, rows = Hum("invented", environment="sandbox"), hum(), count * PAGE
    held: list[list[Session]] = []
    for page in range(1, count + 1):
        body = b"".join(listing.body(page, (0, rows)))
        answer = vendor.read_page(Response(status=200, body=body), page=page)
        held.append(list(answer.rows))
    return Held(held)


def app_for(base_url: str, pages: int) -> FastAPI:
    upstream = Upstream(Hum("invented", base_url=base_url))
    app = FastAPI()
    app.include_router(sessions_router(upstream, redact=False))
    held: list[Held] = []

    @app.get("/plain")
    async def plain(client: Client[...] = Depends(upstream)) -> AsyncIterable[PlainSession]:  # noqa: B008, FAST002 - upstream is no global
        async for session in client.sessions(**RANGE):
            yield cast("PlainSession", session)  # FastAPI makes the model of its attributes

    @app.get("/memory/plain")
    async def plain_from_memory() -> AsyncIterable[PlainSession]:
        for page in held[0].held:
            for session in page:
                yield cast("PlainSession", session)

    @app.get("/memory/ours")
    async def ours_from_memory() -> LinesAnswer:
        return LinesAnswer(cast("Sessions", held[0]))

    @app.post("/memory")
    async def remember() -> int:
        held[:] = [read_pages(pages)]
        return len(held[0].held)

    return app


# ---------------------------------------------------------------------- the reader


@frozen
class Reading:
    """What curl saw: lines, seconds to the first byte and to the last, and the last line."""

    lines: int
    first_s: float
    total_s: float
    last: bytes


def read(url: str) -> Reading:
    program = shutil.which("curl")
    assert program is not None, "curl is not installed"
    with tempfile.NamedTemporaryFile() as file:
        times = "%{time_starttransfer} %{time_total}"
        command = [program, "-sf", "--max-time", "300", "-o", file.name, "-w", times, url]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        lines = Path(file.name).read_bytes().splitlines()
    first_s, total_s = map(float, done.stdout.split())
    return Reading(len(lines), first_s, total_s, lines[-1])


@contextmanager
def app_running(vendor: str, pages: int, latency_s: float) -> Generator[tuple[str, int]]:
    """Run the app in a process of its own, before a list of that vendor; return its address and id."""
    base_url = f"{vendor}/{pages}/{latency_s}"
    command = [sys.executable, "-m", "benchmarks.serving", "--serve", base_url]
    process = subprocess.Popen([*command, "--pages", str(pages)], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        found = None
        while found is None:
            line = process.stderr.readline()
            assert line, "the app does not start"
            found = re.search(r"http://[\d.:]+", line)
        yield found[0], process.pid
    finally:
        process.terminate()
        process.communicate()


def highest_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    found = re.search(r"VmHWM:\s+(\d+)", status)
    assert found is not None
    return int(found[1]) * 1024 / 1e6


def measure(pages: int, rounds: int) -> list[dict[str, Any]]:
    rows = pages * PAGE
    rates: dict[tuple[str, str], list[float]] = {key: [] for key in PATHS}
    with server() as vendor, app_running(vendor, pages, 0.0) as (url, pid):
        read(f"{url}/sessions{QUERY}&limit=2000")
        before_mb = highest_mb(pid)
        whole = read(url + PATHS[WHOLE, OURS])
        grown_mb = highest_mb(pid) - before_mb
        assert json.loads(whole.last)["complete"] is True
        urllib.request.urlopen(urllib.request.Request(url + "/memory", method="POST"))  # noqa: S310 - ours
        for _ in range(rounds):
            for key, path in PATHS.items():
                reading = read(url + path)
                assert reading.lines == rows + (key[1] == OURS), reading
                rates[key].append(rows / reading.total_s)
    with server() as vendor, app_running(vendor, pages, LATENCY_S) as (url, _):
        read(f"{url}/sessions{QUERY}&limit=1")  # connections and imports
        slow = read(f"{url}/sessions{QUERY}&limit=5000")
    return [
        {
            "name": how,
            "group": "serving",
            "rows": rows,
            "rows_per_s": statistics.median(rates[how, OURS]),
            "plain_rows_per_s": statistics.median(rates[how, PLAIN]),
            "times_as_fast": ratio(rates[how, OURS], rates[how, PLAIN]),
        }
        for how in (IN_MEMORY, WHOLE)
    ] + [
        {
            "name": SERVER,
            "group": "server",
            "memory_grown_mb": grown_mb,
            "first_byte_s": slow.first_s,
            "latency_of_a_page_s": LATENCY_S,
            "of_s": slow.total_s,
        }
    ]


def show(found: list[dict[str, Any]]) -> None:
    *rates, server = found
    print(f"{rates[0]['rows']:,} sessions, rows/s   {OURS:>14} {PLAIN:>14} {'times':>7}")
    for row in rates:
        ours, plain = row["rows_per_s"], row["plain_rows_per_s"]
        print(f"{row['name']:<26} {ours:>14,.0f} {plain:>14,.0f} {row['times_as_fast']:>7.1f}")
    grown_mb = server["memory_grown_mb"]
    print(f"memory of the server: {grown_mb:.1f} MB more after them than after 2,000")
    print(
        f"first byte after {server['first_byte_s']:.3f} s where a page takes "
        f"{server['latency_of_a_page_s']} s, the last of 5,000 after {server['of_s']:.3f} s"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", type=Path, default=None)
    parser.add_argument("--serve", default=None, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve is not None:
        app = app_for(args.serve, args.pages)
        uvicorn.run(app, host="127.0.0.1", port=0, access_log=False)
        return 0
    began = time.monotonic()
    found = measure(args.pages, args.rounds)
    show(found)
    print(f"measured in {time.monotonic() - began:.0f} s")
    if args.write is not None:
        store(args.write, {"pages": args.pages, "rounds": args.rounds}, found)
    return 0 if found[0]["times_as_fast"] >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
