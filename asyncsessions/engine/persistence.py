"""Finish what must be finished, however often one is cancelled meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

__all__ = ["settle", "to_the_end"]

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
