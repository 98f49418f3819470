"""Cuts a pull into parts of about equal size: page 1 of each window tells how large it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from asyncsessions.core.parts import Counted, Parts, packed
from asyncsessions.core.slices import Cuts
from asyncsessions.core.windows import Window
from asyncsessions.engine.pages import PageRead, Source
from asyncsessions.engine.planning import make_plan
from asyncsessions.engine.probe import first_reads
from asyncsessions.engine.stream import wall_clock

__all__ = ["make_parts"]


async def make_parts(
    source: Source,
    *,
    rows: int,
    most: int | None,
    concurrency: int,
    now: Callable[[], datetime] = wall_clock,
) -> Parts:
    """Pin the range, count its windows, and put them together into parts of about ``rows`` rows.

    A window of more than twice as many is cut, and its slices are counted in turn:
    of the requests spent here only page 1 of a window that was cut is of no further use.
    """
    if source.meter.deadline_s is not None:
        source.meter.deadline = asyncio.get_running_loop().time() + source.meter.deadline_s
    source, page_size = source.of_rows(), source.provider.page_size
    aim = max(1, rows // page_size)
    cuts = Cuts(page_size, aim)
    counted: list[Counted] = []
    windows = list(make_plan(source.provider, source.query, now=now()).windows)
    while windows:
        reads = await first_reads(source, windows, concurrency=concurrency, now=now)
        smaller: list[Window] = []
        for window, (read, read_at) in zip(windows, reads, strict=True):
            slices = cuts.cut(window, read.answer.total or 0, read.answer.times)
            if len(slices) > 1:
                smaller += slices
            else:
                counted.append(_counted(window, read, page_size=page_size, read_at=read_at))
        windows = smaller
    return Parts(parts=packed(counted, aim=aim, most=most), spent=source.meter.requests)


def _counted(window: Window, read: PageRead, *, page_size: int, read_at: datetime) -> Counted:
    total, found = read.answer.total or 0, len(read.answer.rows)
    size = found if 0 < found < total else page_size
    return Counted.of(
        window, read.body, total=total, pages=max(1, -(-total // size)), read_at=read_at
    )
