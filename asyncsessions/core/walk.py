r"""The walk: how the pages of one window become all of its rows, each once, or a named gap.

**The problem.**  The vendors number pages of a list that moves.  While page 7 is read a row is
inserted above it, and the last row of page 7 becomes the first of page 8, where it is read again;
a row is deleted, and the first row of page 8 slips onto page 7, where nobody looks any more.
Reading pages side by side makes it worse, and removing duplicates cannot bring back a lost row.

**What one answer proves.**  An answer is one atomic read, newest rows first.  Whatever happens to
the list before and after, at that moment it holds *all* rows strictly between its last and its
first instant.  That open interval is the page's *inner span*: a tile that no later answer can
dispute.  Of its first and its last instant it may hold only a part: the *seams*.

**What two answers prove.**  Let page p end at instant b and page p+1 begin at instant a <= b.
If both were cut from the same state of the list, they are neighbours in it: nothing lies between,
and the rows of the instants a..b are exactly the tail of p and the head of p+1.  Every answer
carries the list's total, its *tag*; rule (a) trusts neighbours as long as every tag of the window
was the same.  If a > b the pages overlap in time and need no trust: the instant a lies inside
p, the instant b inside p+1.  Otherwise the seam is a *gap*.

**What equal tags do not prove.**  An insert and a delete between two answers cancel, and so does
one change between the rows of an answer and its own count: ``count`` is deceived by both,
``strict``, which trusts no tag, by neither.  Where the tags are equal and pages overlap all the
same, either that has happened or the list is not in time order: the whole window is unproven.

**The ends.**  Page 1 begins the list by definition, so the seam above it is closed.  A page closes
the list when its rank says so: ``(p - 1) * size + rows == tag``.  Whatever the tag says, nothing
is asked beyond a page without rows, and no page may come twice under two numbers.

Seen this way the list is a chain of pages and seams, of which :mod:`asyncsessions.core.seams`
keeps the books; here is decided what to ask, what to trust and what is proven.

**Laws** (tests/core/test_walk*.py): portions never overlap; together they tile the owned window;
where nothing moves, the rows delivered are the rows of the list and the requests are
``max(1, ceil(n / size))``; a window with a gap is never called complete.

A list that is not in time order on page 1 covers no time at all; it is read by position, complete
if all tags agree and the rows add up, unproven as a whole otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from datetime import datetime
from typing import Generic, Literal, TypeVar

from asyncsessions.core.answer import Answer, Ask, Portion, is_newest_first, place
from asyncsessions.core.cover import Cover
from asyncsessions.core.mending import Mending
from asyncsessions.core.paging import Paging
from asyncsessions.core.seams import Seams
from asyncsessions.core.tags import Tags
from asyncsessions.core.tiles import Span
from asyncsessions.core.windows import Window

__all__ = ["Consistency", "Walk"]

T = TypeVar("T")

Consistency = Literal["off", "count", "strict"]
"""What is trusted: page numbers (``off``), equal totals (``count``), or nothing (``strict``)."""

BUDGET_FACTOR = 4
BUDGET_FLOOR = 40
"""A window may take so many requests, and the factor for each page of rows that came of it."""
BUDGET_GROWTH = 8
"""A list that grows to so many times what its first total announced is not run after for ever."""

SHORTFALL = "the rows do not add up to the vendor's total"
EXHAUSTED = "the list changed faster than it could be read again"
STRAY = "the vendor sent rows outside of the range that was asked for"
DISORDER = "the rows are not in time order, or changed while their total did not"


class Walk(Generic[T]):
    """The sans-I/O machine of one window: ask it what to request, tell it what came.

    ``page_size`` is the vendor's documented rows a page; page 1 may prove it wrong.
    ``started_at`` reads the time of a row, ``identity`` what stays the same when a row is edited;
    ``has_ids``: no two rows share it, else twins do.  ``concurrency`` is how many requests the
    caller keeps open.  The caller asks (:meth:`next_ask`), sends, and hands every answer over, in
    any order (:meth:`answer`).
    """

    def __init__(
        self,
        window: Window,
        *,
        page_size: int,
        started_at: Callable[[T], datetime],
        identity: Callable[[T], Hashable],
        has_ids: bool = True,
        consistency: Consistency = "count",
        concurrency: int = 8,
    ) -> None:
        self.window = window
        self.tag: int | None = None
        self.received = 0
        self.delivered = 0
        self.positional = consistency == "off"
        self.is_settled = False
        self.is_in_order = True
        self._reasons: list[str] = []
        self._consistency = consistency
        self._has_ids = has_ids
        self._asks = 0
        self._first_pages = 0  # how many the first total announced
        self._is_doubtful = False
        self._twins: list[T] = []  # rows by position that may have come before
        self._sampled: list[datetime] | None = None  # times seen in a list without order by time
        self._cover = Cover[T](window, started_at=started_at, identity=identity)
        self._tags = Tags()
        self._pages = Paging(page_size)
        self._seams = Seams[T](window, self._cover, has_ids=has_ids)
        self._mending = Mending[T](
            self._cover,
            size=page_size,
            is_strict=consistency == "strict",
            has_ids=has_ids,
            concurrency=concurrency,
        )
        if consistency == "strict":
            self._pages.stop()
            self._mending.add(window.asked, 0)

    # ------------------------------------------------------------------ asking

    @property
    def has_ask(self) -> bool:
        """Whether there is a request to send now."""
        return self._pages.has_next or (self._mending.has_ask and self._is_within_budget)

    @property
    def _is_within_budget(self) -> bool:
        most = BUDGET_GROWTH * (self._first_pages + 1)
        pages = min(self.delivered // self._pages.size + self._mending.crowded_pages, most)
        return self._asks < BUDGET_FLOOR + BUDGET_FACTOR * pages

    def next_ask(self) -> Ask:
        """Return the next request to send; only valid while :attr:`has_ask`.

        Ranges come first: rows wait for them.
        """
        is_range = self._mending.has_ask and self._is_within_budget
        self._asks += 1
        if is_range:
            return self._mending.next_ask()
        ask = Ask(self.window, self._pages.next())
        self._tags.sent(ask.page)
        return ask

    def wants(self, ask: Ask) -> bool:
        """Whether an ask that was handed out is still worth sending."""
        return bool(ask.serial) or self._pages.wants(ask.page)

    def withdraw(self, ask: Ask) -> list[Portion[T]]:
        """Drop an ask that was never sent, and return what that made deliverable."""
        if ask.serial:
            self._mending.withdraw(ask)
        else:
            self._pages.open.discard(ask.page)
            self._tags.withdrawn(ask.page)
            if self._pages.wants(ask.page) and not self.positional:
                self._seams.place(ask.page, place(Answer((), (), None)), None, closes=False)
        return self._finish([])

    @property
    def is_finished(self) -> bool:
        """Whether every request that was worth asking has been answered."""
        return not self._pages.open and self._mending.is_idle and not self.has_ask

    # ------------------------------------------------------------------ the verdict

    @property
    def is_complete(self) -> bool:
        """Whether every owned instant is proven covered."""
        return self.is_finished and not self.unproven

    @property
    def unproven(self) -> list[Span]:
        """The instants that are not proven covered, newest first, neighbours melted together."""
        return [self.window.owned] if self._is_doubtful else self._cover.unproven.spans()[::-1]

    @property
    def reasons(self) -> list[str]:
        """Why something is unproven, in the order in which that was noticed."""
        return [*dict.fromkeys([*self._reasons, *self._mending.reasons])]

    @property
    def tag_changes(self) -> int:
        """How often the total changed while page numbers were read."""
        return self._tags.changes

    @property
    def is_overstated(self) -> bool:
        """Whether the total that stood throughout is more than the rows that ever came."""
        return not self.tag_changes and self.received < (self.tag or 0)

    @property
    def seam_rows(self) -> int:
        """How many owned rows wait in the open seams for a neighbouring page."""
        return self._seams.rows

    def floor(self, ask: Ask) -> int:
        """Return down to which instant (or place, in a list by position) rows precede an answer."""
        if self.positional:
            return (1 - ask.page) * self._pages.size
        return ask.window.asked.hi if ask.serial else self._seams.floor(ask.page)

    # ------------------------------------------------------------------ answers

    def answer(self, ask: Ask, answer: Answer[T]) -> list[Portion[T]]:
        """Take one answer and return the portions that it made deliverable, in no order.

        Raises :class:`UnexpectedResponseError` if the vendor sends one page under two numbers.
        """
        self.received += len(answer.rows)
        self._note_range(ask, answer)
        if not ask.serial:
            return self._finish(self._take_page(ask.page, answer))
        if self.tag is None:
            self.tag = answer.total or 0
            self._first_pages = self.tag // self._pages.size
        portions = self._mending.answer(ask, answer)
        self._note_order(is_in_order=self._mending.is_in_order)
        return self._finish(portions)

    def _take_page(self, page: int, answer: Answer[T]) -> list[Portion[T]]:
        count = len(answer.rows)
        total = 0 if answer.total is None and page == 1 else answer.total
        reading = self._tags.received(page, total)
        if self.tag is None:
            self._first_pages = (total or 0) // self._pages.size
        self.tag = self.tag if total is None else total
        self._pages.read(page, count, self.tag or 0)
        self._mending.size = self._pages.size
        if not self._pages.wants(page):
            return []
        if self._tags.are_believed and not self._tags.changes:
            names = [*map(self._cover.identity, answer.rows)]
            self._pages.refuse_repetition(page, names, self.tag or 0)
        if count and self._pages.rank(page, count) > (total or 0):
            self._tags.expose()  # more rows than there are said to be
        is_last = self._closes_list(page, count, total)
        if is_last:
            self._pages.close(page)
        if page == 1 and not is_newest_first(answer.times):
            self.positional = True
            self._sampled = []
        if self.positional:
            return self._by_position(page, answer, is_last=is_last)
        self.is_in_order = self.is_in_order and is_newest_first(answer.times)
        portions = self._seams.place(page, place(answer), reading, closes=is_last)
        return portions + self._settle()

    def _note_range(self, ask: Ask, answer: Answer[T]) -> None:
        asked, times = ask.window, answer.times
        if times and not (asked.asked_start <= min(times) and max(times) <= asked.asked_end):
            self._disbelieve(STRAY)

    def _note_order(self, *, is_in_order: bool) -> None:
        """Take notice of rows that are not newest first, after others were believed to be."""
        self.is_in_order = self.is_in_order and is_in_order
        if self._mending.is_disordered or (not is_in_order and self._seams.has_covered):
            self._disbelieve(DISORDER)

    def _disbelieve(self, reason: str) -> None:
        self._is_doubtful = True
        self._doubt(reason)

    def _doubt(self, reason: str) -> None:
        if reason not in self._reasons:
            self._reasons.append(reason)

    def _closes_list(self, page: int, count: int, total: int | None) -> bool:
        """Whether this answer is the last page of the list, by its rank and its own tag."""
        if self._consistency == "off":
            return page == self._pages.end
        is_trusted = self._tags.are_believed or count < self._pages.size
        return self._pages.rank(page, count) == total and is_trusted

    # ------------------------------------------------------------------ lists in time order

    def _settle(self) -> list[Portion[T]]:
        """Join the neighbours that may be trusted; what may not be is read as a range."""
        if not self._tags.are_believed:
            self._pages.stop()
        if self._pages.is_over:
            self._tags.end(adds_up=self._pages.is_closed)
            self._seams.end((self._pages.end or 0) + 1)
        portions, gaps = self._seams.settle(
            self._tags.verdict, size=self._pages.size, has_moved=self._tags.changes > 0
        )
        for gap in gaps:
            self._mending.add(gap.span, gap.place, gap.parts)
        if self._seams.is_disordered:
            self._note_order(is_in_order=False)
        if self._seams.is_shifted and self._tags.are_believed:
            self._tags.expose()
            portions += self._settle()
        return portions

    # ------------------------------------------------------------------ lists in no order

    def _by_position(self, page: int, answer: Answer[T], *, is_last: bool) -> list[Portion[T]]:
        """Deliver a page as it comes, as long as nothing hints at a list that moves."""
        self.is_in_order = self.is_in_order and is_newest_first(answer.times)
        size = self._pages.size
        place_in_list = Span(-page * size, (1 - page) * size)
        rows = self._cover.owned(answer.rows)
        if self._consistency == "count":
            is_short = len(answer.rows) != size and not is_last
            if self._sampled is not None:
                self._sampled += answer.times
                if is_short or self._has_moved(rows):
                    self._leave_positions()
            # A row that came before is a twin, or the same row that has moved: that is not known
            # before the end, and never if rows have ids.
            self._twins += [row for row in rows if self._cover.has_given(row)]
            rows = self._cover.not_given(rows, free=self._sampled is None)
            self._cover.give(rows)
        return [Portion(place_in_list, rows, timed=False)]

    def _has_moved(self, rows: Iterable[T]) -> bool:
        is_seen = self._has_ids and any(map(self._cover.has_given, rows))
        return is_seen or self._tags.changes > 0 or not self._tags.are_believed

    def _end_positions(self) -> list[Portion[T]]:
        """Let the twins follow if the rows add up, so that they are twins, else read ranges."""
        if not self._adds_up:
            self._leave_positions()
        if not self._twins:
            return []
        end, size = self._pages.end or 0, self._pages.size
        twins, self._twins = self._twins, []
        return [Portion(Span(-(end + 1) * size, -end * size), twins, timed=False)]

    def _leave_positions(self) -> None:
        """Read ranges instead, short enough for one answer each."""
        self._twins.clear()
        if self._sampled is not None:
            self._pages.stop()
            self._mending.add_sampled(self.window.asked, self._sampled, self.tag or 0)
            self._sampled = None

    # ------------------------------------------------------------------ the end

    def _finish(self, portions: list[Portion[T]]) -> list[Portion[T]]:
        """Count what goes out; once nothing is left to ask or await, settle what is open."""
        if self._pages.is_over and not self.is_settled:
            if self._sampled is not None:
                portions += self._end_positions()
            elif not self.positional and self._consistency == "count":
                portions += self._settle()
        if self._is_doubtful:
            portions += self._mending.leave_all(None)
        self.delivered += sum(len(portion.rows) for portion in portions)
        if self.is_finished and not self.is_settled:
            portions += self.give_up(reason=EXHAUSTED if self._mending.has_ask else SHORTFALL)
        return portions

    @property
    def _adds_up(self) -> bool:
        has_changed = self._consistency == "off" and self._tags.changes > 0
        return self._pages.is_closed and (self.received == self.tag or has_changed)

    def give_up(self, *, before: Ask | None = None, reason: str | None = None) -> list[Portion[T]]:
        """Settle every open seam as it is and return the rows that were held back for it.

        With ``before`` only what precedes its answer counts, as if the list ended there.
        ``reason`` says why there are unproven instants, if there are; ``None`` = told elsewhere.
        """
        self.is_settled = True
        if self._sampled is not None or self._consistency == "off":
            self._is_doubtful |= not self._adds_up
            portions = []
        else:
            page = None if before is None else before.place + 1 if before.serial else before.page
            portions = self._mending.leave_all(
                None, before=None if before is None else before.position
            )
            portions += self._seams.give_up(before=page)
        if self.unproven and not self.reasons and reason is not None:
            self._doubt(reason)
        self.delivered += sum(len(portion.rows) for portion in portions)
        return portions
