"""What became of tenants, in words: a table, a reason for each that is not complete, and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from asyncsessions.cli.exits import (
    COMPLETE,
    FAILED,
    INTERRUPTED,
    LATER,
    REFUSED,
    UNPROVEN,
    USAGE,
    next_step,
    status_of,
)
from asyncsessions.cli.figures import file_words, plural
from asyncsessions.cli.pulling import unexpected
from asyncsessions.cli.reporting import plain_error
from asyncsessions.errors import SessionsError
from asyncsessions.tenants import TenantReport

__all__ = ["plain", "status_of_tenant", "summary"]

WORDS = {
    COMPLETE: "complete",
    FAILED: "failed",
    USAGE: "wrong set-up",
    REFUSED: "refused",
    LATER: "go on later",
    UNPROVEN: "not proven",
    INTERRUPTED: "stopped",
}
LONGEST_TABLE = 40
"""Of more tenants only those that are not complete are listed."""
IN_THE_FILE = {
    "--max-requests": "max_requests",
    "--deadline": "deadline_s",
    "--rps": "requests_per_second",
    "--concurrency": "concurrency",
}
HEAD = ("tenant", "provider", "rows", "requests", "seconds", "state")
NUMBERS = slice(2, 5)


def status_of_tenant(each: TenantReport) -> int:
    """Return the exit status that the outcome of one tenant amounts to."""
    if not each.is_over:
        return INTERRUPTED
    if each.error is not None:
        return status_of(each.error)
    return COMPLETE if each.report.complete else UNPROVEN


def summary(reports: Sequence[TenantReport], *, seconds: float, is_long: bool) -> Iterator[str]:
    """Yield a table of the tenants, the reasons of those that are not complete, and a sum."""
    if not reports:
        return
    wrong = [each for each in reports if not each.complete]
    if listed := reports if is_long or len(reports) <= LONGEST_TABLE else wrong:
        yield from _table([HEAD, *map(_row, listed)])
    for each in wrong:
        if each.is_over:
            yield f"{each.tenant.name}: {_reason(each, is_long=is_long)}"
    rows = sum(each.report.rows for each in reports if each.complete)
    requests = sum(each.report.requests for each in reports)
    done = f"{len(reports) - len(wrong):,} of {plural(len(reports), 'tenant')} complete"
    yield f"{done}: {plural(rows, 'row')}; {plural(requests, 'request')} in all, {seconds:.1f} s"


def _row(each: TenantReport) -> tuple[str, ...]:
    report = each.report
    word = WORDS[status_of_tenant(each)] if each.is_begun or each.is_over else "not begun"
    figures = f"{report.rows:,}", f"{report.requests:,}", f"{report.elapsed_s:.1f}"
    return each.tenant.name, each.tenant.provider, *figures, word


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        pairs = zip(row[NUMBERS], widths[NUMBERS], strict=True)
        cells[NUMBERS] = [cell.rjust(width) for cell, width in pairs]
        yield "  ".join(cells).rstrip()


def _reason(each: TenantReport, *, is_long: bool) -> str:
    error = each.error
    if error is None:
        return "; ".join(("not proven complete", *each.report.reasons))
    if not isinstance(error, SessionsError):
        return unexpected(error, origin=f"the provider {each.tenant.provider}")
    tenant = each.tenant
    secret = tenant.key_env or "the settings"
    place = tenant.base_url or f"{tenant.provider} {tenant.environment or ''}".rstrip()
    step = next_step(error, secret=secret, base_url=place)
    for option, name in IN_THE_FILE.items():
        step = step and step.replace(option, name)
    said = str(error) if is_long else error.message  # the rest is in the report as well
    return f"{said}; next: {step}" if step else said


def plain(each: TenantReport) -> dict[str, Any]:
    """Return the outcome of one tenant as plain data for JSON."""
    return {
        "tenant": each.tenant.name,
        "exit_status": status_of_tenant(each),
        "error": None if each.error is None else plain_error(each.error, file_words),
        **each.report.to_dict(),
    }
