"""The verb ``report``: what a target holds, for people and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import frozen

from asyncsessions.cli.exits import COMPLETE
from asyncsessions.cli.figures import plural
from asyncsessions.cli.process import say, say_out
from asyncsessions.cli.pulling import explain
from asyncsessions.cli.render import Page
from asyncsessions.cli.running import run
from asyncsessions.core.books import Run, Stream
from asyncsessions.core.convert import instant_text
from asyncsessions.core.windows import to_datetime
from asyncsessions.sinks.holdings import Tally, months_in, open_holdings, tally

__all__ = ["show"]

TOP = 8
MARGIN = 16
SHOWN_WINDOWS = 12


@frozen
class _Contents:
    stream: Stream
    months: dict[str, int]
    tally: Tally


def show(target: str, *, is_json: bool) -> int:
    """Print what a target holds and return the exit status."""

    async def look() -> list[_Contents]:
        with open_holdings(target) as holdings:
            return [
                _Contents(
                    stream,
                    months_in(holdings, stream),
                    tally(holdings.moments(stream.name)),
                )
                for stream in holdings.streams()
            ]

    ending = run(look)
    if ending.value is None:
        for line in explain(ending, None):
            say(line)
        return ending.status
    if is_json:
        say_out(json.dumps([_plain(each) for each in ending.value], indent=2))
    else:
        for each in ending.value:
            _print(Page(), each)
    return COMPLETE


# ---------------------------------------------------------------------- as JSON


def _plain(contents: _Contents) -> dict[str, Any]:
    stream = contents.stream
    return {
        "provider": stream.provider,
        "tenant": stream.tenant,
        "filters": stream.filters,
        "rows": stream.rows,
        "complete": _is_complete(stream),
        "watermark": None
        if stream.watermark is None
        else instant_text(to_datetime(stream.watermark)),
        "windows": [
            {
                "start": instant_text(to_datetime(window.owned.lo)),
                "end": instant_text(to_datetime(window.owned.hi)),
                "rows": window.rows,
                "complete": window.complete,
                "digest": window.digest,
                "read_from": instant_text(window.as_of[0]),
                "read_to": instant_text(window.as_of[1]),
                "committed_at": instant_text(window.committed_at),
                "run": window.run,
            }
            for window in stream.windows
        ],
        "runs": [_plain_run(run) for run in stream.runs],
        "requests": contents.months,
        "sessions_by_day": {day.isoformat(): count for day, count in contents.tally.days.items()},
        "campaigns": [
            {"campaign": name, "sessions": count} for name, count in contents.tally.campaigns
        ],
    }


def _plain_run(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "kind": run.kind,
        "asked": run.asked,
        "start": instant_text(run.pinned.start),
        "end": instant_text(run.pinned.end),
        "begun_at": instant_text(run.begun_at),
        "ended_at": None if run.ended_at is None else instant_text(run.ended_at),
        "requests": dict(run.requests),
    }


def _is_complete(stream: Stream) -> bool:
    return all(window.complete for window in stream.windows) and all(
        run.ended_at is not None for run in stream.runs[:1]
    )


# ---------------------------------------------------------------------- for people


def _print(page: Page, contents: _Contents) -> None:
    stream = contents.stream
    filters = ", ".join(f"{name}={value}" for name, value in stream.filters)
    page.heading(stream.name + (f" ({filters})" if filters else ""))
    state = "complete" if _is_complete(stream) else "NOT complete"
    page.text(
        f"{plural(stream.rows, 'session')} in {plural(len(stream.windows), 'window')}: {state}"
    )
    _print_windows(page, stream)
    requests = ", ".join(f"{month}: {count:,}" for month, count in contents.months.items())
    page.text()
    page.text(f"Requests by month: {requests or 'none'}")
    _print_freshness(page, stream)
    if contents.tally.days:
        _print_days(page, contents.tally)
        _print_campaigns(page, contents.tally)


def _print_windows(page: Page, stream: Stream) -> None:
    shown = stream.windows[:SHOWN_WINDOWS]
    page.table(
        ["from", "to", "rows", "complete", "read"],
        [
            [
                _minute(to_datetime(window.owned.lo)),
                _minute(to_datetime(window.owned.hi)),
                f"{window.rows:,}",
                "yes" if window.complete else "NO",
                _minute(window.as_of[1]),
            ]
            for window in shown
        ],
    )
    if len(stream.windows) > len(shown):
        page.text(f"and {plural(len(stream.windows) - len(shown), 'older window')}", style="dim")


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


def _print_freshness(page: Page, stream: Stream) -> None:
    if stream.watermark is not None:
        behind = datetime.now(UTC) - to_datetime(stream.watermark)
        page.text(
            f"Proven up to {_minute(to_datetime(stream.watermark))}, {_ago(behind)} before now"
        )


def _ago(span: timedelta) -> str:
    hours = span / timedelta(hours=1)
    if hours < 1:
        return plural(max(0, round(hours * 60)), "minute")
    return plural(round(hours), "hour") if hours < 48 else plural(span.days, "day")


def _print_days(page: Page, found: Tally) -> None:
    first, last = min(found.days), max(found.days)
    span = (last - first).days + 1
    width = max(1, min(span, page.width - MARGIN))
    counts = [0] * width
    for day, count in found.days.items():
        counts[(day - first).days * width // span] += count
    page.heading("Sessions per day" if width == span else "Sessions over time")
    _print_plot(page, counts)
    page.text(" " * MARGIN + f"{first}  to  {last}", style="dim")


def _print_plot(page: Page, counts: Sequence[int]) -> None:
    labels = [f"up to {max(counts):,}", "", ""]
    for label, line in zip(labels, page.plot(counts, height=3), strict=True):
        page.text(f"{label:<{MARGIN}}{line}", style="cyan")


def _print_campaigns(page: Page, found: Tally) -> None:
    page.heading("Top campaigns")
    top = found.campaigns[:TOP]
    page.table(
        ["campaign", "sessions", ""],
        [
            [name or "(none)", f"{count:,}", page.bar(count / top[0][1], width=16)]
            for name, count in top
        ],
    )
