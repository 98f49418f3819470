"""Finish what must be finished, however often one is cancelled meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

__all__ = ["off_loop", "settle", "to_the_end"]

T = TypeVar("T")


async def settle(running: asyncio.Future[Any]) -> asyncio.CancelledError | None:
    """Wait until it is done, whatever happens; return the last cancellation of the caller."""
    interruption: asyncio.CancelledError | None = None
    while not running.done():
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError as cancelled:
            interruption = cancelled
    return interruption


async def to_the_end(work: Awaitable[T]) -> T:
    """Return what the work returns; a cancellation of the caller is raised only after its end."""
    running = asyncio.ensure_future(work)
    interruption = await settle(running)
    if interruption is not None:
        if not running.cancelled():
            running.exception()  # marks it as retrieved: the cancellation comes first
        raise interruption
    return running.result()


async def off_loop(step: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Run a step of a target in a thread, to its end even if the caller is cancelled meanwhile."""
    return await to_the_end(asyncio.to_thread(step, *args, **kwargs))
