"""The pace against models of vendors: what they allow is used, and they are not stormed."""

from __future__ import annotations

import itertools
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncsessions.core.pace import Pace, Retry, RetryBudget
from tests.core.traffic import Bucket, FixedWindow, Flow


class Shut:
    """Takes nothing before a moment."""

    def __init__(self, until, status=429, retry_after_s=None):
        self.until, self.status, self.retry_after_s = until, status, retry_after_s

    def __call__(self, now, in_flight):
        return (200, None) if now >= self.until else (self.status, self.retry_after_s)


class Crowded:
    """Fails with 503 what is too much at once."""

    def __init__(self, at_once):
        self.at_once = at_once

    def __call__(self, now, in_flight):
        return (200, None) if in_flight <= self.at_once else (503, None)


def flow(server, *, concurrency=10, rate=None, seed=1, **keywords):
    pace = Pace(concurrency, rate)
    return Flow(server, pace, tasks=concurrency, chance=Random(seed), **keywords)


def most_in(moments, window_s):
    """Return the most moments within any half-open window of so many seconds."""
    return max(sum(begin <= m < begin + window_s - 1e-9 for m in moments) for begin in moments)


@pytest.mark.parametrize("burst", [3, 10, 40])
@pytest.mark.parametrize("refusal_s", [0.0, 0.05])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_of_40_requests_a_second_most_are_used_and_few_are_refused(burst, refusal_s, seed):
    traffic = flow(Bucket(40, burst), refusal_s=refusal_s, seed=seed).run(300)
    assert len(traffic.succeeded) == 300
    assert 300 / traffic.duration_s >= 0.8 * 40
    assert len(traffic.refused) <= 60
    assert traffic.given_up == 0


@pytest.mark.parametrize("limit", [10, 40])
@pytest.mark.parametrize("refusal_s", [0.0, 0.05])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_vendor_that_counts_by_the_calendar_second_costs_no_page(limit, refusal_s, seed):
    traffic = flow(FixedWindow(limit), refusal_s=refusal_s, seed=seed).run(300)
    assert traffic.given_up == 0
    assert 300 / traffic.duration_s >= 0.75 * limit


@pytest.mark.parametrize("rate", [2, 5, 20, 400])
def test_other_rates_are_found_without_giving_up(rate):
    traffic = flow(Bucket(rate, max(1, rate / 10)), concurrency=40 if rate == 400 else 10).run(150)
    assert traffic.given_up == 0
    assert 150 / traffic.duration_s >= 0.6 * rate


def test_a_vendor_without_limits_gets_all_of_the_concurrency():
    traffic = flow(lambda now, in_flight: (200, None)).run(300)
    assert traffic.most_in_flight == 10
    assert traffic.duration_s <= 1.2 * 300 * 0.055 / 10


@pytest.mark.parametrize("rate", [0.1, 0.5, 3.0, 40.0])
@pytest.mark.parametrize("server", [Bucket(1.0, 1), Shut(20, retry_after_s=0.0), Bucket(1e9, 1e9)])
def test_the_callers_own_rate_is_never_exceeded_in_any_window(rate, server):
    traffic = flow(server, rate=rate, retry=Retry(attempts=3)).run(60)
    for window_s in (1.0, 10.0):
        assert most_in(traffic.sent, window_s) <= rate * window_s + 1


@given(
    st.floats(0.05, 50),
    st.lists(st.tuples(st.sampled_from("sfro"), st.floats(0, 3)), max_size=40),
    st.floats(0, 5) | st.none(),
)
def test_whatever_is_answered_the_callers_own_rate_holds(rate, course, retry_after_s):
    pace, now, sent = Pace(5, rate), 0.0, []
    for kind, pause_s in course:
        now += max(pause_s, pace.wait_s(now))
        assert pace.wait_s(now) == pytest.approx(0.0, abs=1e-9)
        pace.sent(now)
        sent.append(now)
        match kind:
            case "s":
                pace.succeeded(now, in_flight=1)
            case "f":
                pace.failed()
            case "r":
                pace.refused(now, sent_at=now, retry_after_s=retry_after_s)
            case _:
                pace.overloaded(now, sent_at=now)
        assert 0 < pace.rate <= rate
        assert 1 <= pace.limit <= 5
    assert all(b - a >= 1 / rate - 1e-6 for a, b in itertools.pairwise(sent))


