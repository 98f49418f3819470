"""The verb ``sync``: what is new, what has changed, what has vanished."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from asyncsessions.cli.pulling import PullOptions, carry_out, check_target
from asyncsessions.cli.vendors import Vendor
from asyncsessions.core.convert import instant_text
from asyncsessions.errors import SessionsError
from asyncsessions.sinks import STDOUT
from asyncsessions.sinks.holdings import began_at

__all__ = ["sync"]


def sync(vendor: Vendor, given: dict[str, Any]) -> int:
    """Sync, and return the exit status; raises ``click.UsageError`` for options that clash."""
    to, lookback, revisit = given["to"], given.pop("lookback"), given.pop("revisit")
    check_target(to)
    if to == STDOUT:
        raise click.UsageError("sync needs a target that it can look into: a .duckdb file or dir/")
    if given["start"] is None:
        given["start"] = _begin_of(to, vendor.name)
    given |= {"fresh": False, "limit": None, "end": None, "last": None}
    options = PullOptions.taken_from(given)
    return carry_out(
        vendor,
        given,
        options,
        lambda sessions: sessions.sync(to, lookback=lookback, revisit=revisit),
    )


def _begin_of(to: str, provider: str) -> str:
    """Return from when on a target has been pulled; raises ``click.UsageError`` if it was not."""
    problem = "it was not pulled before"
    if Path(to).exists():
        try:
            if begun := began_at(to).get((provider, None)):
                return instant_text(begun)
        except SessionsError as error:
            problem = error.message
    raise click.UsageError(
        f"say from when, with --start 2026-01-31: {to} does not tell ({problem})"
    )
