"""Read a list that moves while it is read, without a network: the same figures on every machine.

The list is that of the fake vendors; the sockets, the engine and the records are left out. Chance
comes from a seed alone: it says which of the requests under way is read next, and which of the
answers that were read arrives next, so answers overtake each other on both ways.
"""

from collections.abc import Callable, Iterator
from operator import attrgetter
from random import Random
from typing import Protocol

from attrs import define, field, frozen

from asyncsessions.core.answer import Answer, Ask, Portion
from asyncsessions.core.tiles import Span
from asyncsessions.core.walk import Consistency, Walk
from asyncsessions.core.windows import Window, to_datetime
from asyncsessions.testing import Drift, DriftingReader, Listing, Order, Row

PAGE_SIZE = 50
CONCURRENCY = 8
SECOND_US = 1_000_000
BEGIN_US = 1_767_225_600 * SECOND_US  # 2026-01-01 UTC
LENGTH_S = 90 * 86_400


@define
class Vendor:
    """A vendor's list of `rows` rows within `length_s` seconds, and how it moves."""

    rows: int
    drift: Drift | None = None
    order: Order = "newest_first"
    seed: int = 0
    page_size: int = PAGE_SIZE
    length_s: int = LENGTH_S
    reads: int = 0
    listing: Listing = field(init=False)
    window: Window = field(init=False)
    _reader: DriftingReader = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Lay the rows out by chance, at least one second away from the ends."""
        first, last = to_datetime(BEGIN_US), to_datetime(BEGIN_US + self.length_s * SECOND_US)
        asked_us = Span(BEGIN_US, BEGIN_US + self.length_s * SECOND_US + 1)
        chance = Random(self.seed)  # noqa: S311 - seeded on purpose
        seconds = sorted(chance.sample(range(1, self.length_s), self.rows))
        instants = [BEGIN_US + second * SECOND_US for second in seconds]
        self.window = Window(asked_us, first, last)
        self.listing = Listing(
            instants, _no_content, order=self.order, page_size=self.page_size, seed=self.seed
        )
        self._reader = DriftingReader(self.listing, self.drift, first, last)

    def read(self, ask: Ask) -> Answer[Row]:
        """Answer one request in one atomic step, then let the list move."""
        self.reads += 1
        window = ask.window
        rows, total = self._reader.page(ask.page, window.asked_start, window.asked_end)
        return Answer(rows, [row.time for row in rows], total)


def _no_content(uid: int, instant: int) -> dict[str, object]:
    return {"uid": uid, "instant": instant}


@frozen
class Course:
    """What one reader made of one list.

    `lost` rows stood throughout and did not come, `doubled` rows came twice; `says_complete` is
    None where the reader has no word on it.
    """

    stood: int
    lost: int
    doubled: int
    requests: int
    says_complete: bool | None


Reader = Callable[[Vendor], Course]


class Answering(Protocol):
    """What answers requests; ``seed`` decides in which order."""

    @property
    def seed(self) -> int:
        """Decides the order."""
        ...

    def read(self, ask: Ask, /) -> Answer[Row]:
        """Answer one request in one atomic step."""
        ...


def overtaking(
    vendor: Answering, next_ask: Callable[[], Ask | None], concurrency: int = CONCURRENCY
) -> Iterator[tuple[Ask, Answer[Row]]]:
    """Send what `next_ask` returns, up to so many at a time, and yield the answers as they come.

    None means that there is nothing to send before another answer has come, or nothing any more.
    """
    chance = Random(vendor.seed)  # noqa: S311 - seeded on purpose
    sent: list[Ask] = []
    read: list[tuple[Ask, Answer[Row]]] = []
    while True:
        while len(sent) + len(read) < concurrency and (ask := next_ask()) is not None:
            sent.append(ask)
        if not sent and not read:
            return
        if sent and (not read or chance.random() < 0.5):
            ask = sent.pop(chance.randrange(len(sent)))
            read.append((ask, vendor.read(ask)))
        else:
            yield read.pop(chance.randrange(len(read)))


def walk_of(vendor: Vendor, consistency: Consistency) -> Walk[Row]:
    """Return a new walk over the whole list."""
    return Walk(
        vendor.window,
        page_size=vendor.page_size,
        started_at=attrgetter("time"),
        identity=attrgetter("uid"),
        consistency=consistency,
    )


def answers_of(
    vendor: Vendor, walk: Walk[Row], concurrency: int = CONCURRENCY
) -> Iterator[tuple[Ask, Answer[Row], list[Portion[Row]]]]:
    """Drive a walk to its end; yield each answer as it comes, and what it made deliverable."""

    def next_ask() -> Ask | None:
        return walk.next_ask() if walk.has_ask else None

    for ask, answer in overtaking(vendor, next_ask, concurrency):
        yield ask, answer, walk.answer(ask, answer)


def ours(consistency: Consistency) -> Reader:
    """Return the reader of this package at that level."""

    def read(vendor: Vendor) -> Course:
        walk = walk_of(vendor, consistency)
        came = [
            row.uid
            for _, _, portions in answers_of(vendor, walk)
            for portion in portions
            for row in portion.rows
        ]
        return _course(vendor, came, says_complete=walk.is_complete)

    return read


def side_by_side(vendor: Vendor) -> Course:
    """Read page 1, then all others under way together, as `asyncio.gather` does; no dedupe yet."""
    first = vendor.read(Ask(vendor.window, 1))
    pages = range(2, 1 - (-(first.total or 0) // vendor.page_size))
    asks = (Ask(vendor.window, number) for number in pages)
    came = [row.uid for row in first.rows]
    for _, answer in overtaking(vendor, lambda: next(asks, None)):
        came += [row.uid for row in answer.rows]
    return _course(vendor, list(set(came)), says_complete=None)


def one_by_one(vendor: Vendor) -> Course:
    """Read one page after the other up to the last, which may move too, and dedupe."""
    came: set[int] = set()
    number, pages = 0, 1
    while number < pages:
        number += 1
        answer = vendor.read(Ask(vendor.window, number))
        came.update(row.uid for row in answer.rows)
        pages = -(-(answer.total or 0) // vendor.page_size)
    return _course(vendor, list(came), says_complete=None)


def _course(vendor: Vendor, came: list[int], *, says_complete: bool | None) -> Course:
    stood = {row.uid for row in vendor.listing.standing_since(version=0)}
    return Course(
        stood=len(stood),
        lost=len(stood.difference(came)),
        doubled=len(came) - len(set(came)),
        requests=vendor.reads,
        says_complete=says_complete,
    )
