"""From options to a question: which vendor, with what credentials, asked for what."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from attrs import field, frozen

from asyncsessions.client import Client
from asyncsessions.core.http import Secret
from asyncsessions.errors import ConfigurationError
from asyncsessions.providers.attributionhub import AttributionHub
from asyncsessions.providers.base import Provider
from asyncsessions.providers.hum import ENVIRONMENTS, Hum
from asyncsessions.query import Sessions

__all__ = ["ATTRIBUTIONHUB", "HUM", "Question", "Vendor"]

LARGEST_SECRET = 64 * 1024


@frozen
class Vendor:
    """A vendor by its name on the command line; ``ask`` makes a question of its options."""

    name: str
    ask: Callable[..., Question]


@frozen
class Question:
    """A vendor and what it is asked; ``secret`` names the variable with its credentials."""

    provider: Provider[...]
    secret: str
    filters: dict[str, Any] = field(repr=False)

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
        base_url = None if environment else os.environ.get("HUM_BASE_URL") or None
    if environment is None and base_url is None:
        raise click.UsageError(
            f"say which Hum: --environment {' or '.join(ENVIRONMENTS)}, or --base-url URL"
        )
    filters: dict[str, Any] = {**_time_range(**times), "with_clicks": with_clicks}
    if token_ids:
        filters["token_ids"] = token_ids
    token = _secret(token_file, "HUM_API_TOKEN")
    provider = Hum(token, environment=environment, base_url=base_url)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - checked by Hum, also where it comes from the environment
    return Question(provider, "HUM_API_TOKEN", filters)


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
        **_time_range(**times),
        "source": source,
        "medium": medium,
        "campaign": campaign,
        "content": content,
        "term": term,
        "landing_page": landing_page,
    }
    key = _secret(token_file, "ATTRIBUTIONHUB_API_KEY")
    return Question(AttributionHub(key, base_url=base_url), "ATTRIBUTIONHUB_API_KEY", filters)


def _time_range(start: str | None, end: str | None, last: timedelta | None) -> dict[str, Any]:
    if last is not None:
        if start is not None or end is not None:
            raise click.UsageError("--last counts back from now: give it without --start and --end")
        return {"start": last}
    if start is None:
        raise click.UsageError("say from when: --start 2026-01-31, or --last 30d")
    return {"start": start, "end": end}


def _secret(token_file: str | None, variable: str) -> Secret:
    """Read the credentials; what was given as a file name may be the secret, so it is not shown."""
    if token_file is None:
        secret = Secret(os.environ.get(variable, ""))
        if not secret:
            raise ConfigurationError(f"no credentials: set {variable}, or give --token-file FILE")
        return secret
    problem = "is not text"
    try:
        if token_file == "-":  # noqa: S105 - a file name
            secret = Secret(sys.stdin.read(LARGEST_SECRET).strip())
        else:
            with Path(token_file).open(encoding="utf-8") as file:
                secret = Secret(file.read(LARGEST_SECRET).strip())
    except (UnicodeDecodeError, ValueError, AttributeError):
        secret = Secret()
    except OSError as error:
        secret, problem = Secret(), f"cannot be read ({error.strerror})"
    else:
        problem = "is empty"
    if not secret:
        raise ConfigurationError(f"the file given by --token-file {problem}")
    return secret


HUM = Vendor("hum", _ask_hum)
ATTRIBUTIONHUB = Vendor("attributionhub", _ask_attributionhub)
