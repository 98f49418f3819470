"""Portions leave newest first, whatever the order in which they become known."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from asyncsessions.core.answer import Portion
from asyncsessions.core.order import InOrder
from asyncsessions.core.tiles import Span


@given(st.sets(st.integers(1, 99), max_size=12), st.randoms(use_true_random=False))
def test_portions_that_tile_the_time_leave_in_order_and_none_is_late(cuts, chance):
    borders = sorted({0, 100, *cuts})
    tiles = [Portion(Span(lo, hi), [lo]) for lo, hi in itertools.pairwise(borders)]
    shuffled = chance.sample(tiles, len(tiles))
    order = InOrder(100)
    left = [portion for put in shuffled for portion in order.put(put)]
    assert left == tiles[::-1]
    assert order.late_rows == 0


def test_what_ends_above_the_cursor_leaves_at_once_and_is_counted_as_late():
    order = InOrder(100)
    assert order.put(Portion(Span(50, 100), "ab")) == [Portion(Span(50, 100), "ab")]
    assert order.put(Portion(Span(20, 40), "c")) == []
    assert order.put(Portion(Span(60, 70), "late")) == [Portion(Span(60, 70), "late")]
    assert order.late_rows == 4


def test_portions_of_the_same_end_leave_in_the_order_of_their_arrival():
    order = InOrder(0)
    order.put(Portion(Span(-30, -10), "held"))
    assert order.put(Portion(Span(-10, 0), "x")) == [
        Portion(Span(-10, 0), "x"),
        Portion(Span(-30, -10), "held"),
    ]


def test_what_is_discarded_never_leaves_and_what_lies_above_still_does():
    order = InOrder(20)
    order.put(Portion(Span(0, 5), "gone"))
    order.put(Portion(Span(5, 10), "kept"))
    order.discard(5)
    assert order.put(Portion(Span(10, 20), "x")) == [
        Portion(Span(10, 20), "x"),
        Portion(Span(5, 10), "kept"),
    ]


def test_what_is_held_back_can_be_flushed_newest_first():
    order = InOrder(100)
    order.put(Portion(Span(0, 5), "older"))
    order.put(Portion(Span(5, 10), "newer"))
    assert [portion.rows for portion in order.flush()] == ["newer", "older"]
    assert order.flush() == []
