"""What a pull spends, and what it may."""

from __future__ import annotations

import pytest

from asyncsessions.core.meter import Meter
from asyncsessions.errors import BudgetExceededError


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
