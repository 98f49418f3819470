"""The walk and pages that are not equally long: numbers skip rows then, or show them twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.laws import FACTOR, FLOOR
from tests.core.model import answer, run, vendor_of, walk_of, window

ASKED = window(0, 1000)
GRIDS = {
    "seconds": lambda place: 900 - place,
    "three a second": lambda place: 900 - place // 3,
    "three seconds": lambda place: 500 - place % 3,
    "one instant": lambda place: 500.5,
}


class Cutting:
    """A vendor that holds still, and cuts each answer by a page size of its own.

    ``size_of`` gets the number of the answer, counted from 1, and what was asked.
    """

    def __init__(self, vendor, size_of):
        self._vendor, self._size_of, self._answers = vendor, size_of, 0

    def __getattr__(self, name):
        return getattr(self._vendor, name)

    def read(self, ask, **how):
        self._answers += 1
        self._vendor.size = self._size_of(self._answers, ask)
        return self._vendor.read(ask, **how)


def cut(count, size_of, *, grid="seconds", documented_size, **how):
    """Walk through a list whose answers are cut by such sizes."""
    vendor = vendor_of([GRIDS[grid](place) for place in range(count)], documented_size)
    return run(Cutting(vendor, size_of), ASKED, documented_size=documented_size, **how)


def check_whole(course, count):
    numbers = [row.number for row in course.rows]
    assert course.walk.is_complete, course.walk.reasons
    assert len(set(numbers)) == len(numbers) == count


@pytest.mark.parametrize("open_asks", [1, 2, 8])
@pytest.mark.parametrize(
    ("count", "documented_size", "size_of"),
    [
        (75, 50, lambda number, _: 30 if number == 1 else 50),
        (57, 50, lambda number, _: 7 if number == 1 else 50),  # page 2 is as long, by chance
        (105, 10, lambda number, _: 10 if number <= 5 else 20),
        (117, 10, lambda number, _: 10 if number <= 5 else 7),  # the last page fits, by chance
        (105, 10, lambda number, ask: 7 if ask.page == 7 else 10),
        (105, 10, lambda number, ask: 9 if ask.page == 3 else 10),
        (66, 50, lambda number, _: 20 if number == 1 else 50),
    ],
)
@pytest.mark.parametrize("grid", GRIDS)
def test_pages_of_other_lengths_hide_no_rows_of_a_list_that_holds_still(
    count, documented_size, size_of, grid, open_asks
):
    how = {"documented_size": documented_size, "open_asks": open_asks}
    course = cut(count, size_of, grid=grid, **how)
    if course.walk.is_complete:
        check_whole(course, count)
    else:
        assert course.walk.reasons


@given(
    st.integers(2, 330),
    st.integers(1, 49),
    st.sampled_from(sorted(GRIDS)),
    st.sampled_from([1, 2, 8]),
    st.integers(0, 2**32),
)
def test_a_first_page_of_any_length_hides_nothing(count, length, grid, open_asks, seed):
    size_of = lambda number, _: length if number == 1 else 50
    course = cut(count, size_of, grid=grid, documented_size=50, open_asks=open_asks, seed=seed)
    check_whole(course, count)


@given(
    st.integers(1, 150),
    st.sampled_from([5, 7, 8, 9, 20]),
    st.integers(1, 16),
    st.sampled_from(sorted(GRIDS)),
    st.sampled_from(["count", "strict"]),
    st.sampled_from([1, 2, 8]),
    st.integers(0, 2**32),
)
def test_pages_that_change_for_good_lose_no_row_or_it_is_said(
    count, after, first, grid, consistency, open_asks, seed
):
    size_of = lambda number, _: 10 if number <= first else after
    how = {"consistency": consistency, "open_asks": open_asks, "seed": seed}
    course = cut(count, size_of, grid=grid, documented_size=10, **how)
    if course.walk.is_complete:
        check_whole(course, count)
    assert len(course.asks) <= FLOOR + FACTOR * -(-count // min(10, after))


@pytest.mark.parametrize("consistency", ["count", "strict"])
def test_rows_that_vanish_behind_a_page_do_not_make_totals_too_large(consistency):
    """A page came without rows, although the total before it announced some; both were right."""
    vendor = vendor_of([90] * 52 + [40] * 60, 50)

    class Moving:
        def __getattr__(self, name):
            return getattr(vendor, name)

        def read(self, ask, **how):
            if ask.serial and ask.page == 2 and not vendor.deleted:
                vendor.delete(10)
                vendor.delete(20)
            if ask.serial and ask.window.asked_end < ASKED.asked_start.replace(minute=1):
                vendor.size = 10
            if not ask.serial and ask.page > 1:
                vendor.insert(ASKED.asked_end)
            return vendor.read(ask, **how)

    course = run(Moving(), ASKED, consistency=consistency, documented_size=50)
    assert vendor.deleted
    if course.walk.is_complete:
        assert vendor.standing <= set(course.rows)


@pytest.mark.parametrize("before", ["a pause", "a change"])
@pytest.mark.parametrize(("page", "other"), [(4, 5), (5, 4), (6, 4), (13, 12)])
def test_a_page_under_two_numbers_hides_nothing_once_the_list_may_have_moved(page, other, before):
    vendor = vendor_of([900 - place for place in range(700)], 50)
    walk, course = walk_of(ASKED, size=50, concurrency=1)
    while not walk.is_finished:
        ask = course.ask()
        if len(course.asks) == 3 and before == "a pause":
            walk.pause()
        if len(course.asks) == 3 and before == "a change":
            vendor.insert(ASKED.asked_end)
        found = vendor.read(ask)
        if not ask.serial and ask.page == page:
            rows = vendor.rows[(other - 1) * 50 :][:50]
            found = answer(rows, found.total)
        course.arrive(ask, found)
    assert walk.is_complete
    assert vendor.standing <= set(course.rows)


def test_a_second_that_changes_all_the_time_takes_nothing_from_the_rest():
    """It is said of that second, and the rows below it are read."""
    vendor = vendor_of([800.5] * 505 + [700 - place / 8 for place in range(5_000)], 50)
    crowded = vendor.rows[0].started_at

    class Restless:
        size = 50

        def read(self, ask):
            if ask.serial and ask.window.asked_start <= crowded <= ask.window.asked_end:
                vendor.delete(0)
            return vendor.read(ask)

    course = run(Restless(), ASKED, consistency="strict", open_asks=1)
    assert course.walk.reasons == ["the rows of one second changed whenever they were read"]
    assert {row for row in vendor.standing if row.started_at < crowded} <= set(course.rows)
    assert sum(span.hi - span.lo for span in course.walk.unproven) <= 1_000_001


@pytest.mark.parametrize("count", [1_950, 2_050])
def test_one_second_whose_total_is_too_large_is_read_though_it_has_many_pages(count):
    vendor = vendor_of([500.5] * count, 50, lie=lambda total, ask: total + 1)
    check_whole(run(vendor, ASKED), count)


class Uneven:
    """A vendor that holds still, and whose answers are as long as ``length`` says.

    ``length`` gets the number of the answer, counted from 1, and its page.
    """

    def __init__(self, vendor, length):
        self._vendor, self._length, self._answers = vendor, length, 0

    def __getattr__(self, name):
        return getattr(self._vendor, name)

    def read(self, ask, **how):
        self._answers += 1
        found = self._vendor.read(ask, **how)
        length = self._length(self._answers, ask.page)
        return answer(found.rows[:length], found.total)


@pytest.mark.parametrize("length", [1, 10, 25, 45, 49])
@pytest.mark.parametrize("order", ["newest first", "in no order"])
def test_a_first_page_that_is_shorter_than_the_others_hides_nothing(length, order):
    key = {
        "newest first": lambda row: (-row.instant, row.number),
        "in no order": lambda row: row.number * 7919 % 1009,
    }[order]
    vendor = vendor_of([second * 0.9 for second in range(600)], 50, order=key)
    course = run(Uneven(vendor, lambda number, _: length if number == 1 else 50), ASKED)
    assert course.walk.is_complete, course.walk.reasons
    assert len({row.number for row in course.rows}) == len(course.rows) == 600


@pytest.mark.parametrize(("before", "after"), [(50, 25), (50, 10), (10, 5), (10, 50)])
@pytest.mark.parametrize("first", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("each", [1, 3, 12, 60, 200])
@pytest.mark.parametrize("consistency", ["count", "strict"])
def test_pages_that_change_their_length_lose_no_row_or_it_is_said(
    before, after, first, each, consistency
):
    vendor = vendor_of([place // each for place in range(600)], before)

    changing = Cutting(vendor, lambda number, _: before if number <= first else after)
    course = run(changing, ASKED, consistency=consistency, documented_size=50, open_asks=1)
    numbers = [row.number for row in course.rows]
    if course.walk.is_complete:
        assert len(set(numbers)) == len(numbers) == 600
    else:
        assert course.walk.reasons
