r"""The walk: how the answers of one window become all of its rows, each once, or a named gap.

**The problem.**  The vendors number pages of a list that moves.  While page 7 is read a row is
inserted above it, and the last row of page 7 becomes the first of page 8, where it is read again;
a row is deleted, and the first row of page 8 slips onto page 7, where nobody looks any more.
Reading pages side by side makes it worse, and removing duplicates cannot bring back a lost row.

**Cover, not dedupe.**  An answer is one atomic read, newest rows first.  Whatever happens to the
list before and after, at that moment it holds *all* rows strictly between its first and its last
instant: they are a *tile* that no other answer can dispute (:mod:`asyncsessions.core.tiles`).  A
window is complete when tiles cover it; an instant belongs to the first tile that reaches it, and
the rows of an answer are clipped to what it owns.  Nothing has to be remembered of a row, so twins
and edited rows need no thought, and a row is lost only where no tile lies, which is said.

::

    newer ◄───────────────────── time ─────────────────────► older
    page 1   ├───────────┤
    page 2                ╎├──────────┤               ╎  a seam: closed if tags prove it,
    page 3                             ╎├────────┤       else a gap,
    range                             ├─┤                which is asked by time

**Seams.**  What lies between the last instant of page p and the first of page p+1 is known only if
the two are neighbours in the list.  Pages that overlap in time need not be.  For all others the
totals decide, the *tags* (:mod:`asyncsessions.core.tags`):

a. All tags are equal and the rows add up: neighbours are trusted, no further request is needed.
b. The tag changed once: neighbours are trusted on either side of the change, where nobody told
   another tag in between and somebody told the same afterwards.
c. It changed again, or pages contradict their equal tags: no tag is believed any more, and no
   further page number is asked for.

**Gaps** (:mod:`asyncsessions.core.mending`).  Whatever is not trusted is read by time:

d. A gap, ends included, is asked as a range; an answer that is not full covers it, a full one
   covers it down to its last instant, and the rest is asked next.  Long ranges are cut.
e. Rows in no order cover nothing unless they are all there are; ranges are cut until they fit.
f. More than a page within one second is read page by page until it holds still
   (:mod:`asyncsessions.core.crowd`).

**Levels.**  ``count`` is (a) to (f).  ``strict`` believes no tag at all: the whole window is a gap
from the start, (d) to (f).  ``off`` believes page numbers.

**What can deceive it.**  ``strict``: nothing, if answers are atomic reads, lists are sorted as
their answers are, rows keep their start, and pages are as long as documented or their totals tell
of more rows.  ``count``: changes that cancel between two equal totals, if nobody whose answer was
waited for told another one; a change between the very last total and its rows; a total so much too
small that it leaves out a page.  Pages that are not equally long, but for the last, are noticed
unless they are so at each look, or rows without ids add up.  The budget bounds what is asked
(:mod:`asyncsessions.core.budget`); what it leaves open is unproven.

**States.**  *Paging* (page 1, then all others) → *mending* → *settled*; ``strict`` begins with
mending, a list in another order than time may stay with its positions
(:mod:`asyncsessions.core.positions`).

**Laws** (tests/core/test_walk_laws.py).  Portions never overlap, and together with what is unproven
they fill the window; no row that stood throughout is missing from the proven, none comes twice;
where nothing moves the requests of ``count`` are ``max(1, ceil(n / size))``; requests are bounded.

Source of keyset paging: M. Winand, "We need tool support for keyset pagination",
use-the-index-luke.com/no-offset.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Generic, Literal, TypeVar

from asyncsessions.core.answer import Answer, Ask, Portion, is_newest_first
from asyncsessions.core.cover import Cover
from asyncsessions.core.mending import EXHAUSTED, Mending
from asyncsessions.core.pages import Pages
from asyncsessions.core.positions import Positions
from asyncsessions.core.tiles import Span
from asyncsessions.core.windows import Window

__all__ = ["Consistency", "Walk"]

T = TypeVar("T")

Consistency = Literal["off", "count", "strict"]
"""What is trusted: page numbers (``off``), equal totals (``count``), or nothing (``strict``)."""

SHORTFALL = "the rows do not add up to the vendor's total"
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
        is_trusted = consistency == "off"
        self.window = window
        self.received = 0
        self.delivered = 0
        self.is_settled = False
        self.is_in_order = True
        self._reasons: list[str] = []
        self._consistency = consistency
        self._is_doubtful = False
        self._cover = Cover[T](window, started_at=started_at, identity=identity)
        self._positions = Positions[T](self._cover, has_ids=has_ids, is_trusted=is_trusted)
        self.positional = is_trusted
        self._pages = Pages[T](
            window, self._cover, size=page_size, has_ids=has_ids, is_trusted=is_trusted
        )
        self._numbers, self._seams = self._pages.numbers, self._pages.seams
        self._mending = Mending[T](
            self._cover,
            size=page_size,
            is_strict=consistency == "strict",
            has_ids=has_ids,
            concurrency=concurrency,
        )
        if consistency == "strict":
            self._numbers.stop()
            self._mending.add(window.asked, 0)

    # ------------------------------------------------------------------ asking

    @property
    def has_ask(self) -> bool:
        """Whether there is a request to send now."""
        return self._numbers.has_next or self._mending.has_ask

    @property
    def pages_left(self) -> int:
        """How many pages there are to ask for by their numbers, as far as is known.

        Where ranges are asked for instead, as many as the rows would fill that have not come.
        """
        if self._consistency != "strict" or self.is_finished:
            return self._numbers.left
        return -(-max(0, (self.tag or 0) - self.received) // self._page_size)

    @property
    def _page_size(self) -> int:
        """How many rows a page has, as far as is known; ``strict`` reads none by its number."""
        is_strict = self._consistency == "strict"
        return self._mending.full_page if is_strict else self._numbers.size

    @property
    def pages_ahead(self) -> int:
        """How many pages were asked for from the first on that has not come, it included."""
        return self._numbers.ahead

    def next_ask(self) -> Ask:
        """Return the next request to send; only valid while :attr:`has_ask`.

        Ranges come first: rows wait for them.
        """
        if self._mending.has_ask:
            return self._mending.next_ask()
        return Ask(self.window, self._pages.next())

    def wants(self, ask: Ask) -> bool:
        """Whether an ask that was handed out is still worth sending."""
        return bool(ask.serial) or self._numbers.wants(ask.page)

    def lay_aside(self, ask: Ask, answer: Answer[T]) -> bool:
        """Note the moment of an answer that is taken later.

        False if it is not as those before it: it has to be taken before anything else is asked for.
        """
        if ask.serial or answer.total != self.tag or len(answer.rows) != self._numbers.size:
            return False
        self._pages.lay_aside(ask.page)
        return True

    def pause(self) -> None:
        """Note that so much time has passed that totals told before prove nothing any more."""
        self._pages.pause()
        self._mending.pause()

    def withdraw(self, ask: Ask) -> list[Portion[T]]:
        """Drop an ask that was never sent, and return what that made deliverable."""
        if ask.serial:
            self._mending.withdraw(ask)
        else:
            self._pages.withdraw(ask.page, leaves_hole=not self.positional)
        return self._finish([])

    @property
    def is_finished(self) -> bool:
        """Whether every request that was worth asking has been answered."""
        return not self._numbers.open and self._mending.is_idle and not self.has_ask

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
        return self._pages.changes

    @property
    def tag(self) -> int | None:
        """The total that was told last, ``None`` before the first answer."""
        return self._pages.tag

    @property
    def is_overstated(self) -> bool:
        """Whether the total is more than the rows that ever came, though little has changed."""
        return self.tag_changes < 2 and self.received < (self.tag or 0)

    @property
    def seam_rows(self) -> int:
        """How many owned rows wait in the open seams for a neighbouring page."""
        return self._seams.rows

    def floor(self, ask: Ask) -> int:
        """Return down to which instant (or place, in a list by position) rows precede an answer."""
        if self.positional:
            return (1 - ask.page) * self._numbers.size
        return ask.window.asked.hi if ask.serial else self._seams.floor(ask.page)

    # ------------------------------------------------------------------ answers

    def answer(self, ask: Ask, answer: Answer[T]) -> list[Portion[T]]:
        """Take one answer and return the portions that it made deliverable, in no order.

        Raises :class:`UnexpectedResponseError` if the vendor sends one page under two numbers.
        """
        self.received += len(answer.rows)
        is_in_order = is_newest_first(answer.times)
        self._note_range(ask, answer, is_in_order=is_in_order)
        if not ask.serial:
            return self._finish(self._take_page(ask.page, answer, is_in_order=is_in_order))
        if self.tag is None:
            self._note_first(answer.total)
        portions = self._mending.answer(ask, answer)
        self._note_order(is_in_order=self._mending.is_in_order)
        return self._finish(portions)

    def _note_first(self, total: int | None) -> None:
        self._pages.tag = total or 0
        self._mending.budget.first_total = self._pages.tag

    def _take_page(self, page: int, answer: Answer[T], *, is_in_order: bool) -> list[Portion[T]]:
        if self.tag is None:
            self._note_first(answer.total)
        reading = self._pages.read(page, answer)
        self._mending.size = self._numbers.size
        if not answer.rows and self._numbers.rank(page, 0) < (self.tag or 0):
            self._mending.is_overstated = True
        if reading is None:
            return []
        self.is_in_order = self.is_in_order and is_in_order
        self.positional |= page == 1 and not is_in_order
        if self.positional:
            return self._by_position(page, answer)
        portions = self._pages.place(page, answer, reading, is_in_order=is_in_order)
        return portions + self._settle()

    def _settle(self) -> list[Portion[T]]:
        """Join the neighbours that may be trusted; what may not be is read as a range."""
        portions, gaps = self._pages.settle()
        if not self._pages.believes_totals:
            self._mending.distrust()
        for gap in gaps:
            self._mending.add(gap.span, gap.place, gap.parts)
        if self._seams.is_disordered:
            self._note_order(is_in_order=False)
        return portions

    def _by_position(self, page: int, answer: Answer[T]) -> list[Portion[T]]:
        """Deliver a page as it comes, and leave that way once something hints at changes."""
        size = self._numbers.size
        is_short = len(answer.rows) != size and page != self._numbers.last
        has_moved = is_short or self._pages.has_moved
        portion = self._positions.take(page, answer, size=size, has_moved=has_moved)
        self._leave_positions()
        return [portion]

    def _leave_positions(self) -> None:
        if self._positions.is_left and not self._mending.has_begun:
            self._numbers.stop()
            self._mending.add_sampled(self.window.asked, self._positions.times, self.tag or 0)

    # ------------------------------------------------------------------ doubts

    def _note_range(self, ask: Ask, answer: Answer[T], *, is_in_order: bool) -> None:
        asked, times = ask.window, answer.times
        if not times:
            return
        oldest, newest = (times[-1], times[0]) if is_in_order else (min(times), max(times))
        if oldest < asked.asked_start or asked.asked_end < newest:
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

    # ------------------------------------------------------------------ the end

    def _finish(self, portions: list[Portion[T]]) -> list[Portion[T]]:
        """Count what goes out; once nothing is left to ask or await, settle what is open."""
        if self._numbers.is_over and not self.is_settled:
            if self.positional:
                end, size = self._numbers.end or 0, self._numbers.size
                portions += self._positions.end(end, size=size, adds_up=self._pages.adds_up)
                self._leave_positions()
            elif self._consistency == "count":
                portions += self._settle()
        if self._is_doubtful:
            portions += self._mending.leave_waiting()
        for portion in portions:
            self.delivered += len(portion.rows)
        self._mending.budget.delivered = self.delivered
        if self.is_finished and not self.is_settled:
            portions += self.give_up(reason=EXHAUSTED if self._mending.is_exhausted else SHORTFALL)
        return portions

    def give_up(self, *, before: Ask | None = None, reason: str | None = None) -> list[Portion[T]]:
        """Settle every open seam as it is and return the rows that were held back for it.

        With ``before`` only what precedes its answer counts, as if the list ended there.
        ``reason`` says why there are unproven instants, if there are; ``None`` = told elsewhere.
        """
        self.is_settled = True
        portions: list[Portion[T]] = []
        if self.positional and not self._positions.is_left:
            self._is_doubtful |= not self._pages.adds_up
        elif before is None:
            portions += self._mending.leave_all() + self._seams.give_up(before=None)
        else:
            page = before.place + 1 if before.serial else before.page
            portions += self._mending.leave_all(before=before.position)
            portions += self._seams.give_up(before=page)
        if self.unproven and not self.reasons and reason is not None:
            self._doubt(reason)
        self.delivered += sum(len(portion.rows) for portion in portions)
        return portions
