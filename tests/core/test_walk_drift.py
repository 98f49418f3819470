"""The walk while the list moves: single courses of things, told one by one."""

from __future__ import annotations

from random import Random

import pytest

from tests.core.drifts import ASKED, Listed, any_of, ending
from tests.core.laws import check
from tests.core.model import ORDERS, at, run, vendor_of, window


def once(after, change):
    """Return a drift of one change, which comes when so many answers have been read."""
    left = [change]

    def drift(vendor, chance):
        if len(vendor.readings) == after and left:
            left.pop()(vendor)

    return drift


def insert_on_top(vendor):
    vendor.insert(at(20))


def replace_first_by_last(vendor):
    vendor.delete(0)
    vendor.insert(at(0))


def course_of(vendor, change, *, after, asked=ASKED, **keywords):
    """Return the course of a walk with one request at a time and one change between two reads."""
    return run(vendor, asked, open_asks=1, drift=once(after, change), busyness=1.0, **keywords)


def numbers_of(rows):
    return sorted(row.number for row in rows)


def test_strict_proves_a_list_that_stands_still():
    for rows in (0, 4, 5, 6, 11):
        vendor = vendor_of(range(rows), 5)
        course = run(vendor, ASKED, consistency="strict")
        assert course.ordered == vendor.rows
        assert course.walk.is_complete
        assert course.walk.reasons == []


def test_count_is_deceived_by_changes_that_cancel_between_two_totals_and_strict_is_not():
    """The known limit of ``count``: an insert further down and a delete on top cancel."""
    missing = {}
    for consistency in ("count", "strict"):
        vendor = vendor_of(range(9), 3)
        course = course_of(vendor, replace_first_by_last, after=1, consistency=consistency)
        assert course.walk.is_complete
        missing[consistency] = {row.number for row in vendor.standing} - set(
            numbers_of(course.rows)
        )
    assert len(missing["count"]) == 1
    assert not missing["strict"]


def test_pages_that_overlap_give_changes_away_that_cancel():
    def replace(vendor):
        vendor.insert(at(20))
        vendor.insert(at(20))
        vendor.delete(10)
        vendor.delete(10)

    vendor = vendor_of(range(12), 4)
    course = course_of(vendor, replace, after=1)
    check(course, vendor, ASKED)
    assert course.walk.is_complete


@pytest.mark.parametrize("after", range(1, 6))
@pytest.mark.parametrize("consistency", ["count", "strict"])
def test_a_row_that_comes_on_top_meanwhile_doubles_nothing_and_loses_nothing(after, consistency):
    vendor = vendor_of(range(20), 4)
    course = course_of(vendor, insert_on_top, after=after, consistency=consistency)
    check(course, vendor, ASKED)
    assert course.walk.is_complete
    assert set(numbers_of(course.rows)) >= set(range(1, 21))


@pytest.mark.parametrize("after", range(1, 6))
@pytest.mark.parametrize("consistency", ["count", "strict"])
def test_a_row_that_goes_meanwhile_takes_no_other_along(after, consistency):
    vendor = vendor_of(range(20), 4)
    course = course_of(
        vendor, lambda vendor: vendor.delete(1), after=after, consistency=consistency
    )
    check(course, vendor, ASKED)
    assert course.walk.is_complete


def test_an_edit_between_two_pages_does_not_deliver_a_row_twice():
    def insert_and_edit(vendor):
        vendor.insert(at(20))  # the last row of page 1 becomes the first of page 2
        vendor.edit(3)

    course = course_of(vendor_of(range(6), 3), insert_and_edit, after=1)
    numbers = [row.number for row in course.rows]
    assert sorted(set(numbers) - {7}) == [1, 2, 3, 4, 5, 6]
    assert len(numbers) == len(set(numbers))
    assert course.walk.is_complete


@pytest.mark.parametrize("torn", range(1, 6))
def test_one_torn_total_is_no_harm(torn):
    vendor = vendor_of(range(20), 4)
    read = vendor.read

    class Torn:
        size, twins, readings = vendor.size, 0, vendor.readings

        def read(self, ask, **keywords):
            is_torn = len(vendor.readings) + 1 == torn
            return read(ask, tear=(lambda: vendor.delete(1)) if is_torn else None, **keywords)

    course = run(Torn(), ASKED, open_asks=1)
    is_last = torn == len(vendor.readings)
    check(course, vendor, ASKED, is_promised=not is_last)
    assert course.walk.is_complete


