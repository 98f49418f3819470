"""What one resource does in a load: read the days that are due, then move dlt's state on.

The requests are made in a thread with an event loop of ours, one for each resource, while dlt asks
the generators of its resources in turn whether something has come.  They are not async ones, which
dlt would run in a loop of its own: it stops that without awaiting those that are busy when another
one fails.  dlt keeps the state, and loads the rows, only if no generator has failed; so nothing of
a load that was stopped anywhere counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import dlt
from attrs import field, frozen
from dlt.extract import DltResource

from asyncsessions import client as _client
from asyncsessions.blocking import Client, WindowStream
from asyncsessions.core.events import Observer
from asyncsessions.core.pace import Retry
from asyncsessions.core.report import Report
from asyncsessions.core.walk import Consistency
from asyncsessions.core.windows import TimeLike
from asyncsessions.errors import ConfigurationError
from asyncsessions.integrations._dlt.days import HINTS, MERGE_KEY, day_table
from asyncsessions.integrations._dlt.ranges import (
    Loaded,
    due_ranges,
    fingerprint,
    whole_days,
)
from asyncsessions.integrations._dlt.vendors import Vendor
from asyncsessions.query import OptionChanges

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Load"]

POLL_S = 0.02
"""For so long a resource is waited for before dlt has its turn again."""


@frozen
class Bounds:
    """What a load may take at most; ``None`` = no bound."""

    max_requests: int | None
    deadline_s: float | None

    def left_by(self, report: Report) -> Bounds:
        """Return what a second range of the same load may still take."""
        requests, seconds = self.max_requests, self.deadline_s
        return Bounds(
            None if requests is None else max(0, requests - report.requests),
            None if seconds is None else max(0.0, seconds - report.elapsed_s),
        )


@frozen(kw_only=True)
class Load:
    """What is to be loaded of one vendor; checked as far as that is possible without asking."""

    name: str
    vendor: Vendor
    start: TimeLike
    end: TimeLike | None
    lookback: timedelta | None
    filters: Mapping[str, Any] = field(repr=False)
    consistency: Consistency
    raw: bool
    retry: Retry | None
    observers: tuple[Observer, ...]
    days: int

    def __attrs_post_init__(self) -> None:
        lookback = self.lookback
        if lookback is not None and not (
            isinstance(lookback, timedelta) and lookback >= timedelta(0)
        ):
            raise ConfigurationError("lookback must be a timedelta of at least 0")
        first, last = whole_days(self.start, self.end, now=datetime.now(UTC))
        asked = _client.Client(self.vendor.provider, **self._client).sessions(
            start=first, end=last, **self.filters
        )
        asked.with_options(**self._options(self._bounds)).windows(self.days)

    def resource(self) -> DltResource:
        """Return the resource."""

        def read() -> Iterator[pa.Table | None]:  # dlt marks what it is given: not so a method
            yield from self.tables()

        return dlt.resource(
            read,
            name=self.name,
            write_disposition={"disposition": "merge", "strategy": "delete-insert"},
            merge_key=MERGE_KEY,
            columns=dict(HINTS),
        )()

    def tables(self) -> Iterator[pa.Table | None]:
        """Yield the proven windows that are due, newest first; then move the state on.

        ``None`` tells dlt that nothing has come yet.
        """
        now = datetime.now(UTC)
        state = dlt.current.resource_state(self.name)
        first, last = whole_days(self.start, self.end, now=now)
        filters = fingerprint(self.vendor.provider.query(start=first, **self.filters).filters)
        is_replaced = self._is_replaced()
        if is_replaced:
            state.clear()  # dlt does it itself only if the disposition is a text, no dictionary
        loaded = Loaded.from_state(state, filters=filters)
        due = [(first, last)] if last else due_ranges(first, loaded, self._lookback)
        bounds, through = self._bounds, now
        with Client(self.vendor.provider, **self._client) as client:
            for part in due:
                asked = client.sessions(start=part[0], end=part[1], **self.filters)
                with asked.with_options(**self._options(bounds)).windows(self.days) as windows:
                    yield from self._read(windows, read_at=now, with_empty_days=not is_replaced)
                through = windows.report.end if part is due[0] and windows.report.end else through
                bounds = bounds.left_by(windows.report)
        if last is None:
            read = Loaded(first, through)
            read = read if loaded is None else loaded.with_range(first, through, self._lookback)
            read.to_state(state, filters=filters)
        else:
            state["filters"] = filters  # its rows are in the same table

    def _read(
        self, windows: WindowStream, *, read_at: datetime, with_empty_days: bool
    ) -> Iterator[pa.Table | None]:
        while True:
            while not windows.is_ready(POLL_S):
                yield None  # dlt looks after its other resources, and after Ctrl-C
            window = next(windows, None)
            if window is None:
                return
            yield day_table(
                window,
                provider=self.vendor.provider.name,
                read_at=read_at,
                with_empty_days=with_empty_days,
            )

    @property
    def _lookback(self) -> timedelta:
        return self.vendor.provider.lookback if self.lookback is None else self.lookback

    @property
    def _bounds(self) -> Bounds:
        return Bounds(self.vendor.pace.max_requests, self.vendor.pace.deadline_s)

    @property
    def _client(self) -> dict[str, Any]:
        """The arguments of a client, with and without ``await``."""
        pace = self.vendor.pace
        return {
            "concurrency": pace.concurrency,
            "requests_per_second": pace.requests_per_second,
            "timeout_s": pace.timeout_s,
            "retry": self.retry,
            "observers": self.observers,
        }

    def _options(self, bounds: Bounds) -> OptionChanges:
        return OptionChanges(
            consistency=self.consistency,
            raw=self.raw,
            max_requests=bounds.max_requests,
            deadline_s=bounds.deadline_s,
        )

    def _is_replaced(self) -> bool:
        """Whether all of the table is: then all of it is due, and an empty day needs no telling."""
        disposition: Any = dlt.current.source().resources[self.name].write_disposition
        if isinstance(disposition, Mapping):
            disposition = cast("Mapping[str, Any]", disposition).get("disposition")
        return bool(disposition == "replace")
