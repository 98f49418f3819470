"""The verb ``estimate``: what a pull will take."""

from __future__ import annotations

import json
import sys
from typing import Any

import click
from attrs import asdict

from asyncsessions.cli.diagnostics import listen
from asyncsessions.cli.exits import COMPLETE
from asyncsessions.cli.figures import plural
from asyncsessions.cli.process import say, say_out
from asyncsessions.cli.pulling import check_target, explain
from asyncsessions.cli.running import run
from asyncsessions.cli.vendors import Question, Vendor, refuse_many_windows
from asyncsessions.client import Client
from asyncsessions.engine.probe import Estimate

__all__ = ["estimate"]


def estimate(vendor: Vendor, given: dict[str, Any]) -> int:
    """Print the estimate on standard output and return the exit status.

    Raises ``click.UsageError`` if that is closed, before a request is spent on it.
    """
    if sys.stdout is None:
        raise click.UsageError("standard output is closed, where the estimate goes")
    listen(verbose=given.pop("verbose"), quiet=given.pop("quiet"))
    is_json = given.pop("json")
    concurrency, rps = given.pop("concurrency"), given.pop("rps")
    max_requests, deadline_s = given.pop("max_requests"), given.pop("deadline")
    to = given.pop("to")
    if to is not None:
        check_target(to)
    questions: list[Question] = []

    def prepare() -> None:
        questions.append(vendor.ask(**given))
        refuse_many_windows(questions[0], max_requests=max_requests)

    async def ask() -> Estimate:
        question = questions[0]
        async with Client(
            question.provider, concurrency=concurrency, requests_per_second=rps
        ) as client:
            sessions = question.put_to(client)
            return await sessions.with_options(
                max_requests=max_requests, deadline_s=deadline_s
            ).estimate(to)

    ending = run(ask, before=prepare)
    if ending.value is not None:
        say_out(json.dumps(asdict(ending.value)) if is_json else _sentence(ending.value, to))
    if ending.status != COMPLETE:
        for line in explain(ending, questions[0] if questions else None):
            say(line)
    return ending.status


def _sentence(plan: Estimate, to: str | None) -> str:
    found = f"{plural(plan.rows, 'row')} in {plural(plan.windows, 'window')}"
    if to is None:
        return (
            f"{found}: a pull takes {plural(plan.requests, 'request')} "
            f"({plan.spent:,} spent on this estimate)"
        )
    return (
        f"{found}: the pull into {to} takes {plan.requests:,} more "
        f"({plan.spent:,} spent on this estimate, and kept for it)"
    )