@pytest.mark.parametrize("changes", [0, 1, 2])
def test_changes_of_the_total_are_counted(changes):
    vendor = vendor_of(range(20), 4)
    left = iter(range(changes))

    def drift(vendor, chance):
        if (
            vendor.readings
            and len(vendor.readings) > len(vendor.changes)
            and next(left, None) is not None
        ):
            vendor.insert(at(20))

    course = run(vendor, ASKED, open_asks=1, drift=drift, busyness=1.0)
    assert course.walk.tag_changes == changes
    assert course.walk.is_complete
    assert course.walk.reasons == []


@pytest.mark.parametrize("consistency", ["count", "strict"])
@pytest.mark.parametrize("seed", range(20))
def test_a_hundred_and_twenty_rows_on_one_instant_are_exact_while_others_move(consistency, seed):
    asked = window(0, 10_000)
    chance = Random(seed)
    seconds = [chance.randrange(10_001) for _ in range(800)] + [5_000] * 120
    vendor = vendor_of(seconds, 50, order=ORDERS["newest first"])

    def drift(vendor, chance):
        vendor.insert(at(chance.randrange(10_001)))
        vendor.delete(next(i for i, row in enumerate(vendor.rows) if row.instant != 5 * 10**9))

    course = run(
        vendor,
        asked,
        seed=seed,
        open_asks=8,
        consistency=consistency,
        drift=drift,
        busyness=0.1,
    )
    check(course, vendor, asked, is_promised=consistency == "strict")
    assert course.walk.is_complete


@pytest.mark.parametrize("consistency", ["count", "strict"])
def test_every_answer_may_be_lost_once_or_more(consistency):
    vendor = vendor_of(range(20), 3)
    course = run(vendor, ASKED, consistency=consistency, loss=0.7)
    assert course.ordered == vendor.rows
    assert course.walk.is_complete
    assert len(vendor.readings) > len(course.asks)


def test_rows_go_out_newest_first_but_for_the_late_ones_which_are_counted():
    for seed in range(30):
        vendor = vendor_of(range(20), 2)
        drift = ending(any_of(["insert now", "delete"]), 6)
        course = run(vendor, ASKED, seed=seed, open_asks=3, drift=drift, busyness=0.2)
        check(course, vendor, ASKED, is_promised=False)
        instants = [row.instant for row in course.ordered]
        is_sorted = instants == sorted(instants, reverse=True)
        assert is_sorted or course.in_order.late_rows


def test_one_second_that_never_stands_still_is_named():
    vendor = vendor_of([3, *[10] * 40, 17], 5)

    def churn(vendor, chance):
        at_ten = [i for i, row in enumerate(vendor.rows) if row.started_at == at(10)]
        vendor.delete(chance.choice(at_ten))
        vendor.insert(at(10))

    for consistency in ("count", "strict"):
        course = run(
            vendor, ASKED, consistency=consistency, drift=churn, busyness=1.0, most_requests=500
        )
        if consistency == "strict":
            assert not course.walk.is_complete
            assert course.walk.reasons
            assert all(span.holds(10_000_000) for span in course.walk.unproven)


@pytest.mark.parametrize("consistency", ["count", "strict"])
@pytest.mark.parametrize("seed", range(60))
def test_a_list_that_becomes_much_shorter_leaves_no_time_out(consistency, seed):
    """Pages of the longer list arrive before and after the one that ends the shorter list."""
    vendor = vendor_of([second / 6 for second in range(120)], 5)

    def empty(vendor, chance):
        if len(vendor.readings) == 1 + seed % 20:
            keep = chance.randrange(40)
            while len(vendor.rows) > keep:
                vendor.delete(keep)

    course = run(
        vendor, ASKED, seed=seed, open_asks=24, drift=empty, busyness=1.0, consistency=consistency
    )
    check(course, vendor, ASKED, is_promised=consistency == "strict")


@pytest.mark.parametrize("consistency", ["count", "strict"])
def test_many_rows_on_one_instant_are_exact_on_pages_smaller_than_documented(consistency):
    vendor = vendor_of([*range(5), *[10] * 30, *range(12, 17)], 4)
    course = run(vendor, ASKED, consistency=consistency, documented_size=10)
    check(course, vendor, ASKED)
    assert course.walk.is_complete
    assert len(course.rows) == 40


def test_rows_that_climb_past_a_whole_page_unseen_come_once():
    """As many rows come on top as go at the bottom, a page of them, again and again."""

    def climb(vendor, chance):
        for _ in range(vendor.size):
            vendor.insert(at(20))
        for _ in range(vendor.size):
            vendor.delete(len(vendor.rows) - 1)

    vendor = Listed(53, "quarters", 8, "newest first", 0, 7825955).vendor()
    course = run(
        vendor,
        ASKED,
        seed=1528064725,
        open_asks=64,
        drift=ending(climb, 30),
        busyness=0.3,
        loss=0.2,
    )
    check(course, vendor, ASKED, is_promised=False)
    assert not course.walk.is_complete
