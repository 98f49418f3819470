"""Laws of the walk where nothing moves: each row once, in order, with as few requests as can be."""

from __future__ import annotations

import itertools
from collections import Counter
from math import ceil
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncsessions.core.answer import Ask
from asyncsessions.core.tiles import Span
from asyncsessions.core.windows import Window, to_micros
from asyncsessions.errors import UnexpectedResponseError
from tests.core.model import Row, Vendor, answer, at, run, vendor_of, walk_of, window

ASKED = window(0, 1000)

seconds_of_rows = st.one_of(
    st.lists(st.integers(0, 1000), max_size=60),
    st.lists(st.integers(0, 3), max_size=60),  # many rows on one instant
    st.lists(st.just(7), max_size=60),  # all rows on one instant
)
seeds = st.integers(0, 2**32)


def check_tiling(course, owned=ASKED.owned):
    """Portions tile the owned window, and each holds the rows of its own instants only."""
    spans = sorted(portion.span for portion in course.portions)
    assert spans[0].lo == owned.lo
    assert spans[-1].hi == owned.hi
    assert all(above.hi == below.lo for above, below in itertools.pairwise(spans))
    for portion in course.portions:
        assert all(portion.span.holds(row.instant) for row in portion.rows)


@given(seconds_of_rows, st.integers(1, 10), st.integers(1, 16), seeds)
def test_a_list_that_stands_still_is_delivered_exactly_with_the_fewest_requests(
    seconds, size, open_asks, seed
):
    vendor = vendor_of(seconds, size)
    course = run(vendor, ASKED, seed=seed, open_asks=open_asks)
    assert course.ordered == vendor.rows
    assert course.pages == list(range(1, max(1, ceil(len(seconds) / size)) + 1))
    assert course.walk.is_complete
    assert course.walk.reasons == []
    assert course.walk.delivered == course.walk.received == len(seconds)
    check_tiling(course)


@given(st.integers(0, 2000), st.integers(1, 2000), seeds)
def test_full_sized_lists_are_exact_too_and_nothing_is_kept(count, spread, seed):
    chance = Random(seed)
    vendor = vendor_of([chance.randrange(spread) / 2 for _ in range(count)], 50)
    course = run(vendor, ASKED, seed=seed)
    assert course.ordered == vendor.rows
    assert len(course.pages) == max(1, ceil(count / 50))
    assert course.walk.is_complete
    assert len(course.walk._seams) == 0
    assert course.walk.seam_rows == 0


def test_memory_is_bounded_by_the_pages_that_wait_for_a_neighbour():
    vendor = vendor_of(range(1000), 2)
    assert run(vendor, ASKED, open_asks=1).most_placed <= 3
    assert run(vendor, ASKED, open_asks=8, seed=1).most_placed <= 60


@given(seconds_of_rows, st.integers(2, 10), st.randoms(use_true_random=False), seeds)
def test_any_order_is_delivered_exactly_or_said_to_be_unproven(seconds, size, chance, seed):
    place = {number: chance.random() for number in range(1, len(seconds) + 1)}
    vendor = vendor_of(seconds, size, order=lambda row: place[row.number])
    walk = run(vendor, ASKED, seed=seed)
    numbers = [row.number for row in walk.rows]
    assert len(numbers) == len(set(numbers))
    if walk.walk.is_complete:
        assert sorted(numbers) == sorted(place)
    elif walk.walk.positional:
        assert walk.walk.unproven == [ASKED.owned]


def test_pages_in_order_of_a_list_that_is_not_are_no_proof():
    # Each page is newest first, the second leads back up: rows would be clipped in silence.
    vendor = vendor_of([9, 8, 12, 11], 2, order=lambda row: row.number)
    course = run(vendor, ASKED)
    assert course.walk.unproven == [ASKED.owned]
    assert course.walk.reasons == [
        "the rows are not in time order, or changed while their total did not"
    ]


def test_a_page_of_one_instant_out_of_order_is_no_proof():
    vendor = vendor_of([5, 5, 9, 8, 3, 2], 2, order=lambda row: row.number)
    assert run(vendor, ASKED).walk.unproven == [ASKED.owned]


@given(
    st.integers(0, 200),
    st.sets(st.integers(1, 200), max_size=40),
    st.integers(2, 10),
    st.sampled_from(["count", "strict"]),
    st.integers(1, 8),
    seeds,
)
def test_rows_out_of_place_come_once_at_most_whatever_is_under_way(
    count, misplaced, size, consistency, open_asks, seed
):
    def order(row):
        return -row.instant + 3_000_000 * (row.number in misplaced)

    vendor = vendor_of(range(count), size, order=order)
    course = run(vendor, ASKED, consistency=consistency, seed=seed, open_asks=open_asks)
    numbers = [row.number for row in course.rows]
    assert len(set(numbers)) == len(numbers)
    assert course.walk.is_finished


def test_strict_sees_disorder_within_an_answer_after_others_were_in_order():
    vendor = vendor_of([9, 8, 5, 3, 4, 2], 3, order=lambda row: row.number)
    course = run(vendor, ASKED, consistency="strict")
    assert course.walk.unproven == [ASKED.owned]
    assert course.walk.reasons == [
        "the rows are not in time order, or changed while their total did not"
    ]


