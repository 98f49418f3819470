"""Pulls of many tenants in one process, side by side, into one target.

A tenant is a stream of the target: it is gone on with, committed and proven on its own.  The
tenants share the event loop, and of the target what its kind shares (a DuckDB file is opened once,
and its commits take turns).  Whatever ends one of them is in its report.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

from asyncsessions.core.admission import Bounds
from asyncsessions.core.report import Report
from asyncsessions.core.tenants import Tenant
from asyncsessions.core.windows import TimeLike, check_order
from asyncsessions.errors import ConfigurationError
from asyncsessions.query import Sessions
from asyncsessions.sinks.base import Store
from asyncsessions.sinks.holdings import began_at
from asyncsessions.tenants.running import Crowd, TenantReport, Watcher

__all__ = ["pull_tenants", "sync_tenants"]

Range: TypeAlias = tuple[TimeLike, TimeLike | None]
Do: TypeAlias = Callable[[Sessions, Store, str], Coroutine[Any, Any, Report]]


async def pull_tenants(
    tenants: Iterable[Tenant],
    to: str | Path,
    *,
    start: TimeLike,
    end: TimeLike | None = None,
    fresh: bool = False,
    bounds: Bounds | None = None,
    environ: Mapping[str, str] | None = None,
    on_progress: Watcher | None = None,
) -> list[TenantReport]:
    """Write the sessions of all tenants into a DuckDB file or a dataset, and return their reports.

    The same range goes on with what an earlier call has begun, and asks nothing of tenants that are
    complete.  ``fresh`` starts over, with all of them.  ``bounds`` say how many are pulled at the
    same time (``None`` = those of :class:`Bounds`), ``environ`` is where their keys are (``None`` =
    ``os.environ``).  ``on_progress`` is called with the reports so far, by the names of the tenants.

    What ends one tenant (a refused key, a quota, a variable that is not set, a mistake in a
    provider) is its report's ``error`` and ends no other.  Raises :class:`ConfigurationError` for
    two tenants of one name, :class:`InvalidQueryError` for a range that cannot be, and
    :class:`SinkError` for a target that cannot be opened or that is of one pull only.  A
    cancellation leaves everything as durable as that of a single pull.
    """
    check_order(start, end)

    async def pull(sessions: Sessions, store: Store, name: str) -> Report:
        return await sessions.pull(store, tenant=name)

    crowd = Crowd(tenants, bounds=bounds, environ=environ, on_progress=on_progress)
    return await crowd.run(to, lambda _: (start, end), pull, fresh=fresh)


async def sync_tenants(
    tenants: Iterable[Tenant],
    to: str | Path,
    *,
    start: TimeLike | None = None,
    lookback: timedelta | None = None,
    revisit: float = 0.0,
    bounds: Bounds | None = None,
    environ: Mapping[str, str] | None = None,
    on_progress: Watcher | None = None,
) -> list[TenantReport]:
    """Bring all tenants of a DuckDB file or a dataset up to now, and return their reports.

    ``start`` is needed for tenants that the target does not have yet; ``None`` = as each was begun.
    ``lookback`` and ``revisit`` as of :meth:`Sessions.sync`, everything else as of
    :func:`pull_tenants`.
    """
    if start is not None:
        check_order(start, None)
    known = began_at(to) if start is None else {}

    def since(tenant: Tenant) -> Range:
        first = start if start is not None else known.get((tenant.provider, tenant.name))
        if first is None:
            raise ConfigurationError("the target does not have it yet: say from when, with start")
        return first, None

    async def sync(sessions: Sessions, store: Store, name: str) -> Report:
        return await sessions.sync(store, lookback=lookback, revisit=revisit, tenant=name)

    crowd = Crowd(tenants, bounds=bounds, environ=environ, on_progress=on_progress)
    return await crowd.run(to, since, sync)
