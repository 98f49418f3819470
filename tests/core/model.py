"""A model of a vendor for the walk: a list that is read page by page while it changes.

The course of things is drawn from a seed: requests are sent while fewer than ``open_asks`` are
under way, each is *read* at one moment and *arrives* at a later one, so answers overtake each
other on both ways. Rows and total are read atomically, unless ``lie`` says otherwise or the total
is *torn*: counted first, then the list changes, then the rows are read. Any answer may be *lost*;
the same request is then read anew.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from random import Random
from typing import Any

from attrs import Factory, define, evolve, field, frozen

from asyncsessions.core.answer import Answer, Ask, Portion
from asyncsessions.core.order import InOrder
from asyncsessions.core.tiles import Span
from asyncsessions.core.walk import Consistency, Walk
from asyncsessions.core.windows import EPOCH, Window, to_micros
from asyncsessions.testing.seeding import scramble

SECOND = timedelta(seconds=1)


def at(second: float) -> datetime:
    """Return the moment so many seconds into the model's time."""
    return EPOCH + second * SECOND


def window(first: int, last: int) -> Window:
    """Return the window of the seconds first..last, owned to the last instant."""
    return Window(Span(to_micros(at(first)), to_micros(at(last)) + 1), at(first), at(last))


@frozen
class Row:
    """One row; an edit gives it a new ``version``.

    ``number`` tells it from all others, ``name`` is what the vendor shows of that: twins share it.
    """

    number: int
    started_at: datetime
    version: int = 0
    name: Hashable = field(default=Factory(attrgetter("number"), takes_self=True))

    @property
    def instant(self) -> int:
        return to_micros(self.started_at)

    @property
    def place(self) -> int:
        """A number by chance, the same for twins, which sorts shuffled lists and instants."""
        return scramble(0, hash(self.name))


ORDERS: dict[str, Callable[[Row], Any]] = {
    "newest first": lambda row: (-row.instant, row.place, row.number),
    "oldest first": lambda row: (row.instant, row.place, row.number),
    "shuffled": lambda row: (row.place, row.number),
}


@frozen
class Change:
    """A row that came (``sign`` 1) or went (-1)."""

    instant: int
    sign: int


@define
class Reading:
    """One answer as the vendor saw it: how many changes there were at its count and at its rows.

    ``is_told`` until the answer is lost.
    """

    ask: Ask
    total: int | None
    counted: int
    read: int
    is_told: bool


