"""What holds for one pull, and what it may spend."""

from __future__ import annotations

import pytest

from asyncsessions.core.meter import Meter
from asyncsessions.core.options import Options
from asyncsessions.errors import BudgetExceededError, ConfigurationError


def test_the_defaults_are_the_documented_ones():
    options = Options()
    assert (options.ordered, options.consistency, options.on_incomplete) == (True, "count", "raise")
    assert (options.max_requests, options.deadline_s, options.limit) == (None, None, None)


@pytest.mark.parametrize(
    "given",
    [
        {"consistency": "strict", "on_incomplete": "warn"},
        {"max_requests": 0, "deadline_s": 0, "limit": 0},
        {"deadline_s": 0.5},
        {"deadline_s": float("inf")},
    ],
)
def test_values_that_make_sense_are_kept(given):
    options = Options(**given)
    assert {name: getattr(options, name) for name in given} == given


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"consistency": "loose"}, "consistency must be 'off' or 'count' or 'strict'"),
        ({"consistency": []}, "consistency must be"),
        ({"on_incomplete": None}, "on_incomplete must be 'raise' or 'warn'"),
        ({"max_requests": -1}, "max_requests must be a whole number of at least 0, or None"),
        ({"max_requests": 1.5}, "max_requests must be a whole number"),
        ({"max_requests": True}, "max_requests must be a whole number"),
        ({"limit": "10"}, "limit must be a whole number"),
        ({"limit": float("nan")}, "limit must be a whole number"),
        ({"deadline_s": -0.1}, "deadline_s must be a number of at least 0, or None"),
        ({"deadline_s": float("nan")}, "deadline_s must be a number"),
        ({"deadline_s": "soon"}, "deadline_s must be a number"),
    ],
)
def test_values_that_make_no_sense_are_refused_in_one_sentence(given, message):
    with pytest.raises(ConfigurationError, match=message):
        Options(**given)


def test_a_meter_counts_requests_and_retries():
    meter = Meter()
    meter.spend(is_retry=False)
    meter.spend(is_retry=True)
    assert (meter.requests, meter.retries, meter.left) == (2, 1, None)


def test_a_meter_lets_nothing_through_beyond_its_bound():
    meter = Meter(max_requests=1)
    meter.spend(is_retry=False)
    assert meter.left == 0
    for forbidden in (meter.refuse_beyond_budget, lambda: meter.spend(is_retry=True)):
        with pytest.raises(BudgetExceededError, match="max_requests=1 is used up"):
            forbidden()
    assert (meter.requests, meter.retries) == (1, 0)


def test_a_meter_that_was_overdrawn_has_nothing_left():
    assert Meter(max_requests=1, requests=3).left == 0


def test_a_deadline_is_late_from_its_moment_on():
    meter = Meter(deadline=10.0, deadline_s=2.5)
    assert [meter.is_late(now) for now in (9.9, 10.0, 11.0)] == [False, True, True]
    assert not Meter().is_late(1e9)
    assert str(meter.out_of_time()) == "deadline_s=2.5 does not suffice: go on later"
