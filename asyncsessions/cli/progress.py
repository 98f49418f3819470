"""How far a pull is, shown as lines in a log, as bars on a terminal, or not at all."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Protocol, Self

from asyncsessions.cli.figures import progress_line
from asyncsessions.cli.process import say
from asyncsessions.core.report import Report

__all__ = ["Bar", "Display", "Lines", "Silence", "can_draw", "choose_display", "ticking"]

LINE_EVERY_S = 10.0


class Bar(Protocol):
    """Shows one pull."""

    def update(self, report: Report) -> None:
        """Show how far it is now."""


class Display(Protocol):
    """Shows one pull or several; use it as ``with display``."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def add(self, name: str, *, page_size: int, limit: int | None = None) -> Bar:
        """Show one more pull; ``limit`` = the rows it stops at, ``None`` = it does not."""
        ...

    def tick(self) -> None:
        """Some seconds have passed."""


class Ticked(Protocol):
    """Is told that time passes."""

    def tick(self) -> None:
        """Some seconds have passed."""


class Silence:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def add(
        self,
        name: str,  # noqa: ARG002 - the Protocol's
        *,
        page_size: int,  # noqa: ARG002 - the same
        limit: int | None = None,  # noqa: ARG002 - the same
    ) -> Bar:
        """Return what shows nothing."""
        return _NoBar()

    def tick(self) -> None:
        """Do nothing."""


class _NoBar:
    def update(self, report: Report) -> None:
        pass


class Lines(Silence):
    """Writes a line on standard error for each pull that goes on, every ten seconds."""

    def __init__(self) -> None:
        self._bars: list[_LineBar] = []

    def add(self, name: str, *, page_size: int, limit: int | None = None) -> Bar:
        """Write about one more pull."""
        bar = _LineBar(name, page_size, limit)
        self._bars.append(bar)
        return bar

    def tick(self) -> None:
        """Write how far each pull is that has come further, or still waits for its first answer."""
        for bar in self._bars:
            bar.write()


class _LineBar:
    def __init__(self, name: str, page_size: int, limit: int | None) -> None:
        self._name = name
        self._page_size = page_size
        self._limit = limit
        self._report: Report | None = None
        self._written: Report | None = None

    def update(self, report: Report) -> None:
        self._report = report

    def write(self) -> None:
        if self._report is None:
            say(f"{self._name}: waiting for the first answer")
        elif self._report is not self._written:
            say(progress_line(self._report, page_size=self._page_size, limit=self._limit))
            self._written = self._report


def choose_display(*, quiet: bool = False, rows_on_stdout: bool = False) -> Display:
    """Return bars where standard error is a terminal that rows do not run over, else lines."""
    if quiet:
        return Silence()
    if not can_draw(rows_on_stdout=rows_on_stdout):
        return Lines()
    from asyncsessions.cli.render import LiveBars

    return LiveBars()


def can_draw(*, rows_on_stdout: bool = False) -> bool:
    """Whether standard error is a terminal that rows do not run over."""
    is_terminal = sys.stderr is not None and sys.stderr.isatty()
    is_shared = rows_on_stdout and sys.stdout is not None and sys.stdout.isatty()
    is_dumb = os.environ.get("TERM") in {None, "", "dumb", "unknown"}
    return is_terminal and not is_shared and not is_dumb


@asynccontextmanager
async def ticking(display: Ticked) -> AsyncGenerator[None, None]:
    """Let the display know that time passes."""

    async def tick() -> None:
        while True:
            await asyncio.sleep(LINE_EVERY_S)
            display.tick()

    ticker = asyncio.create_task(tick())
    try:
        yield
    finally:
        ticker.cancel()
        with suppress(asyncio.CancelledError):
            await ticker
