"""From options to a question: which vendor, with what credentials, asked for what."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from attrs import field, frozen

from asyncsessions.client import Client
from asyncsessions.core.http import Secret, checked_secret
from asyncsessions.core.windows import check_order, resolve_range, split
from asyncsessions.errors import ConfigurationError, InvalidQueryError
from asyncsessions.providers.attributionhub import AttributionHub
from asyncsessions.providers.base import Provider
from asyncsessions.providers.hum import ENVIRONMENTS, Hum
from asyncsessions.query import Sessions

__all__ = [
    "ATTRIBUTIONHUB",
    "HUM",
    "Question",
    "Vendor",
    "origin_of_secret",
    "refuse_many_windows",
    "secret_in",
    "time_range",
    "unfiltered",
]

LARGEST_SECRET = 4096
TOKEN_FILE = "the file given by --token-file"  # noqa: S105 - not one itself
MANY_WINDOWS = 100
NO_FILTERS: dict[str, dict[str, Any]] = {
    "hum": {"token_ids": (), "with_clicks": False},
    "attributionhub": dict.fromkeys(
        ("source", "medium", "campaign", "content", "term", "landing_page")
    ),
}


@frozen
class Vendor:
    """A vendor by its name on the command line; ``ask`` makes a question of its options."""

    name: str
    ask: Callable[..., Question]


@frozen
class Question:
    """A vendor and what it is asked; ``secret`` says where its credentials came from.

    ``origin`` is the package that the provider comes from, ``None`` = this one.
    """

    provider: Provider[...]
    secret: str
    filters: dict[str, Any] = field(repr=False)
    origin: str | None = None

    def put_to(self, client: Client[...]) -> Sessions:
        """Return the query."""
        return client.sessions(**self.filters)


def _ask_hum(
    *,
    environment: str | None,
    base_url: str | None,
    token_file: str | None,
    token_ids: tuple[str, ...],
    with_clicks: bool,
    **times: Any,
) -> Question:
    """Return the question to Hum; raises :class:`ConfigurationError` and ``click.UsageError``."""
    if environment is not None and base_url is not None:
        raise click.UsageError("give --environment or --base-url, not both")
    if environment is None and base_url is None:
        environment = os.environ.get("HUM_ENVIRONMENT") or None
        base_url = os.environ.get("HUM_BASE_URL") or None
        if environment and base_url:
            raise click.UsageError(
                "HUM_ENVIRONMENT and HUM_BASE_URL are both set: unset one, or give --environment "
                "or --base-url"
            )
    if environment is None and base_url is None:
        raise click.UsageError(
            f"say which Hum: --environment {' or '.join(ENVIRONMENTS)}, or --base-url URL"
        )
    filters: dict[str, Any] = {**time_range(**times), "with_clicks": with_clicks}
    if token_ids:
        filters["token_ids"] = token_ids
    token = secret_in(token_file, "HUM_API_TOKEN")
    provider = Hum(token, environment=environment, base_url=base_url)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - checked by Hum, also where it comes from the environment
    return Question(provider, origin_of_secret(token_file, "HUM_API_TOKEN"), filters)


def _ask_attributionhub(
    *,
    base_url: str | None,
    token_file: str | None,
    source: str | None,
    medium: str | None,
    campaign: str | None,
    content: str | None,
    term: str | None,
    landing_page: str | None,
    **times: Any,
) -> Question:
    """Return the question to AttributionHub; raises as :func:`_ask_hum` does."""
    base_url = base_url or os.environ.get("ATTRIBUTIONHUB_BASE_URL") or None
    if base_url is None:
        raise click.UsageError(
            "give --base-url URL or set ATTRIBUTIONHUB_BASE_URL: the vendor publishes no address, "
            "ask your account representative"
        )
    filters = {
        **time_range(**times),
        "source": source,
        "medium": medium,
        "campaign": campaign,
        "content": content,
        "term": term,
        "landing_page": landing_page,
    }
    key = secret_in(token_file, "ATTRIBUTIONHUB_API_KEY")
    provider = AttributionHub(key, base_url=base_url)
    return Question(provider, origin_of_secret(token_file, "ATTRIBUTIONHUB_API_KEY"), filters)


def unfiltered(vendor: Vendor, **where: Any) -> Question:
    """Return a question to the vendor of which only the vendor is of use; raises as asking does."""
    if vendor is not HUM:
        where.pop("environment", None)
    times = {"start": "1970-01-01", "end": None, "last": None}
    return vendor.ask(**where, **times, **NO_FILTERS.get(vendor.name, {}))


def refuse_many_windows(question: Question, *, max_requests: int | None) -> None:
    """Refuse a range of very many windows, each of which costs a request, without a bound.

    Raises ``click.UsageError``, and :class:`InvalidQueryError` for a range that cannot be.
    """
    if max_requests is not None:
        return
    start, end = question.filters["start"], question.filters.get("end")
    pinned = resolve_range(start, end, now=datetime.now(UTC))
    windows = len(split(pinned, question.provider.longest_window))
    if windows > MANY_WINDOWS:
        raise click.UsageError(
            f"the range makes {windows:,} windows, each of which takes at least one request: "
            "give --max-requests N to go ahead, or a later --start"
        )


def time_range(start: str | None, end: str | None, last: timedelta | None) -> dict[str, Any]:
    """Return the bounds as arguments; raises ``click.UsageError`` and InvalidQueryError."""
    if last is not None:
        if start is not None or end is not None:
            raise click.UsageError("--last counts back from now: give it without --start and --end")
        return {"start": last}
    if start is None:
        raise click.UsageError("say from when: --start 2026-01-31, or --last 30d")
    try:
        check_order(start, end)
    except InvalidQueryError:
        if end is None:
            raise
        raise click.UsageError(f"--start {start} is later than --end {end}") from None
    return {"start": start, "end": end}


def origin_of_secret(token_file: str | None, variable: str) -> str:
    """Return where the credentials came from, in words."""
    return f"{variable} (or --token-file)" if token_file is None else TOKEN_FILE


def secret_in(file: str | None, variable: str, *, option: str = "--token-file") -> Secret:
    """Read a secret from a file, else from the environment.

    What was given as a file name may be the secret, so it is not shown.  Raises
    :class:`ConfigurationError`.
    """
    if file is None:
        secret = Secret(os.environ.get(variable, ""))
        if not secret:
            raise ConfigurationError(f"no credentials: set {variable}, or give {option} FILE")
        return secret
    if not file:
        raise ConfigurationError(
            f"{option} is empty: give the name of a file, or - for standard input"
        )
    where = f"the file given by {option}"
    secret = Secret(_content(file, option, where).strip())
    if not secret:
        raise ConfigurationError(f"{where} is empty")
    return checked_secret(secret, what="the secret", where=f"in {where}")


def _content(file_name: str, option: str, where: str) -> str:
    """Read the file in one piece; raises :class:`ConfigurationError`."""
    problem = f"is longer than {LARGEST_SECRET // 1024} kB, so it holds something else"
    text: Secret | None
    try:
        if file_name != "-":
            with Path(file_name).open(encoding="utf-8") as file:
                text = Secret(file.read(LARGEST_SECRET + 1))
        elif sys.stdin is None:
            raise ConfigurationError(f"standard input is closed, and {option} - reads it")
        else:
            text = Secret(sys.stdin.read(LARGEST_SECRET + 1))
    except ConfigurationError:
        raise
    except ValueError:
        problem, text = "is not text", None
    except OSError as error:
        problem, text = f"cannot be read ({error.strerror})", None
    if text is None or len(text) > LARGEST_SECRET:
        raise ConfigurationError(f"{where} {problem}")
    return text


HUM = Vendor("hum", _ask_hum)
ATTRIBUTIONHUB = Vendor("attributionhub", _ask_attributionhub)
