"""A window of a durable pull while it is read: its walk, its rows so far, and its story on disk."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from asyncsessions.core.answer import Ask
from asyncsessions.core.books import ReadWindow
from asyncsessions.core.http import Response
from asyncsessions.core.journal import Answered, Asked, Event, Setting, Withdrawn
from asyncsessions.core.windows import Window
from asyncsessions.engine.lane import Lane, started_at
from asyncsessions.engine.pages import OK, PageRead, Source
from asyncsessions.errors import SessionsError
from asyncsessions.sinks.base import Journal

__all__ = ["OpenWindow"]

PAUSE = timedelta(minutes=5)
"""Totals that were told so long before the next answer prove nothing about what it tells."""
SLACK = timedelta(seconds=5)
"""A clock that was set back by more says nothing about how long a pause was."""


class OpenWindow:
    """Reads one window, and goes on where an earlier process stopped.

    ``concurrency`` is how many requests are kept open, unless a story began with another number;
    ``source`` understands the body of a page; ``now`` is the wall clock.  Raises :class:`SinkError`
    if the journal cannot be read.
    """

    def __init__(
        self,
        window: Window,
        make_lane: Callable[[Window, int], Lane],
        journal: Journal,
        setting: Setting,
        *,
        source: Source,
        concurrency: int,
        now: Callable[[], datetime],
    ) -> None:
        self.window = window
        self._make_lane = make_lane
        self._journal = journal
        self._setting = setting
        self._source = source
        self._now = now
        story = list(journal.story(window, setting))
        # The walk cuts ranges by it, so a story is told to a walk like the one that wrote it.
        told = (event.concurrency for event in story if isinstance(event, Asked))
        self._begin(next(told, concurrency))
        try:
            self._replay(story)
        except (SessionsError, ValueError):
            # Another version of this package would have asked otherwise, or two pages are alike and
            # it does not show which of them is wrong: begin anew.
            journal.forget(window)
            self._begin(concurrency)

    def _begin(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self.lane = self._make_lane(self.window, concurrency)
        self.pages = 0
        self.first_times: Sequence[datetime] = ()
        self.unknown_fields: set[str] = set()
        self.warnings: dict[str, None] = {}
        self._rows: list[Any] = []  # sessions, or the vendor's own rows
        self._read_at: list[datetime] = []
        self._backlog: deque[Ask] = deque()
        self._untold: list[Event] = []

    def _replay(self, story: list[Event]) -> None:
        for event in story:
            ask = event.ask
            if isinstance(event, Asked):
                if not self.lane.walk.has_ask or self.lane.walk.next_ask() != ask:
                    raise ValueError("the walk takes another course")
                self._backlog.append(ask)
                continue
            self._backlog.remove(ask)
            if isinstance(event, Withdrawn):
                self._rows += self.lane.withdraw(ask)
            else:
                read = self._source.understand(ask.page, Response(status=OK, body=event.body))
                self._take(ask, read, event.read_at)

    # ------------------------------------------------------------------ asking

    @property
    def has_ask(self) -> bool:
        """Whether there is a request to send now."""
        return bool(self._backlog) or self.lane.walk.has_ask

    def next_ask(self) -> Ask:
        """Return the next request to send; those that an earlier process had under way come first."""
        if self._backlog:
            return self._backlog.popleft()
        ask = self.lane.walk.next_ask()
        self._untold.append(Asked(ask, self._concurrency))
        return ask

    def withdraw(self, ask: Ask) -> None:
        """Drop a request whose answer is not wanted any more."""
        self._tell(Withdrawn(ask))
        self._rows += self.lane.withdraw(ask)

    # ------------------------------------------------------------------ receiving

    def answer(self, ask: Ask, read: PageRead) -> None:
        """Write an answer down, then take it.

        Raises :class:`SinkError`, and what the walk raises for an answer that cannot be.
        """
        moment = self._now()
        self._tell(Answered(ask, read.body, moment))
        self._take(ask, read, moment)

    def _tell(self, event: Event) -> None:
        """Write an event down, after the requests that were decided on before it.

        Those are not worth a step of their own: to ask again for what was lost under way a later
        process needs no more than what had been heard until then.
        """
        self._journal.note(self.window, self._setting, *self._untold, event)
        self._untold.clear()

    def _take(self, ask: Ask, read: PageRead, moment: datetime) -> None:
        # Found from the story alone, so that every later process finds the same pauses.
        if self._read_at and not -SLACK <= moment - self._read_at[-1] <= PAUSE:
            self.lane.walk.pause()
        if not self.pages:
            self.first_times = read.answer.times
            self.unknown_fields.update(self._source.unknown_fields(read))
        self.pages += 1
        self._read_at.append(moment)
        if read.answer.warning:
            self.warnings[read.answer.warning] = None
        self._rows += self.lane.answer(ask, read.answer)

    # ------------------------------------------------------------------ the end

    @property
    def is_finished(self) -> bool:
        """Whether all of it was read."""
        return self.lane.walk.is_finished

    @property
    def rows(self) -> int:
        """How many rows have come so far."""
        return len(self._rows)

    @property
    def as_of(self) -> tuple[datetime, datetime]:
        """When the first and the last answer came; only valid once there is one."""
        return self._read_at[0], self._read_at[-1]

    def result(self) -> ReadWindow:
        """Return what was read, to be committed; only valid when it is finished."""
        rows: Sequence[Any] = self._rows
        walk = self.lane.walk
        if walk.is_in_order or self.lane.late_rows:  # nothing is late for what is written whole
            rows = sorted(rows, key=started_at, reverse=True)
        return ReadWindow(
            window=self.window,
            rows=self._source.sent(rows),
            complete=walk.is_complete,
            as_of=self.as_of,
        )
