"""Laws of the walk while the list moves: nothing twice, and nothing missing in silence."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asyncsessions.errors import UnexpectedResponseError
from tests.core.model import at, run, vendor_of, window

ASKED = window(0, 20)
CHANGES = {
    "insert": lambda vendor, chance: vendor.insert(at(chance.randrange(21))),
    "insert on top": lambda vendor, chance: vendor.insert(at(20)),
    "delete": lambda vendor, chance: vendor.delete(chance.randrange(1000)),
    "edit": lambda vendor, chance: vendor.edit(chance.randrange(1000)),
}


def drift_of(kinds, changes):
    """Return a drift of so many changes of these kinds; ``replace`` leaves the total as it is."""
    left = iter(range(changes))

    def drift(vendor, chance):
        if next(left, None) is None:
            return
        kind = chance.choice(kinds)
        if kind == "replace":
            CHANGES["delete"](vendor, chance)
            CHANGES["insert"](vendor, chance)
        else:
            CHANGES[kind](vendor, chance)

    return drift


def check(course, vendor):
    """Nothing is delivered twice, all time is tiled, and what is missing is said to be."""
    numbers = [row.number for row in course.rows]
    assert len(numbers) == len(set(numbers))
    assert len(course.ordered) == len(numbers)
    spans = sorted(portion.span for portion in course.portions)
    assert (spans[0].lo, spans[-1].hi) == ASKED.owned
    assert all(above.hi == below.lo for above, below in itertools.pairwise(spans))
    missing = {row.instant for row in vendor.standing if row.number not in set(numbers)}
    unproven = course.walk.unproven
    assert all(any(span.holds(instant) for span in unproven) for instant in missing)
    assert course.walk.is_complete == (not unproven)
    assert course.walk.reasons or not unproven
    assert course.walk.is_finished
    assert len(course.walk._seams) == 0


lists = st.one_of(
    st.lists(st.integers(0, 20), max_size=40), st.lists(st.integers(8, 10), max_size=40)
)


@settings(max_examples=600)
@given(
    lists,
    st.integers(1, 10),
    st.sampled_from([1, 3, 16]),
    st.sampled_from([["insert", "edit"], ["insert on top"], ["delete", "edit"], ["delete"]]),
    st.integers(1, 50),
    st.sampled_from([0.05, 0.3, 0.7]),
    st.integers(0, 2**32),
)
def test_a_list_that_grows_or_shrinks_loses_nothing_in_silence(
    seconds, size, open_asks, kinds, changes, busyness, seed
):
    # Growing or shrinking, not both: an insert and a delete between two equal totals deceive
    # `count`, which is what `strict` is for.
    vendor = vendor_of(seconds, size)
    drift = drift_of(kinds, changes)
    course = run(vendor, ASKED, seed=seed, open_asks=open_asks, drift=drift, busyness=busyness)
    check(course, vendor)


@settings(max_examples=400)
@given(
    lists,
    st.integers(2, 10),
    st.sampled_from([1, 3, 16]),
    st.sampled_from(
        [["replace"], ["replace", "insert", "delete", "edit"], ["insert on top", "delete"]]
    ),
    st.integers(1, 50),
    st.integers(0, 2**32),
)
def test_strict_is_not_deceived_by_totals_that_stay_the_same(
    seconds, size, open_asks, kinds, changes, seed
):
    vendor = vendor_of(seconds, size)
    drift = drift_of(kinds, changes)
    try:
        course = run(
            vendor, ASKED, seed=seed, open_asks=open_asks, consistency="strict", drift=drift
        )
    except UnexpectedResponseError:
        return  # so many rows came and went that a later page shows an earlier one's rows
    check(course, vendor)


def test_strict_trusts_only_an_answer_that_holds_the_whole_list():
    assert run(vendor_of(range(4), 5), ASKED, consistency="strict").walk.is_complete
    for rows in (5, 6, 11):
        course = run(vendor_of(range(rows), 5), ASKED, consistency="strict")
        assert len(course.rows) == rows
        assert not course.walk.is_complete


def test_count_is_deceived_by_a_balanced_change_and_strict_is_not():
    """The known limit of ``count``: an insert on top and a delete further down cancel."""

    def course_of(consistency):
        vendor = vendor_of(range(9), 3)
        moments = iter(range(100))

        def drift(vendor, _):
            if next(moments) == 4:  # page 1 has arrived, pages 2 and 3 were not read
                vendor.delete(0)
                vendor.insert(at(0))

        course = run(vendor, ASKED, open_asks=1, consistency=consistency, drift=drift, busyness=1.0)
        return course, {row.number for row in vendor.standing} - {r.number for r in course.rows}

    course, missing = course_of("count")
    assert course.walk.is_complete
    assert len(missing) == 1
    course, missing = course_of("strict")
    assert not course.walk.is_complete
    assert len(missing) == 1


def test_an_edit_between_two_pages_does_not_deliver_a_row_twice():
    moments = iter(range(100))

    def drift(vendor, _):
        if next(moments) == 3:
            vendor.insert(at(20))  # the last row of page 1 becomes the first of page 2
            vendor.edit(3)

    course = run(vendor_of(range(6), 3), ASKED, open_asks=1, drift=drift, busyness=1.0)
    numbers = [row.number for row in course.rows]
    assert sorted(numbers) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("changes", [1, 3])
def test_a_total_that_changes_is_counted_and_said_once(changes):
    totals = iter([4, *range(5, 5 + changes), *[4 + changes] * 10])
    vendor = vendor_of(range(4), 1, lie=lambda total, ask: next(totals))
    course = run(vendor, ASKED, open_asks=1)
    assert course.walk.tag_changes == changes
    assert course.walk.reasons == ["the vendor's total changed while pages were read"]
    assert not course.walk.is_complete
    assert len(course.rows) == 4
