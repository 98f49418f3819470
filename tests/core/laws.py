"""What must be true of every walk."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Any

from hypothesis import reject, settings

from asyncsessions.core.answer import time_order
from asyncsessions.core.windows import Window
from asyncsessions.errors import UnexpectedResponseError
from tests.core.drifts import Listed
from tests.core.model import ORDERS, Course, Reading, Vendor, run

FLOOR = 50
FACTOR = 9
"""A walk may take ``FLOOR`` requests and so many for each page of rows that there ever were.

That is four for a page that was delivered, and four again where it lies in a crowded second.
"""

SCALE = settings().max_examples / 100


def examples(many: int) -> settings:
    """Return settings for so many examples, and as many times more as the profile asks for."""
    return settings(max_examples=int(many * SCALE))


# ---------------------------------------------------------------------- what totals hide


def is_hidden(vendor: Vendor, asked: Window) -> bool:
    """Whether the list changed where no total that was told could show it.

    That is the documented limit of ``count``: changes that cancelled between two equal totals, or
    fell between the last total and its rows. Once two changes were told, no total of the window
    is believed any more, so that nothing can hide behind one. Windows within the window have
    totals of their own.
    """
    heard: dict[Window, list[Reading]] = {}
    for reading in vendor.readings:
        if reading.is_told:
            heard.setdefault(reading.ask.window, []).append(reading)
    return any(
        _hides(vendor, part, readings, most=2 if part == asked else len(readings))
        for part, readings in heard.items()
        if part == asked or any(reading.ask.page > 1 for reading in readings)
    )


def _hides(vendor: Vendor, part: Window, readings: Sequence[Reading], *, most: int) -> bool:
    told = 0
    for earlier, later in itertools.pairwise(readings):
        if earlier.total != later.total:
            told += 1
        elif _moved(vendor, part, earlier.counted, later.counted):
            return True
        if told == most:
            return False
    return _moved(vendor, part, readings[-1].counted, readings[-1].read)


def _moved(vendor: Vendor, part: Window, since: int, until: int) -> bool:
    return any(part.asked.holds(change.instant) for change in vendor.changes[since:until])


# ---------------------------------------------------------------------- what answers hide


def is_taken_for_sorted(course: Course, vendor: Vendor) -> bool:
    """Whether a list in no order came in time order by chance, with more of it to come.

    That is the documented limit of every level: a list is sorted as its answers are. Answers of
    one instant or one second say nothing about the order.
    """
    if vendor.order is not ORDERS["shuffled"]:
        return False
    orders, has_more = set(), False
    for ask, page in course.answers:
        order = time_order(page.times)
        if order is not None and ask.window.asked_start < ask.window.asked_end:
            orders.add(order)
            has_more |= len(page.rows) < (page.total or 0)
    return has_more and len(orders) == 1 and "none" not in orders


# ---------------------------------------------------------------------- laws


def walked(listed: Listed, asked: Window, **keywords: Any) -> Course:
    """Walk, check all laws that must hold, and return the course.

    ``off`` promises nothing but an end, and ``count`` nothing where totals hide the changes.
    """
    vendor = listed.vendor()
    consistency = keywords.get("consistency", "count")
    try:
        course = run(vendor, asked, **keywords)
    except UnexpectedResponseError:
        # The list moved by a page, and no total showed it: one page came under two numbers.
        assert consistency != "strict"
        assert len(vendor.changes) >= vendor.size
        reject()
    if consistency != "off":
        is_promised = consistency == "strict" or not is_hidden(vendor, asked)
        check(course, vendor, asked, is_promised=is_promised)
    return course


def check(course: Course, vendor: Vendor, asked: Window, *, is_promised: bool = True) -> None:
    """Check all laws; without a promise rows may be missing in silence."""
    if is_promised and not is_taken_for_sorted(course, vendor):
        _check_nothing_is_missing(course, vendor, asked)
    if is_promised or not vendor.twins:  # without ids nobody can tell a twin from a row sent twice
        _check_nothing_is_doubled(course, vendor)
    _check_rows(course, asked)
    _check_tiling(course, asked)
    _check_order(course)
    _check_verdict(course)
    _check_bound(course, vendor)


def _check_nothing_is_missing(course: Course, vendor: Vendor, asked: Window) -> None:
    """Each row that stood throughout has come, unless its instant is said to be unproven."""
    standing = [row for row in vendor.standing if asked.owned.holds(row.instant)]
    instants = {row.name: row.instant for row in standing}
    missing = Counter(row.name for row in standing) - Counter(row.name for row in course.rows)
    for name in missing:
        is_said = any(span.holds(instants[name]) for span in course.walk.unproven)
        assert is_said, f"{name} of {instants[name]} is missing"


def _check_nothing_is_doubled(course: Course, vendor: Vendor) -> None:
    """Each row that came was once in the list, and came once."""
    ever = Counter(row.name for row in (*vendor.begun_with, *vendor.inserted))
    doubled = Counter(row.name for row in course.rows) - ever
    assert not doubled, f"{set(doubled)} came twice"


def _check_rows(course: Course, asked: Window) -> None:
    """Every row lies in the window, and is counted."""
    assert all(asked.owned.holds(row.instant) for row in course.rows)
    assert course.walk.delivered == len(course.rows)
    assert course.walk.received == course.received


def _check_tiling(course: Course, asked: Window) -> None:
    """Portions hold the rows of their span and never overlap; the unproven fills up the window."""
    unproven = course.walk.unproven
    assert all(asked.owned.lo <= span.lo < span.hi <= asked.owned.hi for span in unproven)
    assert all(newer.lo > older.hi for newer, older in itertools.pairwise(unproven))
    if unproven == [asked.owned]:
        return  # nothing is claimed: rows that contradict each other are delivered all the same
    for portion in course.portions:
        assert not portion.timed or all(portion.span.holds(row.instant) for row in portion.rows)
    for is_timed in (True, False):
        spans = sorted(p.span for p in course.portions if p.timed is is_timed)
        assert all(spans)
        assert all(older.hi <= newer.lo for older, newer in itertools.pairwise(spans))
    if all(portion.timed for portion in course.portions):
        reached = asked.owned.lo
        for span in sorted([portion.span for portion in course.portions] + unproven):
            assert span.lo <= reached, "time that is neither covered nor unproven"
            reached = max(reached, span.hi)
        assert reached == asked.owned.hi


def _check_order(course: Course) -> None:
    """Where the rows are in time order they leave newest first, but for the late ones."""
    if not course.walk.is_in_order or not all(portion.timed for portion in course.portions):
        return
    oldest: int | None = None
    late = 0
    for row in course.ordered:
        if oldest is not None and row.instant > oldest:
            late += 1
        else:
            oldest = row.instant
    assert late <= course.in_order.late_rows
    if not course.is_cut_short:
        assert len(course.ordered) == len(course.rows)


def _check_verdict(course: Course) -> None:
    walk = course.walk
    if course.is_cut_short:
        assert not walk.is_complete or walk.is_finished
    else:
        assert walk.is_finished
        assert walk.is_complete == (not walk.unproven)
        assert walk.reasons or not walk.unproven


def _check_bound(course: Course, vendor: Vendor) -> None:
    """However long the list goes on to change, requests are bounded by the rows it ever had.

    A row on a whole second counts twice: ranges hold both their ends, so it lies in two of them.
    """
    ever = [*vendor.begun_with, *vendor.inserted]
    rows = len(ever) + sum(row.started_at.microsecond == 0 for row in ever)
    pages = -(-rows // vendor.size)
    assert len(course.asks) - course.withdrawn <= FLOOR + FACTOR * pages
