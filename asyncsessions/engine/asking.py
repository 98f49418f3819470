"""What a stream asks for next: all that it may, and nothing that nobody may want.

At most ``concurrency`` requests are under way.  Answers ahead of a straggler are kept until it
comes, ``REORDER_FACTOR * concurrency`` pages of them at most, whether their rows went out or not:
they may share instants with their neighbours.  Pages that are ready for a slow consumer count
against the concurrency instead, all but half of it, so that hardly anything is bought that nobody
may want.
"""

from __future__ import annotations

from collections import deque

from asyncsessions.core.answer import Ask
from asyncsessions.core.meter import Meter
from asyncsessions.core.options import Options
from asyncsessions.core.windows import Window
from asyncsessions.engine.lane import Lane, is_running_out
from asyncsessions.engine.outbox import Outbox
from asyncsessions.engine.tally import Tally
from asyncsessions.providers.base import Provider

__all__ = ["Asking"]

REORDER_FACTOR = 16


class Asking:
    """Chooses the requests of one stream, until it has ``has_ended``.

    ``windows`` are opened in their order, each when those before it are running out of pages.
    """

    def __init__(
        self,
        provider: Provider[...],
        options: Options,
        outbox: Outbox,
        tally: Tally,
        meter: Meter,
        *,
        concurrency: int,
    ) -> None:
        self.windows: deque[Window] = deque()
        self.has_ended = False
        self._provider = provider
        self._options = options
        self._outbox = outbox
        self._tally = tally
        self._meter = meter
        self._concurrency = concurrency
        # Answers that come together are not waited for one by one, but for more than half of a
        # round the consumer seems to have no use.  One at a time the next is on its way meanwhile.
        self._most_ready = max(1, concurrency // 2)
        self._page_size = provider.page_size
        self._most_ahead = REORDER_FACTOR * concurrency * provider.page_size

    def next_ask(self, under_way: int, *, arrived: int = 0) -> tuple[Lane, Ask] | None:
        """Return what to send beside so many requests, and its window; ``None`` = nothing now.

        ``arrived`` are pages that were read, but not taken yet.
        """
        if not self._may_send(under_way, arrived):
            return None
        lane = self._lane_to_ask()
        return None if lane is None else (lane, lane.walk.next_ask())

    def _may_send(self, under_way: int, arrived: int) -> bool:
        if under_way >= self._concurrency or self.has_ended:
            return False
        asked = under_way + arrived
        if asked and not self._tally.pages:
            return False  # a wrong key shall cost one request, not as many as there are windows
        outbox = self._outbox
        unwanted = len(outbox.ready) + arrived - self._most_ready
        if unwanted > 0 and under_way + unwanted >= self._concurrency:
            return False
        ready_rows = outbox.ready_rows
        ahead = ready_rows + outbox.held_rows + asked * self._page_size
        # Rows that wait in seams are held by nobody else: so pages count, whatever of them is out.
        kept = ready_rows + outbox.pages_ahead * self._page_size
        if asked and max(ahead, kept) >= self._most_ahead:
            return False
        limit = self._options.limit
        if limit is None:
            return True
        seam_rows = outbox.seam_rows
        on_the_way = ahead + seam_rows
        if not asked and not seam_rows:
            on_the_way = ready_rows  # the others wait for a range not asked for yet
        return self._tally.rows + on_the_way < limit

    def _lane_to_ask(self) -> Lane | None:
        """Return the first window that has something to ask, or the next one if it is time."""
        lanes = self._outbox.lanes
        asking = next((lane for lane in lanes if lane.walk.has_ask), None)
        if not self.windows or len(lanes) >= self._concurrency:
            return asking
        # With a limit another window is worth a request only if those open do not suffice.
        has_limit = self._options.limit is not None
        may_hurry = not has_limit and not self._meter.waiting
        is_due = may_hurry and is_running_out(lanes, self._concurrency)
        if asking is not None and not is_due:
            return asking
        if has_limit and any(lane.walk.tag is None for lane in lanes):
            return asking
        lane = self._open_lane(self.windows.popleft())
        self._tally.lanes.append(lane)
        lanes.append(lane)
        return lane

    def _open_lane(self, window: Window) -> Lane:
        return Lane(
            len(self._tally.lanes),
            window,
            self._provider,
            self._options,
            concurrency=self._concurrency,
        )
