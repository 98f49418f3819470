"""What a provider outside of this package is written with, in one import.

Only names that stand here are kept stable for others; docs/writing-a-provider.md shows their use.
"""

from __future__ import annotations

from asyncsessions.core.answer import Answer
from asyncsessions.core.http import Request, Response, Secret, base_url, checked_secret
from asyncsessions.core.identity import derived_id
from asyncsessions.core.retry_after import parse_retry_after
from asyncsessions.core.windows import TimeLike, Window
from asyncsessions.providers.base import (
    DetailProvider,
    PingProvider,
    Provider,
    Query,
    RowProvider,
    instant,
    optional_text,
)
from asyncsessions.providers.command_line import Argument, CommandLine
from asyncsessions.providers.wire import Count, maybe_utc, raw_records, reading, undocumented, utc

__all__ = [
    "Answer",
    "Argument",
    "CommandLine",
    "Count",
    "DetailProvider",
    "PingProvider",
    "Provider",
    "Query",
    "Request",
    "Response",
    "RowProvider",
    "Secret",
    "TimeLike",
    "Window",
    "base_url",
    "checked_secret",
    "derived_id",
    "instant",
    "maybe_utc",
    "optional_text",
    "parse_retry_after",
    "raw_records",
    "reading",
    "undocumented",
    "utc",
]
