"""A walk that stood still for long: changes that cancelled meanwhile are found all the same.

Nobody listened to the totals during a pause, so that totals from before and after it say nothing
about each other.  Requests that were under way are sent again, as an engine does that died.
"""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from asyncsessions.core.answer import Answer
from asyncsessions.core.crowd import Crowd
from asyncsessions.core.tags import Tags
from tests.core.drifts import ANY, ASKED, Listed, lists, windows
from tests.core.laws import check, examples
from tests.core.model import Traffic, at, vendor_of, walk_of


def walked_with_pauses(vendor, asked, moments, change, *, seed, open_asks, is_told=True, **how):
    """Walk to the end, and change the list at these moments while nothing is under way."""
    flow = Traffic(busyness=1.0, open_asks=open_asks)
    walk, course = walk_of(
        asked, size=vendor.size, has_ids=not vendor.twins, concurrency=open_asks, **how
    )
    moment = 0

    def stand_still(vendor, chance):
        nonlocal moment
        moment += 1
        if moment in moments:
            flow.sent += [ask for ask, _ in flow.read]
            flow.read.clear()
            change(vendor, chance)
            if is_told:
                walk.pause()

    flow.drift = stand_still
    flow.flow(vendor, course, Random(seed))
    return course


def replace_one(vendor, _):
    """Delete the newest row, and insert one behind all others: the total stays the same."""
    vendor.delete(0)
    vendor.insert(at(0.5))


def half_read(*, is_told):
    vendor = vendor_of([20 - number / 10 for number in range(100)], 10)
    course = walked_with_pauses(
        vendor, ASKED, {15}, replace_one, seed=1, open_asks=1, is_told=is_told
    )
    missing = {row.number for row in vendor.standing} - {row.number for row in course.rows}
    return course, missing


def test_without_a_pause_changes_that_cancel_lose_a_row_and_nobody_hears_of_it():
    course, missing = half_read(is_told=False)
    assert course.walk.is_complete
    assert len(missing) == 1


def test_with_a_pause_changes_that_cancel_lose_nothing_and_cost_little():
    course, missing = half_read(is_told=True)
    assert course.walk.is_complete
    assert missing == set()
    assert len(course.asks) <= 10 + 7


def test_a_pause_in_which_nothing_changed_costs_little():
    vendor = vendor_of([20 - number / 10 for number in range(100)], 10)
    course = walked_with_pauses(vendor, ASKED, {15}, lambda *_: None, seed=1, open_asks=1)
    assert course.walk.is_complete
    assert len(course.rows) == 100
    assert len(course.asks) <= 10 + 7


@pytest.mark.slow
@examples(1500)
@example(  # a first page that is oldest first by chance, of a list in no order
    listed=Listed(rows=5, grid="seconds", size=10, order="shuffled", twins=2, seed=3),
    asked=ASKED,
    consistency="strict",
    moments={1, 2},
    many=4,
    drift="grows on top",
    seed=0,
    open_asks=1,
)
@given(
    listed=st.one_of(
        lists(),
        lists("shuffled", sizes=[10], grids=["quarters", "seconds"], most_rows=60),
        lists("oldest first", sizes=range(8, 11), most_rows=60),
    ),
    asked=windows,
    consistency=st.sampled_from(["count", "strict"]),
    moments=st.sets(st.integers(1, 80), min_size=1, max_size=3),
    many=st.integers(1, 6),
    drift=st.sampled_from(sorted(ANY)),
    seed=st.integers(0, 2**32),
    open_asks=st.sampled_from([1, 3, 8]),
)
def test_whatever_changes_in_pauses_every_row_comes_once_or_is_said_to_be_missing(
    listed, asked, consistency, moments, many, drift, seed, open_asks
):
    vendor = listed.vendor()

    def change(vendor, chance):
        for _ in range(many):
            ANY[drift](vendor, chance)

    course = walked_with_pauses(
        vendor, asked, moments, change, seed=seed, open_asks=open_asks, consistency=consistency
    )
    check(course, vendor, asked)


@pytest.mark.slow
@examples(600)
@given(
    rows=st.integers(4, 20),
    grid=st.sampled_from(["one instant", "quarters of a second"]),
    size=st.integers(2, 4),
    moments=st.sets(st.integers(1, 70), min_size=2, max_size=3),
    drift=st.sampled_from(["replaces", "top and bottom", "mixed"]),
    seed=st.integers(0, 2**32),
)
def test_a_second_of_many_pages_that_changes_in_pauses_is_read_exactly(
    rows, grid, size, moments, drift, seed
):
    vendor = Listed(rows, grid, size, "newest first", 0, seed).vendor()
    course = walked_with_pauses(vendor, ASKED, moments, ANY[drift], seed=seed, open_asks=1)
    check(course, vendor, ASKED)


# ---------------------------------------------------------------------- the parts


def test_equal_totals_before_and_after_a_pause_are_two_totals():
    tags = Tags()
    readings = []
    for page in (1, 2, 3, 4):
        if page == 3:
            tags.pause()
        tags.sent(page)
        readings.append(tags.received(page, 9))
    assert tags.changes == 1
    assert tags.verdict(readings[1:3]) is False
    assert tags.verdict(readings[:2]) is False


def test_a_pause_before_the_first_answer_changes_nothing():
    tags = Tags()
    tags.pause()
    tags.sent(1)
    tags.received(1, 9)
    assert tags.changes == 0
    assert tags.are_believed


def crowd_after(*, pauses_before):
    """Read three pages of one second, of which a row goes and another comes in between."""
    crowd = Crowd(size=2, is_strict=False, has_ids=True, identity=str)
    asked = []
    lists_read = {1: "abcde", 2: "bcdef", 3: "bcdef"}
    while not crowd.is_over:
        turn = len(asked) + 1
        if turn == pauses_before:
            crowd.pause()
        rows = lists_read.get(turn, "bcdef")
        asked.append(crowd.page)
        crowd.take(Answer(rows[(crowd.page - 1) * 2 :][:2], (), len(rows)))
    return crowd, asked


def test_without_a_pause_a_second_of_many_pages_is_believed_to_have_stood_still():
    crowd, asked = crowd_after(pauses_before=None)
    assert asked == [1, 2, 3]
    assert crowd.rows == [*"abdef"]  # c is lost


def test_a_second_of_many_pages_is_looked_at_again_after_a_pause():
    crowd, asked = crowd_after(pauses_before=2)
    assert asked[:4] == [1, 2, 3, 1]
    assert crowd.is_proven
    assert crowd.rows == [*"bcdef"]


def test_a_pause_before_a_second_of_many_pages_is_read_costs_nothing():
    crowd = Crowd(size=2, is_strict=False, has_ids=True, identity=str)
    crowd.pause()
    for page in (1, 2):
        crowd.take(Answer("abc"[2 * page - 2 :][:2], (), 3))
    assert crowd.is_proven
