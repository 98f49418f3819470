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
    ages_s=st.lists(st.floats(-10, 12_000), max_size=50).map(sorted),
)
def test_slices_tile_the_window_exactly_newest_first(seconds, pages, late_us, early_us, ages_s):
    whole = window(seconds, late_us=late_us, early_us=early_us)
    times = [whole.asked_end - timedelta(seconds=age_s) for age_s in ages_s]
    parts = slices(whole, pages * 50, page_size=50, times=times)
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


def newest(whole, apart_s, *, age_s=0.0):
    """Return the times of page 1 of a list whose rows are so far apart, the first one so old."""
    return [whole.asked_end - timedelta(seconds=age_s + apart_s * n) for n in range(50)]


@pytest.mark.parametrize("age_days", [0, 20])
def test_of_a_list_that_began_lately_only_that_time_is_cut(age_days):
    whole = window_of(90)
    times = newest(whole, 1.0, age_s=age_days * 86_400)
    *parts, rest = slices(whole, 30_000, page_size=50, times=times)
    assert len(parts) == 3
    assert parts[-1].asked_start == rest.asked_end == times[0] - timedelta(seconds=30_000)
    lengths = [part.asked_end - part.asked_start for part in parts[1:]]
    assert lengths == [timedelta(seconds=10_000)] * 2
    assert rest.asked_start == whole.asked_start


@pytest.mark.parametrize(
    "times",
    [
        newest(window(90 * 86_400), 90 * 86_400 / 30_000),  # spread over all of it
        newest(window(90 * 86_400), 60.0),  # a quarter of it
        newest(window(90 * 86_400), 1.0)[::-1],
        newest(window(90 * 86_400), 1.0)[:1],
    ],
)
def test_all_of_a_window_is_cut_evenly_where_page_1_does_not_say_that_most_is_empty(times):
    whole = window_of(90)
    assert slices(whole, 30_000, page_size=50, times=times) == slices(whole, 30_000, page_size=50)


def test_rows_of_one_second_are_no_reason_to_cut_into_less_than_seconds():
    whole = window_of(90)
    parts = slices(whole, 30_000, page_size=50, times=newest(whole, 0.0))
    assert [part.asked_end - part.asked_start for part in parts[:-1]] == [timedelta(seconds=1)] * 3


def test_density_deceives_once_and_not_again():
    cuts, whole = Cuts(50), window_of(90)
    *_, rest = cuts.cut(whole, 30_000, newest(whole, 1.0))
    parts = cuts.cut(rest, 29_900, newest(rest, 1.0))
    assert len(parts) == 3
    assert parts == slices(rest, 29_900, page_size=50)


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
