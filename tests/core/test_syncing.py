"""Which stretches of time a sync reads again."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncsessions.core.books import StoredWindow, covered
from asyncsessions.core.syncing import due_spans, sync_windows
from asyncsessions.core.tiles import Span, Tiles
from asyncsessions.core.windows import EPOCH, TimeRange, to_datetime, to_micros

DAY = timedelta(days=1)
START = EPOCH + 1_000 * DAY
NOW = START + 100 * DAY
PINNED = TimeRange(START, NOW, closed=True)
DAY_US = 86_400_000_000


def day(number):
    """Return the microseconds of a moment so many days after the start."""
    return to_micros(START) + round(number * DAY_US)


def stored(first, last, *, read_on=None, complete=True):
    """Return the window of some days, read at their end or on another day."""
    read_at = to_datetime(day(last if read_on is None else read_on))
    return StoredWindow(
        owned=Span(day(first), day(last)),
        rows=0,
        complete=complete,
        digest="",
        as_of=(read_at, read_at),
        committed_at=read_at,
        run="",
    )


def days(spans):
    """Return spans in days after the start."""
    lo = to_micros(START)
    return [
        (round((span.lo - lo) / DAY_US, 3), round((span.hi - lo) / DAY_US, 3)) for span in spans
    ]


def due(*windows, lookback=7, **how):
    return days(due_spans(windows, PINNED, lookback=lookback * DAY, **how))


def test_where_nothing_is_stored_all_is_due():
    assert due() == [(0, 100)]


def test_what_was_never_read_or_not_proven_is_due_at_any_age():
    windows = stored(60, 80), stored(40, 60, complete=False), stored(10, 40)
    assert due(*windows, lookback=0) == [(80, 100), (40, 60), (0, 10)]


def test_the_lookback_is_read_again_and_what_is_older_is_settled():
    assert due(stored(0, 90)) == [(90, 100)]
    assert due(stored(0, 90), lookback=30) == [(70, 100)]
    assert due(stored(95, 100), stored(0, 95), lookback=7) == [(93, 100)]


def test_a_lookback_that_begins_before_the_calendar_reads_all_of_it():
    assert due(stored(0, 100), lookback=999_999) == [(0, 100)]


def test_what_was_read_a_moment_ago_is_read_again_all_the_same():
    assert due(stored(0, 100, read_on=100.001)) == [(93, 100)]


@pytest.mark.parametrize(
    ("read_on", "is_due"), [(90.5, True), (92, True), (94.9, True), (95.5, False), (99, False)]
)
def test_with_revisit_a_stretch_is_due_after_so_many_times_the_age_it_was_read_at(read_on, is_due):
    # The stretch ends on day 90, and now is day 100.
    windows = stored(90, 100, read_on=99.99), stored(85, 90, read_on=read_on), stored(0, 85)
    spans = due(*windows, lookback=30, revisit=1.0)
    assert any(lo <= 85 and hi >= 90 for lo, hi in spans) is is_due


def test_a_revisit_beyond_all_time_is_never_due():
    windows = stored(90, 100, read_on=100.001), stored(0, 90, read_on=91)
    assert due(*windows, lookback=30, revisit=1e15) == [(100, 100)]


borders = st.lists(st.integers(0, 1_000), max_size=12, unique=True).map(sorted)


@st.composite
def books(draw):
    """Return windows that do not overlap, some of them not proven, with holes in between."""
    windows = []
    places = draw(borders)
    for lo, hi in itertools.pairwise(places):
        if draw(st.booleans()):
            read_on = hi / 10 + draw(st.integers(0, 300)) / 10
            complete = draw(st.sampled_from([True, True, False]))
            windows.append(stored(lo / 10, hi / 10, read_on=min(read_on, 100), complete=complete))
    return windows[::-1]


lookbacks = st.integers(0, 1_200).map(lambda tenths: tenths * DAY / 10)
revisits = st.sampled_from([0.0, 0.5, 1.0, 3.0])


@given(books(), lookbacks, revisits)
def test_everything_that_is_not_proven_is_due(windows, lookback, revisit):
    spans = due_spans(windows, PINNED, lookback=lookback, revisit=revisit)
    tiles = Tiles()
    for span in spans:
        tiles.claim(span)
    for gap in covered(windows).gaps(PINNED.span):
        assert tiles.gaps(gap) == []
    assert spans == sorted(spans, reverse=True)
    assert all(newer.lo > older.hi for newer, older in itertools.pairwise(spans))


@given(books(), lookbacks, revisits)
def test_nothing_that_is_proven_and_older_than_the_lookback_is_due(windows, lookback, revisit):
    settled = Span(PINNED.span.lo, to_micros(NOW - lookback)) & PINNED.span
    proven = covered(windows)
    for span in due_spans(windows, PINNED, lookback=lookback, revisit=revisit):
        old = span & settled
        unproven = sum(gap.hi - gap.lo for gap in proven.gaps(old)) if old else 0
        assert unproven == max(0, old.hi - old.lo)


@given(books(), lookbacks)
def test_without_revisit_the_lookback_and_what_is_not_proven_is_due_and_nothing_else(
    windows, lookback
):
    expected = Tiles()
    for gap in covered(windows).gaps(PINNED.span):
        expected.claim(gap)
    expected.claim(Span(to_micros(NOW - lookback), PINNED.span.hi) & PINNED.span)
    assert due_spans(windows, PINNED, lookback=lookback) == expected.spans()[::-1]


@given(books(), lookbacks, revisits, st.sampled_from([None, 30 * DAY, DAY]))
def test_the_windows_of_a_sync_tile_what_is_due_newest_first(windows, lookback, revisit, longest):
    how = {"lookback": lookback, "revisit": revisit}
    parts = sync_windows(windows, PINNED, longest=longest, **how)
    tiles = Tiles()
    for part in parts:
        assert tiles.claim(part.owned) == [part.owned]
        assert part.asked.lo <= part.owned.lo < part.owned.hi <= part.asked.hi
        assert longest is None or part.asked_end - part.asked_start <= longest
    assert tiles.spans()[::-1] == due_spans(windows, PINNED, **how)
    assert [part.owned for part in parts] == sorted((p.owned for p in parts), reverse=True)


def test_with_revisit_what_is_read_is_cut_at_ages_that_double():
    parts = sync_windows((), PINNED, lookback=30 * DAY, revisit=1.0)
    ages = [100 - lo for lo, _ in days(part.owned for part in parts)]
    assert ages == [1, 2, 4, 8, 16, 32, 64, 100]
    (only,) = sync_windows((), PINNED, lookback=30 * DAY)
    assert only.owned == PINNED.span


def test_a_range_that_begins_with_the_calendar_is_cut_all_the_same():
    ancient = TimeRange(to_datetime(to_micros(EPOCH)).replace(year=1), NOW, closed=True)
    parts = sync_windows((), ancient, lookback=30 * DAY, revisit=1.0)
    assert parts[-1].owned.lo == ancient.span.lo
