"""Everything that is drawn with rich: progress bars, and the tables of the demo."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, inf
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
)
from rich.table import Table
from rich.text import Text

from asyncsessions.cli.crowd import Counts, Reports
from asyncsessions.cli.figures import expected_pages
from asyncsessions.core.report import Report

__all__ = ["CrowdBar", "LiveBars", "Page"]

WIDE = 100  # columns from which on a bar says more
CROWD_EVERY_S = 0.2
NARROW = 60  # columns below which there is room for the figures alone
BLOCKS = " ▁▂▃▄▅▆▇█"
ASCII_BLOCKS = " .:#"


class _Remaining(ProgressColumn):
    """The time that the remaining pages take at the rate so far, as minutes and seconds."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        if task.finished:
            return Text("done", style="progress.remaining")
        pages_left, elapsed = task.remaining, task.elapsed
        if not task.total or not task.completed or pages_left is None or elapsed is None:
            return Text("ETA --:--", style="progress.remaining")
        seconds = round(elapsed * pages_left / task.completed)
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        clock = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"
        return Text(f"ETA {clock}", style="progress.remaining")


class LiveBars:
    """Progress bars on the terminal behind standard error, one for each pull."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            *_columns(console),
            console=console,
            expand=True,
            redirect_stdout=False,  # rows may go there
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def add(self, name: str, *, page_size: int, limit: int | None = None) -> _LiveBar:
        """Draw one more bar; it moves to and fro until page 1 says how many pages there are."""
        task = self._progress.add_task(
            name, total=None, pages="page 1", rows="0 rows", short="0 rows", long="0 rows"
        )
        return _LiveBar(self._progress, task, page_size, limit)

    def tick(self) -> None:
        """Do nothing: bars draw themselves."""


class _LiveBar:
    def __init__(self, progress: Progress, task: TaskID, page_size: int, limit: int | None) -> None:
        self._progress = progress
        self._task = task
        self._page_size = page_size
        self._limit = limit

    def update(self, report: Report) -> None:
        expected = expected_pages(report, page_size=self._page_size, limit=self._limit)
        rate = report.rows / report.elapsed_s if report.elapsed_s > 0 else 0.0
        retries = f"{report.retries} {'retry' if report.retries == 1 else 'retries'}"
        self._progress.update(
            self._task,
            total=expected,
            completed=report.pages,
            pages=f"{report.pages:,}/{expected:,}" if expected else "page 1",
            rows=f"{report.rows:,} rows",
            short=f"{report.rows:,} rows {rate:,.0f}/s",
            long=f"pages, {report.rows:,} rows, {rate:,.0f}/s, {retries}",
        )


def _columns(console: Console) -> list[ProgressColumn]:
    name, pages = TextColumn("{task.description}"), TextColumn("{task.fields[pages]}")
    if console.width < NARROW:
        return [name, pages, TextColumn("{task.fields[rows]}")]
    words = "{task.fields[long]}" if console.width >= WIDE else "{task.fields[short]}"
    return [
        SpinnerColumn(finished_text=" ", spinner_name=_spinner(console)),
        name,
        BarColumn(bar_width=None),
        pages,
        TextColumn(words),
        _Remaining(),
    ]


def _spinner(console: Console) -> str:
    return "line" if console.options.ascii_only else "dots"


class CrowdBar:
    """One bar for all tenants, with their numbers."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        said = TextColumn("{task.fields[said]}")
        columns: list[ProgressColumn] = [said]
        if console.width >= NARROW:
            columns = [
                SpinnerColumn(finished_text=" ", spinner_name=_spinner(console)),
                BarColumn(bar_width=None),
                said,
            ]
        self._progress = Progress(*columns, console=console, expand=True, redirect_stdout=False)
        self._task = self._progress.add_task("tenants", total=None, said="")
        self._reports: Reports = {}
        self._drawn_at = -inf

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._draw()
        self._progress.stop()

    def show(self, reports: Reports) -> None:
        """Draw how far they are, a few times a second."""
        self._reports = reports
        now = self._progress.get_time()
        if now - self._drawn_at >= CROWD_EVERY_S:
            self._drawn_at = now
            self._draw()

    def _draw(self) -> None:
        counts = Counts.of(self._reports)
        over = counts.complete + counts.others
        self._progress.update(self._task, total=counts.tenants, completed=over, said=counts.short)

    def tick(self) -> None:
        """Do nothing: the bar draws itself."""


class _OpenConsole(Console):
    """Leaves it to the process what a closed pipe means."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


class Page:
    """A page of results on standard output, as wide as the terminal, in ASCII where it must be."""

    def __init__(self, file: TextIO | None = None) -> None:
        self._console = _OpenConsole(file=file, highlight=False)

    @property
    def is_ascii(self) -> bool:
        """Whether the terminal can show nothing but ASCII."""
        return self._console.options.ascii_only

    @property
    def width(self) -> int:
        """The width in columns."""
        return self._console.width

    def text(self, text: str = "", *, style: str | None = None) -> None:
        """Write a line; long ones are not broken, so that they can be copied."""
        shown = text.encode("ascii", "replace").decode() if self.is_ascii else text
        self._console.print(Text(shown, style=style or ""), soft_wrap=True)

    def heading(self, text: str) -> None:
        """Write a heading after an empty line."""
        self.text()
        self.text(text, style="bold")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Write a table; the first column and those without a name are text, the rest numbers."""
        table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 3, 0, 0))
        for index, name in enumerate(columns):
            table.add_column(name, justify="right" if index and name else "left", no_wrap=True)
        for row in rows:
            table.add_row(*map(Text, row))
        self._console.print(table)

    def plot(self, counts: Sequence[int], *, height: int) -> list[str]:
        """Return the counts as columns of so many lines, from the top line down."""
        blocks = ASCII_BLOCKS if self.is_ascii else BLOCKS
        steps = len(blocks) - 1
        top = max(counts, default=0) or 1
        levels = [ceil(count * height * steps / top) for count in counts]
        return [
            "".join(blocks[min(steps, max(0, level - line * steps))] for level in levels)
            for line in reversed(range(height))
        ]

    def bar(self, share: float, *, width: int) -> str:
        """Return a bar that fills this share of a width in columns."""
        return ("#" if self.is_ascii else "█") * max(1, round(share * width))
