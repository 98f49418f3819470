"""Laws of the walk, whatever the list does: each row once, or the range said where not.

The list moves between and within the answers, these arrive in any order, and some are lost.
"""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from asyncsessions.core.mending import TWINNED
from tests.core.drifts import (
    ANY,
    ASKED,
    CLIPPED,
    MIXED,
    VISIBLE,
    Listed,
    any_of,
    ending,
    lists,
    traffic,
    windows,
)
from tests.core.laws import SCALE, examples, walked

pytestmark = [pytest.mark.slow, pytest.mark.timeout(int(120 * max(1, SCALE / 2)))]

drifts = st.sampled_from(sorted(ANY))
visible_drifts = st.sampled_from(sorted(VISIBLE))
changes = st.one_of(st.integers(1, 5), st.integers(1, 50))
proving = st.sampled_from(["count", "strict"])
# Long pages of many times: shorter ones are too often in time order by chance, for all to see.
shuffled = lists("shuffled", sizes=[10], grids=["quarters", "seconds"], most_rows=60)
in_any_order = st.one_of(shuffled, lists("oldest first", sizes=range(8, 11), most_rows=60))
all_lists = st.one_of(lists(), in_any_order)


@examples(3000)
@given(lists(), windows, drifts, changes, traffic)
def test_strict_loses_nothing_and_doubles_nothing_however_the_list_moves(
    listed, asked, drift, many, how
):
    walked(listed, asked, consistency="strict", drift=ending(ANY[drift], many), **how)


@examples(1500)
@given(in_any_order, windows, drifts, changes, traffic)
def test_strict_keeps_its_word_in_any_order(listed, asked, drift, many, how):
    walked(listed, asked, consistency="strict", drift=ending(ANY[drift], many), **how)


@examples(3000)
@given(lists(), windows, visible_drifts, changes, traffic)
def test_count_loses_nothing_where_totals_show_the_changes(listed, asked, drift, many, how):
    walked(listed, asked, drift=ending(VISIBLE[drift], many), **how)


@examples(1500)
@given(in_any_order, windows, visible_drifts, changes, traffic)
def test_count_keeps_its_word_in_any_order(listed, asked, drift, many, how):
    walked(listed, asked, drift=ending(VISIBLE[drift], many), **how)


@examples(1500)
@given(all_lists, windows, drifts, changes, traffic)
def test_count_keeps_all_other_laws_when_changes_cancel(listed, asked, drift, many, how):
    walked(listed, asked, drift=ending(ANY[drift], many), **how)


ONE_ROW_A_PAGE = Listed(rows=20, grid="seconds", size=1, order="newest first", twins=0, seed=750)


@examples(1200)
@example(  # each row takes five requests, and eight of them are read before one is delivered
    ONE_ROW_A_PAGE,
    ASKED,
    "strict",
    {"seed": 0, "open_asks": 8, "busyness": 0.05, "tearing": 0.0, "loss": 0.0},
)
@given(lists(), windows, proving, traffic)
def test_a_list_that_stands_still_is_complete(listed, asked, consistency, how):
    course = walked(listed, asked, consistency=consistency, **how)
    assert course.walk.is_complete or may_be_one_row(course, consistency)
    assert not course.in_order.late_rows


@examples(600)
@given(in_any_order, windows, proving, traffic)
def test_a_list_that_stands_still_is_complete_in_any_order(listed, asked, consistency, how):
    course = walked(listed, asked, consistency=consistency, **how)
    assert course.walk.is_complete or may_be_one_row(course, consistency)


def may_be_one_row(course, consistency):
    """Whether equal rows on two pages of one second are why nothing is proven."""
    return consistency == "strict" and course.walk.reasons == [TWINNED]


@examples(1200)
@given(
    all_lists,
    windows,
    proving,
    drifts,
    changes,
    st.one_of(
        st.fixed_dictionaries({"patience": st.integers(0, 100)}),
        st.fixed_dictionaries({"withdrawal": st.sampled_from([0.05, 0.3, 1.0])}),
    ),
    traffic,
)
def test_leaving_early_is_no_excuse(listed, asked, consistency, drift, many, leaving, how):
    drift = ending(ANY[drift], many)
    walked(listed, asked, consistency=consistency, drift=drift, **leaving, **how)


