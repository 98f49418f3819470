"""A model of a concurrent pull: what completeness costs, and whether it is had.

Eight requests are under way at a time, each taking 40 to 60 virtual milliseconds; the rows are
read when the request arrives, when the answer leaves, or at any moment between, so answers
overtake each other. The list is the fakes' own, and so is its drift; the sockets, the engine and
the records are left out.

As a script it prints a table, one line a cell::

    python -m tests.core.concurrent_model --seeds 60 dense
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from itertools import count
from random import Random
from statistics import median
from typing import Literal

from attrs import define, field, frozen

from asyncsessions.core.answer import Answer, Ask, Portion
from asyncsessions.core.order import InOrder
from asyncsessions.core.tiles import Span
from asyncsessions.core.walk import Walk
from asyncsessions.core.windows import Window, to_datetime
from asyncsessions.errors import SessionsError
from asyncsessions.testing import DriftingReader, Listing, Row
from asyncsessions.testing.seeding import even_places, seeded_instants
from tests.core.cost_cells import CELLS, PAGE_SIZE, PAGES, ROWS, Cell

CONCURRENCY = 8
SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
BEGIN_US = 1_767_225_600 * SECOND_US  # 2026-01-01 UTC
END_US = BEGIN_US + 28 * DAY_US
TWINS = 40
LATENCY_MS = (40.0, 60.0)
NO_END = 20 * PAGES
"""A pull that needs so many requests is taken for endless."""

ReadPoint = Literal["leaving", "arriving", "between"]
READ_POINTS: tuple[ReadPoint, ...] = ("leaving", "arriving", "between")
"""When in its latency a request is read: at the end (in order, nearly), at the start, anywhere."""


# ---------------------------------------------------------------------- one pull


def list_of(cell: Cell, seed: int, *, has_ids: bool) -> DriftingReader:
    """Return the list of a cell, and what reads and changes it.

    Without ids a row's name is its content, which the twins on one instant share.
    """
    drift = None if cell.drift is None else cell.drift(seed)
    # Where rows newer than all others come, the newest hundredth of the range is kept free.
    is_topped = drift is not None and drift.insert_now_every is not None
    twins = even_places(ROWS, TWINS, PAGE_SIZE, newest_first=cell.order != "oldest_first")
    instants = seeded_instants(
        ROWS,
        first=BEGIN_US,
        last=END_US - (END_US - BEGIN_US) // 100 * is_topped,
        step=SECOND_US,
        seed=seed,
        on_one_instant=cell.crowd,
        twins=twins,
    )
    alike = frozenset(() if has_ids else twins)
    listing = Listing(
        instants,
        lambda uid, instant: {"name": uid - (uid in alike)},
        order=cell.order,
        page_size=PAGE_SIZE,
        seed=seed,
    )
    return DriftingReader(
        listing,
        drift,
        to_datetime(BEGIN_US),
        to_datetime(END_US),
        edit=lambda row, chance: {"note": chance.random()},
        crowded=to_datetime(instants[ROWS // 2]) if cell.crowd else None,
    )


@define
class Pull:
    """A walk over a drifting list, with requests under way side by side."""

    walk: Walk[Row]
    reader: DriftingReader
    chance: Random
    read_point: ReadPoint
    requests: int = 0
    delivered: list[Portion[Row]] = field(factory=list)
    _events: list[tuple[float, int, int]] = field(factory=list)
    _under_way: dict[int, Ask] = field(factory=dict)
    _read: dict[int, Answer[Row]] = field(factory=dict)
    _ticks: Iterator[int] = field(factory=count)

    def run(self) -> None:
        """Pull to the end; an event is a request being read, or its answer arriving."""
        now = 0.0
        while not self.walk.is_finished:
            while self.walk.has_ask and len(self._under_way) < CONCURRENCY:
                self._send(now)
            assert self._events, "nothing is left to ask, and yet it is not finished"
            now, _, number = heappop(self._events)
            if number in self._read:
                self._arrive(number)
            elif number in self._under_way:
                self._read[number] = self._look_up(self._under_way[number])

    def _send(self, now: float) -> None:
        assert self.requests < NO_END, "it asks for ever"
        self.requests += 1
        number = self.requests
        self._under_way[number] = self.walk.next_ask()
        latency = self.chance.uniform(*LATENCY_MS)
        share = {"leaving": 1.0, "arriving": 0.0, "between": self.chance.random()}[self.read_point]
        heappush(self._events, (now + share * latency, next(self._ticks), number))
        heappush(self._events, (now + latency, next(self._ticks), number))

    def _look_up(self, ask: Ask) -> Answer[Row]:
        rows, total = self.reader.page(ask.page, ask.window.asked_start, ask.window.asked_end)
        return Answer(rows, [row.time for row in rows], total)

    def _arrive(self, number: int) -> None:
        answer = self._read.pop(number)
        self.delivered += self.walk.answer(self._under_way.pop(number), answer)
        if not answer.rows:  # as the engine does: what is not wanted any more is cancelled
            for other, ask in list(self._under_way.items()):
                if not self.walk.wants(ask):
                    del self._under_way[other]
                    self._read.pop(other, None)
                    self.delivered += self.walk.withdraw(ask)


@frozen
class Outcome:
    """What one pull cost and brought; ``failure`` is the error it ended with, if any."""

    requests: int
    missing: int
    doubled: int
    is_complete: bool
    late: int
    failure: str | None = None

    @property
    def per_page(self) -> float:
        """Requests for each page that the list had at first."""
        return self.requests / PAGES

    @property
    def is_exact(self) -> bool:
        """Whether each row that stood throughout came, none twice, and the walk says so."""
        return self.is_complete and not self.missing and not self.doubled


def pull(
    cell: Cell, seed: int, read_point: ReadPoint = "leaving", *, has_ids: bool = True
) -> Outcome:
    """Pull the list of a cell once, and compare what came with what stood throughout."""
    reader = list_of(cell, seed, has_ids=has_ids)
    window = Window(Span(BEGIN_US, END_US + 1), reader.start, reader.end)
    walk: Walk[Row] = Walk(
        window,
        page_size=PAGE_SIZE,
        started_at=lambda row: row.time,
        identity=lambda row: row.data["name"],
        has_ids=has_ids,
        consistency=cell.consistency,
        concurrency=CONCURRENCY,
    )
    course = Pull(walk, reader, Random(f"{seed} {read_point}"), read_point)
    failure: str | None = None
    try:
        course.run()
    except (AssertionError, SessionsError) as error:
        failure = f"{type(error).__name__}: {error}"
    # By name, not by uid: which of two twins came is nothing that anybody could tell.
    listing = reader.listing
    came = Counter(row.data["name"] for portion in course.delivered for row in portion.rows)
    standing = Counter(row.data["name"] for row in listing.standing_since())
    ever = Counter(listing.row(uid).data["name"] for uid in listing.all_uids_ever)
    in_order: InOrder[Row] = InOrder(window.owned.hi)
    for portion in course.delivered:
        in_order.put(portion)
    return Outcome(
        requests=course.requests,
        missing=(standing - came).total(),
        doubled=(came - ever).total(),
        is_complete=walk.is_complete,
        late=in_order.late_rows,
        failure=failure,
    )


def pulls(cell: Cell, seeds: Sequence[int]) -> Iterator[tuple[int, ReadPoint, Outcome]]:
    """Pull with every seed at every read point, in turns as a vendor with and without ids."""
    for turn, seed in enumerate(seeds):
        for point, read_point in enumerate(READ_POINTS):
            yield seed, read_point, pull(cell, seed, read_point, has_ids=(turn + point) % 2 == 0)


# ---------------------------------------------------------------------- the table


def main(argv: Sequence[str] | None = None) -> int:
    """Print a line for each cell whose title holds all of the words; 1 if a promise is broken."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("words", nargs="*", help="only cells with all of these in their title")
    parser.add_argument("--seeds", type=int, default=5, help="how many, from 0 (default: 5)")
    parser.add_argument("--worst", action="store_true", help="name the worst pull of each cell")
    options = parser.parse_args(argv)
    cells = [cell for cell in CELLS if all(word in cell.title for word in options.words)]
    width = max((len(cell.title) for cell in cells), default=0)
    print(
        f"{'':{width}}  requests a page          most  missing  doubled  incomplete  failed  late"
    )
    broken = 0
    for cell in cells:
        outcomes = list(pulls(cell, range(options.seeds)))
        is_kept = all(keeps(cell, outcome) for _, _, outcome in outcomes)
        broken += not is_kept
        print(f"{cell.title:{width}}  {_line(cell, [o for _, _, o in outcomes], is_kept=is_kept)}")
        if options.worst:
            seed, point, worst = max(outcomes, key=lambda found: _badness(found[2]))
            print(f"{'':{width}}  worst: seed {seed}, read point {point}, {worst}")
    return int(broken > 0)


