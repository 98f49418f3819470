"""What page 1 of every window tells: how many rows there are, and what pulling them will take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from attrs import frozen

from asyncsessions.core.answer import Answer, Ask
from asyncsessions.core.records import Session
from asyncsessions.core.windows import Window, resolve_range, split, to_micros
from asyncsessions.engine.pages import PageRead, Source
from asyncsessions.engine.stream import wall_clock

__all__ = ["Estimate", "first_pages", "first_reads", "probe"]


@frozen(kw_only=True)
class Estimate:
    """What a pull will take if nothing moves: exact on a list that stands still.

    ``requests`` are those of the pull, without the ``spent`` ones that made this estimate (one a
    window).  ``rows`` counts sessions; on the newest border of the range a whole second is asked
    for, and of it only the rows on page 1 can be told apart.
    """

    requests: int
    rows: int
    windows: int
    spent: int


async def probe(
    source: Source,
    *,
    concurrency: int,
    limit: int | None = None,
    now: Callable[[], datetime] = wall_clock,
) -> Estimate:
    """Ask for page 1 of every window, ``concurrency`` at a time.

    ``limit``: the pull would end after so many rows; ``None`` = it would not.
    """
    query, provider = source.query, source.provider
    if source.meter.deadline_s is not None:
        source.meter.deadline = asyncio.get_running_loop().time() + source.meter.deadline_s
    windows = split(resolve_range(query.start, query.end, now=now()), provider.longest_window)
    requests = rows = 0
    for window, answer in zip(
        windows, await first_pages(source, windows, concurrency=concurrency), strict=True
    ):
        if limit is not None and rows >= limit:
            break
        total = answer.total or 0
        found = total - sum(not window.owned.holds(to_micros(moment)) for moment in answer.times)
        size = len(answer.rows) if 0 < len(answer.rows) < total else provider.page_size
        wanted = found if limit is None else min(found, limit - rows)
        requests += max(1, -(-total // size)) if wanted == found else -(-wanted // size)
        rows += wanted
    return Estimate(requests=requests, rows=rows, windows=len(windows), spent=source.meter.requests)


async def first_pages(
    source: Source, windows: Sequence[Window], *, concurrency: int
) -> list[Answer[Session]]:
    """Return page 1 of each window, ``concurrency`` of them at a time."""
    reads = await first_reads(source, windows, concurrency=concurrency, now=wall_clock)
    return [read.answer for read, _ in reads]


async def first_reads(
    source: Source,
    windows: Sequence[Window],
    *,
    concurrency: int,
    now: Callable[[], datetime],
) -> list[tuple[PageRead, datetime]]:
    """Return the same with their bodies, each with the time at which it had been read."""
    reads: dict[int, tuple[PageRead, datetime]] = {}
    numbered = iter(enumerate(windows))

    async def ask() -> None:
        for index, window in numbered:
            reads[index] = await source.read(Ask(window, 1)), now()
            if not index:
                return

    # The first goes alone: a wrong key or a used-up quota shall cost a single request.
    await ask()
    tasks = [asyncio.ensure_future(ask()) for _ in range(min(concurrency, len(windows) - 1))]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return [reads[index] for index in range(len(windows))]
