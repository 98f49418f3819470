"""The books of a target: what it holds of a stream, and which runs brought it there.

A *stream* is a provider with its filters, or that of one tenant of several.  A *run* is one pull or sync of it, however often it was
stopped and gone on with.  A *stored window* is a stretch of time that was read and committed as
one; stored windows of a stream never overlap.  All of this is plain data: targets keep it in their
own way (a table, a JSON file), in the same transaction as the rows it speaks of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, TypeVar

from attrs import evolve, field, frozen

from asyncsessions.core.records import Session
from asyncsessions.core.tiles import Span, Tiles
from asyncsessions.core.windows import TimeRange, Window

__all__ = [
    "Kind",
    "ReadWindow",
    "Run",
    "StoredWindow",
    "Stream",
    "charged_runs",
    "covered",
    "cut_out",
    "owner_of",
    "stream_name",
]

Kind = Literal["pull", "sync"]
"""What a run does: read a range that was named, or look again at what may have changed."""


@frozen(kw_only=True)
class Run:
    """One pull or sync of a stream.

    ``asked`` is the range as the command gave it, ``pinned`` what that was when the run began.
    ``ended_at`` is ``None`` while there is something left to do.  ``requests`` counts those sent in
    each month (``"2026-11"``), as far as they were entered; the ledger has the rest.
    """

    id: str
    kind: Kind
    asked: str
    pinned: TimeRange
    begun_at: datetime
    ended_at: datetime | None = None
    requests: Mapping[str, int] = field(factory=dict[str, int])

    def charged(self, requests: Mapping[str, int]) -> Run:
        """Return the run with these counts of requests instead."""
        return evolve(self, requests=dict(requests))


@frozen(kw_only=True)
class StoredWindow:
    """A stretch of time as a target holds it.

    ``owned`` are its instants, ``rows`` how many rows lie there, ``digest`` says which
    (:mod:`asyncsessions.core.digest`).  ``complete``: every instant is proven.  ``as_of`` is the
    span of time in which the rows were read.
    """

    owned: Span
    rows: int
    complete: bool
    digest: str
    as_of: tuple[datetime, datetime]
    committed_at: datetime
    run: str


W = TypeVar("W", bound=StoredWindow)


def stream_name(provider: str, tenant: str | None) -> str:
    """Return the name of a stream in files, books and messages: ``hum``, or ``hum@acme``."""
    return provider if tenant is None else f"{provider}@{tenant}"


def owner_of(stream: str) -> tuple[str, str | None]:
    """Return provider and tenant of a stream by its name."""
    provider, _, tenant = stream.partition("@")
    return provider, tenant or None


@frozen(kw_only=True)
class ReadWindow:
    """A window that was read and is to be committed: its rows replace what was stored of it.

    ``rows`` may be :class:`~asyncsessions.core.rows.SentRows`, which only become sessions where
    somebody looks at them.
    """

    window: Window
    rows: Sequence[Session] = field(repr=False)
    complete: bool
    as_of: tuple[datetime, datetime]

    def stored(
        self, kind: type[W], *, digest: str, run: str, committed_at: datetime, **place: Any
    ) -> W:
        """Return how a target enters it; ``place`` is what its ``kind`` of window says besides."""
        return kind(
            owned=self.window.owned,
            rows=len(self.rows),
            complete=self.complete,
            digest=digest,
            as_of=self.as_of,
            committed_at=committed_at,
            run=run,
            **place,
        )


@frozen(kw_only=True)
class Stream:
    """What a target holds of one provider: runs and stored windows, newest first.

    ``spent`` counts the requests of runs that are gone, by month.  ``tenant`` is whose sessions
    they are, ``None`` where there are no tenants.
    """

    provider: str
    filters: tuple[tuple[str, str], ...]
    runs: Sequence[Run] = ()
    windows: Sequence[StoredWindow] = ()
    spent: Mapping[str, int] = field(factory=dict[str, int])
    tenant: str | None = None

    @property
    def name(self) -> str:
        """The name of the stream; see :func:`stream_name`."""
        return stream_name(self.provider, self.tenant)

    @property
    def rows(self) -> int:
        """How many rows are stored."""
        return sum(window.rows for window in self.windows)

    @property
    def requests(self) -> dict[str, int]:
        """How many requests were sent in each month, oldest first."""
        months = dict(self.spent)
        for run in self.runs:
            for month, count in run.requests.items():
                months[month] = months.get(month, 0) + count
        return dict(sorted(months.items()))

    @property
    def watermark(self) -> int | None:
        """Up to which instant (excluded) all is proven since the first; ``None`` if nothing is.

        In microseconds since 1970.  A later window that is proven behind a gap does not count.
        """
        proven = covered(self.windows).spans()
        return proven[0].hi if proven else None


def covered(windows: Iterable[StoredWindow]) -> Tiles:
    """Return the instants that are proven."""
    tiles = Tiles()
    for window in windows:
        if window.complete:
            tiles.claim(window.owned)
    return tiles


def cut_out(windows: Iterable[StoredWindow], span: Span) -> list[tuple[StoredWindow, Span]]:
    """Return what is left of stored windows when a span is taken out, as (window, rest) pairs.

    Those that the span does not touch come back whole; the rows and the digest of the others are
    not theirs any more and have to be counted again.
    """
    left: list[tuple[StoredWindow, Span]] = []
    for window in windows:
        owned = window.owned
        rests = (owned,) if not owned & span else (Span(owned.lo, span.lo), Span(span.hi, owned.hi))
        left += [(window, rest) for rest in rests if rest]
    return left


def charged_runs(
    runs: Iterable[Run], run: Run, ledger: Mapping[str, Mapping[str, int]]
) -> list[Run]:
    """Return runs with the requests that the ledger has of them; those it does not know stay.

    Requests of runs that the books do not know, because they brought nothing, count as those of
    ``run``, one of ``runs``: somebody has to have paid them.
    """
    runs = list(runs)
    known = {each.id for each in runs}
    months = dict(ledger.get(run.id, run.requests))
    for other, counts in ledger.items():
        if other not in known:
            for month, count in counts.items():
                months[month] = months.get(month, 0) + count
    return [
        each.charged(months if each.id == run.id else ledger.get(each.id, each.requests))
        for each in runs
    ]