@define
class Vendor:
    """A vendor's list.  ``order`` sorts it, ``lie`` makes the total that is told.

    ``twins`` are the rows of one instant that share a name; 0: every row has its own.
    """

    rows: list[Row]
    size: int
    order: Callable[[Row], Any] = lambda row: (-row.instant, row.number)
    lie: Callable[[int, Ask], int | None] = lambda total, ask: total
    twins: int = 0
    begun_with: frozenset[Row] = field(init=False)
    deleted: set[int] = field(factory=set, init=False)
    gone: set[Hashable] = field(factory=set, init=False)
    inserted: list[Row] = field(factory=list, init=False)
    changes: list[Change] = field(factory=list, init=False)
    readings: list[Reading] = field(factory=list, init=False)
    next_number: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.rows = sorted(self.rows, key=self.order)
        self.begun_with = frozenset(self.rows)
        self.next_number = 1 + max((row.number for row in self.rows), default=0)

    def matching(self, asked: Window) -> list[Row]:
        return [row for row in self.rows if asked.asked_start <= row.started_at <= asked.asked_end]

    def read(
        self, ask: Ask, *, tear: Callable[[], None] | None = None, is_told: bool = True
    ) -> Answer[Row]:
        """Answer a request; ``tear`` changes the list after the count and before the rows."""
        total = self.lie(len(self.matching(ask.window)), ask)
        reading = Reading(ask, total, len(self.changes), len(self.changes), is_told)
        self.readings.append(reading)
        if tear is not None:
            tear()
        reading.read = len(self.changes)
        return answer(self.matching(ask.window)[(ask.page - 1) * self.size :][: self.size], total)

    def insert(self, moment: datetime) -> None:
        name = self._name(self.next_number, moment)
        row = Row(self.next_number, moment, name=name)
        self.next_number += 1
        self.inserted.append(row)
        self.rows.append(row)
        self.rows.sort(key=self.order)
        self.changes.append(Change(row.instant, 1))

    def _name(self, number: int, moment: datetime) -> Hashable:
        if not self.twins:
            return number
        name = (to_micros(moment), number // self.twins)
        # The equal of a row that has gone does not come: without ids nobody could tell them apart.
        return (*name, number) if name in self.gone else name

    def delete(self, index: int) -> None:
        if self.rows:
            row = self.rows.pop(index % len(self.rows))
            self.deleted.add(row.number)
            self.gone.add(row.name)
            self.changes.append(Change(row.instant, -1))

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


def vendor_of(seconds: Sequence[float], size: int, *, twins: int = 0, **keywords: Any) -> Vendor:
    """Return a vendor with a row at each of the seconds."""
    vendor = Vendor([], size, twins=twins, **keywords)
    rows = [
        Row(number, at(second), name=vendor._name(number, at(second)))
        for number, second in enumerate(seconds, 1)
    ]
    return Vendor(rows, size, twins=twins, **keywords)


@define
class Course:
    """What came of a walk."""

    walk: Walk[Row]
    in_order: InOrder[Row]
    portions: list[Portion[Row]] = field(factory=list)
    ordered: list[Row] = field(factory=list)
    asks: list[Ask] = field(factory=list)
    answers: list[tuple[Ask, Answer[Row]]] = field(factory=list)
    withdrawn: int = 0
    is_cut_short: bool = False
    most_placed: int = 0

    @property
    def pages(self) -> list[int]:
        """The numbers of the pages that were asked for, one after the other."""
        return [ask.page for ask in self.asks]

    @property
    def received(self) -> int:
        """How many rows came, those included that were delivered already."""
        return sum(len(page.rows) for _, page in self.answers)

    @property
    def rows(self) -> list[Row]:
        return [row for portion in self.portions for row in portion.rows]

    def ask(self) -> Ask:
        """Take the next request of the walk, which must be one that both vendors understand."""
        ask = self.walk.next_ask()
        whole, part = self.walk.window, ask.window
        assert whole.asked_start <= part.asked_start <= part.asked_end <= whole.asked_end
        assert part.asked_start.microsecond == part.asked_end.microsecond == 0
        assert ask.page >= 1
        self.asks.append(ask)
        return ask

    def arrive(self, ask: Ask, page: Answer[Row]) -> None:
        self.answers.append((ask, page))
        self.take(self.walk.answer(ask, page))

    def withdraw(self, ask: Ask) -> None:
        self.withdrawn += 1
        self.take(self.walk.withdraw(ask))

    def give_up(self) -> None:
        self.is_cut_short = True
        self.take(self.walk.give_up())

    def take(self, portions: Sequence[Portion[Row]]) -> None:
        self.portions += portions
        for portion in portions:
            for ready in self.in_order.put(portion):
                self.ordered += ready.rows
        self.most_placed = max(self.most_placed, len(getattr(self.walk, "_seams", ())))


def walk_of(
    asked: Window,
    *,
    size: int = 50,
    consistency: Consistency = "count",
    has_ids: bool = True,
    concurrency: int = 8,
) -> tuple[Walk[Row], Course]:
    """Return a new walk over a window, and where its course will be noted."""
    walk: Walk[Row] = Walk(
        asked,
        page_size=size,
        started_at=attrgetter("started_at"),
        identity=attrgetter("name"),
        has_ids=has_ids,
        consistency=consistency,
        concurrency=concurrency,
    )
    return walk, Course(walk, InOrder(asked.owned.hi))


Drift = Callable[[Any, Random], None]


@define(kw_only=True)
class Traffic:
    """What happens to requests on their way; each of the shares is between 0 and 1.

    ``drift`` changes the list at a share ``busyness`` of all moments and tears a share
    ``tearing`` of all totals. A share ``loss`` of all answers is lost, a share ``withdrawal`` of
    all requests is dropped before it is read. After ``patience`` moments the walk is given up.
    """

    drift: Drift | None = None
    busyness: float = 0.5
    tearing: float = 0.0
    loss: float = 0.0
    withdrawal: float = 0.0
    patience: int | None = None
    open_asks: int = 16
    most_requests: int = 10_000
    sent: list[Ask] = field(factory=list, init=False)
    read: list[tuple[Ask, Answer[Row]]] = field(factory=list, init=False)

    def flow(self, vendor: Vendor | Any, course: Course, chance: Random) -> None:
        """Bring requests to the vendor and answers to the walk until that is finished."""
        moments = 0
        while not course.walk.is_finished:
            if moments == self.patience:
                course.give_up()
                return
            moments += 1
            if self.drift is not None and chance.random() < self.busyness:
                self.drift(vendor, chance)
            is_free = len(self.sent) + len(self.read) < self.open_asks
            choices = ["send"] * (course.walk.has_ask and is_free)
            choices += ["read"] * bool(self.sent) + ["arrive"] * bool(self.read)
            assert choices, "nothing is left to ask, and yet it is not finished"
            match chance.choice(choices):
                case "send":
                    self.sent.append(course.ask())
                    assert len(course.asks) <= self.most_requests, "it asks for ever"
                case "read":
                    self._read(vendor, course, chance)
                case _:
                    course.arrive(*self.read.pop(chance.randrange(len(self.read))))
        assert not self.sent, "it is finished, and yet requests are under way"
        assert not self.read, "it is finished, and yet answers are under way"

    def _read(self, vendor: Vendor | Any, course: Course, chance: Random) -> None:
        ask = self.sent.pop(chance.randrange(len(self.sent)))
        drift = self.drift
        if self.withdrawal and chance.random() < self.withdrawal:
            course.withdraw(ask)
        elif self.loss and chance.random() < self.loss:
            vendor.read(ask, is_told=False)
            self.sent.append(ask)
        elif drift is not None and self.tearing and chance.random() < self.tearing:
            self.read.append((ask, vendor.read(ask, tear=lambda: drift(vendor, chance))))
        else:
            self.read.append((ask, vendor.read(ask)))


def run(
    vendor: Vendor | Any,
    asked: Window,
    *,
    seed: int = 0,
    documented_size: int | None = None,
    consistency: Consistency = "count",
    start_cursor: int | None = None,
    **traffic: Any,
) -> Course:
    """Walk to the end; ``traffic`` as :class:`Traffic` takes it."""
    flow = Traffic(**traffic)
    _, course = walk_of(
        asked,
        size=vendor.size if documented_size is None else documented_size,
        consistency=consistency,
        has_ids=not getattr(vendor, "twins", 0),
        concurrency=flow.open_asks,
    )
    if start_cursor is not None:
        course.in_order = InOrder(start_cursor)
    flow.flow(vendor, course, Random(seed))
    return course