@pytest.mark.parametrize("retry_after_s", [None, 1.0, 5.0])
def test_a_vendor_that_is_shut_is_probed_by_one_request_at_a_time(retry_after_s):
    traffic = flow(Shut(30, retry_after_s=retry_after_s), retry=Retry(attempts=40, budget=40)).run(
        50
    )
    assert len(traffic.succeeded) == 50
    begun, probes = traffic.sent[:10], [moment for moment in traffic.sent[10:] if moment < 30]
    assert begun == [0.0] * 10
    gaps = [later - sooner for sooner, later in itertools.pairwise(probes)]
    assert all(gap >= max(0.2, retry_after_s or 0.0) for gap in gaps)
    assert traffic.duration_s <= 60


def test_one_probe_goes_after_retry_after_and_all_others_wait_for_it():
    pace = Pace(10)
    for _ in range(10):
        pace.sent(0.0)
    assert pace.refused(0.1, sent_at=0.0, retry_after_s=7.0)
    assert pace.wait_s(0.1) == pytest.approx(7.0)
    pace.sent(7.1)
    assert pace.limit == 1
    assert not pace.refused(
        7.2, sent_at=0.05, retry_after_s=7.0
    )  # an old answer is not the probe's
    assert pace.limit == 1
    assert pace.refused(7.3, sent_at=7.1, retry_after_s=2.0)
    assert pace.wait_s(7.3) == pytest.approx(2.0)
    pace.sent(9.3)
    pace.succeeded(9.4, in_flight=1)
    assert pace.limit == 10


def test_a_probe_that_fails_otherwise_does_not_block_the_rest():
    pace = Pace(4)
    pace.sent(0.0)
    pace.refused(0.1, sent_at=0.0, retry_after_s=1.0)
    pace.sent(1.1)
    assert pace.limit == 1
    pace.failed()
    assert pace.limit == 4


def test_refusals_of_requests_that_were_under_way_are_echoes():
    pace = Pace(10)
    pace.sent(0.0)
    pace.succeeded(0.5, in_flight=1)
    assert pace.refused(1.0, sent_at=0.9, retry_after_s=None)
    rate = pace.rate
    assert not pace.refused(1.1, sent_at=0.95, retry_after_s=None)
    assert pace.rate == rate


@pytest.mark.parametrize("at_once", [1, 3, 6])
def test_503_brings_the_number_in_flight_down_and_calm_brings_it_back(at_once):
    server = Crowded(at_once)
    traffic = flow(server, retry=Retry(budget=40)).run(300)
    assert traffic.given_up == 0
    assert len(traffic.overloaded) <= 60
    assert traffic.duration_s <= 1.8 * 300 * 0.055 / at_once
    pace = Pace(10)
    pace.overloaded(1.0, sent_at=0.9)
    lowered = pace.limit
    assert 1 <= lowered < 10
    for moment in range(100):
        pace.succeeded(2.0 + moment / 10, in_flight=10)
    assert pace.limit == 10


def test_503_never_brings_the_number_in_flight_below_one():
    pace = Pace(3)
    for moment in range(50):
        pace.overloaded(float(moment), sent_at=moment - 0.1)
    assert pace.limit == 1


@pytest.mark.parametrize("tasks", [1, 10])
def test_an_outage_gets_a_handful_of_retries(tasks):
    traffic = Flow(Shut(1e9, status=503), Pace(tasks), tasks=tasks).run(tasks)
    assert len(traffic.sent) <= tasks + 11
    assert traffic.given_up == tasks


def test_a_fifth_of_failures_passes_for_thousands_of_requests():
    chance, budget = Random(1), RetryBudget(Retry())
    for _ in range(3_000):
        while chance.random() < 0.2:
            assert budget.take()
        budget.success()


def test_the_budget_holds_no_more_than_it_began_with():
    budget = RetryBudget(Retry(budget=2, refill=0.5))
    budget.success()
    assert [budget.take() for _ in range(3)] == [True, True, False]
    budget.success()
    assert not budget.take()
    budget.success()
    assert budget.take()


@given(st.integers(1, 10**6), st.floats(0, 1, exclude_max=True), st.floats(0, 120) | st.none())
def test_the_wait_is_full_jitter_on_top_of_retry_after(failures, chance, retry_after_s):
    retry = Retry()
    wait_s = retry.wait_s(failures, retry_after_s=retry_after_s, chance=chance)
    assert (retry_after_s or 0) <= wait_s <= (retry_after_s or 0) + retry.max_backoff_s


def test_the_wait_doubles_up_to_its_bound():
    waits = [Retry().wait_s(n, retry_after_s=None, chance=1.0) for n in range(1, 9)]
    assert waits == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
