"""`make bench-check`: what counts as slower, and what is done before that is said."""

from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import check
from benchmarks.check import Worse, best_of, worse

RATIOS = st.dictionaries(
    st.sampled_from("abcd"), st.floats(min_value=0.01, max_value=100), min_size=1
)


def test_a_ratio_that_grew_by_more_than_the_tolerance_is_worse():
    assert worse({"a": 2.0, "b": 2.0}, {"a": 2.31, "b": 2.29}) == [Worse("a", 2.0, 2.31)]


def test_a_row_that_was_not_measured_is_worse():
    assert worse({"a": 2.0}, {}) == [Worse("a", 2.0, None)]


def test_a_row_that_the_baseline_does_not_know_is_of_no_concern():
    assert worse({}, {"new": 9.0}) == []


def test_a_line_says_what_was_which_and_by_how_much():
    assert str(Worse("hum: pages()", 2.0, 2.5)) == "hum: pages(): 2.500 instead of 2.000, +25%"
    assert "not measured" in str(Worse("hum: pages()", 2.0, None))


@given(RATIOS, st.floats(min_value=0, max_value=2))
def test_nothing_is_worse_than_itself_and_everything_is_when_all_has_doubled_the_tolerance(
    ratios, tolerance
):
    assert worse(ratios, ratios, tolerance=tolerance) == []
    slower = {name: ratio * (1 + tolerance) * 1.01 for name, ratio in ratios.items()}
    assert [each.name for each in worse(ratios, slower, tolerance=tolerance)] == list(ratios)


@given(RATIOS, RATIOS)
def test_the_better_of_two_measurements_counts_and_no_row_is_lost(first, again):
    best = best_of(first, again)
    assert best.keys() == first.keys()
    assert all(best[name] <= first[name] for name in first)
    assert all(best[name] <= again[name] for name in first.keys() & again.keys())


@pytest.fixture
def measured(monkeypatch):
    """Let each measurement return what the test lines up, and note which rows were asked for."""
    answers, asked = [], []

    @contextmanager
    def no_server():
        yield "http://127.0.0.1:0"

    async def measure(_address, *, rounds, names=None):
        asked.append((rounds, names))
        return answers.pop(0)

    monkeypatch.setattr(check, "server", no_server)
    monkeypatch.setattr(check, "measure", measure)
    return answers, asked


async def test_a_suspect_alone_is_measured_once_more_and_longer(measured):
    answers, asked = measured
    answers += [{"a": 3.0, "b": 1.0}, {"a": 2.1}]
    assert await check.check({"a": 2.0, "b": 1.0}) == []
    assert asked == [(check.ROUNDS, None), (check.AGAIN, {"a"})]


async def test_what_is_slower_twice_is_told(measured):
    answers, _ = measured
    answers += [{"a": 3.0, "b": 1.0}, {"a": 2.9}]
    assert await check.check({"a": 2.0, "b": 1.0}) == [Worse("a", 2.0, 2.9)]


async def test_where_nothing_looks_slower_nothing_is_measured_again(measured):
    answers, asked = measured
    answers += [{"a": 2.0}]
    assert await check.check({"a": 2.0}) == []
    assert len(asked) == 1


def test_enough_rounds_alternate():
    assert min(check.ROUNDS, check.AGAIN) >= 15
