"""Shares add up: whatever runs together stays within the limits of the whole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncsessions import BudgetExceededError, ConfigurationError
from asyncsessions.core.parts import Counted, Part, Parts
from asyncsessions.core.tiles import Span
from asyncsessions.core.windows import Window, to_micros
from asyncsessions.integrations._spark.shares import Limits, Share, shares_of

START = datetime(2026, 1, 1, tzinfo=UTC)


def parts_of(pages, *, spent=1):
    return Parts(parts=[part_of(number, size) for number, size in enumerate(pages)], spent=spent)


def part_of(number, pages):
    begin, end = START + timedelta(days=number), START + timedelta(days=number + 1)
    window = Window(Span(to_micros(begin), to_micros(end)), begin, end)
    one = Counted.of(window, b"{}", total=pages * 50, pages=pages, read_at=START)
    return Part(counted=(one,))


@given(
    pages=st.lists(st.integers(1, 300), min_size=1, max_size=40),
    concurrency=st.integers(1, 40),
    at_once=st.none() | st.integers(1, 40),
    rate=st.none() | st.floats(0.1, 1000),
    spare=st.integers(0, 5_000),
)
def test_the_tasks_that_can_run_at_once_never_exceed_a_limit(
    pages, concurrency, at_once, rate, spare
):
    if at_once is None:
        pages = pages[:concurrency]  # there are no more parts than that
    else:
        at_once = min(at_once, concurrency)
    parts = parts_of(pages)
    limits = Limits(
        max_concurrency=concurrency,
        requests_per_second=rate,
        max_requests=parts.spent + parts.requests + spare,
        tasks_at_once=at_once,
    )
    shares = shares_of(parts, limits)
    assert len(shares) == len(parts.parts)
    together = min(at_once or len(shares), len(shares))
    # The largest shares could meet.
    largest = sorted((share.concurrency for share in shares), reverse=True)[:together]
    assert sum(largest) <= concurrency
    assert min(share.concurrency for share in shares) >= 1
    if rate is not None:
        assert sum(share.requests_per_second for share in shares[:together]) <= rate * 1.000_001
    assert sum(share.max_requests for share in shares) == limits.max_requests - parts.spent
    for part, share in zip(parts.parts, shares, strict=True):
        budgets = [share.budget(attempt) for attempt in range(share.attempts)]
        assert sum(budgets) == share.max_requests
        assert min(budgets) >= part.requests
        with pytest.raises(BudgetExceededError):
            share.budget(share.attempts)


def test_without_limits_every_attempt_may_do_what_it_takes():
    (share,) = shares_of(parts_of([7]), Limits())
    assert share == Share(concurrency=8)
    assert share.budget(9) is None


def test_a_read_that_the_budget_does_not_allow_is_refused_before_a_task_begins():
    with pytest.raises(BudgetExceededError) as caught:
        shares_of(parts_of([1001, 1001], spent=3), Limits(max_requests=1_500))
    assert str(caught.value) == (
        "reading takes 2,000 requests, and max_requests=1,500 leaves 1,497 after counting (3): "
        "raise it, or ask for less"
    )


def test_a_task_whose_budget_is_spent_by_its_attempts_says_so():
    share = Share(concurrency=1, max_requests=10, attempts=2)
    assert [share.budget(0), share.budget(1)] == [5, 5]
    with pytest.raises(BudgetExceededError, match="does not suffice for attempt 3 of this task"):
        share.budget(2)


def test_more_tasks_than_requests_are_refused():
    with pytest.raises(ConfigurationError, match="tasks_at_once=9 is more than max_concurrency=8"):
        Limits(tasks_at_once=9)


def test_there_are_no_more_parts_than_requests_unless_they_are_known_to_take_turns():
    assert Limits(max_concurrency=3).most_parts == 3
    assert Limits(max_concurrency=3, tasks_at_once=3).most_parts is None
