"""The walk and vendors whose totals and page sizes are not what they say; leaving early."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncsessions.core.answer import Ask
from tests.core.laws import FACTOR, FLOOR
from tests.core.model import answer, at, run, vendor_of, walk_of, window

ASKED = window(0, 1000)
ADDS_UP_NOT = "the rows do not add up to the vendor's total"
seeds = st.integers(0, 2**32)


def pages_of(course):
    """Return the numbers of the pages of the whole window that were asked for."""
    return [ask.page for ask in course.asks if not ask.serial]


@given(
    st.integers(0, 40),
    st.integers(3, 10),
    st.integers(1, 10**9),
    st.integers(1, 16),
    st.sampled_from(["time", "place"]),
    seeds,
)
def test_an_overstated_total_costs_no_more_than_the_open_requests(
    count, size, excess, open_asks, order, seed
):
    keywords = {"order": lambda row: row.number} if order == "place" else {}
    vendor = vendor_of(range(count), size, lie=lambda total, ask: total + excess, **keywords)
    course = run(vendor, ASKED, seed=seed, open_asks=open_asks)
    assert sorted(row.number for row in course.rows) == sorted(row.number for row in vendor.rows)
    assert len(pages_of(course)) <= -(-count // size) + open_asks
    assert len(course.asks) - len(pages_of(course)) <= FLOOR + FACTOR * -(-count // size)


def test_a_billion_claimed_pages_with_ten_real_ones_end_soon():
    vendor = vendor_of(range(500), 50, lie=lambda total, ask: 50 * 10**9)
    course = run(vendor, ASKED, open_asks=8)
    assert len(course.rows) == 500
    assert len(course.asks) <= 30
    assert course.walk.is_complete


def test_a_page_that_arrives_after_an_empty_one_does_not_reopen_the_list():
    walk, _ = walk_of(ASKED, size=2)
    vendor = vendor_of(range(4), 2, lie=lambda total, ask: 100)
    walk.answer(first := walk.next_ask(), vendor.read(first))
    second, third = walk.next_ask(), walk.next_ask()
    walk.answer(third, vendor.read(third))
    walk.answer(second, vendor.read(second))
    assert walk.next_ask().serial


@given(st.integers(1, 40), st.integers(2, 10), seeds)
def test_an_understated_total_is_looked_behind_until_a_page_is_short(count, size, seed):
    vendor = vendor_of(range(count), size, lie=lambda total, ask: max(0, min(total, size) - 1))
    course = run(vendor, ASKED, seed=seed)
    assert [row.number for row in course.ordered] == [row.number for row in vendor.rows]
    assert course.walk.is_complete


@given(st.integers(0, 60), st.integers(3, 10), st.integers(0, 7), seeds)
def test_a_torn_total_in_the_middle_costs_requests_and_no_rows(count, size, torn_page, seed):
    vendor = vendor_of(
        range(count),
        size,
        lie=lambda total, ask: total + (ask.page == torn_page and not ask.serial),
    )
    course = run(vendor, ASKED, seed=seed)
    assert [row.number for row in course.ordered] == [row.number for row in vendor.rows]
    assert course.walk.is_complete
    assert (len(course.asks) > len(pages_of(course))) <= (torn_page in pages_of(course))


@given(st.integers(0, 60), st.integers(2, 10), st.integers(1, 20), seeds)
def test_pages_of_another_size_than_documented_are_read_with_as_few_requests(
    count, size, documented, seed
):
    vendor = vendor_of(range(count), size)
    course = run(vendor, ASKED, seed=seed, documented_size=documented)
    assert course.ordered == vendor.rows
    assert course.walk.is_complete
    assert len(course.pages) == max(1, -(-count // size))


@given(st.integers(0, 60), st.integers(1, 10), st.booleans(), seeds)
def test_off_trusts_page_numbers(count, size, is_torn, seed):
    vendor = vendor_of(range(count), size, lie=lambda total, ask: total + is_torn * (ask.page > 1))
    course = run(vendor, ASKED, seed=seed, consistency="off", start_cursor=0)
    assert course.ordered == vendor.rows
    assert course.walk.is_complete


def test_off_stops_at_an_empty_page():
    vendor = vendor_of(range(6), 3, lie=lambda total, ask: 99)
    course = run(vendor, ASKED, consistency="off", open_asks=1, start_cursor=0)
    assert course.pages == [1, 2, 3]
    assert course.walk.unproven == [ASKED.owned]
    assert course.walk.reasons == [ADDS_UP_NOT]


def test_nothing_found_without_a_total_is_an_empty_window():
    walk, course = walk_of(ASKED)
    course.take(walk.answer(walk.next_ask(), answer([], None)))
    assert walk.is_complete
    assert (walk.tag, course.rows) == (0, [])


def test_an_empty_answer_that_announces_rows_is_believed_at_the_second_time_as_a_range():
    walk, _ = walk_of(ASKED)
    walk.answer(walk.next_ask(), answer([], 7))
    walk.answer(walk.next_ask(), answer([], 7))
    assert walk.unproven == []
    assert not walk.is_complete
    walk.answer(walk.next_ask(), answer([], 7))
    assert walk.is_complete


def test_a_short_page_in_the_middle_leaves_a_gap_that_is_read_again():
    vendor = vendor_of(range(9), 3)
    walk, course = walk_of(ASKED, size=3)
    for number in (1, 2, 3):
        page = vendor.read(ask := walk.next_ask())
        if number == 2:
            page = answer(page.rows[:2], page.total)
        course.take(walk.answer(ask, page))
    assert len(course.rows) < 9
    while walk.has_ask:
        course.take(walk.answer(ask := walk.next_ask(), vendor.read(ask)))
    assert course.ordered == vendor.rows
    assert walk.is_complete


def test_a_short_page_in_the_middle_of_an_unordered_list_is_made_up_for():
    vendor = vendor_of(range(9), 3, order=lambda row: row.number)
    walk, course = walk_of(ASKED, size=3)
    for number in (1, 2, 3):
        page = vendor.read(ask := walk.next_ask())
        if number == 2:
            page = answer(page.rows[:2], page.total)
        course.take(walk.answer(ask, page))
    while walk.has_ask:
        course.take(walk.answer(ask := walk.next_ask(), vendor.read(ask)))
    assert sorted(row.number for row in course.rows) == list(range(1, 10))
    assert walk.is_complete


def test_an_unordered_list_whose_total_changes_is_read_by_ranges():
    vendor = vendor_of(
        range(9), 3, order=lambda row: row.number, lie=lambda total, ask: total + (ask.page == 2)
    )
    course = run(vendor, ASKED)
    assert sorted(row.number for row in course.rows) == list(range(1, 10))
    assert course.walk.is_complete


def opened(pages, read, *, size=3, rows=15):
    """Return a walk that asked for so many pages and had answers for those in ``read``."""
    vendor = vendor_of(range(rows), size)
    walk, course = walk_of(ASKED, size=size)
    course.take(walk.answer(first := walk.next_ask(), vendor.read(first)))
    asks = [walk.next_ask() for _ in range(2, pages + 1)]
    for ask in asks:
        if ask.page in read:
            course.take(walk.answer(ask, vendor.read(ask)))
    return walk, course, vendor, asks


@pytest.mark.parametrize("missing", [2, 3, 4, 5])
def test_giving_up_before_a_page_returns_exactly_the_rows_of_the_pages_before(missing):
    read = set(range(2, 6)) - {missing}
    walk, course, vendor, asks = opened(5, read)
    course.in_order.discard(walk.floor(asks[missing - 2]))
    course.take(walk.give_up(before=asks[missing - 2]))
    assert course.ordered == vendor.rows[: (missing - 1) * 3]
    assert walk.is_settled
    assert not walk.is_complete


def test_giving_up_before_the_first_page_returns_nothing():
    walk, course = walk_of(ASKED)
    course.take(walk.give_up(before=walk.next_ask()))
    assert course.rows == []


@pytest.mark.parametrize("number", [0, 3])
def test_giving_up_before_a_range_returns_exactly_the_rows_above_it(number):
    vendor = vendor_of(range(900), 3)
    walk, course = walk_of(ASKED, size=3, consistency="strict", concurrency=4)
    course.take(walk.answer(first := walk.next_ask(), vendor.read(first)))
    asks = [walk.next_ask() for _ in range(4)]
    for ask in asks[:number] + asks[number + 1 :]:
        course.take(walk.answer(ask, vendor.read(ask)))
    course.in_order.discard(walk.floor(asks[number]))
    course.take(walk.give_up(before=asks[number]))
    above = [row for row in vendor.rows if row.instant > walk.floor(asks[number])]
    assert {row.number for row in course.ordered} >= {row.number for row in vendor.rows[:2]}
    assert all(
        row in above or row.instant == walk.floor(asks[number]) - 1 for row in course.ordered
    )


def test_giving_up_without_a_border_returns_all_that_came():
    walk, course, vendor, _ = opened(5, {2, 4})
    course.take(walk.give_up())
    assert [row.number for row in course.ordered] == [
        row.number for page in (0, 1, 3) for row in vendor.rows[page * 3 :][:3]
    ]
    # Nothing has told yet that pages 1 and 2 are neighbours.
    assert [(span.lo, span.hi - 1) for span in walk.unproven] == [
        (11_000_000, 12_000_000),
        (5_000_000, 9_000_000),
        (0, 3_000_000),
    ]


def test_giving_up_twice_returns_nothing_more():
    walk, course, _, asks = opened(5, {2, 4})
    course.take(walk.give_up(before=asks[1]))
    assert walk.give_up(before=asks[1]) == []
    assert walk.give_up() == []


def test_giving_up_an_unordered_list_leaves_it_unproven():
    vendor = vendor_of(range(9), 3, order=lambda row: row.number)
    walk, _ = walk_of(ASKED, size=3)
    walk.answer(first := walk.next_ask(), vendor.read(first))
    assert walk.give_up() == []
    assert walk.unproven == [ASKED.owned]


def test_what_a_withdrawn_request_would_have_brought_is_read_as_a_range():
    walk, course, vendor, asks = opened(5, {2, 3, 4})
    assert not walk.is_finished
    course.take(walk.withdraw(asks[-1]))
    while walk.has_ask:
        course.take(walk.answer(ask := walk.next_ask(), vendor.read(ask)))
    assert course.ordered == vendor.rows
    assert walk.is_complete


def test_a_withdrawn_range_is_asked_for_again():
    walk, _ = walk_of(ASKED, consistency="strict")
    first = walk.next_ask()
    assert walk.wants(first)
    walk.withdraw(first)
    assert walk.next_ask().window == first.window


def test_answers_that_nobody_wants_any_more_are_dropped():
    vendor = vendor_of(range(4), 2, lie=lambda total, ask: 100)
    walk, course = walk_of(ASKED, size=2)
    course.take(walk.answer(first := walk.next_ask(), vendor.read(first)))
    asks = [walk.next_ask() for _ in range(4)]
    assert all(map(walk.wants, asks))
    course.take(walk.answer(asks[1], vendor.read(asks[1])))
    assert [walk.wants(ask) for ask in asks] == [True, True, False, False]
    course.take(walk.answer(asks[3], vendor.read(asks[3])))
    course.take(walk.withdraw(asks[2]))
    course.take(walk.answer(asks[0], vendor.read(asks[0])))
    course.take(walk.give_up())
    assert len(course.rows) == 4


def test_only_the_first_page_is_asked_for_before_its_answer():
    walk, _ = walk_of(ASKED)
    assert walk.has_ask
    assert walk.next_ask() == Ask(ASKED, 1)
    assert not walk.has_ask
    assert walk.wants(Ask(ASKED, 99))
    assert not walk.is_finished


def test_rows_that_wait_for_a_neighbour_are_counted():
    walk, course, _, asks = opened(5, {3})
    waiting = 9 - 0 - len(course.rows) - 3
    assert walk.seam_rows == waiting == 3
    assert len(asks) == 4


def test_a_walk_over_one_instant_is_complete():
    asked = window(7, 7)
    course = run(vendor_of([7] * 5, 2), asked)
    assert course.walk.is_complete
    assert [portion.span for portion in course.portions] == [asked.owned]
    assert all(row.started_at == at(7) for row in course.rows)