@given(seconds_of_rows, st.integers(1, 10), seeds)
def test_a_list_that_is_oldest_first_is_read_by_position(seconds, size, seed):
    vendor = vendor_of(seconds, size, order=lambda row: (row.instant, row.number))
    course = run(vendor, ASKED, seed=seed)
    assert sorted(row.number for row in course.rows) == sorted(row.number for row in vendor.rows)
    assert course.walk.is_complete
    assert len(course.pages) == max(1, ceil(len(seconds) / size))


def test_positional_portions_leave_in_the_order_of_the_list():
    vendor = vendor_of(range(20), 3, order=lambda row: row.number)
    course = run(vendor, ASKED, seed=3, start_cursor=0)
    assert course.walk.positional
    assert not any(portion.timed for portion in course.portions)
    assert course.ordered == vendor.rows


@given(st.integers(0, 40), st.integers(1, 4), st.integers(2, 5), seeds)
def test_twins_are_as_many_as_the_vendor_lists(pairs, copies, size, seed):
    chance = Random(seed)
    instants = [at(chance.randrange(12)) for _ in range(pairs)]
    rows = [Row(name, moment) for name, moment in enumerate(instants) for _ in range(copies)]
    course = run(Vendor(rows, size, twins=copies), ASKED, seed=seed)
    assert Counter(course.rows) == Counter(rows)
    assert course.walk.is_complete


def test_twins_may_fill_several_pages():
    course = run(Vendor([Row(1, at(5))] * 250, 50, twins=250), ASKED)
    assert len(course.rows) == 250
    assert course.walk.is_complete


def test_rows_on_border_seconds_belong_to_the_window_that_owns_them():
    owned = Span(to_micros(at(10.25)), to_micros(at(20.5)))
    asked = Window(owned, at(10), at(21))
    vendor = vendor_of([10, 10.25, 15, 20.499999, 20.5, 21], 2)
    course = run(vendor, asked)
    assert [row.started_at for row in course.ordered] == [at(20.499999), at(15), at(10.25)]
    assert course.walk.is_complete
    check_tiling(course, owned)


@pytest.mark.parametrize("consistency", ["count", "strict", "off"])
def test_rows_outside_of_the_asked_range_make_the_whole_window_doubtful(consistency):
    vendor = vendor_of([5, 2000], 50)
    walk, course = walk_of(ASKED, consistency=consistency)
    course.take(walk.answer(walk.next_ask(), answer(vendor.rows, 2)))
    assert [row.number for row in course.rows] == [1]
    assert walk.unproven == [ASKED.owned]
    assert walk.reasons == ["the vendor sent rows outside of the range that was asked for"]


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=60), st.integers(2, 5), seeds)
def test_page_numbers_that_are_ignored_are_found_out(seconds, size, seed):
    vendor = vendor_of(seconds, size)
    vendor_read = vendor.read

    class Ignorant:
        def __init__(self):
            self.size = size

        def read(self, ask):
            return vendor_read(Ask(ask.window, 1))

    if len(seconds) <= size:
        assert run(Ignorant(), ASKED, seed=seed).walk.is_complete
        return
    with pytest.raises(UnexpectedResponseError, match="the page number is ignored"):
        run(Ignorant(), ASKED, seed=seed, most_requests=40)


def test_the_last_page_sent_again_for_all_beyond_is_found_out():
    vendor = vendor_of(range(12), 5, lie=lambda total, ask: 100)

    class Clamping:
        size = 5

        def read(self, ask):
            return vendor.read(Ask(ask.window, min(ask.page, 3)))

    with pytest.raises(UnexpectedResponseError, match=r"pages 3 and [4-9] hold the same rows"):
        run(Clamping(), ASKED, open_asks=1)


def test_one_instant_repeated_for_ever_ends():
    walk, _ = walk_of(ASKED, size=2)
    rows = [Row(1, at(1)), Row(1, at(1))]
    walk.answer(walk.next_ask(), answer(rows, 3))
    with pytest.raises(UnexpectedResponseError):
        walk.answer(walk.next_ask(), answer(rows, 3))


@pytest.mark.parametrize("size", [5, 10, 25])
@pytest.mark.parametrize(
    ("order", "most"),
    [
        (lambda row: (-row.instant, row.number), 1.5),
        (lambda row: (row.instant, row.number), 1.5),
        (lambda row: row.number * 7919 % 1009, 4.0),
    ],
    ids=["newest first", "oldest first", "in no order"],
)
def test_strict_comes_to_its_end_where_pages_are_smaller_than_documented(size, order, most):
    vendor = vendor_of([second * 0.9 for second in range(1_000)], size, order=order)
    course = run(vendor, ASKED, consistency="strict", documented_size=50)
    assert course.walk.is_complete, course.walk.reasons
    assert len(course.rows) == 1_000
    assert len(course.asks) <= most * 1_000 / size


@pytest.mark.parametrize("size", [1, 2, 5, 25, 50])
@pytest.mark.parametrize("more", [0, 1])
@pytest.mark.parametrize("times", [1, 2])
def test_strict_comes_to_its_end_where_every_second_is_full(size, times, more):
    """A second of a page or more takes a few requests, a look by page number, and another look."""
    each = times * size + more
    vendor = vendor_of([second for second in range(60) for _ in range(each)], size)
    course = run(vendor, ASKED, consistency="strict", documented_size=50)
    assert course.walk.is_complete, course.walk.reasons
    assert len(course.rows) == 60 * each
    pages = -(-each // size)
    assert len(course.asks) <= 60 * (6 + 2 * (pages + 1))
