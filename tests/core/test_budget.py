"""How many requests a window may take."""

from __future__ import annotations

from asyncsessions.core.budget import FACTOR, FLOOR, GROWTH, Budget


def test_ranges_may_take_so_many_requests_for_each_page_that_came_of_them():
    budget = Budget(first_total=1_000, ranges=FLOOR + FACTOR * 3)
    assert not budget.allows_range(199, size=50)
    assert budget.allows_range(200, size=50)


def test_crowds_have_a_budget_of_their_own():
    budget = Budget(first_total=1_000, ranges=10_000, crowds=FLOOR + FACTOR * 3, crowded_pages=3)
    assert not budget.allows_crowd(size=50)
    budget.crowded_pages = 4
    assert budget.allows_crowd(size=50)
    assert not budget.allows_range(0, size=50)


def test_a_list_that_grows_is_not_run_after_for_ever():
    most = FLOOR + FACTOR * GROWTH
    budget = Budget(first_total=49, ranges=most, crowds=most, crowded_pages=10**6)
    assert not budget.allows_range(10**9, size=50)
    assert not budget.allows_crowd(size=50)
    assert budget.allows_range(10**9, size=49)
