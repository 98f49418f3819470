"""More rows within one second than a page holds: read by page number until they hold still."""

from __future__ import annotations

import pytest

from asyncsessions.core.answer import Answer
from asyncsessions.core.crowd import TRIES, Crowd


def crowd_of(*, is_strict=False, has_ids=True):
    """Return a crowd whose pages have two rows, each of them a letter."""
    return Crowd(size=2, is_strict=is_strict, has_ids=has_ids, identity=str)


def tell(crowd, lists):
    """Answer one request from each of the lists, and return the pages that were asked for."""
    asked = []
    for rows in lists:
        asked.append(crowd.page)
        crowd.take(Answer(rows[(crowd.page - 1) * 2 :][:2], (), len(rows)))
    return asked


def finish(crowd, rows):
    """Answer from a list that holds still, and return the pages that were asked for."""
    asked = []
    while not crowd.is_over:
        asked += tell(crowd, [rows])
    return asked


@pytest.mark.parametrize(
    ("rows", "asked"),
    [
        ("", [1]),
        ("a", [1]),
        ("ab", [1, 2]),
        ("abc", [1, 2]),
        ("abcd", [1, 2, 3]),
    ],
)
def test_rows_that_add_up_to_one_total_are_proven_by_the_first_page_that_is_not_full(rows, asked):
    crowd = crowd_of()
    assert finish(crowd, rows) == asked
    assert crowd.is_proven
    assert crowd.rows == list(rows)
    assert not crowd.is_restless


@pytest.mark.parametrize(
    ("rows", "asked"),
    [("", [1]), ("a", [1]), ("abc", [1, 2, 1]), ("abcde", [1, 2, 3, 1, 2])],
)
def test_strict_looks_again_at_all_pages_but_the_last(rows, asked):
    crowd = crowd_of(is_strict=True)
    assert finish(crowd, rows) == asked
    assert crowd.is_proven
    assert crowd.rows == list(rows)


def test_rows_that_do_not_add_up_are_looked_at_again():
    crowd = crowd_of()
    for rows in ("ab", "c", "", "ab", "c"):
        crowd.take(Answer(rows, (), 4))
    assert (crowd.is_over, crowd.page) == (False, 3)
    crowd.take(Answer("", (), 4))
    assert crowd.is_proven


def test_totals_that_differ_are_looked_behind_though_the_last_adds_up():
    crowd = crowd_of()
    assert tell(crowd, ["abcd", "abc"]) == [1, 2]
    assert not crowd.is_over


def test_a_row_that_is_gone_at_the_second_look_makes_the_reading_begin_anew():
    crowd = crowd_of(is_strict=True)
    assert tell(crowd, ["abcde", "abcde", "abcde", "acde", "acde"]) == [1, 2, 3, 1, 2]
    assert not crowd.is_over
    assert crowd.is_restless
    assert finish(crowd, "acdef") == [1, 2, 3, 1, 2]
    assert crowd.is_proven
    assert crowd.rows == list("acdef")


def test_a_second_look_that_has_become_shorter_makes_the_reading_begin_anew():
    crowd = crowd_of(is_strict=True)
    tell(crowd, ["abcde", "abcde", "abcde", "abc", "abc"])
    assert (crowd.is_over, crowd.is_restless, crowd.page) == (False, True, 1)


def test_rows_in_another_order_at_the_second_look_are_the_same_rows_if_they_have_ids():
    for has_ids in (True, False):
        crowd = crowd_of(is_strict=True, has_ids=has_ids)
        tell(crowd, ["abc", "abc", "bac"])
        assert crowd.is_proven is has_ids


def test_a_row_that_comes_twice_has_moved_and_the_reading_begins_anew():
    crowd = crowd_of()
    tell(crowd, ["abc", "nabc", "nabc"])  # a row came above: page 2 begins with the last of page 1
    assert (crowd.is_over, crowd.is_restless, crowd.page) == (False, True, 1)
    assert finish(crowd, "nabc") == [1, 2, 3, 1, 2]  # it is known to move: totals are not enough
    assert crowd.rows == list("nabc")


def test_a_second_look_is_taken_once_totals_prove_nothing_any_more():
    crowd = crowd_of()
    tell(crowd, ["abc"])
    crowd.distrust()
    assert finish(crowd, "abc") == [2, 1]
    assert crowd.is_proven


def test_a_row_that_comes_twice_has_moved_though_the_rows_add_up():
    crowd = crowd_of()
    tell(crowd, ["abc", "nab"])
    assert (crowd.is_proven, crowd.is_restless) == (False, True)


