"""Look into a target without changing it: what it holds, and whether it is what was written.

Each kind of target answers the same few questions (:class:`Holdings`); counting by day and campaign
is done here, once for all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Protocol

from attrs import frozen

from asyncsessions.core.books import StoredWindow, Stream
from asyncsessions.errors import ConfigurationError, SinkError
from asyncsessions.sinks.ledger import read_ledger
from asyncsessions.sinks.wording import shown

__all__ = [
    "LOOKED",
    "Holdings",
    "Tally",
    "began_at",
    "months_in",
    "open_holdings",
    "tally",
    "verify_windows",
]

LOOKED = "verify.ledger"
"""The ledger of those who compare a target with its vendor, in the place of the others."""
DAY_US = 86_400_000_000
EPOCH = date(1970, 1, 1)


class Holdings(AbstractContextManager["Holdings"], Protocol):
    """A target that is open for looking, by the names of its streams.

    Every method raises :class:`SinkError`.
    """

    def streams(self) -> Sequence[Stream]:
        """Return what the books say."""
        ...

    def requests(self, stream: str) -> Mapping[str, int]:
        """Return the requests of each month as the books have them, those of gone runs included."""
        ...

    def ledger(self, stream: str) -> Path:
        """Return where requests are that are not in the books yet; there need be nothing."""
        ...

    def recount(self, stream: str, window: StoredWindow) -> tuple[int, str]:
        """Count the rows of a window and take their digest anew, from the data."""
        ...

    def strays(self) -> Sequence[str]:
        """Say what is there beside the windows that the books know."""
        ...

    def moments(self, stream: str) -> Iterable[tuple[int, str | None]]:
        """Yield the start of each session, in microseconds since 1970, and its campaign."""
        ...


def open_holdings(path: str | Path) -> Holdings:
    """Open what a path holds, by its kind.

    Raises :class:`SinkError` if there is nothing of ours, and :class:`ConfigurationError` naming an
    extra that is not installed.
    """
    place = Path(path)
    ending = place.suffix.lower()
    try:
        if place.is_dir():
            from asyncsessions.sinks.parquet_holdings import DatasetHoldings

            return DatasetHoldings(place)
        if ending == ".duckdb":
            from asyncsessions.sinks.duckdb_holdings import DuckDBHoldings

            return DuckDBHoldings(place)
        if ending == ".parquet":
            from asyncsessions.sinks.parquet_holdings import ParquetHoldings

            return ParquetHoldings(place)
    except ImportError:
        extra = "duckdb" if ending == ".duckdb" else "parquet"
        raise ConfigurationError(
            f'{shown(place)} needs the extra "{extra}": pip install "asyncsessions[{extra}]"'
        ) from None
    if ending in {".jsonl", ".csv"}:
        from asyncsessions.sinks.lines_holdings import LinesHoldings

        return LinesHoldings(place)
    raise SinkError(f"{shown(place)} is no target of ours")


def began_at(path: str | Path) -> dict[tuple[str, str | None], datetime]:
    """Return from when on each stream of a target was pulled, by provider and tenant.

    Raises as :func:`open_holdings` does.
    """
    with open_holdings(path) as holdings:
        return {
            (stream.provider, stream.tenant): min(run.pinned.start for run in stream.runs)
            for stream in holdings.streams()
            if stream.runs
        }


def verify_windows(holdings: Holdings, stream: Stream) -> Iterator[tuple[StoredWindow, str | None]]:
    """Count and digest every window of a stream anew, and say what is wrong with it, if anything."""
    for window in stream.windows:
        try:
            rows, digest = holdings.recount(stream.name, window)
        except SinkError as error:
            yield window, error.message
            continue
        if rows != window.rows:
            yield window, f"{rows:,} rows are there, {window.rows:,} were written"
        elif digest != window.digest:
            yield window, "the rows are not those that were written"
        else:
            yield window, None


@frozen
class Tally:
    """Sessions by day (UTC), oldest first, and by campaign (``None`` = none), largest first."""

    days: Mapping[date, int]
    campaigns: Sequence[tuple[str | None, int]]


def tally(moments: Iterable[tuple[int, str | None]]) -> Tally:
    """Count sessions by day and by campaign."""
    days: Counter[int] = Counter()
    campaigns: Counter[str | None] = Counter()
    for moment, campaign in moments:
        days[moment // DAY_US] += 1
        campaigns[campaign] += 1
    return Tally(
        {EPOCH + timedelta(days=day): days[day] for day in sorted(days)},
        sorted(campaigns.items(), key=lambda item: (-item[1], item[0] or "")),
    )


def months_in(holdings: Holdings, stream: Stream) -> dict[str, int]:
    """Return how many requests were sent in each month, oldest first, also by unfinished runs."""
    months = Counter(holdings.requests(stream.name))
    entered = {run.id for run in stream.runs if run.requests}
    path = holdings.ledger(stream.name)
    with suppress(OSError):
        for run, counts in read_ledger(path).items():
            if run not in entered:
                months.update(counts)
    with suppress(OSError):  # who looks does not have the stream's lock, and so a ledger of its own
        months.update(read_ledger(path.with_name(LOOKED)).get(stream.name, {}))
    return dict(sorted(months.items()))
