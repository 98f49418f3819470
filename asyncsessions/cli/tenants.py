"""The verbs ``pull`` and ``sync`` with ``--tenants``: all tenants of a file, into one target."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeAlias

import click
from attrs import field, frozen

from asyncsessions.cli.crowd import choose_display
from asyncsessions.cli.diagnostics import listen
from asyncsessions.cli.exits import COMPLETE, FAILED, worst
from asyncsessions.cli.figures import file_words
from asyncsessions.cli.outcomes import plain, status_of_tenant, summary
from asyncsessions.cli.process import say
from asyncsessions.cli.progress import ticking
from asyncsessions.cli.pulling import explain
from asyncsessions.cli.reporting import ReportFile
from asyncsessions.cli.running import run
from asyncsessions.cli.vendors import time_range
from asyncsessions.core.admission import Bounds
from asyncsessions.errors import SessionsError
from asyncsessions.tenants import Tenant, TenantReport, pull_tenants, read_tenants, sync_tenants

if sys.platform != "win32":
    import resource

__all__ = ["pull", "sync"]

MOST_THREADS = 16
OPEN_FILES = 4096
"""Connections, and a few files of each tenant; many systems allow 1024, some 256."""
Work: TypeAlias = Callable[..., Awaitable[Sequence[TenantReport]]]
log = logging.getLogger("asyncsessions.cli")


def pull(given: dict[str, Any]) -> int:
    """Pull all tenants, and return the exit status; raises ``click.UsageError``."""
    times = time_range(given.pop("start"), given.pop("end"), given.pop("last"))
    return _carry_out(given, pull_tenants, fresh=given.pop("fresh"), **times)


def sync(given: dict[str, Any]) -> int:
    """Sync all tenants, and return the exit status; raises ``click.UsageError``."""
    how = {name: given.pop(name) for name in ("start", "lookback", "revisit")}
    return _carry_out(given, sync_tenants, **how)


@frozen
class _Task:
    file: str
    to: str
    work: Work
    how: Mapping[str, Any]
    at_once: int | None
    quiet: bool
    tenants: list[Tenant] = field(factory=list[Tenant])
    seen: list[Mapping[str, TenantReport]] = field(factory=list[Mapping[str, TenantReport]])

    @property
    def reports(self) -> list[TenantReport]:
        """How far all tenants are; nothing before the target is open."""
        return list(self.seen[0].values()) if self.seen else []

    def prepare(self) -> None:
        self.tenants[:] = read_tenants(self.file)

    async def run(self) -> Sequence[TenantReport]:
        bounds = Bounds() if self.at_once is None else Bounds(tenants=self.at_once)
        display = choose_display(quiet=self.quiet)
        _allow_open_files()
        # Steps of targets wait for the disk, not for the processor.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(MOST_THREADS))

        def watch(reports: Mapping[str, TenantReport]) -> None:
            self.seen[:] = [reports]
            display.show(reports)

        with display:
            async with ticking(display):
                return await self.work(
                    self.tenants, self.to, bounds=bounds, on_progress=watch, **self.how
                )


def _carry_out(given: dict[str, Any], work: Work, **how: Any) -> int:
    to, quiet, verbose = given["to"], given["quiet"], given["verbose"]
    if to is None:
        raise click.UsageError(
            "say where the rows go: --to sessions.duckdb, or a dataset, --to dir/"
        )
    report_file = ReportFile.opened(given["report"], to=to)
    listen(verbose=verbose, quiet=quiet)
    task = _Task(given["tenants"], to, work, how, given["tenants_at_once"], quiet)
    began = time.monotonic()
    ending = run(task.run, before=task.prepare)
    reports = task.reports
    _log_unexpected(reports)
    status = ending.status
    if ending.error is None:
        status = worst(map(status_of_tenant, reports))
    if not quiet or status != COMPLETE:
        for line in summary(reports, seconds=time.monotonic() - began, is_long=bool(verbose)):
            say(line)
    for line in explain(ending, None, words=file_words) if ending.error is not None else ():
        say(line)
    if ending.is_interrupted and reports:
        say("next: run the same command again")
    content = {"tenants": [plain(each) for each in reports]}
    is_told = report_file.write(content, status=status, ending=ending, words=file_words)
    return FAILED if status == COMPLETE and not is_told else status


def _allow_open_files() -> None:
    """Ask the system for as many open files as all tenants need, where it grants them."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _log_unexpected(reports: Sequence[TenantReport]) -> None:
    for each in reports:
        if each.error is not None and not isinstance(each.error, SessionsError):
            log.info("unexpected, tenant %s", each.tenant.name, exc_info=each.error)
