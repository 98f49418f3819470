"""An event loop in a thread of its own, and what runs in it for plain code."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from functools import partial
from typing import Generic, TypeVar

from asyncsessions.client import closed_error
from asyncsessions.transport.loop import new_loop

__all__ = ["LoopThread", "Running"]

T = TypeVar("T")


class Running(Generic[T]):
    """A coroutine that runs in a loop of another thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.outcome: Future[T] = Future()
        self.task: asyncio.Task[T] | None = None
        self._loop = loop

    def result(self) -> T:
        """Wait for the end and return what it brings; see :meth:`LoopThread.run`."""
        try:
            return self.outcome.result()
        except CancelledError:
            raise closed_error() from None
        except BaseException:
            self.cancel()
            raise

    def cancel(self) -> None:
        """Cancel it, unless it has ended, and wait for its end."""
        if not self.outcome.done():
            self._loop.call_soon_threadsafe(self._cancel)
            with suppress(CancelledError):
                self.outcome.exception()

    def _cancel(self) -> None:
        assert self.task is not None  # it has begun before
        self.task.cancel()


class LoopThread:
    """An event loop in a daemon thread."""

    def __init__(self) -> None:
        self._loop = new_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="asyncsessions", daemon=True
        )
        self._thread.start()

    @property
    def is_closed(self) -> bool:
        """Whether nothing can be run any more."""
        return self._loop.is_closed()

    def run(self, work: Coroutine[object, object, T]) -> T:
        """Run a coroutine to its end; an interrupt here (Ctrl-C) cancels it there and awaits that.

        Another interrupt ends the waiting.  Raises :class:`ConfigurationError` if the loop is
        closed, or closes meanwhile.
        """
        return self.start(work).result()

    def start(self, work: Coroutine[object, object, T]) -> Running[T]:
        """Run a coroutine meanwhile; raises as :meth:`run` does if the loop is closed."""
        if self.is_closed:
            work.close()
            raise closed_error()
        running: Running[T] = Running(self._loop)

        def begin() -> None:
            running.task = self._loop.create_task(work)
            running.task.add_done_callback(partial(_settle, running.outcome))

        self._loop.call_soon_threadsafe(begin)
        return running

    def close(self) -> None:
        """End everything that runs, stop the loop and wait for its thread."""
        # In the loop's own thread: the caller's may be running a loop too.
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._loop.shutdown_asyncgens()
        await self._loop.shutdown_default_executor()


def _settle(outcome: Future[T], task: asyncio.Task[T]) -> None:
    """Hand on how a task ended."""
    if task.cancelled():
        outcome.set_exception(CancelledError())
    elif (error := task.exception()) is not None:
        outcome.set_exception(error)
    else:
        outcome.set_result(task.result())
