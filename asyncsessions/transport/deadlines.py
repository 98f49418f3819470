"""Bounds the time of many things that run at once with a single timer.

``asyncio.timeout`` sets up and cancels a timer of the loop each time; for a small answer on a
quick line that is a tenth of the CPU time of the exchange.  Requests all may take about equally
long and hardly ever take too long, so one timer for the earliest of them does.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

__all__ = ["Deadlines"]


class Deadlines:
    """The deadlines of one event loop.  Like ``asyncio.timeout``, in all but the cost."""

    def __init__(self) -> None:
        self._open: set[_Deadline] = set()
        self._timer: asyncio.TimerHandle | None = None

    def within(self, seconds: float) -> _Deadline:
        """Return a context manager that raises ``TimeoutError`` if its body takes longer.

        It cancels what the body awaits; a cancellation from outside stays one.
        """
        return _Deadline(self, seconds)

    def add(self, deadline: _Deadline) -> None:
        """Take notice of a deadline."""
        self._open.add(deadline)
        if self._timer is None or deadline.due < self._timer.when():
            self._set_timer(deadline.due)

    def remove(self, deadline: _Deadline) -> None:
        """Forget a deadline, whether it has come or not."""
        self._open.discard(deadline)
        if not self._open and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(due, self._ring)

    def _ring(self) -> None:
        self._timer = None
        # Where the loop was held up, what came meanwhile is no later than the loop: it is read and
        # taken first.  The loops read before their timers (asyncio) or after them (uvloop).
        loop = asyncio.get_running_loop()
        loop.call_later(0, loop.call_soon, self._expire)

    def _expire(self) -> None:
        now = asyncio.get_running_loop().time()
        for deadline in [each for each in self._open if each.due <= now]:
            self._open.discard(deadline)
            deadline.expire()
        if self._open:
            self._set_timer(min(each.due for each in self._open))


class _Deadline:
    __slots__ = ("_cancelling", "_deadlines", "_is_late", "_seconds", "_task", "due")

    def __init__(self, deadlines: Deadlines, seconds: float) -> None:
        self._deadlines = deadlines
        self._seconds = seconds

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task, self._cancelling, self._is_late = task, task.cancelling(), False
        self.due = asyncio.get_running_loop().time() + self._seconds
        self._deadlines.add(self)

    def expire(self) -> None:
        self._is_late = True
        self._task.cancel()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._deadlines.remove(self)
        # Somebody else may have cancelled the task as well: that has to go on.
        is_ours = self._is_late and self._task.uncancel() <= self._cancelling
        if is_ours and isinstance(error, asyncio.CancelledError):
            raise TimeoutError from error
