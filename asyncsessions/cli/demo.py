"""The verb ``demo``: two fake vendors on this machine, pulled side by side into one file."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import click
from attrs import frozen

from asyncsessions.cli.demo_data import DAYS, attributionhub_rows, hum_rows
from asyncsessions.cli.demo_results import Results, read_duckdb, read_lines
from asyncsessions.cli.demo_summary import show_next, show_results
from asyncsessions.cli.diagnostics import listen
from asyncsessions.cli.exits import COMPLETE, UNPROVEN
from asyncsessions.cli.process import say
from asyncsessions.cli.progress import Display, choose_display, ticking
from asyncsessions.cli.pulling import explain
from asyncsessions.cli.running import run
from asyncsessions.client import Client
from asyncsessions.core.report import Report
from asyncsessions.providers.attributionhub import AttributionHub
from asyncsessions.providers.base import Provider
from asyncsessions.providers.hum import Hum
from asyncsessions.testing import FakeAttributionHub, FakeHum, Faults

__all__ = ["run_demo"]

TARGET = "asyncsessions-demo.duckdb"
HUM_ROWS, ATTRIBUTIONHUB_ROWS = 9_000, 11_000
LATENCY_S = (0.06, 0.16)
FAULTS = Faults(
    rate=0.03, kinds=("503", "reset", "truncated", "cut_json", "slow", "429"), seed=3, slow_s=0.4
)
CONCURRENCY = 6
DEADLINE_S = 60.0  # it takes about six; a machine under load shall not hang either


@frozen
class Targets:
    """Where the rows of each vendor go: one DuckDB file, or a text file each."""

    hum: Path
    attributionhub: Path

    @property
    def paths(self) -> list[Path]:
        """The files, each once."""
        return list(dict.fromkeys((self.hum, self.attributionhub)))

    def read(self) -> Results:
        """Read back what was written."""
        paths = self.paths
        return read_duckdb(paths[0]) if len(paths) == 1 else read_lines(paths)


def run_demo(to: str | None) -> int:
    """Run the demo and return its exit status; raises ``click.UsageError`` for the target."""
    listen(verbose=0, quiet=False)
    targets = _targets(to)
    first = datetime.now(UTC).date() - timedelta(days=DAYS)
    say(f"Two fake vendors on this machine; {DAYS} days of invented data; some answers fail.", "")
    with ExitStack() as stack:
        hum = stack.enter_context(
            FakeHum(rows=hum_rows(HUM_ROWS, first), latency_s=LATENCY_S, faults=FAULTS).in_thread()
        )
        hub = stack.enter_context(
            FakeAttributionHub(
                rows=attributionhub_rows(ATTRIBUTIONHUB_ROWS, first),
                latency_s=LATENCY_S,
                faults=FAULTS,
            ).in_thread()
        )
        providers = (
            Hum(hum.token, base_url=hum.base_url),
            AttributionHub(hub.key, base_url=hub.base_url),
        )
        ending = run(lambda: _pull_both(*providers, targets, first))
    if ending.value is None:
        for line in explain(ending, None):
            say(line)
        return ending.status
    say("")
    show_results(ending.value, targets.read(), first=first, days=DAYS)
    show_next(targets.paths)
    return COMPLETE if all(report.complete for report in ending.value) else UNPROVEN


def _targets(to: str | None) -> Targets:
    path = Path(to or TARGET)
    if not path.name.startswith("asyncsessions-demo") and path.exists():
        raise click.UsageError(
            f"{path} exists already, and the demo starts over: give a file that does not"
        )
    if path.suffix.lower() == ".duckdb":
        if find_spec("duckdb") and find_spec("pyarrow"):
            return Targets(path, path)
        say('DuckDB is not installed (pip install "asyncsessions[duckdb]"): writing JSON lines.')
        path = path.with_suffix(".jsonl")
    if path.suffix.lower() != ".jsonl":
        raise click.UsageError("the demo writes a .duckdb file, or .jsonl files")
    return Targets(
        path.with_stem(f"{path.stem}-hum"), path.with_stem(f"{path.stem}-attributionhub")
    )


async def _pull_both(hum: Hum, hub: AttributionHub, targets: Targets, first: date) -> list[Report]:
    with choose_display() as display:
        try:
            async with ticking(display), asyncio.TaskGroup() as group:
                pulls = [
                    group.create_task(_pull(hum, targets.hum, first, display)),
                    group.create_task(_pull(hub, targets.attributionhub, first, display)),
                ]
        except BaseExceptionGroup as failures:
            failure = failures.exceptions[0]
        else:
            return [pull.result() for pull in pulls]
    raise failure


async def _pull(provider: Provider[...], to: Path, first: date, display: Display) -> Report:
    bar = display.add(f"{provider.name:<14}", page_size=provider.page_size)
    async with Client(provider, concurrency=CONCURRENCY) as client:
        sessions = client.sessions(start=first, end=first + timedelta(days=DAYS - 1))
        report = await sessions.with_options(
            on_incomplete="warn", deadline_s=DEADLINE_S, on_progress=bar.update
        ).pull(to, fresh=True)
    bar.update(report)
    return report