def keeps(cell: Cell, outcome: Outcome) -> bool:
    """Whether a pull was exact and cost no more than promised; always, if nothing is promised."""
    return cell.most is None or (outcome.is_exact and outcome.per_page <= cell.most)


def _badness(outcome: Outcome) -> tuple[bool, int, bool, int]:
    wrong = outcome.missing + outcome.doubled
    return outcome.failure is not None, wrong, not outcome.is_complete, outcome.requests


def _line(cell: Cell, outcomes: Sequence[Outcome], *, is_kept: bool) -> str:
    costs = [outcome.per_page for outcome in outcomes]
    most = "   -" if cell.most is None else f"{cell.most:4.2f}"
    figures = f"{min(costs):5.2f} {median(costs):6.2f} {max(costs):6.2f} (of {len(costs):3})"
    missing = sum(outcome.missing for outcome in outcomes)
    doubled = sum(outcome.doubled for outcome in outcomes)
    incomplete = sum(not outcome.is_complete for outcome in outcomes)
    failed = sum(outcome.failure is not None for outcome in outcomes)
    late = sum(outcome.late for outcome in outcomes)
    return (
        f"{figures}  {most} {missing:8} {doubled:8} {incomplete:11} {failed:7} {late:5}"
        f"{'' if is_kept else '  <- broken'}"
    )


if __name__ == "__main__":
    sys.exit(main())
