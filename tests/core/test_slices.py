"""How windows that are too large are cut."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncsessions.core.slices import COMMIT_PAGES, MOST_SLICES, Cuts, merged, slices
from asyncsessions.core.tiles import Span
from asyncsessions.core.windows import EPOCH, SECOND, Window, to_micros

LARGE = 2 * COMMIT_PAGES * 50


def window(seconds, *, late_us=0, early_us=0):
    """Return a window of so many seconds that owns a little less than it asks for."""
    end = EPOCH + seconds * SECOND
    return Window(Span(late_us, to_micros(end) + 1 - early_us), EPOCH, end)


@given(
    seconds=st.integers(1, 10_000),
    pages=st.integers(0, 5_000),
    late_us=st.integers(0, 400_000),
    early_us=st.integers(0, 400_000),
)
def test_slices_tile_the_window_exactly_newest_first(seconds, pages, late_us, early_us):
    whole = window(seconds, late_us=late_us, early_us=early_us)
    parts = slices(whole, pages * 50, page_size=50)
    assert parts[0].owned.hi == whole.owned.hi
    assert parts[-1].owned.lo == whole.owned.lo
    assert parts[0].asked_end == whole.asked_end
    assert parts[-1].asked_start == whole.asked_start
    for newer, older in itertools.pairwise(parts):
        assert newer.owned.lo == older.owned.hi == to_micros(newer.asked_start)
        assert newer.asked_start == older.asked_end
    for part in parts:
        assert part.owned
        assert part.asked_start.microsecond == part.asked_end.microsecond == 0
        assert part.asked_start < part.asked_end
        assert part.asked.lo <= part.owned.lo
        assert part.owned.hi <= part.asked.hi


@given(st.integers(LARGE + 1, 100 * LARGE))
def test_each_slice_has_about_so_many_pages_as_are_committed_at_once(total):
    parts = slices(window(90 * 86_400), total, page_size=50)
    pages = -(-total // 50)
    assert len(parts) == min(-(-pages // COMMIT_PAGES), MOST_SLICES)
    lengths = [part.asked_end - part.asked_start for part in parts]
    assert max(lengths) - min(lengths) <= SECOND


@pytest.mark.parametrize("total", [0, 1, LARGE])
def test_a_window_that_is_small_enough_comes_back_alone(total):
    whole = window(86_400)
    assert slices(whole, total, page_size=50) == [whole]
    assert len(slices(whole, LARGE + 1, page_size=50)) == 3


def test_a_window_of_one_second_is_never_cut():
    assert slices(window(1), 100 * LARGE, page_size=50) == [window(1)]
    instant = Window(Span(0, 1), EPOCH, EPOCH)
    assert slices(instant, 100 * LARGE, page_size=50) == [instant]


def test_no_slice_is_shorter_than_a_second():
    parts = slices(window(3), 100 * LARGE, page_size=50)
    assert [part.asked_end - part.asked_start for part in parts] == [timedelta(seconds=1)] * 3


# ---------------------------------------------------------------------- totals that cannot be true


def window_of(days):
    return window(days * 86_400)


def test_slices_that_claim_more_than_their_window_end_the_cutting():
    cuts = Cuts(50)
    parts = cuts.cut(window_of(30), 1_000_000)
    assert len(parts) == MOST_SLICES
    assert len(cuts.cut(parts[0], 1_000_000)) > 1
    assert len(cuts.cut(parts[1], 900_000)) > 1
    assert cuts.are_believed
    assert cuts.cut(parts[2], 1_000_000) == [parts[2]]
    assert not cuts.are_believed
    assert cuts.cut(window_of(9), 1_000_000) == [window_of(9)]


def test_rows_that_all_lie_in_one_slice_are_believed():
    cuts = Cuts(50)
    first, *others = cuts.cut(window_of(30), 1_000_000)
    assert len(cuts.cut(first, 1_000_100)) > 1
    for other in others:
        assert cuts.cut(other, 1) == [other]
    assert cuts.are_believed


def test_what_was_cut_is_merged_again():
    whole = window_of(30)
    parts = Cuts(50).cut(whole, 1_000_000)
    assert merged(parts, None) == [whole]
    assert merged([*parts[:5], *parts[9:]], None)[0].owned.hi == whole.owned.hi
    assert len(merged([*parts[:5], *parts[9:]], None)) == 2
    assert len(merged(parts, timedelta(days=10))) == 3
