"""The tenants that are pulled together: who may begin, how far each is, and what became of it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import partial
from math import inf
from pathlib import Path
from typing import Any, TypeAlias

from attrs import evolve, frozen

from asyncsessions.client import Client
from asyncsessions.core.admission import Admission, Bounds
from asyncsessions.core.report import Report
from asyncsessions.core.tenants import Tenant, refuse_doubles
from asyncsessions.core.windows import TimeLike
from asyncsessions.engine.persistence import settle
from asyncsessions.errors import ConfigurationError, SessionsError, SinkError
from asyncsessions.query import Sessions
from asyncsessions.sinks import keep_open, open_target
from asyncsessions.sinks.base import Store
from asyncsessions.tenants.reading import make_provider

__all__ = ["Crowd", "TenantReport", "Watcher"]


@frozen(kw_only=True)
class TenantReport:
    """What became of one tenant, or how far it is.

    ``error`` is what ended it early, ``None`` if nothing did.  ``is_begun`` is false as long as it
    has not had its turn, ``is_over`` as long as it is under way.
    """

    tenant: Tenant
    report: Report
    error: Exception | None = None
    is_begun: bool = False
    is_over: bool = False

    @property
    def complete(self) -> bool:
        """Whether all of it is in the target, and proven."""
        return self.is_over and self.error is None and self.report.complete


Watcher: TypeAlias = Callable[[Mapping[str, TenantReport]], None]
Range: TypeAlias = Callable[[Tenant], tuple[TimeLike, TimeLike | None]]
Do: TypeAlias = Callable[[Sessions, Store, str], Coroutine[Any, Any, Report]]


class Crowd:
    """All tenants of one call; see :func:`pull_tenants` for the arguments."""

    def __init__(
        self,
        tenants: Iterable[Tenant],
        *,
        bounds: Bounds | None,
        environ: Mapping[str, str] | None,
        on_progress: Watcher | None,
    ) -> None:
        listed = list(tenants)
        refuse_doubles(listed)
        self._environ = environ
        self._on_progress = on_progress
        self._admission = Admission(bounds or Bounds())
        # The slowest sets how long all of it takes, so it shall not begin last.
        self._waiting = deque(sorted(listed, key=lambda each: each.requests_per_second or inf))
        self._running: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._broken: SinkError | None = None
        self.reports = {
            each.name: TenantReport(tenant=each, report=Report(provider=each.provider))
            for each in listed
        }

    async def run(
        self, to: str | Path, asked: Range, do: Do, *, fresh: bool = False
    ) -> list[TenantReport]:
        """Do something for every tenant, in the range that is ``asked`` of it."""
        opening = asyncio.ensure_future(asyncio.to_thread(keep_open, to))
        interruption = await settle(opening)
        if interruption is not None and opening.exception() is not None:
            raise interruption
        with opening.result():
            if interruption is not None:
                raise interruption
            try:
                await self._work_through(
                    lambda tenant: self._one(tenant, to, asked, do, fresh=fresh)
                )
            finally:
                await self._stop()
        return list(self.reports.values())

    async def _work_through(self, one: Callable[[Tenant], Coroutine[Any, Any, None]]) -> None:
        while self._waiting or self._running:
            self._begin_some(one)
            await self._woken.wait()
            self._woken.clear()
            for task in [task for task in self._running if task.done()]:
                self._running.remove(task)
                task.result()

    def _begin_some(self, one: Callable[[Tenant], Coroutine[Any, Any, None]]) -> None:
        while self._waiting and self._broken is not None:
            self._end(self._waiting.popleft(), error=self._broken)
        while self._waiting and self._admission.may_begin(self._waiting[0].concurrency):
            tenant = self._waiting.popleft()
            self._admission.begin(tenant.name, tenant.concurrency)
            self._note(tenant, is_begun=True)
            task = asyncio.create_task(one(tenant), name=f"tenant {tenant.name}")
            self._running.add(task)
            task.add_done_callback(lambda _: self._woken.set())
        if not self._running:
            self._woken.set()

    async def _stop(self) -> None:
        """Stop all tenants, each as a single pull is stopped; a second cancellation hurries them."""
        interruption: asyncio.CancelledError | None = None
        while self._running:
            for task in self._running:
                task.cancel()
            try:
                await asyncio.wait(self._running)
            except asyncio.CancelledError as cancelled:
                interruption = cancelled
                continue
            self._running.clear()
        if interruption is not None:
            raise interruption

    # ------------------------------------------------------------------ one tenant

    async def _one(
        self, tenant: Tenant, to: str | Path, asked: Range, do: Do, *, fresh: bool
    ) -> None:
        try:
            report = await self._work(tenant, to, asked, do, fresh=fresh)
        except Exception as error:  # noqa: BLE001 - it ends this tenant, and nobody else
            if isinstance(error, SessionsError):
                error.__traceback__ = None  # its frames hold all rows that have come
            self._end(tenant, error=error)
            if isinstance(error, SinkError) and self.reports[tenant.name].report.requests:
                # It could be opened, and cannot be written: the others would pay for nothing.
                self._broken = SinkError(f"not begun: {error.message}")
        else:
            self._end(tenant, report=report)
        finally:
            self._admission.end(tenant.name)

    async def _work(
        self, tenant: Tenant, to: str | Path, asked: Range, do: Do, *, fresh: bool
    ) -> Report:
        start, end = asked(tenant)
        provider = make_provider(tenant, self._environ)
        store = open_target(to, fresh=fresh)
        assert isinstance(store, Store)  # keep_open() lets no other target pass
        async with Client(
            provider,
            concurrency=tenant.concurrency,
            requests_per_second=tenant.requests_per_second,
        ) as client:
            try:
                sessions = client.sessions(start=start, end=end, **tenant.filters)
            except TypeError as error:
                raise ConfigurationError(
                    f"{tenant.provider} refuses the filters: {error}"
                ) from None
            return await do(
                sessions.with_options(
                    consistency=tenant.consistency,
                    on_incomplete="warn",  # the report says it
                    max_requests=tenant.max_requests,
                    deadline_s=tenant.deadline_s,
                    on_progress=partial(self._hear, tenant, provider.page_size),
                ),
                store,
                tenant.name,
            )

    def _hear(self, tenant: Tenant, page_size: int, report: Report) -> None:
        if self._admission.hear(tenant.name, report.total or 0, page_size=page_size):
            self._woken.set()
        self._note(tenant, report=report)

    def _end(
        self, tenant: Tenant, *, report: Report | None = None, error: Exception | None = None
    ) -> None:
        known = report or getattr(error, "report", None) or self.reports[tenant.name].report
        self._note(tenant, report=known, error=error, is_over=True)

    def _note(self, tenant: Tenant, **changes: Any) -> None:
        self.reports[tenant.name] = evolve(self.reports[tenant.name], **changes)
        if self._on_progress is not None:
            self._on_progress(self.reports)
