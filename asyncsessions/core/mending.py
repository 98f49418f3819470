"""Read ranges of time so that no total and no page number has to be trusted.

A *gap* is asked as a range of its own.  If the answer holds fewer rows than a page, it holds all
there are and covers the range.  Otherwise, newest rows first, it covers the range down to its last
instant, and the rest is asked next, that instant included (keyset by time).  Long ranges are cut
into pieces that are read side by side; an answer's total says how many rows are left, and its
times how far they may reach, which decides what pieces are worth it, and nothing else.

Rows in no order cover nothing, however many there are; then a range is cut, along the times that
were seen, until each piece fits into a page.  What cannot be cut because it lies within one second
is a :class:`Crowd`.

A range is *waiting* → *asked* → covered, or replaced by what is left of it.  What is left when the
requests run out is *left*: delivered as far as it is known, and unproven.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from heapq import heapify, heappop, heappush
from itertools import count
from math import isqrt
from typing import Any, Generic, TypeVar

from attrs import define, evolve, field

from asyncsessions.core.answer import (
    Answer,
    Ask,
    Portion,
    TimeOrder,
    is_newest_first,
    time_order,
)
from asyncsessions.core.budget import Budget
from asyncsessions.core.cover import Cover
from asyncsessions.core.crowd import Crowd
from asyncsessions.core.ranges import (
    asked_range,
    cut,
    cut_by_samples,
    split_around,
    split_bottom,
    split_top,
)
from asyncsessions.core.tiles import Span
from asyncsessions.core.windows import to_micros

__all__ = ["EXHAUSTED", "Mending"]

T = TypeVar("T")

LONG_PAGES = 15
"""A range of more pages than this is cut."""
PIECE_PAGES = 8
"""A piece has at least so many pages: each ends with a page that is half empty on average."""
FILL = 0.75
"""How full a page shall be that has to hold all rows of a piece."""
SAMPLES_A_PIECE = 2
"""Rows in no order: with fewer times seen for each piece, fewer and longer ones are cut first."""

EXHAUSTED = "the list changed faster than it could be read again"
CROWDED = "the rows of one second changed whenever they were read"
TWINNED = "equal rows of one second came on two pages, as one row that moves would"


@define(eq=False)
class Range(Generic[T]):
    """Instants to be covered below page ``place``, and rows that are known to lie there."""

    span: Span
    place: int
    parts: Sequence[Sequence[T]] = field(factory=tuple, repr=False)
    crowd: Crowd[T] | None = None
    was_empty: bool = False


class Mending(Generic[T]):
    """The ranges of one window that are still to be read, newest first.

    ``concurrency`` is into how many pieces a long range is cut at a time.  ``has_begun``: there was
    any range to be read.  ``is_overstated``: totals announce rows that are not there.
    """

    def __init__(
        self, cover: Cover[T], *, size: int, is_strict: bool, has_ids: bool, concurrency: int
    ) -> None:
        self.size = size
        self.budget = Budget()
        self.has_begun = False
        self._has_covered = False
        self._most_found = 0
        self.is_overstated = False
        self._has_fewer = False  # whether an answer held less than a page, though there were more
        self.reasons: list[str] = []
        self._cover = cover
        self._is_strict = is_strict
        self._has_ids = has_ids
        self._concurrency = concurrency
        self._order: TimeOrder | None = None  # not known yet
        self._waiting: list[tuple[int, int, Range[T]]] = []
        self._open: dict[int, Range[T]] = {}
        self._serials = count(1)

    def add(self, span: Span, place: int, parts: Sequence[Sequence[T]] = ()) -> None:
        """Have a range read; ``parts`` are rows of it that came already, each of one answer."""
        self._put(Range(span, place, parts))

    def _put(self, piece: Range[T]) -> None:
        self.has_begun = True
        if self._cover.is_free(piece.span):
            heappush(self._waiting, (-piece.span.hi, next(self._serials), piece))

    # ------------------------------------------------------------------ asking

    @property
    def has_ask(self) -> bool:
        """Whether there is a range to ask for now.

        Rows of one second that change all the time are read with nothing else under way.
        """
        if not self._waiting or any(map(_is_restless, self._open.values())):
            return False
        while self._waiting and not self._cover.is_free(self._waiting[0][2].span):
            heappop(self._waiting)  # what was asked for a neighbour covered it
        return any(self._is_worth_it(piece) for *_, piece in self._waiting)

    def _is_worth_it(self, piece: Range[T]) -> bool:
        is_range = piece.crowd is None
        allows = self.budget.allows_range if is_range else self.budget.allows_crowd
        return (
            allows(size=self.full_page)
            and self._cover.is_free(piece.span)
            and not self._is_held(piece)
        )

    def _is_held(self, piece: Range[T]) -> bool:
        """Whether another part of the same second is being read, which covers this one as well."""
        if piece.crowd is None or piece.crowd.has_begun:
            return False
        second = _second(piece)
        return any(map(_has_begun, self._parts_of(second))) or any(
            other.crowd is not None and _second(other) == second for other in self._open.values()
        )

    def _parts_of(self, second: Span) -> list[Range[T]]:
        """Return what waits to be read page by page in a second."""
        crowds = (piece for _, _, piece in self._waiting if piece.crowd is not None)
        return [piece for piece in crowds if _second(piece) == second]

    @property
    def is_in_order(self) -> bool:
        """Whether all answers held their rows newest first."""
        return self._order in {None, "newest first"}

    @property
    def is_disordered(self) -> bool:
        """Whether time was covered on the strength of an order that the list does not have."""
        return self._order == "none" and self._has_covered

    @property
    def is_idle(self) -> bool:
        """Whether no answer is awaited."""
        return not self._open

    def next_ask(self) -> Ask:
        """Return the request for the newest range; only valid while :attr:`has_ask`."""
        passed_by: list[tuple[int, int, Range[T]]] = []
        while not self._is_worth_it(self._waiting[0][2]):
            passed_by.append(heappop(self._waiting))
        piece = heappop(self._waiting)[2]
        for entry in passed_by:
            heappush(self._waiting, entry)
        serial = next(self._serials)
        self._open[serial] = piece
        page = 1 if piece.crowd is None else piece.crowd.page
        return Ask(asked_range(piece.span), page, serial, piece.place)

    @property
    def _crowds(self) -> list[Crowd[T]]:
        pieces = (*(piece for _, _, piece in self._waiting), *self._open.values())
        return [piece.crowd for piece in pieces if piece.crowd is not None]

    def pause(self) -> None:
        """Note that totals told before prove nothing about those told from now on."""
        for crowd in self._crowds:
            crowd.pause()

    def distrust(self) -> None:
        """Note that totals prove nothing any more, those of single seconds included."""
        self._is_strict = True
        for crowd in self._crowds:
            crowd.distrust()

    def withdraw(self, ask: Ask) -> None:
        """Put a range back that was not asked for after all."""
        self.budget.withdrawn += 1
        self._put(self._open.pop(ask.serial))

    # ------------------------------------------------------------------ answers

    def answer(self, ask: Ask, answer: Answer[T]) -> list[Portion[T]]:
        """Take one answer and return what it covers."""
        piece = self._open.pop(ask.serial)
        if piece.crowd is not None:
            return self._take_of_crowd(piece, piece.crowd, ask, answer)
        self.budget.ranges += 1
        found, total = len(answer.rows), answer.total or 0
        self._note_order(answer.times)
        self._most_found = max(self._most_found, found)
        self._has_fewer |= 0 < found < min(self.size, total)
        if found < self.full_page and total <= found:
            return self._claim(answer, ask.window.asked)
        if not found:
            return self._ask_again(piece)
        if self._order is None:
            return self._isolate(piece, answer)
        if self._order == "none":
            return self._sample(piece, answer)
        return self._advance(piece, answer, asked=ask.window.asked)

    @property
    def full_page(self) -> int:
        """How many rows a page has of which there are more: perhaps less than documented."""
        return min(self.size, self._most_found) if self._has_fewer else self.size

    def _ask_again(self, piece: Range[T]) -> list[Portion[T]]:
        """Believe an answer without rows that announces some, if it comes twice."""
        if piece.was_empty:
            self.is_overstated = True
            return self._cover.claim(piece.span, ())
        self._put(evolve(piece, was_empty=True))
        return []

    def _note_order(self, times: Sequence[datetime]) -> None:
        """Learn the order of the list, which is none where two answers have two orders."""
        found = time_order(times)
        if found is not None:
            self._order = found if self._order in {None, found} else "none"

    def _claim(self, answer: Answer[T], span: Span) -> list[Portion[T]]:
        return self._cover.claim(span, self._cover.within(answer, span))

    def _advance(self, piece: Range[T], answer: Answer[T], *, asked: Span) -> list[Portion[T]]:
        """Cover a range as far as an answer reaches, and have the rest read."""
        self._has_covered = True
        span, last = piece.span, to_micros(answer.times[-1])
        is_from_top = self._order == "newest first"
        if is_from_top:
            covered, rest = Span(last + 1, asked.hi), Span(span.lo, last + 1) & span
        else:
            covered, rest = Span(asked.lo, last), Span(last, span.hi) & span
        portions = self._claim(answer, covered)
        left = evolve(piece, span=rest, parts=(self._cover.within(answer, rest),))
        if asked_range(rest).asked == asked:
            self._read_crowd(left, *(split_top(rest) if is_from_top else split_bottom(rest)))
        else:
            self._cut(left, answer, is_from_top=is_from_top)
        return portions

    def _cut(self, piece: Range[T], answer: Answer[T], *, is_from_top: bool) -> None:
        """Have the rest of a range read, in pieces if it is long.

        The rows lie as far as they would if they were as dense as at the end of the answer.
        """
        times, is_short = answer.times, len(answer.rows) < self.full_page
        rows = 0 if is_short else (answer.total or 0) - len(answer.rows)
        half = len(times) // 2
        stretch = abs(to_micros(times[half]) - to_micros(times[-1]))
        extent = stretch * rows // (len(times) - half)
        pieces = self._pieces(rows / self.full_page)
        spans = cut(piece.span, pieces, extent=extent, is_from_top=is_from_top)
        self._replace(piece, spans if pieces > 1 else [piece.span])

    def add_sampled(self, span: Span, times: Sequence[datetime], total: int) -> None:
        """Have a range read of which some times were seen, in an order other than newest first."""
        if is_newest_first(times[: self.full_page][::-1]):
            self._order = "oldest first"
            pieces, extent = self._pieces(total / self.full_page), span.hi - span.lo
            spans = cut(span, pieces, extent=extent, is_from_top=False)
            self._replace(Range(span, 0), spans)
        else:
            self._order = "none"
            self._cut_by_samples(Range(span, 0), times, total)

    def _pieces(self, pages: float) -> int:
        """Return into how many pieces a range of so many pages is cut."""
        return min(self._concurrency, round(pages / PIECE_PAGES)) if pages > LONG_PAGES else 1

    def _sample(self, piece: Range[T], answer: Answer[T]) -> list[Portion[T]]:
        left = evolve(piece, parts=(*piece.parts, answer.rows))
        self._cut_by_samples(left, answer.times, answer.total or 0)
        return []

    def _cut_by_samples(self, piece: Range[T], times: Sequence[datetime], total: int) -> None:
        """Cut a range into pieces that hold less than a page each, as far as can be told."""
        pieces = max(2, round(total / (FILL * self.full_page)))
        if len(times) < SAMPLES_A_PIECE * pieces:
            pieces = isqrt(pieces) + 1  # long ones, each of which is a better sample of itself
        spans = cut_by_samples(piece.span, times, pieces)
        if len(spans) > 1:
            self._replace(piece, spans)
        else:
            self._read_crowd(piece, *split_top(piece.span))

    def _replace(self, piece: Range[T], spans: Sequence[Span]) -> None:
        for span in spans:
            parts = [self._cover.clipped(part, span) for part in piece.parts]
            self._put(Range(span, piece.place, parts))

    def _isolate(self, piece: Range[T], answer: Answer[T]) -> list[Portion[T]]:
        """Read the only instant of an answer by page number, since it does not tell the order."""
        newer, around, older = split_around(piece.span, to_micros(answer.times[0]))
        self._read_crowd(evolve(piece, parts=(*piece.parts, answer.rows)), around, newer, older)
        return []

    def _read_crowd(self, piece: Range[T], second: Span, *beyond: Span) -> None:
        """Read one second of a range by page number, and what lies beyond as before."""
        crowd = Crowd[T](
            size=self.full_page,
            is_strict=self._is_strict,
            has_ids=self._has_ids,
            identity=self._cover.identity,
        )
        self._put(Range(second, piece.place, piece.parts, crowd))
        self._replace(piece, [span for span in beyond if span])

    def _take_of_crowd(
        self, piece: Range[T], crowd: Crowd[T], ask: Ask, answer: Answer[T]
    ) -> list[Portion[T]]:
        pages_before = crowd.most_pages
        self.budget.repeated_pages += crowd.is_restless
        crowd.take(answer, heeds_totals=not self.is_overstated)
        self.budget.crowded_pages += crowd.most_pages - pages_before
        if not crowd.is_over and self._may_go_on(crowd):
            self._put(piece)
            return []
        if crowd.is_proven:
            self.is_overstated |= crowd.announces_more
            second = ask.window.asked
            rows = self._cover.newest_first(self._cover.clipped(crowd.rows, second))
            return self._cover.claim(second, rows)
        reason = self._why_not(crowd)
        if reason not in self.reasons:
            self.reasons.append(reason)
        # The other parts of the second would be read no better.
        parts = self._parts_of(ask.window.asked)
        self._waiting = [entry for entry in self._waiting if entry[2] not in parts]
        heapify(self._waiting)
        portions: list[Portion[T]] = []
        for part in (piece, *parts):
            portions += self._cover.leave(part.span, (*part.parts, *crowd.known))
        return portions

    def _may_go_on(self, crowd: Crowd[T]) -> bool:
        if crowd.is_restless:
            return self.budget.allows_repetition(size=self.full_page)
        return self.budget.allows_page(crowd.page, size=self.full_page)

    def _why_not(self, crowd: Crowd[T]) -> str:
        if not (crowd.is_over or crowd.is_restless):
            return EXHAUSTED
        return CROWDED if self._has_ids or crowd.are_apart else TWINNED

    # ------------------------------------------------------------------ the end

    @property
    def is_exhausted(self) -> bool:
        """Whether there is a range that is not worth asking for any more, and not covered."""
        return any(self._cover.is_free(piece.span) for *_, piece in self._waiting)

    def leave_waiting(self) -> list[Portion[T]]:
        """Give up every range that is not asked for yet; why is known already."""
        waiting, self._waiting = sorted(self._waiting), []
        return self._leave(piece for *_, piece in waiting)

    def leave_all(self, *, before: tuple[int, int] | None = None) -> list[Portion[T]]:
        """Give up every range, or only those down to an ask's position and drop the others."""
        pieces = [piece for *_, piece in sorted(self._waiting)] + list(self._open.values())
        self._waiting.clear()
        self._open.clear()
        return self._leave(
            piece for piece in pieces if before is None or _position(piece) <= before
        )

    def _leave(self, pieces: Iterable[Range[T]]) -> list[Portion[T]]:
        portions: list[Portion[T]] = []
        for piece in pieces:
            known = () if piece.crowd is None else piece.crowd.known
            portions += self._cover.leave(piece.span, (*piece.parts, *known))
        return portions


def _position(piece: Range[Any]) -> tuple[int, int]:
    return piece.place, -to_micros(asked_range(piece.span).asked_end)


def _second(piece: Range[Any]) -> Span:
    return asked_range(piece.span).asked


def _has_begun(piece: Range[Any]) -> bool:
    return piece.crowd is not None and piece.crowd.has_begun


def _is_restless(piece: Range[Any]) -> bool:
    return piece.crowd is not None and piece.crowd.is_restless
