"""Invented sessions: strategies for laws, and plain ones in any number for the targets."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from asyncsessions.core.answer import Ask
from asyncsessions.core.books import ReadWindow, Run, StoredWindow
from asyncsessions.core.plan import PullPlan, asked_range
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
from asyncsessions.core.windows import TimeRange, Window, split, to_micros
from asyncsessions.sinks.base import Standing, Store

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
START = datetime(2026, 1, 1, tzinfo=UTC)
MADE_AT = datetime(2026, 7, 1, 12, tzinfo=UTC)
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
    values = {
        "provider": "hum",
        "filters": (),
        "pinned": pinned,
        "windows": split(pinned, longest),
        "asked": asked_range(pinned.start, pinned.end),
        "made_at": MADE_AT,
    }
    return PullPlan(**values | more)


def open_plan(*, days: float = 1, start: datetime = START, **more) -> PullPlan:
    """Return the plan of a pull that reaches to now, which is so many days after its start."""
    asked = asked_range(start, None)
    return a_plan(days=days, start=start, asked=asked, is_open=True, **more)


def a_sync(**more) -> PullPlan:
    """Return the plan of a sync."""
    return a_plan(kind="sync", **more)


def read_of(window: Window, sessions, *, complete: bool = True) -> ReadWindow:
    """Return a window as it is read by a vendor who has these sessions."""
    rows = [s for s in sessions if window.owned.holds(to_micros(s.started_at))]
    return ReadWindow(window=window, rows=rows, complete=complete, as_of=(MADE_AT, MADE_AT + HOUR))


def commit(store: Store, windows, sessions, *, complete: bool = True) -> list[StoredWindow]:
    """Commit sessions to a store that is open, window by window."""
    return [store.commit(read_of(window, sessions, complete=complete)) for window in windows]


def begin(store: Store, plan: PullPlan) -> Standing:
    """Open a store and plan what is left, as the engine does."""
    standing = store.open(plan)
    if not standing.is_finished and standing.journal.planned() is None:
        standing.journal.plan(plan.windows)
    return standing


def pull(store: Store, plan: PullPlan, sessions, *, complete: bool = True) -> str:
    """Bring a whole pull into a store and return its last word."""
    standing = begin(store, plan)
    if not standing.is_finished:
        commit(store, plan.windows, sessions, complete=complete)
    report = a_report(complete=complete)
    return store.finish(report) if complete else store.leave(report)


def a_run(*, plan: PullPlan | None = None, **more) -> Run:
    """Return a run that has just begun."""
    plan = plan or a_plan()
    values = {
        "id": "run-1",
        "kind": plan.kind,
        "asked": plan.asked,
        "pinned": plan.pinned,
        "begun_at": plan.made_at,
    }
    return Run(**values | more)


@contextmanager
def permissive():
    """Let everything that is created be readable for everybody, unless somebody sees to it."""
    before = os.umask(0)
    try:
        yield
    finally:
        os.umask(before)


class Disk:
    """A disk with room for so many bytes through ``os.write``."""

    def __init__(self, room: float) -> None:
        self.room = room
        self._write = os.write

    def write(self, fd: int, data: bytes) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        done = self._write(fd, data if self.room > len(data) else data[: int(self.room)])
        self.room -= done
        return done


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


def an_ask(window: Window, page: int = 1, **more) -> Ask:
    """Return a request for a page of a window."""
    return Ask(window, page, **more)
