"""The totals that answers told, and which neighbours may be trusted because of them.

Two pages are neighbours in the list if both were cut from the same state of it.  No answer says
from which state it was cut, but each carries the list's total, its *tag*.  Between two equal
totals the list stood still, unless changes cancelled in between; so the question is whether
another total was told *in between*, and that cannot be read off the order in which answers arrive:
requests overtake each other, and an answer was cut at any moment between its *sending* and its
*receipt*.  Hence the moments are counted (one tick for each ask and each answer), and an answer
counts as being in between whenever it may have been.

::

    tick   1   2   3   4   5   6   7   8   9
    p          ├───────┤                          p and p+1 may be trusted when
    p+1            ├───────┤                      * they told the same total,
    q                  ├───────────┤              * q, which may have been cut between them, did,
    z                          ├───────┤          * z, asked after both had come, still did.

The last point is there because a total may be *torn*: counted before the rows are read, so that a
change falls between the two.  A total that is told again afterwards was right all the time.

A **phase** is a stretch of equal totals.  In the first phase the rule is just that.  With two the
list is known to move: a third and a fourth change may cancel where nobody tells a total, at the
border of the two, or while a range is read in between.  Pages that are not wholly older than the
second are believed only if its total then stays for a while (:data:`PATIENCE`).  From the third
phase on no total is believed any more, nor when the pages themselves contradict them
(:meth:`Tags.expose`): changes cancel there.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import TypeAlias

import msgspec
from attrs import define

__all__ = ["Reading", "Tags"]

Tag: TypeAlias = tuple[int, int | None]

TICKS = 2
"""Of a page: one for the ask, one for the answer."""
PATIENCE = 2
"""A change stands alone when so many answers for each open request have told nothing newer."""
LONG_PATIENCE = 16
"""A straggler that may have been cut in between is waited for while so many for each have come."""


class Reading(msgspec.Struct, frozen=True):
    """One answer: when it was asked for and came, in ticks, and the total that it told.

    ``tag`` is the total and the number of pauses before it.
    """

    sent: int
    received: int
    tag: Tag


receipt = attrgetter("received")


@define
class Phase:
    """A stretch of equal totals: the extremes of its answers' ticks."""

    tag: Tag
    first_sent: int
    last_sent: int
    first_received: int


class Tags:
    """The history of a window's totals; pages are told apart by their numbers.

    ``changes`` is how often the total must have changed for the answers to be as they are,
    ``are_believed`` whether totals still prove anything.
    """

    def __init__(self) -> None:
        self.changes = 0
        self.are_believed = True
        self._is_over = self._adds_up = False
        self._pauses = 0
        self._tick = 0
        self._open: dict[int, int] = {}
        self._come: dict[int, int] = {}  # when, of those whose total is not known yet
        self._most_open = 1
        self._phases: list[Phase] = []
        self._before_change = 0  # how many answers had come when the total first changed
        self._since_change = 0  # how many were asked for after that

    def expose(self) -> None:
        """Note that pages contradict their equal totals: there are changes that cancel."""
        self.are_believed = False

    def end(self, *, adds_up: bool) -> None:
        """Note that no page will be asked for any more, and whether the rows add up to the total."""
        self._is_over, self._adds_up = True, adds_up

    def pause(self) -> None:
        """Note that changes may have cancelled meanwhile: equal totals are not equal across it."""
        self._pauses += 1

    def sent(self, page: int) -> None:
        """Note that a page is asked for."""
        self._tick += 1
        self._open[page] = self._tick
        self._most_open = max(self._most_open, len(self._open) - len(self._come))

    def came(self, page: int) -> None:
        """Note that the answer to a page is here, whose total is told later."""
        self._tick += 1
        self._come[page] = self._tick

    def withdrawn(self, page: int) -> None:
        """Note that a page will not come."""
        del self._open[page]

    def received(self, page: int, total: int | None) -> Reading:
        """Note the total that came with a page, and return its reading."""
        tick = self._come.pop(page, None)
        if tick is None:
            self._tick = tick = self._tick + 1
        sent, tag = self._open.pop(page), (self._pauses, total)
        reading = Reading(sent, tick, tag)
        phase = self._phases[-1] if self._phases else None
        if phase is None or phase.tag != tag:
            phase = self._late_phase(reading)
        if phase is None:
            self._phases.append(Phase(tag, sent, sent, tick))
            self.changes = len(self._phases) - 1
            self.are_believed &= self.changes < 2
        elif sent > phase.last_sent:
            phase.last_sent = sent
        elif sent < phase.first_sent:
            phase.first_sent = sent
        if not self.changes:
            self._before_change += 1
        elif sent > self._phases[-1].first_received:
            self._since_change += 1
        return reading

    def _late_phase(self, reading: Reading) -> Phase | None:
        """Return the last phase but one, if that explains a reading: it was late."""
        if len(self._phases) > 1 and self._phases[-2].tag == reading.tag:
            was_late = reading.sent < self._phases[-1].first_received
            return self._phases[-2] if was_late else None
        return None

    def verdict(self, readings: Sequence[Reading]) -> bool | None:
        """Say whether answers were cut from one state of the list; ``None`` = not known yet."""
        if not self.are_believed:
            return False
        phase = self._phases[0] if not self.changes else self._common_phase(readings)
        if phase is None:
            return False
        received = max(map(receipt, readings))
        is_current = phase is self._phases[-1]
        if received > self._heard(phase):
            return None
        if phase.last_sent <= received and not (self._adds_up and is_current):
            # Not told again by an answer that was asked for afterwards.
            return None if is_current and not self._is_over else False
        return True if not self.changes else self._is_alone(received)

    @property
    def horizon(self) -> int | None:
        """The tick up to which all answers that came are cut from one state of the list.

        The verdict on answers that came later is still open.  ``None``: it takes a closer look.
        """
        if self.changes or self._is_over or not self.are_believed:
            return None
        phase = self._phases[0]
        return min(self._heard(phase), phase.last_sent - 1)

    def _heard(self, phase: Phase) -> int:
        """Return the tick up to which nobody is awaited any more who may tell another total."""
        patience = TICKS * LONG_PATIENCE * self._most_open
        # The oldest comes first: they are kept in the order in which they were asked.
        oldest = next(iter(self._open.values()), self._tick)
        return max(oldest, phase.last_sent - patience)

    def _common_phase(self, readings: Sequence[Reading]) -> Phase | None:
        """Return the phase that readings of one total belong to; ``None``: they told several."""
        tag = readings[0].tag
        if any(reading.tag != tag for reading in readings):
            return None
        return next(phase for phase in self._phases if phase.tag == tag)

    def _is_alone(self, received: int) -> bool | None:
        """Say whether the only change that was seen lies beyond these pages."""
        if received < self._phases[1].first_sent:
            return True  # nothing of the later phase can have been cut in between
        enough = PATIENCE * self._most_open
        if self._since_change >= enough:
            return True
        return self._before_change >= enough if self._is_over else None