@examples(300)
@given(all_lists, proving, drifts, traffic)
def test_a_list_that_never_stops_changing_is_read_to_an_end(listed, consistency, drift, how):
    walked(listed, ASKED, consistency=consistency, drift=ANY[drift], most_requests=2_000, **how)


@examples(200)
@given(all_lists, traffic)
def test_page_numbers_alone_come_to_an_end_too(listed, how):
    walked(listed, ASKED, consistency="off", drift=any_of(MIXED), most_requests=2_000, **how)


# Courses that are rare among those drawn above.
RARE = {
    "a torn total closes the list with a full page": (
        Listed(9, "seconds", 3, "newest first", 2, 236483732),
        "in bursts",
        {"seed": 933773501, "open_asks": 3, "busyness": 0.05, "tearing": 0.3},
    ),
    "the torn total of a range is just a page": (
        Listed(20, "quarters of a second", 7, "newest first", 0, 3479089413),
        "grows",
        {"seed": 477937212, "open_asks": 3, "busyness": 0.3, "tearing": 0.3},
    ),
    "a range of one row has a torn total": (
        Listed(10, "seconds", 1, "newest first", 0, 3107327254),
        "one at a time",
        {"seed": 496895511, "open_asks": 8, "busyness": 0.05, "tearing": 0.3, "withdrawal": 0.05},
    ),
    "a row without an id comes on two pages": (
        Listed(33, "seconds", 10, "shuffled", 2, 1635244362),
        "grows",
        {"seed": 675129832, "open_asks": 1, "busyness": 0.3, "tearing": 0.3, "loss": 0.2},
    ),
    "page 1 of the oldest rows is of one instant": (
        Listed(25, "quarters of a second", 8, "oldest first", 0, 1),
        "grows",
        {"seed": 1, "open_asks": 1, "busyness": 0.05},
    ),
    "two pages share a row and the total stays the same": (
        Listed(32, "one instant", 8, "shuffled", 0, 0),
        "replaces",
        {"seed": 1, "open_asks": 1, "busyness": 0.05},
    ),
    "rows of one instant are pushed over two page edges": (
        Listed(37, "quarters of a second", 8, "newest first", 0, 3742170969),
        "top and bottom",
        {"seed": 371179185, "open_asks": 1, "busyness": 0.7},
    ),
}


@pytest.mark.parametrize("course", RARE)
@pytest.mark.parametrize("many", [1, 10, 50])
@pytest.mark.parametrize("consistency", ["count", "strict"])
def test_rare_courses_keep_the_laws(course, many, consistency):
    listed, drift, how = RARE[course]
    for asked in (ASKED, CLIPPED):
        walked(listed, asked, consistency=consistency, drift=ending(ANY[drift], many), **how)


def test_totals_that_went_back_and_forth_between_the_pages_of_a_short_list_hide_nothing():
    listed = Listed(10, "quarters", 2, "newest first", 0, 0)
    how = {"seed": 9310, "open_asks": 8, "busyness": 0.3, "tearing": 0.3}
    course = walked(listed, ASKED, drift=ending(VISIBLE["in bursts"], 4), **how)
    assert course.walk.is_complete


def test_two_parts_of_one_second_are_not_read_side_by_side():
    listed = Listed(31, "quarters of a second", 3, "newest first", 0, 0)
    how = {"seed": 36, "open_asks": 3, "busyness": 0.05}
    course = walked(listed, ASKED, drift=ending(ANY["mixed"], 12), **how)
    assert course.walk.is_complete
    assert len(course.asks) <= 66  # twice as many where each part reads the whole second


@pytest.mark.parametrize("consistency", ["count", "strict"])
def test_a_list_that_grows_by_a_page_with_each_answer_is_not_run_after_for_ever(consistency):
    for size in (1, 2, 3):
        walked(
            Listed(22, "three seconds", size, "newest first", 0, 0),
            ASKED,
            consistency=consistency,
            drift=any_of(["insert now"] * 3),
            busyness=1.0,
            most_requests=1_000,
        )


@pytest.mark.parametrize("grid", ["one instant", "quarters of a second"])
@pytest.mark.parametrize("size", [1, 3, 10])
def test_many_pages_of_one_second_are_within_the_budget(grid, size):
    listed = Listed(200, grid, size, "newest first", 0, 0)
    assert walked(listed, ASKED, consistency="strict").walk.is_complete
