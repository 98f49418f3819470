"""Tables of the documents that the code can write; see `tools.generate`."""

import inspect
import json
import re
from pathlib import Path
from typing import Any

from asyncsessions import AttributionHub, Hum, QuotaExceededError, Report
from asyncsessions.core.columns import COLUMNS
from asyncsessions.core.frames import pandas_of, polars_of, table_of
from asyncsessions.core.http import Response
from asyncsessions.core.windows import resolve_range, split, to_datetime
from asyncsessions.providers.base import Provider

PROVIDERS: tuple[Provider[...], ...] = (
    Hum("token", environment="production"),
    AttributionHub("key", base_url="https://example.com"),
)
QUOTA = Response(status=429, body=b'{"error": "API monthly limit exceeded."}')
SERVING = Path(__file__).parent.parent / "benchmarks" / "results" / "serving.json"
HEADERS = (
    "provider",
    "request",
    "credentials",
    "rows a page",
    "longest range of one request",
    "ids",
    "a 429",
    "documented at",
)


def providers_table() -> str:
    """Return the table of all vendors, in Markdown, from what their classes say and do."""
    rows = [HEADERS, ("---",) * len(HEADERS), *map(_row, PROVIDERS)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(provider: Provider[...]) -> tuple[str, ...]:
    longest = provider.longest_window
    return (
        type(provider).__name__,
        *_request_of(provider),
        str(provider.page_size),
        "any" if longest is None else f"{longest.days} days",
        "the vendor's" if provider.has_ids else "a digest of what never changes, twins numbered",
        _meaning_of_429(provider),
        _source_of(provider),
    )


def _request_of(provider: Provider[...]) -> tuple[str, str]:
    """Return what a request for a page looks like, and the header that carries the secret."""
    now = to_datetime(1_772_323_200_000_000)
    query = provider.query(start="2026-01-01", end="2026-01-02")
    window = split(resolve_range(query.start, query.end, now=now), provider.longest_window)[0]
    request = provider.page_request(query, window, 1)
    path = request.url.removeprefix(provider.base_url)
    how = "JSON body" if request.body is not None else "parameters"
    (secret,) = provider.secrets
    shown = [
        f"`{name}: {value.replace(secret, f'<{secret}>')}`"
        for name, value in request.headers.items()
        if secret in value
    ]
    return f"`{request.method} {path}`, {how}", ", ".join(shown)


def _meaning_of_429(provider: Provider[...]) -> str:
    if isinstance(provider.read_refusal(QUOTA), QuotaExceededError):
        return "monthly quota used up: never repeated"
    return "too fast: slowed down and repeated"


def _source_of(provider: Provider[...]) -> str:
    """Return the first address that the vendor's file names."""
    said = inspect.getmodule(type(provider)).__doc__ or ""
    match = re.search(r"https://[^\s,]+", said)
    assert match is not None, f"{provider.name}: the file names no source"
    return f"[{match[0].split('/')[2]}]({match[0]})"


def problems_table() -> str:
    """Return the table of the statuses and reasons of the FastAPI integration, in Markdown."""
    from asyncsessions.integrations._fastapi.problems import OF_ERROR

    rows = [("status", "`reason`", "for"), ("---",) * 3]
    rows += [
        (str(status), f"`{reason}`", f"`{kind.__name__}`") for kind, status, reason in OF_ERROR
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def serving_table() -> str:
    """Return what ``make bench-serving`` has measured last, in Markdown."""
    measured = json.loads(SERVING.read_text(encoding="utf-8"))
    (*found, server), machine = measured["results"], measured["machine"]
    rows = [("sessions a second", "asyncsessions", "plain `yield`", "times"), ("---",) * 4]
    for row in found:
        rates = [f"{row[name]:,.0f}" for name in ("rows_per_s", "plain_rows_per_s")]
        rows.append((row["name"], *rates, f"{row['times_as_fast']:.1f}"))
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    return (
        f"{table}\n"
        f"{machine['date']}, {machine['cores']} shared cores, {machine['python']}, FastAPI "
        f"{machine['versions']['fastapi']}, medians of {measured['setting']['rounds']} rounds.\n"
        f"The server had {server['memory_grown_mb']:.1f} MB more after 100,000 sessions than after "
        f"2,000; where a page takes {server['latency_of_a_page_s']} s the first byte came after "
        f"{server['first_byte_s']:.2f} s.\n"
    )


def columns_table() -> str:
    """Return the columns of tables and frames with their types in each library, in Markdown."""
    table: Any = table_of([], Report(provider="hum"))
    polars, pandas = polars_of(table), pandas_of(table)
    rows = [("column", "in a session", "Arrow", "polars", "pandas"), ("---",) * 5]
    for column in COLUMNS:
        place = f"{column.part}.{column.attribute}" if column.part else column.attribute
        name = column.name
        rows.append(
            (
                f"`{name}`",
                f"`{place}`",
                str(table.schema.field(name).type),
                str(polars.schema[name]),
                str(pandas.dtypes[name]),
            )
        )
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
