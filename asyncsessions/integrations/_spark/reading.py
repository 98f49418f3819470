"""Planning on the driver and reading in a task: all that does not need to know what Spark is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from asyncsessions import blocking
from asyncsessions.client import Client
from asyncsessions.core.parts import Part
from asyncsessions.engine.batches import WHOLE_TABLE
from asyncsessions.errors import SessionsError
from asyncsessions.integrations._spark.columns import dressed, report_row
from asyncsessions.integrations._spark.outcomes import Outcome, named
from asyncsessions.integrations._spark.settings import Settings
from asyncsessions.integrations._spark.shares import Share, shares_of
from asyncsessions.tenants import Tenant, read_tenants

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Task", "plan", "read"]

COUNTED_AT_ONCE = 32
"""So many tenants are counted at a time."""


@frozen(kw_only=True)
class Task:
    """What one task reads: a part, whose it is, and what the task may do; plain data for a pickle.

    ``counting`` are the requests that counting took, told by the first task of each tenant.
    ``failures`` are tenants that could not even be counted; such a task has no part.
    """

    settings: Settings
    part: Part | None = field(default=None, repr=False)
    share: Share | None = None
    tenant: str | None = None
    counting: int = 0
    failures: tuple[Outcome, ...] = ()


def plan(settings: Settings) -> list[Task]:
    """Count what there is, with one request a window, and divide it and the limits into tasks.

    The end of each vendor's range is fixed here, so that all tasks see the same one.  Raises what
    asking raises, and :class:`BudgetExceededError` for a read that ``max_requests`` does not allow;
    for tenants that are skipped neither.
    """
    if settings.tenants is None:
        return asyncio.run(_counted(settings, None))
    found = asyncio.run(_all_counted(settings, read_tenants(settings.tenants)))
    failures = tuple(each for each in found if isinstance(each, Outcome))
    tasks = [task for each in found if not isinstance(each, Outcome) for task in each]
    return [*tasks, Task(settings=settings, failures=failures)] if failures else tasks


async def _all_counted(settings: Settings, tenants: list[Tenant]) -> list[list[Task] | Outcome]:
    gate = asyncio.Semaphore(COUNTED_AT_ONCE)

    async def one(tenant: Tenant) -> list[Task] | Outcome:
        spent: list[object] = []
        async with gate:
            try:
                return await _counted(settings.of_tenant(tenant), tenant.name, spent)
            except SessionsError as error:
                if not settings.skips_tenants:
                    raise named(error, tenant.name) from None
                return Outcome.failed(tenant.name, error, requests=len(spent))

    works = [asyncio.ensure_future(one(tenant)) for tenant in tenants]
    try:
        return await asyncio.gather(*works)
    finally:
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)


async def _counted(
    settings: Settings, tenant: str | None, spent: list[object] | None = None
) -> list[Task]:
    """Return the tasks of one vendor; whatever is sent is noted in ``spent``."""
    limits = settings.limits
    opened: Client[...] = Client(**settings.connection())
    async with opened as client:
        question = client.sessions(**settings.question).with_options(
            **settings.how(limits.max_requests), on_attempt=None if spent is None else spent.append
        )
        parts = await question.parts(settings.rows_per_partition, most=limits.most_parts)
    tasks = [
        Task(settings=settings, part=part, share=share, tenant=tenant)
        for part, share in zip(parts.parts, shares_of(parts, limits), strict=True)
    ]
    return [evolve(tasks[0], counting=parts.spent), *tasks[1:]]


def read(task: Task, *, attempt: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a task as record batches; ``attempt`` counts from 0.

    Where tenants are skipped the rows of a part are held back until all of them have come, and
    what fails is told by the last row instead of raised.  Raises what iterating raises.
    """
    settings = task.settings
    for failure in task.failures:
        yield report_row(failure.to_json(), settings, failure.tenant)
    if task.part is None or task.share is None:
        return
    reading = _Reading(task, task.part, task.share)
    try:
        batches = reading.batches(attempt)
        for batch in list(batches) if settings.skips_tenants else batches:
            yield dressed(batch, settings, task.tenant)
        outcome = reading.outcome
    except SessionsError as error:
        if not settings.skips_tenants:
            raise named(error, task.tenant) from None
        requests = reading.outcome.requests
        outcome = Outcome.failed(task.tenant, error, requests=requests)
    if settings.with_reports:
        yield report_row(outcome.to_json(), settings, task.tenant)


class _Reading:
    """Reads one part.

    Loop and connections live as long as the iteration: workers are used again, and each task needs
    its own.
    """

    def __init__(self, task: Task, part: Part, share: Share) -> None:
        self._task = task
        self._part = part
        self._share = share
        self.outcome = Outcome(tenant=task.tenant, requests=task.counting)

    def batches(self, attempt: int) -> Iterator[pa.RecordBatch]:
        task, settings = self._task, self._task.settings
        how = settings.how(self._share.budget(attempt))
        opened: blocking.Client[...] = blocking.Client(**settings.connection(self._share))
        with opened as client:
            rate = self._share.requests_per_second
            if rate is not None and self._part.requests:
                # The task that had this share before may have sent a request just now.
                time.sleep(1 / rate)
            question = client.sessions(**settings.question).with_options(**how)
            with question.batches(WHOLE_TABLE, part=self._part) as stream:
                try:
                    yield from stream
                finally:
                    self.outcome = Outcome.of(task.tenant, stream.report, counting=task.counting)
