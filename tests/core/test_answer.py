"""An answer cut by time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from asyncsessions.core.answer import Portion, is_newest_first, place
from asyncsessions.core.seam import seam_between
from asyncsessions.core.tiles import Span
from tests.core.model import Row, answer, at

seconds = st.lists(st.integers(0, 9), max_size=12)


def page_of(*moments):
    page = answer([Row(n, at(moment)) for n, moment in enumerate(moments)], 9)
    return place(page, is_in_order=is_newest_first(page.times))


@given(seconds)
def test_a_page_in_time_order_is_cut_at_its_first_and_last_instant(moments):
    moments.sort(reverse=True)
    page = page_of(*moments)
    rows = [*page.head, *page.body, *page.tail]
    assert [row.number for row in rows] == list(range(len(moments)))
    assert page.count == len(moments)
    assert page.is_solid == (len(set(moments)) > 1)
    if page.is_solid:
        assert {row.instant for row in page.head} == {page.first}
        assert {row.instant for row in page.tail} == {page.last}
        assert all(page.inner.holds(row.instant) for row in page.body)
        assert page.inner == Span(page.last + 1, page.first)
    else:
        assert not page.inner


@given(seconds)
def test_a_page_out_of_order_covers_nothing_and_says_where_its_rows_lie(moments):
    page = page_of(*moments)
    if is_newest_first([at(moment) for moment in moments]):
        return
    assert not page.is_solid
    assert len(page.tail) == len(moments)
    assert not page.inner
    lowest, highest = min(moments) * 1_000_000, max(moments) * 1_000_000
    assert page.lies_in(Span(lowest, highest + 1))
    assert not page.lies_in(Span(lowest + 1, highest + 1))
    assert not page.lies_in(Span(lowest, highest))


def test_a_page_without_rows_lies_everywhere():
    assert page_of().lies_in(Span(5, 5))


def test_rows_stay_out_of_the_repr():
    row, page = Row(77, at(3)), page_of(4, 4)
    shown = repr(answer([row], 1)) + repr(page) + repr(Portion(Span(0, 9), [row]))
    shown += repr(seam_between(page, page, [page]))
    assert "Row" not in shown
