"""What is logged: one tree of loggers, plain sentences, and the same facts as ``extra``.

``asyncsessions.engine`` speaks of pulls, ``asyncsessions.transport`` of requests.  Nobody pays for
records that nobody wants: whether anybody does is asked when a pull begins.  The keys are listed in
docs/telemetry.md.
"""

from __future__ import annotations

import logging
from typing import Any

from asyncsessions.core.events import (
    AttemptEnded,
    Event,
    PageReceived,
    PullEnded,
    PullStarted,
    Waiting,
)
from asyncsessions.core.report import Report
from asyncsessions.errors import IncompleteError

__all__ = ["is_heard", "log_event", "warn_of_surprises", "warn_that_incomplete"]

# Whoever wants to hear us says so; by default a library is silent.
logging.getLogger("asyncsessions").addHandler(logging.NullHandler())
engine = logging.getLogger("asyncsessions.engine")
transport = logging.getLogger("asyncsessions.transport")


def is_heard() -> bool:
    """Whether anybody wants to hear more than warnings."""
    return engine.isEnabledFor(logging.INFO) or transport.isEnabledFor(logging.INFO)


def log_event(event: Event) -> None:
    """Write an event down: waits, begin and end of a pull as INFO, attempts and pages as DEBUG."""
    match event:
        case AttemptEnded():
            if transport.isEnabledFor(logging.DEBUG):
                _log_attempt(event)
        case PageReceived():
            if engine.isEnabledFor(logging.DEBUG):
                _log_page(event)
        case Waiting():
            _log_wait(event)
        case PullStarted():
            said = "%s: %s begins"
            engine.info(said, event.provider, event.operation, extra=_of("pull_started", event))
        case PullEnded():
            _log_end(event)
        case _:
            pass


def _of(event: str, pull: PullStarted, **facts: Any) -> dict[str, Any]:
    head = {"event": event, "pull": pull.id, "operation": pull.operation}
    return {**head, "provider": pull.provider, **facts}


def _log_attempt(event: AttemptEnded) -> None:
    request = event.attempt.request
    facts = _of(
        "attempt",
        request.pull,
        page=event.page,
        attempt=event.number,
        status=event.status,
        error=event.error,
        duration_s=event.duration_s,
        waited_s=event.attempt.waited_s,
        requests=event.sent,
    )
    said = "%s: %s %s, attempt %d: %s in %.3f s"
    outcome = event.error or event.status
    url, took = event.url, event.duration_s
    arguments = event.provider, request.method, url, event.number, outcome, took
    transport.debug(said, *arguments, extra=facts)


def _log_page(event: PageReceived) -> None:
    facts = _of("page", event.pull, page=event.page, rows=event.rows, total=event.total)
    engine.debug("%s: page %d: %d rows", event.provider, event.page, event.rows, extra=facts)


def _log_wait(event: Waiting) -> None:
    request = event.request
    facts = _of(
        "wait",
        request.pull,
        page=request.page,
        attempt=event.number,
        error=event.error,
        wait_s=event.wait_s,
    )
    said = "%s: repeating a request in %.1f s, after %s"
    transport.info(said, request.pull.provider, event.wait_s, event.error, extra=facts)


def _log_end(event: PullEnded) -> None:
    pull, report = event.pull, event.report
    facts = _of("pull_ended", pull, duration_s=event.duration_s, error=event.error)
    if report is None:
        said = "%s: %s: %s in %.1f s"
        outcome = event.error or "done"
        arguments: tuple[object, ...] = pull.provider, pull.operation, outcome, event.duration_s
    else:
        facts |= {key: getattr(report, key) for key in ("rows", "requests", "retries", "complete")}
        said = "%s: %s: %s: %d rows in %d requests (%d retries), %.1f s"
        outcome = event.error or ("complete" if report.complete else "not complete")
        figures = report.rows, report.requests, report.retries, event.duration_s
        arguments = pull.provider, pull.operation, outcome, *figures
    engine.info(said, *arguments, extra=facts)


def warn_that_incomplete(error: IncompleteError, report: Report) -> None:
    """Say that a pull is not proven complete, where it does not raise that."""
    ranges = [[start.isoformat(), end.isoformat()] for start, end in report.unproven]
    facts = {"event": "incomplete", "provider": report.provider, "unproven": ranges}
    engine.warning("%s", error, extra=facts)


def warn_of_surprises(report: Report) -> None:
    """Say what a vendor sent that nobody expected; its own words stay in the report."""
    if report.unknown_fields or report.warnings:
        count, names = len(report.warnings), report.unknown_fields
        head = {"event": "surprise", "provider": report.provider}
        facts = {**head, "unknown_fields": [*names], "warnings": count}
        said = "%s: fields that are not documented: %s; warnings: %d, see the report"
        shown = ", ".join(names) or "none"
        engine.warning(said, report.provider, shown, count, extra=facts)