def test_twins_without_ids_may_come_as_often_as_they_like():
    crowd = crowd_of(has_ids=False)
    finish(crowd, "aaaaa")
    assert crowd.is_proven
    assert crowd.rows == list("aaaaa")
    assert not crowd.is_restless


def test_twins_without_ids_are_looked_at_again_when_nothing_is_trusted():
    crowd = crowd_of(is_strict=True, has_ids=False)
    assert tell(crowd, ["aabbc", "aabbc", "aabbc", "aabbc", "aabb"]) == [1, 2, 3, 1, 2]
    assert crowd.is_proven


def test_twins_without_ids_on_two_pages_may_be_one_row_that_moved_and_prove_nothing():
    crowd = crowd_of(is_strict=True, has_ids=False)
    # A row came above and went again: page 2 showed the last row of page 1 once more.
    assert tell(crowd, ["ab", "nab"]) == [1, 2]
    assert (crowd.is_over, crowd.is_restless, crowd.are_apart) == (False, True, False)
    assert finish(crowd, "abb") == [1, 2]  # that they come so again makes it no clearer
    assert not crowd.is_proven
    assert not crowd.are_apart


def test_a_page_with_more_rows_than_a_full_one_has_another_behind_it():
    crowd = crowd_of()
    crowd.take(Answer("abc", (), 3))
    assert (crowd.is_over, crowd.page) == (False, 2)


def test_what_is_known_are_the_pages_of_the_last_look_and_of_the_one_before():
    crowd = crowd_of()
    tell(crowd, ["abcd", "abcd", "nabcd"])  # page 3 begins with the last row of page 2
    assert (crowd.known, crowd.most_pages) == (["ab", "cd", "d"], 3)
    tell(crowd, ["nabcd"])
    assert (crowd.known, crowd.most_pages) == (["ab", "cd", "d", "na"], 3)


def test_rows_that_never_hold_still_are_given_up_after_so_many_tries():
    crowd = crowd_of(is_strict=True)
    for number in range(TRIES):
        assert not crowd.is_over
        tell(crowd, ["abc", "abc", "xyz"] if number % 2 else ["xyz", "xyz", "abc"])
    assert crowd.is_over
    assert not crowd.is_proven


def told(crowd, *pages, total):
    """Answer with these pages, one after the other, and return those that were asked for."""
    asked = []
    for rows in pages:
        asked.append(crowd.page)
        crowd.take(Answer(rows, (), total))
    return asked


@pytest.mark.parametrize("is_strict", [False, True])
def test_a_page_that_is_shorter_than_pages_were_is_not_the_last_if_there_are_more(is_strict):
    crowd = crowd_of(is_strict=is_strict)
    assert told(crowd, "a", "b", "c", "", total=3) == [1, 2, 3, 4]
    if is_strict:
        assert not crowd.is_over
        assert told(crowd, "a", "b", "c", total=3) == [1, 2, 3]
    assert crowd.is_proven
    assert crowd.rows == list("abc")


@pytest.mark.parametrize(
    "uneven",
    [
        ("a", "cd"),  # the second is longer: what is b?
        ("abcd", "ef", "gh"),  # the second is no last one, but shorter
    ],
)
def test_pages_that_are_not_equally_long_skip_rows_and_prove_nothing(uneven):
    crowd = crowd_of()
    told(crowd, *uneven, total=8)
    assert crowd.is_restless
    assert crowd.page == 1
    assert told(crowd, "abcd", "efgh", "", "abcd", "efgh", total=8) == [1, 2, 3, 1, 2]
    assert crowd.is_proven
    assert crowd.rows == list("abcdefgh")


def test_what_totals_announce_and_no_page_has_is_looked_for_twice():
    crowd = crowd_of()
    assert told(crowd, "a", "", "a", total=9) == [1, 2, 1]
    assert not crowd.is_over
    assert told(crowd, "", total=9) == [2]
    assert crowd.is_proven
    assert crowd.announces_more


def test_what_was_announced_and_comes_at_the_second_look_makes_the_reading_begin_anew():
    crowd = crowd_of()
    told(crowd, "abcde", "", "abcde", "fgh", total=8)
    assert crowd.is_restless
    assert told(crowd, "abcde", "fgh", "", "abcde", "fgh", total=8) == [1, 2, 3, 1, 2]
    assert crowd.is_proven
    assert crowd.rows == list("abcdefgh")


def test_a_second_without_rows_that_announces_some_is_looked_at_again():
    crowd = crowd_of()
    assert told(crowd, "", "", total=2) == [1, 1]
    assert crowd.is_proven


def test_what_totals_announce_is_not_looked_for_where_they_are_known_to_announce_too_much():
    crowd = crowd_of()
    crowd.take(Answer("a", (), 9), heeds_totals=False)
    assert crowd.is_proven
