"""Page tasks: requests under way, and what came of those that are done.

Nothing here refers to the stream that owns the tasks, so that a stream which is simply dropped
can be finalised while its requests are still under way.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from asyncsessions.core.answer import Ask
from asyncsessions.engine.pages import PageRead, Source

__all__ = ["Arrival", "Onward", "PageTask", "PageTasks"]

W = TypeVar("W")

MEMORY = 0.9
"""How much earlier times still count, each time that somebody waits."""
AMPLE = 1 / 3
"""With so much of the time to spare, requests are spread over the latency."""

PageTask: TypeAlias = asyncio.Task[PageRead | None]


class Arrival(msgspec.Struct, Generic[W], frozen=True):
    """What came of one request of a window: a page, an error, or neither if it was cancelled."""

    window: W
    ask: Ask
    read: PageRead | None = None
    error: BaseException | None = None


class Onward(msgspec.Struct, Generic[W], frozen=True):
    """What a task does after a page: it asks for the next one of a window, or ends (``None``).

    ``is_taken``: nobody waits for the page any more, so it does not arrive.
    """

    following: tuple[W, Ask] | None
    is_taken: bool = False


GoOn: TypeAlias = Callable[[W, Ask, PageRead], Onward[W] | None]


class SpareTime:
    """How much of the time there was nothing to do but to wait for an answer, lately."""

    def __init__(self) -> None:
        self._spare_s = self._all_s = 0.0
        self._began_at = self._came_at = 0.0
        self._is_waiting = False

    def wait_begins(self) -> None:
        """Note that nothing is left to do."""
        now = asyncio.get_running_loop().time()
        self._spare_s = MEMORY * self._spare_s + self._came_at - self._began_at
        self._all_s = MEMORY * self._all_s + (now - self._began_at if self._came_at else 0.0)
        self._began_at = self._came_at = now
        self._is_waiting = True

    def answer_came(self) -> None:
        """Note that there is something to do."""
        if self._is_waiting:
            self._is_waiting = False
            self._came_at = asyncio.get_running_loop().time()

    @property
    def is_ample(self) -> bool:
        """Whether it was a good part of the time; true as long as nothing is known."""
        return self._spare_s >= AMPLE * self._all_s


class PageTasks(Generic[W]):
    """The requests ``under_way``, each with its window, and what has ``arrived``, oldest first.

    ``has_failed``: an error has come, even if it has not arrived yet.
    """

    def __init__(self) -> None:
        self.under_way: dict[PageTask, tuple[W, Ask]] = {}
        self.arrived: deque[Arrival[W]] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._go_on: GoOn[W] | None = None
        self._spare_time = SpareTime()
        self.has_failed = False
        self._is_abandoned = False

    def start(self, source: Source, window: W, ask: Ask) -> None:
        """Begin to fetch a page."""
        task = asyncio.get_running_loop().create_task(self._read(source, ask))
        self.under_way[task] = window, ask
        task.add_done_callback(self._note)

    async def _read(self, source: Source, ask: Ask) -> PageRead | None:
        waiter: asyncio.Future[None] | None = None
        while True:
            try:
                read = await source.read(ask)
            except Exception:
                self.has_failed = True  # who waits has to know before anything else is sent
                raise
            self._spare_time.answer_came()
            go_on, self._go_on = self._go_on, None
            if go_on is None or self.has_failed or self._waiter is waiter:
                return read  # nobody waits, or they have had no turn since this task's last page
            task: Any = asyncio.current_task()
            waiter = self._waiter
            window = self.under_way[task][0]
            onward = go_on(window, ask, read)
            if onward is None:
                return read
            self._go_on = go_on
            if not onward.is_taken:
                self.arrived.append(Arrival(window, ask, read))
            if onward.following is None:
                return None
            self.under_way[task] = onward.following
            ask = onward.following[1]
            self.wake()

    def _note(self, task: PageTask) -> None:
        window, ask = self.under_way.pop(task)
        arrival = _arrival(task, window, ask)
        if arrival is not None and not self._is_abandoned:
            self.arrived.append(arrival)
        self.wake()

    def wake(self) -> None:
        """End the wait of who waits, whether anything has arrived or not."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self, go_on: GoOn[W] | None = None) -> None:
        """Wait until something has arrived, or somebody calls :meth:`wake`.

        ``go_on`` is called meanwhile for each page that was read, and says what its task shall do;
        ``None``: the page has to be taken before anything else is asked for, and ``go_on`` is not
        called again.  Nor is it once a task has failed.  So the next request goes out before the
        next answer is read: those that come together would else be read together, and all that
        follow them sent together.  What is not taken at once arrives, and is taken by who waits: one
        step for many pages after the other costs less than all steps for each page.  For the same
        reason nothing goes on where there is hardly any time to spare: answers are there then before
        anybody could wait for them.
        """
        self._waiter = asyncio.get_running_loop().create_future()
        self._spare_time.wait_begins()
        self._go_on = go_on if self._spare_time.is_ample else None
        try:
            await self._waiter
        finally:
            self._go_on = None

    def cancel(self) -> None:
        """Ask all tasks to stop."""
        for task in tuple(self.under_way):
            task.cancel()

    async def aclose(self) -> None:
        """Stop all tasks and wait until they have; any number of cancellations only postpones."""
        self.cancel()
        interruption: asyncio.CancelledError | None = None
        while self.under_way:
            try:
                await asyncio.wait(tuple(self.under_way))
            except asyncio.CancelledError as cancelled:
                interruption = cancelled
        self.arrived.clear()
        if interruption is not None:
            raise interruption

    def abandon(self) -> None:
        """Stop all tasks of which nobody will ask the outcome."""
        self._is_abandoned = True
        self.cancel()
        self.arrived.clear()


def _arrival(task: PageTask, window: W, ask: Ask) -> Arrival[W] | None:
    """Return what came of a task that is done; ``None`` = everything was taken before."""
    if task.cancelled():
        return Arrival(window, ask)
    if (error := task.exception()) is not None:
        return Arrival(window, ask, error=error)
    read = task.result()
    return None if read is None else Arrival(window, ask, read)
