"""Which page numbers are worth asking for, whatever the totals say."""

from __future__ import annotations

import pytest

from asyncsessions.core.paging import MOST_FACTOR, MOST_FLOOR, MOST_REMEMBERED, Paging


def paging_of(*pages, total, size=50):
    """Return the plan after so many rows came on pages 1, 2, …, each with the same total."""
    paging = Paging(size)
    for number, count in enumerate(pages, 1):
        paging.next()
        paging.read(number, count, total)
    return paging


def rest_of(paging):
    """Take all pages that are still to be asked for."""
    pages = []
    while paging.has_next:
        pages.append(paging.next())
    return pages


def test_the_first_page_is_asked_for_alone_and_then_all_others():
    paging = Paging(50)
    assert not paging.is_over
    assert rest_of(paging) == [1]
    assert not paging.is_over
    assert paging.wants(99)
    paging.read(1, 50, 101)
    assert rest_of(paging) == [2, 3]
    assert (paging.wants(3), paging.wants(4)) == (True, False)


@pytest.mark.parametrize(("total", "pages"), [(0, 1), (1, 1), (50, 1), (51, 2), (100, 2), (101, 3)])
def test_pages_are_as_many_as_the_total_fills(total, pages):
    assert paging_of(min(total, 50), total=total).end == pages


def test_a_plan_is_over_when_every_page_that_was_worth_it_has_come():
    paging = paging_of(50, total=120)
    assert rest_of(paging) == [2, 3]
    paging.read(3, 20, 120)
    assert not paging.is_over
    paging.read(2, 50, 120)
    assert paging.is_over


@pytest.mark.parametrize(
    ("count", "total", "size"), [(20, 100, 20), (80, 100, 80), (20, 20, 50), (0, 100, 50)]
)
def test_the_first_page_shows_how_many_rows_a_page_has_if_there_are_more(count, total, size):
    assert paging_of(count, total=total).size == size


def test_later_pages_do_not_change_the_size():
    assert paging_of(50, 20, total=500).size == 50


def test_a_list_that_grows_has_more_pages_and_one_that_shrinks_no_fewer():
    paging = paging_of(50, total=120)
    paging.read(3, 50, 151)
    assert paging.end == 4
    paging.read(2, 50, 60)
    assert paging.end == 4


def test_an_understated_total_is_looked_behind_until_a_page_is_not_full():
    ends = [paging_of(*pages, total=20).end for pages in ([50], [50, 50], [50, 50, 10])]
    assert ends == [2, 3, 3]
    assert paging_of(50, total=50).end == 1


def test_nothing_is_asked_for_beyond_the_first_page_without_rows():
    paging = paging_of(50, total=1000)
    assert rest_of(paging) == list(range(2, 21))
    ends = []
    for page, count in ((7, 0), (9, 0), (3, 50), (5, 0)):
        paging.read(page, count, 1000)
        ends.append(paging.end)
    assert ends == [7, 7, 7, 5]


def test_a_list_that_grows_faster_than_it_is_read_is_not_run_after_for_ever():
    paging = paging_of(50, 50, total=100)
    paging.read(3, 50, 10**9)
    assert paging.end == MOST_FLOOR + MOST_FACTOR * 2
    assert paging_of(50, total=10**6).end == 20_000


def test_a_page_that_closes_the_list_is_the_last_whatever_comes_later():
    paging = paging_of(50, total=500)
    paging.next()
    paging.next()
    assert paging.last is None
    paging.close(3)
    paging.read(2, 50, 10**6)
    assert (paging.last, paging.end) == (3, 3)


def test_a_stopped_plan_asks_for_nothing_more_and_still_wants_what_is_open():
    paging = paging_of(50, total=500)
    assert [paging.next(), paging.next()] == [2, 3]
    paging.stop()
    assert not paging.has_next
    assert [paging.wants(page) for page in (2, 3, 4)] == [True, True, False]
    paging.read(2, 50, 10**6)
    paging.stop()
    assert (paging.end, paging.is_over) == (3, False)
    paging.read(3, 50, 500)
    assert paging.is_over


def test_a_plan_that_is_stopped_at_once_asks_for_no_page_at_all():
    paging = Paging(50)
    paging.stop()
    assert paging.is_over
    assert not paging.wants(1)


def test_stopping_does_not_reopen_what_was_not_worth_asking():
    paging = paging_of(50, total=500)
    for _ in range(5):
        paging.next()
    paging.read(3, 0, 500)
    paging.stop()
    assert paging.end == 3


def test_the_rank_of_a_page_counts_the_rows_before_it_and_its_own():
    assert [Paging(50).rank(1, 50), Paging(50).rank(3, 7)] == [50, 107]


def test_one_page_under_two_numbers_is_a_repetition():
    paging = Paging(2)
    assert paging.repeated(1, 2, "ab", is_within=True) is None
    assert paging.repeated(2, 2, "ba", is_within=True) is None
    assert paging.repeated(1, 2, "ab", is_within=True) is None
    assert paging.repeated(3, 2, "ab", is_within=True) == 1


def test_pages_without_rows_are_no_repetition():
    paging = Paging(2)
    assert paging.repeated(4, 0, "", is_within=True) is None
    assert paging.repeated(5, 0, "", is_within=True) is None


def test_what_is_remembered_of_pages_is_bounded():
    paging = Paging(2)
    for page in range(1, 3 * MOST_REMEMBERED):
        assert paging.repeated(page, 2, (page, -page), is_within=True) is None
        assert len(paging._pages_by_rows) <= MOST_REMEMBERED
    assert paging.repeated(page + 1, 2, (page, -page), is_within=True) == page


def test_twins_may_fill_pages_as_far_as_the_total_reaches():
    paging = Paging(2)
    assert paging.repeated(1, 2, "aa", is_within=True) is None
    assert paging.repeated(2, 2, "aa", is_within=True) is None
    assert paging.repeated(3, 2, "aa", is_within=False) == 1


def test_a_page_of_one_row_is_no_proof_of_twins():
    paging = Paging(1)
    assert paging.repeated(1, 1, "a", is_within=True) is None
    assert paging.repeated(2, 1, "a", is_within=True) == 1
