"""The parts of a pull on their own, from memory: ``python -m benchmarks.micro``.

Each is given as CPU time for a page of fifty rows, and as the ratio to a fixed piece of work in the
same process, so that figures of different machines can be compared: decoding the same page into plain
dictionaries and lists by msgspec.  The ledger and the spool write to a file in a temporary folder, and
are compared with writing the same there and nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec
from attrs import frozen

from asyncsessions import AttributionHub, Hum, Session
from asyncsessions.core.answer import Answer, Ask
from asyncsessions.core.http import Response
from asyncsessions.core.journal import Answered, Setting
from asyncsessions.core.tiles import Span, Tiles
from asyncsessions.core.walk import Walk
from asyncsessions.core.windows import Window, resolve_range, split
from asyncsessions.providers import hum as hum_module
from asyncsessions.sinks.ledger import Ledger
from asyncsessions.sinks.spool import Spool
from benchmarks import listing
from benchmarks.measuring import Figures, Run, alternate, quartiles, ratios
from benchmarks.storing import RESULTS, store

PAGES = 100
LANES = 16
NOW = datetime(2026, 4, 1, tzinfo=UTC)
REFERENCE = "reference: a page of Hum into dictionaries"
DECODED, NORMALISED = "a page of Hum into typed rows", "typed rows of Hum into records"
READ_HUM, READ_HUB = "a page of Hum into records", "a page of AttributionHub into records"
WALK, TILES = "the walk, answers at hand", "a tile"
LEDGER, SPOOL = "a line of the ledger", "a page into the spool"
SHORT_WRITE, LONG_WRITE = "reference: a short write", "reference: writing a page of Hum"
REFERENCES = {LEDGER: SHORT_WRITE, SPOOL: LONG_WRITE}
"""What costs the system about as much, on whatever disk; for all others the page in dictionaries."""
LINE = b"2026-04-01T00:00:00Z 5f1c0d6e 1\n"


@frozen
class Material:
    """What the parts work on: a list of both vendors, as sent and as read."""

    window: Window
    hum: list[Response]
    hub: list[Response]
    answers: list[Answer[Session]]

    @classmethod
    def make(cls) -> Material:
        """Make a list of so many pages."""
        window = split(resolve_range("2026-01-01", "2026-03-30", now=NOW), None)[0]
        hum, hub = _sent(listing.hum()), _sent(listing.attributionhub())
        read = Hum("invented", environment="sandbox").read_page
        return cls(window, hum, hub, [read(sent, page=at) for at, sent in enumerate(hum, 1)])


def _sent(vendor: listing.Listing) -> list[Response]:
    span = (0, PAGES * listing.PAGE)
    bodies = [b"".join(vendor.body(page, span)) for page in range(1, PAGES + 1)]
    return [Response(status=200, body=body) for body in bodies]


def works(material: Material, folder: Path) -> dict[str, Callable[[], None]]:
    """Return every piece of work, for all pages; the reference comes first."""
    hum = Hum("invented", environment="sandbox")
    hub = AttributionHub("invented", base_url="https://example.com")
    untyped = msgspec.json.Decoder().decode
    typed = hum_module.decode_page
    return {
        REFERENCE: lambda: _each(lambda sent, _: untyped(sent.body), material.hum),
        DECODED: lambda: _each(lambda sent, _: typed(sent.body), material.hum),
        READ_HUM: lambda: _each(lambda sent, at: hum.read_page(sent, page=at), material.hum),
        READ_HUB: lambda: _each(lambda sent, at: hub.read_page(sent, page=at), material.hub),
        WALK: lambda: _walk(material),
        TILES: _tile,
        SHORT_WRITE: lambda: _write(folder, [LINE] * PAGES),
        LONG_WRITE: lambda: _write(folder, [sent.body for sent in material.hum]),
        LEDGER: lambda: _enter(folder),
        SPOOL: lambda: _spool(material, folder),
    }


def _each(read: Callable[[Response, int], object], sent: list[Response]) -> None:
    for page, response in enumerate(sent, 1):
        read(response, page)


def _walk(material: Material) -> None:
    walk: Walk[Session] = Walk(
        material.window,
        page_size=listing.PAGE,
        started_at=attrgetter("started_at"),
        identity=attrgetter("id"),
        concurrency=LANES,
    )
    sent: deque[Ask] = deque()
    while not walk.is_finished:
        while walk.has_ask and len(sent) < LANES:
            sent.append(walk.next_ask())
        ask = sent.popleft()
        walk.answer(ask, material.answers[ask.page - 1])
    assert walk.is_complete
    assert walk.delivered == PAGES * listing.PAGE


def _tile() -> None:
    tiles = Tiles()
    for page in range(PAGES, 0, -1):
        tiles.claim(Span(page * 60, page * 60 + 60))
    assert len(tiles.spans()) == 1


def _write(folder: Path, pieces: Sequence[bytes]) -> None:
    path = folder / "plain"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for piece in pieces:
        os.write(fd, piece)
    os.close(fd)
    path.unlink()


def _enter(folder: Path) -> None:
    ledger = Ledger(folder / "ledger")
    for _ in range(PAGES):
        ledger.enter("5f1c0d6e")
    ledger.close(remove=True)


def _spool(material: Material, folder: Path) -> None:
    spool = Spool(folder / "spool", Setting(listing.PAGE, "count"))
    for page, sent in enumerate(material.hum, 1):
        spool.add(Answered(Ask(material.window, page), sent.body, NOW))
    spool.close(remove=True)


def _run(work: Callable[[], None]) -> Run:
    async def run() -> int:
        work()
        return PAGES

    return run


async def measure(rounds: int, part: str = "") -> dict[str, Figures]:
    """Do every piece of work whose name holds a part in turn, and the references with them."""
    with tempfile.TemporaryDirectory() as folder:
        all_works = works(Material.make(), Path(folder))
        needed = {REFERENCE, *REFERENCES.values()}
        if part in NORMALISED:
            needed |= {DECODED, READ_HUM}
        chosen = {
            name: _run(work) for name, work in all_works.items() if part in name or name in needed
        }
        figures = await alternate(chosen, rounds=rounds)
    if part in NORMALISED:
        read, decoded = figures[READ_HUM], figures[DECODED]
        figures[NORMALISED] = Figures(_less(read.cpu, decoded.cpu), _less(read.wall, decoded.wall))
    return {name: found for name, found in figures.items() if part in name or is_reference(name)}


def is_reference(name: str) -> bool:
    """Whether a piece of work is what others are compared with."""
    return name.startswith("reference:")


def _less(whole: list[float], part: list[float]) -> list[float]:
    return [one - other for one, other in zip(whole, part, strict=True)]


def described(figures: Mapping[str, Figures]) -> list[dict[str, Any]]:
    """Return a row for each piece of work: CPU time a page, and the ratio to the reference."""
    rows: list[dict[str, Any]] = []
    for name, found in figures.items():
        each = ratios(found.cpu, figures[REFERENCES.get(name, REFERENCE)].cpu)
        rows.append(
            {
                "name": name,
                "group": "micro",
                "rounds": len(found.cpu),
                "cpu_us_a_page": statistics.median(found.cpu) * 1e6,
                "to_reference": statistics.median(each),
                "to_reference_spread": quartiles(each),
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--write", type=Path, default=RESULTS / "micro.json")
    args = parser.parse_args()
    rows = described(asyncio.run(measure(args.rounds)))
    for row in rows:
        low, high = row["to_reference_spread"]
        print(
            f"{row['name']:<44}{row['cpu_us_a_page']:>8.2f} us a page "
            f"{row['to_reference']:>7.3f} x reference ({low:.3f}-{high:.3f})"
        )
    store(args.write, {"rounds": args.rounds, "pages": PAGES}, rows)


if __name__ == "__main__":
    main()
