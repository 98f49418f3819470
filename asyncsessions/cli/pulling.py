"""The verb ``pull``, and what ``sync`` shares: ask, show how far it is, say how it ended."""

from __future__ import annotations

import logging
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import click
from attrs import field, fields, frozen

from asyncsessions.cli.diagnostics import listen
from asyncsessions.cli.exits import COMPLETE, FAILED, UNPROVEN, next_step
from asyncsessions.cli.figures import (
    Words,
    figures,
    outcome_words,
    plural,
    remarks,
    shell_words,
    spent,
    verdict,
)
from asyncsessions.cli.process import say
from asyncsessions.cli.progress import choose_display, ticking
from asyncsessions.cli.reporting import ReportFile
from asyncsessions.cli.running import Ending, run
from asyncsessions.cli.vendors import Question, Vendor, refuse_many_windows
from asyncsessions.client import Client
from asyncsessions.core.report import Report
from asyncsessions.core.walk import Consistency
from asyncsessions.errors import SessionsError
from asyncsessions.query import Sessions
from asyncsessions.sinks import STDOUT, is_target, kinds_of_targets

__all__ = ["PullOptions", "carry_out", "check_target", "explain", "pull", "unexpected"]

Work: TypeAlias = Callable[[Sessions], Awaitable[Report]]
"""What is done with the question once it is put."""

log = logging.getLogger("asyncsessions.cli")


@frozen(kw_only=True)
class PullOptions:
    """What the options say about a pull, but for the question itself."""

    to: str
    fresh: bool
    limit: int | None
    consistency: Consistency
    report: str | None
    concurrency: int
    rps: float | None
    max_requests: int | None
    deadline: float | None
    verbose: int
    quiet: bool

    @classmethod
    def taken_from(cls, given: dict[str, Any]) -> PullOptions:
        """Take them out of all that was given; raises ``click.UsageError``."""
        options = cls(**{each.name: given.pop(each.name) for each in fields(cls)})
        to = options.to
        check_target(to)
        if to == STDOUT and sys.stdout is None:
            raise click.UsageError("standard output is closed: write the rows --to a file")
        if options.limit is not None and to != STDOUT:
            raise click.UsageError(
                "--limit is for a look on standard output: a file would pass for the whole"
            )
        return options


def check_target(to: str) -> None:
    """Raise ``click.UsageError`` for a target of a kind that there is not."""
    if not is_target(to):
        raise click.UsageError(
            f"--to {to} is no target: write a path that ends in {kinds_of_targets()}"
        )


@frozen
class _Pull:
    vendor: Vendor
    given: dict[str, Any]
    options: PullOptions
    work: Work
    seen: list[Report] = field(factory=list[Report])
    questions: list[Question] = field(factory=list[Question])

    @property
    def latest(self) -> Report:
        return self.seen[-1] if self.seen else Report(provider=self.vendor.name)

    def prepare(self) -> None:
        question = self.vendor.ask(**self.given)
        self.questions.append(question)
        refuse_many_windows(question, max_requests=self.options.max_requests)

    async def run(self) -> Report:
        options, question = self.options, self.questions[0]
        provider = question.provider
        log.info("pulling from %s at %s to %s", provider.name, provider.base_url, options.to)
        display = choose_display(quiet=options.quiet, rows_on_stdout=options.to == STDOUT)
        with display:
            bar = display.add(provider.name, page_size=provider.page_size, limit=options.limit)

            def show(report: Report) -> None:
                self._note(report)
                bar.update(report)

            async with (
                ticking(display),
                Client(
                    provider,
                    concurrency=options.concurrency,
                    requests_per_second=options.rps,
                ) as client,
            ):
                sessions = question.put_to(client).with_options(
                    consistency=options.consistency,
                    on_incomplete="warn",  # the report says it, and the exit status
                    max_requests=options.max_requests,
                    deadline_s=options.deadline,
                    limit=options.limit,
                    on_progress=show,
                )
                report = await self.work(sessions)
                show(report)
        return report

    def _note(self, report: Report) -> None:
        self.seen[:] = [report]
        nouns = {"answer": report.pages, "request": report.requests, "row": report.rows}
        log.debug("%s, %s, %s", *(plural(count, noun) for noun, count in nouns.items()))


def pull(vendor: Vendor, given: dict[str, Any]) -> int:
    """Pull, and return the exit status; raises ``click.UsageError`` for options that clash."""
    options = PullOptions.taken_from(given)
    return carry_out(
        vendor, given, options, lambda sessions: sessions.pull(options.to, fresh=options.fresh)
    )


def carry_out(vendor: Vendor, given: dict[str, Any], options: PullOptions, work: Work) -> int:
    """Put the question, do the work, say how it ended, and return the exit status."""
    report_file = ReportFile.opened(options.report, to=options.to)
    listen(verbose=options.verbose, quiet=options.quiet)
    task = _Pull(vendor, given, options, work)
    ending = run(task.run, before=task.prepare)
    report = ending.value or getattr(ending.error, "report", None) or task.latest
    status = _status(ending, report, options)
    if not ending.is_pipe_closed:
        for line in _summary(ending, report, task, status):
            say(line)
    if not report_file.write(report.to_dict(), status=status, ending=ending) and status == COMPLETE:
        return FAILED
    return status


def _status(ending: Ending[Report], report: Report, options: PullOptions) -> int:
    is_cut = options.limit is not None and not report.unproven
    if ending.status == COMPLETE and not report.complete and not is_cut:
        return UNPROVEN
    return ending.status


def _summary(ending: Ending[Report], report: Report, task: _Pull, status: int) -> list[str]:
    options = task.options
    if ending.error is None:
        if options.quiet and status == COMPLETE:
            return []
        word = verdict(report, limit=options.limit, consistency=options.consistency)
        lines = [f"{report.provider}: {figures(report)}: {word}"]
        if report.outcome:
            lines.append(outcome_words(report))
        if report.complete and not report.requests and not report.requests_before:
            return lines[1:]  # it was complete before: where the rows are says it all
        return lines + list(remarks(report, consistency=options.consistency))
    question = task.questions[0] if task.questions else None
    lines = explain(ending, question)
    if not options.quiet and report.requests:
        # The target says how many rows it has; what was read is another number.
        lines.insert(1, f"so far: {spent(report) if ending.notes else figures(report)}")
    return lines


def unexpected(error: BaseException | None, *, origin: str | None = None) -> str:
    """Return the words for an error that nobody can meet; ``origin`` is whose mistake it may be."""
    whose = "" if origin is None else f" or of {origin}"
    return (
        f"unexpected {type(error).__name__}, a mistake of asyncsessions{whose}: run it with -v for "
        "the details, and please report it"
    )


def explain(
    ending: Ending[Any], question: Question | None, *, words: Words = shell_words
) -> list[str]:
    """Return what went wrong, what is left of it, and what to do next, a line each.

    ``question`` is ``None`` if the mistake was made before there was one.  ``words`` tell an error of
    ours.
    """
    error = ending.error
    if ending.is_interrupted:
        again = ["next: run the same command again"] if ending.notes else []
        return ["interrupted", *ending.notes, *again]
    if isinstance(error, click.ClickException):
        return [f"error: {error.format_message()}"]
    if not isinstance(error, SessionsError):
        origin = None if question is None else question.origin
        return [f"error: {unexpected(error, origin=origin)}"]
    lines = [f"error: {words(error)}", *ending.notes]
    if question is not None:
        step = next_step(error, secret=question.secret, base_url=question.provider.base_url)
        lines += [f"next: {step}"] if step else []
    return lines
