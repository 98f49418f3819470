"""What the demo prints at its end: figures, a plot, campaigns, and what to try next."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from asyncsessions.cli.demo_results import Results
from asyncsessions.cli.render import Page
from asyncsessions.core.report import Report

__all__ = ["show_next", "show_results"]

TOP = 8
MARGIN = 16
STYLES = {"hum": "cyan", "attributionhub": "magenta"}


def show_results(reports: Sequence[Report], results: Results, *, first: date, days: int) -> None:
    """Print the figures of both pulls, sessions per day and the largest campaigns."""
    page = Page()
    page.table(
        ["vendor", "rows", "requests", "retries", "time", "rows/s", "complete"],
        [
            [
                report.provider,
                f"{report.rows:,}",
                f"{report.requests:,}",
                f"{report.retries:,}",
                f"{report.elapsed_s:.1f} s",
                f"{report.rows / report.elapsed_s:,.0f}",
                "yes" if report.complete else "NO",
            ]
            for report in reports
        ],
    )
    page.heading("Sessions per day")
    for report in reports:
        _plot(page, report.provider, results.per_day(report.provider, first, days))
    last = first + timedelta(days=days - 1)
    page.text(" " * MARGIN + f"{first}{last.isoformat():>{days - 10}}", style="dim")
    page.heading("Top campaigns, by SQL from the file" if _is_table(reports) else "Top campaigns")
    _campaigns(page, results)
    page.text()
    for outcome in dict.fromkeys(report.outcome for report in reports):
        page.text(outcome or "")


def _is_table(reports: Sequence[Report]) -> bool:
    return any("table" in (report.outcome or "") for report in reports)


def _plot(page: Page, name: str, counts: Sequence[int]) -> None:
    top = max(counts)
    lines = page.plot(counts, height=3)
    labels = [name, "", f"up to {top:,}"]
    for label, line in zip(labels, lines, strict=True):
        page.text(f"{label:<{MARGIN}}{line}", style=STYLES.get(name))


def _campaigns(page: Page, results: Results) -> None:
    shown = [campaign for campaign in results.campaigns if campaign.name is not None][:TOP]
    best = max((campaign.rate for campaign in shown), default=0) or 1
    page.table(
        ["campaign", "sessions", "converted", "rate", ""],
        [
            [
                f"{campaign.name} ({campaign.provider})",
                f"{campaign.sessions:,}",
                f"{campaign.conversions:,}",
                f"{campaign.rate:.1%}",
                page.bar(campaign.rate / best, width=16),
            ]
            for campaign in shown
        ],
    )


def show_next(paths: Sequence[Path]) -> None:
    """Print commands that work as they are, in this shell."""
    page, program = Page(), _program()
    page.heading("Look at the rows")
    if len(paths) == 1:
        query = "SUMMARIZE sessions"
        code = f"import duckdb; duckdb.connect({str(paths[0])!r}).sql({query!r}).show()"
        page.text(f"  {_python()} -c {_quoted(code)}")
    for path in paths if len(paths) > 1 else ():
        page.text(f"  head -n 2 {shlex.quote(str(path))}")
    page.heading("Pull your own")
    page.text("  read -rs HUM_API_TOKEN && export HUM_API_TOKEN    # asks; nothing is shown")
    page.text(f"  {program} estimate hum --environment sandbox --last 30d")
    page.text(f"  {program} pull hum --environment sandbox --last 30d --to sessions.duckdb")
    page.text(f"  {program} pull attributionhub --help")


def _quoted(code: str) -> str:
    return f'"{code}"' if not set(code) & set('"$`\\!') else shlex.quote(code)


def _program() -> str:
    """Return how this program was started, as short as it works from here."""
    script = Path(sys.argv[0])
    if script.name == "__main__.py" or not os.access(script, os.X_OK):
        return f"{_python()} -m asyncsessions"
    return _short(script)


def _python() -> str:
    python = Path(sys.executable).with_name("python")
    return _short(python if python.exists() else Path(sys.executable))


def _short(program: Path) -> str:
    found = shutil.which(program.name)
    if found and Path(found).parent == program.absolute().parent:
        return program.name
    try:
        return shlex.quote(str(program.absolute().relative_to(Path.cwd())))
    except ValueError:
        return shlex.quote(str(program))
