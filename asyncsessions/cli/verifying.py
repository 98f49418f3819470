"""The verb ``verify``: does a target hold what was written, and does the vendor still list as much."""

from __future__ import annotations

from typing import Any

import click

from asyncsessions.cli.diagnostics import listen
from asyncsessions.cli.exits import COMPLETE, FAILED, UNPROVEN
from asyncsessions.cli.figures import plural
from asyncsessions.cli.process import say, say_out
from asyncsessions.cli.pulling import explain
from asyncsessions.cli.running import Ending, run
from asyncsessions.cli.vendors import ATTRIBUTIONHUB, HUM, Question, unfiltered
from asyncsessions.client import Client
from asyncsessions.core.books import Stream, stream_name
from asyncsessions.core.convert import instant_text
from asyncsessions.core.tiles import Span
from asyncsessions.core.windows import to_datetime
from asyncsessions.engine.comparing import Comparison
from asyncsessions.errors import SinkError
from asyncsessions.sinks.holdings import LOOKED, Holdings, open_holdings, verify_windows
from asyncsessions.sinks.ledger import Ledger
from asyncsessions.sinks.wording import shown

__all__ = ["verify"]

VENDORS = {"hum": HUM, "attributionhub": ATTRIBUTIONHUB}


def verify(given: dict[str, Any]) -> int:
    """Verify a target, say what was found, and return the exit status."""
    listen(verbose=given.pop("verbose"), quiet=given["quiet"])
    is_quiet, target = given.pop("quiet"), given.pop("target")
    against, tenant = given.pop("against"), given.pop("tenant")
    if tenant is not None and against is None:
        raise click.UsageError("--tenant says whose sessions to ask for: give it with --against")
    wanted = None if against is None else stream_name(against, tenant)
    found = _Findings(is_quiet=is_quiet)
    ending: Ending[None] = run(lambda: _work(target, wanted, given, found))
    if ending.error is not None:
        for line in explain(ending, found.question):
            say(line)
        return ending.status
    return found.status


class _Findings:
    """Prints what is found and keeps the worst of it as the exit status."""

    def __init__(self, *, is_quiet: bool) -> None:
        self.status = COMPLETE
        self.question: Question | None = None
        self._is_quiet = is_quiet

    def good(self, line: str) -> None:
        if not self._is_quiet:
            say_out(line)

    def bad(self, line: str, status: int) -> None:
        say_out(line)
        # What is damaged matters more than what is not proven or has changed since.
        self.status = FAILED if FAILED in {status, self.status} else status


async def _work(target: str, wanted: str | None, given: dict[str, Any], found: _Findings) -> None:
    """Look at every stream, and ask the vendor of the one that is ``wanted`` (``None`` = none)."""
    with open_holdings(target) as holdings:
        streams = list(holdings.streams())
        if wanted is not None and all(stream.name != wanted for stream in streams):
            others = [each for each in streams if each.provider == wanted and each.tenant]
            step = ": say which --tenant" if others else ""
            raise click.UsageError(f"{target} holds nothing of {wanted}{step}")
        if not streams:
            found.bad(f"{target} holds nothing yet", UNPROVEN)
        for problem in holdings.strays():
            found.bad(problem, FAILED)
        for stream in streams:
            _look(holdings, stream, found)
            if stream.name == wanted:
                found.question = question = _question(stream.provider, given)
                await _ask(holdings, stream, question, given, found)


def _look(holdings: Holdings, stream: Stream, found: _Findings) -> None:
    """Compare data and books; asks nobody."""
    bad = 0
    for window, problem in verify_windows(holdings, stream):
        if problem is not None:
            bad += 1
            found.bad(f"{stream.name}, {_range(window.owned)}: {problem}", FAILED)
        elif not window.complete:
            found.bad(
                f"{stream.name}, {_range(window.owned)}: as written, but not proven complete",
                UNPROVEN,
            )
    what = f"{plural(stream.rows, 'row')} in {plural(len(stream.windows), 'window')}"
    if bad:
        found.bad(f"{stream.name}: {what}, {bad:,} not as written", FAILED)
    elif stream.runs and stream.runs[0].ended_at is None:
        found.bad(f"{stream.name}: {what}: as written, but the pull is not over", UNPROVEN)
    else:
        found.good(f"{stream.name}: {what}: as written")


def _range(span: Span) -> str:
    return f"{instant_text(to_datetime(span.lo))} to {instant_text(to_datetime(span.hi))}"


def _question(against: str, given: dict[str, Any]) -> Question:
    where = {name: given[name] for name in ("environment", "base_url", "token_file")}
    if against != "hum" and where["environment"] is not None:
        raise click.UsageError("--environment is for hum alone: give --base-url")
    if against in VENDORS:
        return unfiltered(VENDORS[against], **where)
    from asyncsessions.cli.plugged import other_vendor

    return unfiltered(other_vendor(against), **where)


async def _ask(
    holdings: Holdings,
    stream: Stream,
    question: Question,
    given: dict[str, Any],
    found: _Findings,
) -> None:
    """Compare the books and the vendor, at a request a window, which are entered as any others."""
    path = holdings.ledger(stream.name).with_name(LOOKED)
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise SinkError(f"{shown(path)} cannot be written: {error.strerror}") from None
    ledger = Ledger(path)
    try:
        async with Client(
            question.provider, concurrency=given["concurrency"], requests_per_second=given["rps"]
        ) as client:
            compared = await client.compare(
                stream,
                (moment for moment, _ in holdings.moments(stream.name)),
                before_request=lambda: ledger.enter(stream.name),
                max_requests=given["max_requests"],
                deadline_s=given["deadline"],
            )
    finally:
        ledger.close()
    for each in compared:
        _tell(each, stream, found)


def _tell(each: Comparison, stream: Stream, found: _Findings) -> None:
    start, end = map(instant_text, (each.window.asked_start, each.window.asked_end))
    line = f"{stream.name}, {start} to {end}: the vendor lists {plural(each.listed, 'row')}"
    if each.is_equal:
        found.good(f"{line}, as stored")
    else:
        found.bad(f"{line}, {each.stored:,} are stored: sync reads the difference", UNPROVEN)
