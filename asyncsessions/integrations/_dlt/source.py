"""The source: one resource for each vendor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import dlt
from dlt.extract import DltResource, DltSource

from asyncsessions.core.events import Observer
from asyncsessions.core.http import Secret
from asyncsessions.core.pace import Retry
from asyncsessions.core.walk import Consistency
from asyncsessions.core.windows import TimeLike
from asyncsessions.errors import ConfigurationError
from asyncsessions.integrations._dlt.load import Load
from asyncsessions.integrations._dlt.vendors import SECTION, open_vendor
from asyncsessions.providers.base import Provider

__all__ = ["sessions_source"]

AnyProvider = str | Provider[...]


def sessions_source(
    provider: AnyProvider | Sequence[AnyProvider],
    *,
    start: TimeLike,
    end: TimeLike | None = None,
    name: str | None = None,
    lookback: timedelta | None = None,
    filters: Mapping[str, Any] | None = None,
    api_key: str | None = None,
    environment: str | None = None,
    base_url: str | None = None,
    concurrency: int | None = None,
    requests_per_second: float | None = None,
    timeout_s: float | None = None,
    max_requests: int | None = None,
    deadline_s: float | None = None,
    consistency: Consistency = "count",
    raw: bool = False,
    retry: Retry | None = None,
    observers: Iterable[Observer] = (),
    days: int = 90,
) -> DltSource:
    """Return a source with one resource for each vendor: ``hum_sessions``, ``attributionhub_sessions``.

    ``provider`` is a vendor's name, a provider object, or a list of these.  ``name`` is another one
    for the resource, its table and its state: each account and each set of filters wants its own.
    What is ``None`` of
    ``api_key``, ``environment``, ``base_url``, ``concurrency``, ``requests_per_second``,
    ``timeout_s``, ``max_requests`` and ``deadline_s`` is looked up by dlt, in
    ``sources.asyncsessions.<vendor>``; keys belong there and nowhere else.

    A load reads whole days (UTC): those since ``start`` that were never read, and again those that
    were younger than ``lookback`` (``None`` = the vendor's) when they were read last.  With an
    ``end`` it reads exactly the days from ``start`` to ``end``, and of dlt's state only the filters are
    used and kept.  The days that were read replace what the table holds of them.  If anything is not
    proven complete the load fails, and table and state stay as they are.

    ``filters`` are the vendor's own, as of ``Client.sessions``; they, ``name``, and what tells how to
    reach a vendor, can only be given for a single one.  ``days`` is how many are read, proven and kept in
    memory at a time.  ``consistency``, ``raw``, ``retry`` and ``observers`` are those of
    :class:`Options` and :class:`Client`.  Raises :class:`ConfigurationError` and
    :class:`InvalidQueryError` for what cannot be.
    """
    named = (
        [provider] if isinstance(provider, str) or not isinstance(provider, Sequence) else provider
    )
    api_key = None if api_key is None else Secret(api_key)  # for the traceback's sake
    access = {"api_key": api_key, "environment": environment, "base_url": base_url}
    _check_single(named, {"name": name, "filters": filters or None, **access})
    pace = {
        "concurrency": concurrency,
        "requests_per_second": requests_per_second,
        "timeout_s": timeout_s,
        "max_requests": max_requests,
        "deadline_s": deadline_s,
    }
    watched_by = tuple(observers)
    loads: dict[str, Load] = {}
    for each in named:
        vendor = open_vendor(each, access=access, pace=pace)
        load = Load(
            name=name or f"{vendor.provider.name}_sessions",
            vendor=vendor,
            start=start,
            end=end,
            lookback=lookback,
            filters=filters or {},
            consistency=consistency,
            raw=raw,
            retry=retry,
            observers=watched_by,
            days=days,
        )
        if load.name in loads:
            raise ConfigurationError(
                f"{vendor.provider.name} is there twice: make a source for each, with its own name"
            )
        loads[load.name] = load
    return _source([load.resource() for load in loads.values()])


def _check_single(named: Sequence[AnyProvider], given: Mapping[str, Any]) -> None:
    if not named:
        raise ConfigurationError("there is no provider to load from")
    wrong = [key for key, value in given.items() if value is not None]
    if len(named) > 1 and wrong:
        raise ConfigurationError(
            f"{' and '.join(wrong)} can only be given for a single provider: make a source for each"
        )


@dlt.source(name=SECTION, section=SECTION)
def _source(resources: list[DltResource]) -> list[DltResource]:
    return resources
