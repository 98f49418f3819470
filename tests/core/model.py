"""A model of a vendor for the walk: a list that is read page by page while it changes.

The course of things is drawn from a seed: requests are sent while fewer than ``open_asks`` are
under way, each is *read* at one moment (rows and total atomically, unless ``lie`` says otherwise)
and *arrives* at a later one, so answers overtake each other on both ways.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from random import Random
from typing import Any

from attrs import define, evolve, field, frozen

from asyncsessions.core.answer import Answer, Ask, Portion
from asyncsessions.core.order import InOrder
from asyncsessions.core.tiles import Span
from asyncsessions.core.walk import Consistency, Walk
from asyncsessions.core.windows import EPOCH, Window, to_micros

SECOND = timedelta(seconds=1)


def at(second: float) -> datetime:
    """Return the moment so many seconds into the model's time."""
    return EPOCH + second * SECOND


def window(first: int, last: int) -> Window:
    """Return the window of the seconds first..last, owned to the last instant."""
    return Window(Span(to_micros(at(first)), to_micros(at(last)) + 1), at(first), at(last))


@frozen
class Row:
    """One row; an edit gives it a new ``version``."""

    number: int
    started_at: datetime
    version: int = 0

    @property
    def instant(self) -> int:
        return to_micros(self.started_at)


@define
class Vendor:
    """A vendor's list.  ``order`` sorts it, ``lie`` makes the total that is told."""

    rows: list[Row]
    size: int
    order: Callable[[Row], object] = lambda row: (-row.instant, row.number)
    lie: Callable[[int, Ask], int | None] = lambda total, ask: total
    begun_with: frozenset[Row] = field(init=False)
    deleted: set[int] = field(factory=set, init=False)
    next_number: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.rows = sorted(self.rows, key=self.order)
        self.begun_with = frozenset(self.rows)
        self.next_number = 1 + max((row.number for row in self.rows), default=0)

    def matching(self, asked: Window) -> list[Row]:
        return [row for row in self.rows if asked.asked_start <= row.started_at <= asked.asked_end]

    def read(self, ask: Ask) -> Answer[Row]:
        found = self.matching(ask.window)
        rows = found[(ask.page - 1) * self.size :][: self.size]
        return answer(rows, self.lie(len(found), ask))

    def insert(self, moment: datetime) -> None:
        self.rows.append(Row(self.next_number, moment))
        self.next_number += 1
        self.rows.sort(key=self.order)

    def delete(self, index: int) -> None:
        if self.rows:
            self.deleted.add(self.rows.pop(index % len(self.rows)).number)

    def edit(self, index: int) -> None:
        if self.rows:
            index %= len(self.rows)
            self.rows[index] = evolve(self.rows[index], version=self.rows[index].version + 1)

    @property
    def standing(self) -> set[Row]:
        """The rows that were there from the first request to the last, as they were at first."""
        return {row for row in self.begun_with if row.number not in self.deleted}


def answer(rows: Sequence[Row], total: int | None) -> Answer[Row]:
    """Return the rows as an answer."""
    return Answer(rows, [row.started_at for row in rows], total)


def vendor_of(seconds: Sequence[float], size: int, **keywords: Any) -> Vendor:
    """Return a vendor with a row at each of the seconds."""
    rows = [Row(number, at(second)) for number, second in enumerate(seconds, 1)]
    return Vendor(rows, size, **keywords)


@define
class Course:
    """What came of a walk."""

    walk: Walk[Row]
    in_order: InOrder[Row]
    portions: list[Portion[Row]] = field(factory=list)
    ordered: list[Row] = field(factory=list)
    pages: list[int] = field(factory=list)
    most_placed: int = 0

    @property
    def rows(self) -> list[Row]:
        return [row for portion in self.portions for row in portion.rows]

    def take(self, portions: Sequence[Portion[Row]]) -> None:
        self.portions += portions
        for portion in portions:
            for ready in self.in_order.put(portion):
                self.ordered += ready.rows
        self.most_placed = max(self.most_placed, len(self.walk._seams))


def walk_of(
    asked: Window, *, size: int = 50, consistency: Consistency = "count"
) -> tuple[Walk[Row], Course]:
    """Return a new walk over a window, and where its course will be noted."""
    walk: Walk[Row] = Walk(
        asked,
        page_size=size,
        started_at=attrgetter("started_at"),
        identity=attrgetter("number"),
        consistency=consistency,
    )
    return walk, Course(walk, InOrder(asked.owned.hi))


def run(
    vendor: Vendor | Any,
    asked: Window,
    *,
    seed: int = 0,
    open_asks: int = 16,
    documented_size: int | None = None,
    consistency: Consistency = "count",
    drift: Callable[[Vendor, Random], None] | None = None,
    busyness: float = 0.5,
    start_cursor: int | None = None,
    most_requests: int = 10_000,
) -> Course:
    """Walk to the end.  ``drift`` changes the list; ``busyness`` of all moments are for it."""
    chance = Random(seed)
    size = vendor.size if documented_size is None else documented_size
    walk, course = walk_of(asked, size=size, consistency=consistency)
    if start_cursor is not None:
        course.in_order = InOrder(start_cursor)
    sent: list[Ask] = []
    read: list[tuple[Ask, Answer[Row]]] = []
    while not walk.is_finished:
        choices = ["send"] * (walk.has_ask and len(sent) + len(read) < open_asks)
        choices += ["read"] * bool(sent) + ["arrive"] * bool(read)
        if drift is not None and chance.random() < busyness:
            drift(vendor, chance)
        match chance.choice(choices):
            case "send":
                sent.append(walk.next_ask())
                course.pages.append(sent[-1].page)
                assert len(course.pages) <= most_requests, "it asks for ever"
            case "read":
                ask = sent.pop(chance.randrange(len(sent)))
                read.append((ask, vendor.read(ask)))
            case _:
                course.take(walk.answer(*read.pop(chance.randrange(len(read)))))
    return course
