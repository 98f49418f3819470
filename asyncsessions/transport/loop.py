"""The event loop of those who have none of their own: the command line and the blocking client."""

from __future__ import annotations

import asyncio
from importlib import import_module

__all__ = ["new_loop"]

SAFE = (0, 23)
"""The first uvloop that leaves a socket alone once a connect is cancelled.

Before, the socket's number was closed a second time, whatever had got it meanwhile: a target's file
perhaps (https://github.com/MagicStack/uvloop/issues/738).
"""


def new_loop() -> asyncio.AbstractEventLoop:
    """Return a new event loop: uvloop's where a safe one is installed, else Python's.

    Measured in docs/performance.md: it saves a few per cent of the CPU time, and more where threads
    wait for each other.
    """
    try:
        # By name, so that the type checkers do without it: it is not there for every system.
        uvloop = import_module("uvloop")
        major, minor = map(int, uvloop.__version__.split(".")[:2])
    except (ImportError, AttributeError, ValueError):
        return asyncio.new_event_loop()
    if (major, minor) < SAFE:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
