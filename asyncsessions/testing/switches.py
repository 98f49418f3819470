"""What can be set on either fake server, and the list of sessions that follows from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import attrs

from asyncsessions.testing.instants import (
    Timestamps,
    datetime_of,
    instant_of,
    read_instant,
    step_of,
)
from asyncsessions.testing.seeding import even_places, seeded_instants

if TYPE_CHECKING:
    from datetime import datetime

    from asyncsessions.testing.drift import Drift
    from asyncsessions.testing.faults import Faults
    from asyncsessions.testing.history import Json
    from asyncsessions.testing.listing import Order

__all__ = ["Rows", "Span", "Switches"]

Rows = int | Sequence[Mapping[str, object]]


@attrs.define(kw_only=True, eq=False, slots=False)
class Switches:
    """What both fakes can be told.

    Args:
        rows: how many rows to invent, or the vendor's JSON objects themselves.
        seed: decides the invented rows, their order where shuffled, and the latencies.
        start: the rows lie at or after it; None means the fake's own default, or the first of the
            given rows.
        end: the rows lie at or before it; None likewise.
        page_size: rows a page.
        latency_s: seconds that an answer takes, or the least and the most of them.
        read_point: at which share of the latency the rows are read: 1 is just before the answer is
            sent, 0 on arrival, None anywhere, so that answers overtake each other.
        order: of the listing; `shuffled` is stable under changes.
        rate_per_s: requests a second that are allowed, above which 429 is answered at once; None
            means no limit.
        burst: requests that may come at once under `rate_per_s`.
        retry_after: the literal `Retry-After` header of 429 and of 503 for `max_concurrency`;
            None means no such header.
        max_concurrency: requests handled at once, above which 503 is answered at once; None means
            no limit.
        faults: answers that go wrong; None means none.
        drift: changes between the reads; None means none.
        overstate_pages: multiplies the claimed number of pages, and nothing else.
        claim_rows: the claimed total, from which the claimed number of pages follows; None means
            the truth.
        rows_on_one_instant: so many invented rows in the middle share one timestamp.
        timestamps: how the rows' instants are written, and how fine they are.
        unknown_fields: adds unannounced fields to rows and envelope.
        record_bodies: keeps request and answer bodies in `requests`.
        redirect_to: answers every request with 302 to this URL; None means none.
        hidden_close: a connection that sends a second request is closed without an answer.
        port: the port of 127.0.0.1 to listen on; 0 means any free one.

    Raises:
        ValueError: a number is out of range.

    """

    rows: Rows = 2_337
    seed: int = 1
    start: datetime | None = None
    end: datetime | None = None
    page_size: int = attrs.field(default=50, validator=attrs.validators.ge(1))
    latency_s: float | tuple[float, float] = 0.0
    read_point: float | None = 1.0
    order: Order = "newest_first"
    rate_per_s: float | None = None
    burst: int = 1
    retry_after: str | None = None
    max_concurrency: int | None = None
    faults: Faults | None = None
    drift: Drift | None = None
    overstate_pages: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    claim_rows: int | None = None
    rows_on_one_instant: int = attrs.field(default=0, validator=attrs.validators.ge(0))
    timestamps: Timestamps = "whole_seconds"
    unknown_fields: bool = False
    record_bodies: bool = False
    redirect_to: str | None = None
    hidden_close: bool = False
    port: int = 0


@attrs.frozen(kw_only=True)
class Span:
    """The instants of a listing's first rows, and the time span that they and inserts keep to."""

    start: datetime
    end: datetime
    instants: Sequence[int]
    given: Sequence[Mapping[str, object]] = ()
    twins: frozenset[int] = frozenset()
    crowded: datetime | None = None

    @classmethod
    def of(
        cls, switches: Switches, start: datetime, end: datetime, time_field: str, twins: int = 0
    ) -> Span:
        """Lay out the rows of a fake whose own default span is `start` to `end`."""
        first, last = switches.start or start, switches.end or end
        if isinstance(switches.rows, int):
            return cls._invented(switches, switches.rows, first, last, twins)
        timed = _in_time_order(switches.rows, time_field, instant_of(first))
        instants = [instant for instant, _ in timed]
        if instants:
            first = switches.start or datetime_of(instants[0])
            last = switches.end or datetime_of(instants[-1])
        given = [row for _, row in timed]
        return cls(start=first, end=last, instants=instants, given=given)

    @classmethod
    def _invented(
        cls, switches: Switches, count: int, first: datetime, last: datetime, twins: int
    ) -> Span:
        drift = switches.drift
        room = drift is not None and drift.insert_now_every is not None
        newest = last - (last - first) / 100 if room else last
        places = even_places(
            count, twins, switches.page_size, newest_first=switches.order != "oldest_first"
        )
        instants = seeded_instants(
            count,
            first=instant_of(first),
            last=instant_of(newest),
            step=step_of(switches.timestamps),
            seed=switches.seed,
            on_one_instant=switches.rows_on_one_instant,
            twins=places,
        )
        crowded = datetime_of(instants[count // 2]) if switches.rows_on_one_instant > 1 else None
        return cls(
            start=first,
            end=last,
            instants=instants,
            twins=frozenset(places),
            crowded=crowded,
        )

    def with_given(self, make_row: Callable[[int, int], Json]) -> Callable[[int, int], Json]:
        """Return a row maker that hands out the given rows first, and then invented ones."""
        given = self.given
        if not given:
            return make_row
        return lambda uid, instant: dict(given[uid]) if uid < len(given) else make_row(uid, instant)


def _in_time_order(
    rows: Sequence[Mapping[str, object]], time_field: str, first: int
) -> list[tuple[int, Mapping[str, object]]]:
    """Sort rows by time; one whose time cannot be read is put behind the row given before it."""
    timed: list[tuple[int, Mapping[str, object]]] = []
    instant = first
    for row in rows:
        with suppress(ValueError):
            instant = read_instant(row.get(time_field))
        timed.append((instant, row))
    return sorted(timed, key=lambda item: item[0])
