"""Invented sessions: strategies for laws, and plain ones in any number for the targets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from asyncsessions.core.plan import PullPlan
from asyncsessions.core.records import (
    Address,
    CartStep,
    Conversion,
    Exit,
    Order,
    Session,
    SessionDetail,
)
from asyncsessions.core.report import Report
from asyncsessions.core.windows import TimeRange, split, to_micros

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
START = datetime(2026, 1, 1, tzinfo=UTC)
CENTURY = timedelta(days=36_524)
WORDS = st.none() | st.text()
INSTANTS = st.datetimes(timezones=st.just(UTC))
WHENEVER = st.none() | INSTANTS
WHOLE = st.none() | st.integers(-(2**63), 2**63 - 1)

PARTS = {
    "address": st.builds(Address, street1=WORDS, street2=WORDS, city=WORDS, state=WORDS, zip=WORDS),
    "order": st.builds(
        Order,
        number=WORDS,
        ordered_at=WHENEVER,
        installed=st.none() | st.booleans(),
        installed_at=WHENEVER,
        commission_cents=WHOLE,
    ),
    "conversion": st.builds(Conversion, at=WHENEVER, email=WORDS, page=WORDS, previous_page=WORDS),
    "exit": st.builds(Exit, at=WHENEVER, page=WORDS, previous_page=WORDS),
}
FIELDS = {
    "provider": st.sampled_from(["hum", "attributionhub"]),
    "id": st.text(min_size=1),
    "started_at": INSTANTS,
    "campaign": WORDS,
    "source": WORDS,
    "medium": WORDS,
    "content": WORDS,
    "term": WORDS,
    "landing_page": WORDS,
    "furthest_step": WHOLE,
    "duration": st.none() | st.timedeltas(-CENTURY, CENTURY),
    "raw": st.none() | st.text().map(str.encode),
    **{name: st.none() | part for name, part in PARTS.items()},
}
SESSIONS = st.builds(Session, **FIELDS)
DETAILS = st.builds(
    SessionDetail,
    **FIELDS,
    cart_progression=st.lists(
        st.builds(CartStep, step=st.integers(), name=WORDS, at=WHENEVER), max_size=3
    ).map(tuple),
)


def every(step: timedelta, *, days: float = 1, start: datetime = START, tag: str = "s", **more):
    """Return a session for each step of so many days, newest first."""
    count = int(timedelta(days=days) / step)
    return [
        Session(**{"provider": "hum", "id": f"{tag}-{n}", "started_at": start + n * step} | more)
        for n in reversed(range(count))
    ]


def a_plan(
    *, days: float = 1, start: datetime = START, longest: timedelta | None = None, **more
) -> PullPlan:
    """Return the plan of a pull of so many days, in windows of at most ``longest``."""
    pinned = TimeRange(start, start + timedelta(days=days), closed=False)
    return PullPlan(
        **{"provider": "hum", "filters": (), "pinned": pinned, "windows": split(pinned, longest)}
        | more
    )


def write(sink, plan, sessions, *, complete: bool = True, page: int = 50) -> None:
    """Write sessions to a sink that has begun, window by window."""
    for index, window in enumerate(plan.windows):
        rows = [s for s in sessions if window.owned.holds(to_micros(s.started_at))]
        for first in range(0, len(rows), page):
            sink.write(index, rows[first : first + page])
        sink.commit(index, is_complete=complete)


def a_report(*, complete: bool = True, provider: str = "hum") -> Report:
    """Return the report of a pull that ended."""
    return Report(provider=provider, complete=complete)
