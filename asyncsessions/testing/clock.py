"""An event loop whose time jumps to the next timer, so that schedules are tested in no time.

It is for code that waits for timers, for other tasks and for functions in the loop's executor,
during which its time stands still. Real sockets and subprocesses do not hold it: while they are
busy the clock jumps to the next timer, so every timeout around them fires at once. Use a fake
transport with it, never a fake server.
"""

from __future__ import annotations

import asyncio
import math
import selectors
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Executor

__all__ = ["VirtualClock", "run_virtual"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_DEADLOCK_S = 2.0  # for threads that nobody but their owner knows of
_THREAD_POLL_S = 0.1  # a thread that is done wakes the loop; this is only how often it looks
_RESOLUTION_S = 1e-9  # asyncio runs timers that are due within the resolution of its clock


class _JumpingSelector(selectors.DefaultSelector):
    """Lets virtual time pass where a selector would wait."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.threads_busy = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready:
            return ready
        if self.threads_busy and (timeout is None or timeout > 0):
            return super().select(_THREAD_POLL_S)
        if timeout is None:
            return self._select_without_timer()
        self._pass(timeout)
        return ready

    def _pass(self, timeout: float) -> None:
        now_s = self.now_s + max(timeout, 0.0)
        if now_s == self.now_s and (timeout > 0 or now_s + _RESOLUTION_S == now_s):
            # So late that floats are coarser than the loop's idea of "now" (from about 100 days
            # on): a timer would stay a hair in the future for ever if time stood still.
            now_s = math.nextafter(now_s, math.inf)
        self.now_s = now_s

    def _select_without_timer(self) -> list[tuple[selectors.SelectorKey, int]]:
        """Give threads, outside the loop's executor, a real moment to report."""
        ready = super().select(_DEADLOCK_S)
        if not ready:
            msg = "deadlock: nothing is ready and no timer is set, so nothing can ever happen"
            raise RuntimeError(msg)
        return ready


class VirtualClock(asyncio.SelectorEventLoop):
    """An event loop with a virtual `time()`, in seconds, that starts at 0.

    When no callback is ready, time jumps to the next timer instead of waiting for it.
    `asyncio.sleep`, `asyncio.timeout` and everything else built on the loop's timers follow it;
    `time.monotonic` and real I/O do not, so do not use it with real sockets.

    Raises:
        RuntimeError: from running it, when nothing is ready and no timer is set.

    """

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the virtual seconds that have passed."""
        return self._jumping.now_s

    def run_in_executor(
        self,
        executor: Executor | None,
        func: Callable[[*Ts], T],
        *args: *Ts,
    ) -> asyncio.Future[T]:
        """Call a function in a thread; time stands still until it returns."""
        future = super().run_in_executor(executor, func, *args)
        self._jumping.threads_busy += 1
        future.add_done_callback(self._thread_is_done)
        return future

    async def shutdown_default_executor(
        self,
        timeout: float | None = None,  # noqa: ARG002 - it would pass at once
    ) -> None:
        """Wait for the executor's threads in real time; the virtual timeout is not looked at."""
        self._jumping.threads_busy += 1
        try:
            await super().shutdown_default_executor()
        finally:
            self._jumping.threads_busy -= 1

    def _thread_is_done(self, _: object) -> None:
        self._jumping.threads_busy -= 1


def run_virtual(
    work: Coroutine[Any, Any, T] | Callable[[], Coroutine[Any, Any, T]],
) -> tuple[T, float]:
    """Run a coroutine, or what a function returns, on a `VirtualClock`.

    Returns:
        Its result and the virtual seconds it took.

    Raises:
        RuntimeError: an event loop is running already, or the work waits for what never happens.

    """
    with asyncio.Runner(loop_factory=VirtualClock) as runner:

        async def timed() -> tuple[T, float]:
            loop = asyncio.get_running_loop()
            began_s = loop.time()
            result = await (work() if callable(work) else work)
            return result, loop.time() - began_s

        return runner.run(timed())
