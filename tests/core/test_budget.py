"""How many requests a window may take."""

from __future__ import annotations

from asyncsessions.core.budget import FACTOR, FLOOR, GROWTH, Budget


def test_ranges_may_take_so_many_requests_for_each_page_that_came_of_them():
    budget = Budget(first_total=1_000, ranges=FLOOR + FACTOR * 3, delivered=199)
    assert not budget.allows_range(size=50)
    budget.delivered = 200
    assert budget.allows_range(size=50)


def test_crowds_may_begin_anew_whatever_the_ranges_took():
    budget = Budget(first_total=1_000, ranges=10_000, repeated_pages=FLOOR + FACTOR * 3)
    budget.crowded_pages = 3
    assert not budget.allows_repetition(size=50)
    budget.crowded_pages = 4
    assert budget.allows_repetition(size=50)
    assert not budget.allows_range(size=50)


def test_a_list_that_grows_is_not_run_after_for_ever():
    most = FLOOR + FACTOR * GROWTH
    budget = Budget(first_total=49, ranges=most, repeated_pages=most, delivered=10**9)
    budget.crowded_pages = 10**6
    assert not budget.allows_range(size=50)
    assert not budget.allows_repetition(size=50)
    assert budget.allows_page(most, size=50)
    assert not budget.allows_page(most + 1, size=50)
    assert budget.allows_range(size=49)


def test_requests_that_are_withdrawn_again_and_again_are_given_up():
    budget = Budget(first_total=1_000, withdrawn=FLOOR - 1)
    assert budget.allows_range(size=50)
    assert budget.allows_crowd(size=50)
    budget.withdrawn += 1
    assert not budget.allows_range(size=50)
    assert not budget.allows_crowd(size=50)
