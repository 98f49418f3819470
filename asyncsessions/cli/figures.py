"""A report in words: how far a pull is, and how it ended."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from math import ceil
from typing import TypeAlias

from asyncsessions.core.report import Report
from asyncsessions.core.walk import Consistency
from asyncsessions.errors import SessionsError

__all__ = [
    "Words",
    "expected_pages",
    "figures",
    "file_words",
    "outcome_words",
    "plural",
    "progress_line",
    "remarks",
    "shell_words",
    "spent",
    "verdict",
]

Words: TypeAlias = Callable[[SessionsError], str]
"""What tells an error of ours."""
SHOWN_RANGES = 3
_OPTION_OF = {
    "base_url": "--base-url",
    "deadline_s": "--deadline",
    "landing_page": "--landing-page",
    "max_requests": "--max-requests",
    "requests_per_second": "--rps",
    "token_ids": "--token-id",
}
_FRESH = re.compile(r"\bfresh \(--fresh\)|\bfresh=True(?: \(--fresh\))?")
_NAMES = re.compile(rf"\b({'|'.join(_OPTION_OF)})\b(=(?=\d))?")


def shell_words(error: SessionsError) -> str:
    """Return the error's text with the library's argument names as options of the shell."""
    return _as_options(error.message) + str(error).removeprefix(error.message)


def file_words(error: SessionsError) -> str:
    """Return the text of an error where settings stand in a file, which has the library's names."""
    return _FRESH.sub("--fresh", error.message) + str(error).removeprefix(error.message)


def outcome_words(report: Report) -> str:
    """Return the target's word on where the rows are, in the same way."""
    return _as_options(report.outcome or "")


def _as_options(text: str) -> str:
    named = _NAMES.sub(lambda found: _OPTION_OF[found[1]] + (" " if found[2] else ""), text)
    return _FRESH.sub("--fresh", named)


def expected_pages(report: Report, *, page_size: int, limit: int | None = None) -> int | None:
    """Return how many pages a pull will read in all, ``None`` before anything is known.

    Windows that have not answered yet are taken to be like those that have.
    """
    if report.total is None:
        return None
    read = max(report.pages, ceil(report.total / page_size), report.windows_read)
    unread = max(0, report.windows - report.windows_read)
    expected = read + ceil(unread * read / max(1, report.windows_read))
    if limit is not None:
        expected = min(expected, max(report.pages, ceil(limit / page_size)))
    return expected


def plural(count: int, noun: str) -> str:
    """Return the count with its noun: ``1 row``, ``2,337 rows``."""
    return f"{count:,} {noun if count == 1 else noun + 's'}"


def figures(report: Report) -> str:
    """Return the figures of a pull in one line."""
    read = report.rows - report.rows_before
    rate = f", {read / report.elapsed_s:,.0f} rows/s" if read and report.elapsed_s else ""
    return f"{plural(report.rows, 'row')} in {spent(report)}{rate}"


def spent(report: Report) -> str:
    """Return what a pull has cost: requests, retries and seconds."""
    retries = "1 retry" if report.retries == 1 else f"{report.retries:,} retries"
    earlier = f" after {report.requests_before:,} of earlier goes" if report.requests_before else ""
    requests = plural(report.requests, "request")
    return f"{requests}{earlier} ({retries}), {report.elapsed_s:.1f} s"


def progress_line(report: Report, *, page_size: int, limit: int | None = None) -> str:
    """Return how far a pull is, in one line for a log."""
    expected = expected_pages(report, page_size=page_size, limit=limit)
    share = f" of about {expected:,}" if expected is not None else ""
    return f"{report.provider}: page {report.pages:,}{share}, {figures(report)}"


def verdict(report: Report, *, limit: int | None = None, consistency: Consistency = "count") -> str:
    """Return whether the rows are all, in a word or two."""
    if report.complete:
        return "not checked" if consistency == "off" else "complete"
    if report.unproven:
        return "not proven complete"
    return f"ended at --limit {limit}" if limit is not None else "not complete"


def remarks(report: Report, *, consistency: Consistency = "count") -> Iterator[str]:
    """Yield what else is worth knowing, a line each: what is unproven, what was unusual."""
    for reason in report.reasons if report.unproven else ():
        yield f"not proven: {reason}"
    ranges = report.unproven
    if len(ranges) > SHOWN_RANGES:
        yield f"  {plural(len(ranges), 'range')} in all (see --report); one command covers them:"
        ranges = ((min(start for start, _ in ranges), max(end for _, end in ranges)),)
    for start, end in ranges:
        yield f"  pull again: --start {_shown(start)} --end {_shown(end)}"
    for warning in report.warnings:
        yield f"the vendor warns: {warning}"
    if report.unknown_fields:
        yield f"fields that are not documented: {', '.join(report.unknown_fields)}"
    if not report.ordered and consistency != "off":
        yield "the vendor did not deliver in order of time"
    if report.late:
        yield f"{plural(report.late, 'row')} arrived behind their place in the order"


def _shown(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
