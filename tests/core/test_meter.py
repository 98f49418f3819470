"""What a pull spends, and what it may."""

from __future__ import annotations

import pytest

from asyncsessions.core.meter import Meter
from asyncsessions.errors import BudgetExceededError, SinkError


def test_requests_and_retries_are_counted():
    meter = Meter()
    meter.spend(is_retry=False)
    meter.spend(is_retry=True)
    assert (meter.requests, meter.retries, meter.left) == (2, 1, None)


@pytest.mark.parametrize("allowed", [0, 1, 5])
def test_no_more_than_allowed_is_spent(allowed):
    meter = Meter(max_requests=allowed)
    for left in range(allowed, 0, -1):
        assert meter.left == left
        meter.refuse_beyond_budget()
        meter.spend(is_retry=False)
    for refuse in (meter.refuse_beyond_budget, lambda: meter.spend(is_retry=True)):
        with pytest.raises(BudgetExceededError, match=f"max_requests={allowed} is used up"):
            refuse()
    assert (meter.requests, meter.retries, meter.left) == (allowed, 0, 0)


def test_without_a_deadline_nothing_is_late():
    assert not Meter().is_late(1e12)


def test_the_deadline_itself_is_late():
    meter = Meter(deadline=10.0, deadline_s=2.5)
    assert [meter.is_late(now) for now in (9.9, 10.0, 11.0)] == [False, True, True]
    assert str(meter.out_of_time()) == "deadline_s=2.5 does not suffice: go on later"


def test_what_earlier_goes_sent_counts_against_what_is_allowed():
    meter = Meter(max_requests=5, before=3)
    assert meter.left == 2
    meter.spend(is_retry=False)
    meter.spend(is_retry=False)
    with pytest.raises(BudgetExceededError, match=r"used up \(3 of them in earlier goes\)"):
        meter.refuse_beyond_budget()
    assert meter.requests == 2


def test_a_request_is_entered_before_it_counts_and_one_that_cannot_be_is_not_sent():
    seen = []
    meter = Meter(enter=lambda: seen.append(meter.requests))
    meter.spend(is_retry=False)
    assert seen == [0]

    def fail():
        raise SinkError("the disk is full")

    meter.enter = fail
    with pytest.raises(SinkError):
        meter.spend(is_retry=False)
    assert (meter.requests, meter.under_way) == (1, 1)


def test_nothing_is_entered_that_is_not_allowed():
    seen = []
    meter = Meter(max_requests=0, enter=lambda: seen.append(1))
    with pytest.raises(BudgetExceededError):
        meter.spend(is_retry=False)
    assert seen == []


def test_what_stopped_it_is_raised_for_every_further_request():
    meter = Meter()
    meter.spend(is_retry=False)
    meter.stopped_by = BudgetExceededError("the pull was stopped")
    for refuse in (meter.refuse_beyond_budget, lambda: meter.spend(is_retry=True)):
        with pytest.raises(BudgetExceededError, match="the pull was stopped"):
            refuse()
    assert (meter.requests, meter.under_way) == (1, 1)


def test_rest_is_told_when_the_last_request_under_way_is_answered():
    told = []
    meter = Meter(at_rest=lambda: told.append(meter.requests))
    meter.spend(is_retry=False)
    meter.spend(is_retry=False)
    meter.answered()
    assert (meter.under_way, told) == (1, [])
    meter.answered()
    assert (meter.under_way, told) == (0, [2])
