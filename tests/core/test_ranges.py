"""How a range of time is cut: whatever the borders, nothing is lost and nothing lies in two."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from asyncsessions.core.ranges import (
    SECOND_US,
    asked_range,
    cut,
    cut_by_samples,
    split_around,
    split_bottom,
    split_top,
)
from asyncsessions.core.tiles import Span
from asyncsessions.core.windows import to_datetime, to_micros
from tests.core.model import at

instants = st.one_of(
    st.integers(0, 8).map(lambda second: second * SECOND_US),
    st.integers(0, 8 * SECOND_US),
    st.builds(lambda second, by: second * SECOND_US + by, st.integers(1, 8), st.integers(-2, 2)),
)
spans = st.tuples(instants, instants).map(lambda pair: Span(min(pair), max(pair) + 1))
lengths = st.integers(1, 10**10)
long_spans = st.builds(lambda lo, length: Span(lo, lo + length), instants, lengths)


def tiles(span, pieces):
    """Whether the pieces, newest first, tile the span; some may be empty."""
    assert all(piece.lo <= piece.hi for piece in pieces)
    assert all(newer.lo == older.hi for newer, older in itertools.pairwise(pieces))
    return Span(pieces[-1].lo, pieces[0].hi) == span


def asked_seconds(span):
    return (asked_range(span).asked_end - asked_range(span).asked_start).total_seconds()


@given(spans)
def test_a_span_is_asked_in_the_narrowest_whole_seconds_that_hold_it(span):
    asked = asked_range(span)
    lo, hi = to_micros(asked.asked_start), to_micros(asked.asked_end)
    assert asked.owned == span
    assert lo % SECOND_US == hi % SECOND_US == 0
    assert lo <= span.lo < lo + SECOND_US
    assert hi - SECOND_US < span.hi - 1 <= hi


def test_an_instant_on_a_whole_second_is_asked_alone():
    second = to_micros(at(3))
    assert asked_range(Span(second, second + 1)).asked == Span(second, second + 1)
    assert asked_range(Span(second, second + 2)).asked_end == at(4)


@given(spans)
def test_the_newest_second_is_split_off_at_a_whole_second(span):
    newest, below = split_top(span)
    assert newest
    assert tiles(span, [newest, below])
    assert asked_seconds(newest) <= 1
    assert not below or newest.lo % SECOND_US == 0
    assert not below or newest.lo == to_micros(asked_range(span).asked_end) - SECOND_US


@given(spans)
def test_the_oldest_second_is_split_off_right_after_a_whole_second(span):
    oldest, above = split_bottom(span)
    assert oldest
    assert tiles(span, [above, oldest])
    assert asked_seconds(oldest) <= 1
    assert not above or oldest.hi % SECOND_US == 1
    assert not above or oldest.hi == to_micros(asked_range(span).asked_start) + SECOND_US + 1


@given(spans, st.data())
def test_the_seconds_that_meet_in_an_instant_are_split_off_from_both_sides(span, data):
    borders = [second * SECOND_US + by for second in range(9) for by in (-1, 0, 1)]
    edges = [span.lo, span.hi - 1, *filter(span.holds, borders)]
    instant = data.draw(st.sampled_from(edges))
    newer, around, older = split_around(span, instant)
    assert around.holds(instant)
    assert tiles(span, [newer, around, older])
    assert asked_seconds(around) <= (1 if instant % SECOND_US else 2)
    assert not newer or (around.hi % SECOND_US == 1 and around.hi - instant > 1)
    assert not older or (around.lo % SECOND_US == 0 and around.lo < instant)


@given(long_spans, st.integers(1, 40), st.integers(0, 10**11), st.booleans())
def test_a_span_is_cut_at_whole_seconds_into_so_many_pieces_and_a_rest(
    span, pieces, extent, is_from_top
):
    parts = cut(span, pieces, extent=extent, is_from_top=is_from_top)
    assert tiles(span, parts)
    assert all(parts)
    assert len(parts) <= pieces + 1
    assert all(part.lo % SECOND_US == 0 for part in parts[:-1])


def seconds(lo, hi):
    return Span(lo * SECOND_US, hi * SECOND_US)


def test_pieces_have_equal_lengths():
    parts = cut(seconds(0, 30), 3, extent=40 * SECOND_US, is_from_top=True)
    assert parts == [seconds(20, 30), seconds(10, 20), seconds(0, 10)]


def test_pieces_reach_as_far_as_they_are_to_from_the_end_where_reading_begins():
    from_top = cut(seconds(0, 30), 2, extent=8 * SECOND_US, is_from_top=True)
    assert from_top == [seconds(26, 30), seconds(22, 26), seconds(0, 22)]
    from_below = cut(seconds(0, 30), 2, extent=8 * SECOND_US, is_from_top=False)
    assert from_below == [seconds(8, 30), seconds(4, 8), seconds(0, 4)]


def test_a_second_is_not_cut():
    assert cut(Span(5, SECOND_US), 7, extent=10**9, is_from_top=True) == [Span(5, SECOND_US)]
    assert cut_by_samples(Span(5, SECOND_US), [at(0.5)] * 9, 7) == [Span(5, SECOND_US)]


@given(long_spans, st.lists(st.integers(0, 2 * 10**10), max_size=80), st.integers(1, 40))
def test_samples_cut_a_span_at_whole_seconds_into_at_most_so_many_pieces(span, times, pieces):
    parts = cut_by_samples(span, [to_datetime(micros) for micros in times], pieces)
    assert tiles(span, parts)
    assert all(parts)
    assert len(parts) <= pieces
    assert all(part.lo % SECOND_US == 0 for part in parts[:-1])


def test_samples_make_pieces_short_where_rows_are_dense():
    span = Span(0, 1000 * SECOND_US)
    crowded = [at(second / 10) for second in range(100 * 10)]  # all within the oldest tenth
    parts = cut_by_samples(span, crowded, 20)
    assert len(parts) == 20
    assert 8 <= sum(part.hi <= 100 * SECOND_US for part in parts) <= 12
    assert cut_by_samples(span, crowded[::-1], 20) == parts


def test_samples_outside_of_a_span_do_not_count():
    span = Span(0, 30 * SECOND_US)
    thirds = [seconds(20, 30), seconds(10, 20), seconds(0, 10)]
    assert cut_by_samples(span, [at(40)] * 100, 3) == thirds
