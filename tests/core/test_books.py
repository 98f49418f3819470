"""The books: what is stored of a stream, what is proven of it, and what it has cost."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from asyncsessions.core.books import (
    Run,
    StoredWindow,
    Stream,
    charged_runs,
    covered,
    cut_out,
)
from asyncsessions.core.tiles import Span
from asyncsessions.core.windows import EPOCH, TimeRange

PINNED = TimeRange(EPOCH, EPOCH, closed=True)


def run(name, **requests):
    return Run(id=name, kind="pull", asked="", pinned=PINNED, begun_at=EPOCH, requests=requests)


def stored(lo, hi, *, rows=1, complete=True):
    return StoredWindow(
        owned=Span(lo, hi),
        rows=rows,
        complete=complete,
        digest="",
        as_of=(EPOCH, EPOCH),
        committed_at=EPOCH,
        run="a",
    )


def stream(*windows, runs=()):
    return Stream(provider="hum", filters=(), windows=windows, runs=runs)


def test_a_stream_adds_up_its_rows_and_the_requests_of_each_month():
    held = stream(
        stored(5, 9, rows=3),
        stored(0, 5, rows=4, complete=False),
        runs=[run("b", m02=5, m01=1), run("a", m01=2)],
    )
    assert held.rows == 7
    assert [*held.requests.items()] == [("m01", 3), ("m02", 5)]


def test_the_watermark_ends_where_the_first_gap_begins():
    assert stream().watermark is None
    assert stream(stored(0, 5, complete=False)).watermark is None
    assert stream(stored(5, 9), stored(0, 5)).watermark == 9
    assert stream(stored(9, 12), stored(7, 9, complete=False), stored(0, 7)).watermark == 7


def test_only_what_is_complete_is_covered():
    windows = [stored(5, 9), stored(0, 5, complete=False)]
    assert covered(windows).spans() == [Span(5, 9)]


def test_what_is_cut_out_of_a_window_leaves_what_lies_beside_it():
    windows = [stored(10, 20), stored(0, 10)]
    newer, older = windows
    assert cut_out(windows, Span(12, 15)) == [
        (newer, Span(10, 12)),
        (newer, Span(15, 20)),
        (older, older.owned),
    ]
    assert cut_out(windows, Span(5, 12)) == [(newer, Span(12, 20)), (older, Span(0, 5))]
    assert cut_out(windows, Span(0, 20)) == []


@given(st.lists(st.integers(0, 30), min_size=2, unique=True), st.integers(0, 30), st.integers(0, 9))
def test_cutting_out_takes_the_span_and_nothing_else(borders, lo, length):
    borders.sort()
    windows = [stored(a, b) for a, b in itertools.pairwise(borders)]
    span = Span(lo, lo + length)
    left = {t for _, rest in cut_out(windows, span) for t in range(rest.lo, rest.hi)}
    assert left == {t for t in range(borders[0], borders[-1]) if not span.holds(t)}


def test_runs_are_charged_with_what_the_ledger_has_of_them():
    runs = [run("b", m01=9), run("a", m01=1)]
    new, old = charged_runs(runs, runs[0], {"b": {"m01": 2}})
    assert (new.requests, old.requests) == ({"m01": 2}, {"m01": 1})


def test_requests_of_runs_that_brought_nothing_are_charged_to_the_run_that_ends():
    runs = [run("b"), run("a", m01=1)]
    ledger = {"b": {"m01": 2}, "lost": {"m01": 3, "m02": 4}}
    new, old = charged_runs(iter(runs), runs[0], ledger)
    assert (new.requests, old.requests) == ({"m01": 5, "m02": 4}, {"m01": 1})


def test_a_run_that_the_ledger_does_not_know_keeps_its_requests():
    (only,) = charged_runs([run("a", m01=7)], run("a", m01=7), {})
    assert only.requests == {"m01": 7}
