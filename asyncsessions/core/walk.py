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

from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Generic, Literal, TypeVar

from asyncsessions.core.answer import Answer, Ask, Portion, is_newest_first, place
from asyncsessions.core.seams import Seams
from asyncsessions.core.tiles import Span
from asyncsessions.core.windows import Window
from asyncsessions.errors import UnexpectedResponseError

__all__ = ["Consistency", "Walk"]

T = TypeVar("T")

Consistency = Literal["off", "count", "strict"]
"""What is trusted: page numbers (``off``), equal totals (``count``), or nothing (``strict``)."""


SHORTFALL = "the rows do not add up to the vendor's total"
MISTRUST = "strict trusts no totals, and the pages do not overlap"


class Walk(Generic[T]):
    """The sans-I/O machine of one window: ask it what to request, tell it what came.

    ``page_size`` is the vendor's documented rows a page; page 1 may prove it wrong.
    ``started_at`` reads the time of a row, ``identity`` what stays the same when a row is edited
    (twins share it).  The caller asks (:meth:`next_ask`), sends, and hands every answer over, in
    any order (:meth:`answer`).
    """

    def __init__(
        self,
        window: Window,
        *,
        page_size: int,
        started_at: Callable[[T], datetime],
        identity: Callable[[T], Hashable],
        consistency: Consistency = "count",
    ) -> None:
        self.window = window
        self.tag: int | None = None
        self.tag_changes = 0
        self.received = 0
        self.delivered = 0
        self.reasons: list[str] = []
        self.positional = consistency == "off"
        self.is_settled = False
        self.is_in_order = True
        self._consistency = consistency
        self._identity = identity
        self._size = page_size
        self._next_page = 1
        self._end: int | None = None  # the last page worth asking for; None until page 1 is read
        self._ceiling: int | None = None  # the first page that came without rows
        self._is_closed = False  # whether a page proved to close the list
        self._open: set[int] = set()
        self._pages_by_rows: dict[int, int] = {}
        self._seams = Seams(window, started_at=started_at, identity=identity)
        self._is_doubtful = False
        self._is_out_of_range = False

    # ------------------------------------------------------------------ asking

    @property
    def has_ask(self) -> bool:
        """Whether there is a request to send now.

        Page 1 goes alone, since it says how many pages there are; all others may follow at once.
        """
        return self._next_page == 1 or (self._end is not None and self._next_page <= self._end)

    def next_ask(self) -> Ask:
        """Return the next request to send; only valid while :attr:`has_ask`."""
        ask = Ask(self.window, self._next_page)
        self._open.add(ask.page)
        self._next_page += 1
        return ask

    def wants(self, ask: Ask) -> bool:
        """Whether an ask that was handed out is still worth sending."""
        return self._end is None or ask.page <= self._end

    def withdraw(self, ask: Ask) -> list[Portion[T]]:
        """Drop an ask that was never sent, and return what that made deliverable."""
        self._open.discard(ask.page)
        return self._finish([])

    @property
    def is_finished(self) -> bool:
        """Whether every request that was worth asking has been answered."""
        return not self._open and not self.has_ask

    # ------------------------------------------------------------------ the verdict

    @property
    def is_complete(self) -> bool:
        """Whether every owned instant is proven covered."""
        return self.is_finished and not self.unproven

    @property
    def unproven(self) -> list[Span]:
        """The instants that are not proven covered, newest first, neighbours melted together."""
        return [self.window.owned] if self._is_doubtful else self._seams.gaps.spans()[::-1]

    @property
    def missing_rows(self) -> int | None:
        """How many rows the vendor announced that have not come yet; ``None`` before page 1."""
        return None if self.tag is None else max(0, self.tag - self.received)

    @property
    def seam_rows(self) -> int:
        """How many owned rows wait in the open seams for a neighbouring page."""
        return self._seams.rows

    # ------------------------------------------------------------------ answers

    def answer(self, ask: Ask, answer: Answer[T]) -> list[Portion[T]]:
        """Take one answer and return the portions that it made deliverable, in no order.

        Raises :class:`UnexpectedResponseError` if the vendor sends one page under two numbers.
        """
        total = 0 if answer.total is None and ask.page == 1 else answer.total
        self._open.discard(ask.page)
        self.received += len(answer.rows)
        self._note_tag(total)
        self._note_range(answer)
        self._plan(ask.page, len(answer.rows))
        if not self.wants(ask):
            return self._finish([])
        self._refuse_repetition(ask.page, answer)
        if not is_newest_first(answer.times):
            self.is_in_order = False
            self.positional |= ask.page == 1
        closes = self._closes_list(ask.page, len(answer.rows), total)
        if closes:
            self._is_closed, self._end = True, ask.page
        read = self._by_position if self.positional else self._by_time
        return self._finish(read(ask.page, answer, closes))

    def _note_tag(self, total: int | None) -> None:
        if self._end is not None and total != self.tag:
            self.tag_changes += 1
            self._doubt("the vendor's total changed while pages were read")
        self.tag = self.tag if total is None else total

    def _note_range(self, answer: Answer[T]) -> None:
        window = self.window
        if answer.times and not (
            window.asked_start <= min(answer.times) and max(answer.times) <= window.asked_end
        ):
            self._is_out_of_range = True
            self._disbelieve("the vendor sent rows outside of the range that was asked for")

    def _disbelieve(self, reason: str) -> None:
        self._is_doubtful = True
        self._doubt(reason)

    def _doubt(self, reason: str) -> None:
        if reason not in self.reasons:
            self.reasons.append(reason)

    def _plan(self, page: int, count: int) -> None:
        """Decide from an answer which page numbers are worth asking for."""
        total = self.tag or 0
        if self._end is None and 0 < count < total:
            self._size = count  # a page that is not the last shows how many rows a page has
        end = max(1, self._end or 1, -(-total // self._size))
        if page == end and count >= self._size and self._rank(page, count) > total:
            end = page + 1  # the total is understated: look behind it
        if not count:
            self._ceiling = min(page, self._ceiling or page)
        if self._is_closed:
            end = self._end or end
        self._end = min(end, self._ceiling or end)

    def _refuse_repetition(self, page: int, answer: Answer[T]) -> None:
        count = len(answer.rows)
        if not count or self.tag_changes:
            return
        names = tuple(map(self._identity, answer.rows))
        known = self._pages_by_rows.setdefault(hash(names), page)
        # Twins, and nothing else, may fill several pages, up to the total.
        is_within = self._rank(page, count) <= (self.tag or 0)
        may_be_twins = count > 1 and len(set(names)) == 1 and is_within
        if known != page and not may_be_twins:
            raise UnexpectedResponseError(
                f"pages {known} and {page} hold the same rows: the page number is ignored"
            )

    def _rank(self, page: int, count: int) -> int:
        return (page - 1) * self._size + count

    def _closes_list(self, page: int, count: int, total: int | None) -> bool:
        """Whether this answer is the last page of the list, by its rank and its own tag."""
        if self._consistency == "off":
            return page == self._end
        is_short = count < self._size
        is_trusted = self._consistency == "count" and not self.tag_changes
        return self._rank(page, count) == total and (is_short or is_trusted)

    # ------------------------------------------------------------------ lists in time order

    def _by_time(self, number: int, answer: Answer[T], closes: bool) -> list[Portion[T]]:
        is_trusted = self._consistency == "count" and not self.tag_changes
        portions = self._seams.place(
            number,
            place(answer),
            closes=closes,
            trusted=self._size if is_trusted else None,
            is_one_list=self._is_one_list,
        )
        self._note_order()
        return portions

    @property
    def _is_one_list(self) -> bool:
        """Whether nothing hints at pages that were cut from different states of the list."""
        return not self.tag_changes and not self._is_out_of_range

    def _note_order(self) -> None:
        if self._seams.is_disordered:
            self.is_in_order = False
            self._disbelieve("the rows are not in time order, or changed while their total did not")

    # ------------------------------------------------------------------ lists in no order

    def _by_position(self, number: int, answer: Answer[T], closes: bool) -> list[Portion[T]]:
        if not closes and len(answer.rows) != self._size and self._consistency != "off":
            self._disbelieve(SHORTFALL)
        place_in_list = Span(-number * self._size, (1 - number) * self._size)
        rows = self._seams.clipped(answer.rows, self.window.owned)
        return [Portion(place_in_list, rows, timed=False)]

    # ------------------------------------------------------------------ the end

    def _finish(self, portions: list[Portion[T]]) -> list[Portion[T]]:
        """Count what goes out; once nothing is left to ask or await, settle what is open."""
        self.delivered += sum(len(portion.rows) for portion in portions)
        if not self.is_finished:
            return portions
        portions += self.give_up()
        if self.unproven and not self.reasons:
            is_mistrust = self._consistency == "strict" and self.received == self.tag
            self._doubt(MISTRUST if is_mistrust else SHORTFALL)
        return portions

    def give_up(self, *, before: int | None = None) -> list[Portion[T]]:
        """Settle every open seam as it is and return the rows that were held back for it.

        With ``before`` only the pages above that number count, as if the list ended there.
        """
        self.is_settled = True
        if self.positional:
            is_moved = self._consistency != "off" and self.tag_changes > 0
            is_short = not self.tag_changes and self.received != self.tag
            self._is_doubtful |= is_moved or is_short or not self._is_closed
            return []
        portions = self._seams.give_up(before=before, is_one_list=self._is_one_list)
        self._note_order()
        self.delivered += sum(len(portion.rows) for portion in portions)
        return portions
