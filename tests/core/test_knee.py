"""The limit that latencies set: a queue is found, and what is no queue costs next to nothing."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncsessions.core.knee import Knee
from asyncsessions.core.pace import Pace
from tests.core.traffic import Fixed, Flow, Line, Phases, Thrash, unlimited


def traffic(latency_s, *, concurrency=32, pages=3000, pace=None, spread=0.2, seed=1, first_s=None):
    """Fetch from a server without limits; ``first_s`` is the latency of a page that goes ahead."""
    pace = pace or Pace(concurrency)
    if first_s is not None:
        pace.sent(-first_s)
        pace.succeeded(0.0, in_flight=1, sent_at=-first_s)
    flow = Flow(*(unlimited, pace, concurrency, latency_s), spread=spread, chance=Random(seed))
    flow.run(pages)
    return flow


def duration_s(latency_s, **how):
    return traffic(latency_s, **how).traffic.duration_s


class Rounds:
    """A knee that is told of one round after the other, each with one latency."""

    def __init__(self, most, *, first_s=None):
        self.knee = Knee(most)
        self.now = 0.0
        if first_s is not None:
            self.knee.answered(first_s, sent_at=0.0, in_flight=1)

    def go(self, *latencies, in_flight=None):
        """Answer as many as the knee waits for, and return the limits after each round."""
        return [self._one(latency_s, in_flight) for latency_s in latencies]

    def _one(self, latency_s, in_flight):
        waiting = 0
        while len(self.knee._latencies) >= waiting:
            waiting = len(self.knee._latencies)
            self.now += 100.0  # so late that all were sent after the last change
            crowd = self.knee.limit if in_flight is None else in_flight
            self.knee.answered(self.now, sent_at=self.now - latency_s, in_flight=crowd)
        return self.knee.limit


# ------------------------------------------------------------------ where there is no queue


@pytest.mark.parametrize("concurrency", [1, 8, 16, 64])
@pytest.mark.parametrize("latency_s", [0.0, 0.001, 0.05, 0.09])
def test_a_constant_latency_of_less_than_100_ms_is_never_met_by_a_lower_number(
    latency_s, concurrency
):
    how = {"concurrency": concurrency, "pages": 1000, "spread": 0.0}
    assert duration_s(latency_s, **how) == duration_s(latency_s, pace=Fixed(concurrency), **how)


@pytest.mark.parametrize("concurrency", [2, 8, 64])
@pytest.mark.parametrize("latency_s", [0.2, 3.0])
def test_a_constant_long_latency_costs_a_fiftieth_in_a_pull_of_3000_pages(latency_s, concurrency):
    alone = duration_s(latency_s, concurrency=concurrency, pace=Fixed(concurrency))
    assert duration_s(latency_s, concurrency=concurrency) <= alone * 51 / 50


@pytest.mark.parametrize(("sigma", "share"), [(0.3, 0.97), (0.6, 0.95), (1.0, 0.85)])
@pytest.mark.parametrize("concurrency", [8, 32])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_noise_costs_little(sigma, share, concurrency, seed):
    def page_2700_at(pace):
        chance = Random(seed)
        noisy = lambda now, in_flight: 0.3 * chance.lognormvariate(0, sigma)
        flow = traffic(noisy, concurrency=concurrency, pace=pace, seed=seed, first_s=0.1)
        return flow.traffic.succeeded[2700]  # behind it a single slow one would decide

    assert page_2700_at(Pace(concurrency)) <= page_2700_at(Fixed(concurrency)) / share


@pytest.mark.parametrize("concurrency", [8, 32])
def test_a_first_page_that_came_from_a_cache_is_forgotten(concurrency):
    flow = traffic(0.3, concurrency=concurrency, first_s=0.001)
    assert flow.pace.limit == concurrency
    assert 3000 * 0.33 / concurrency >= 0.95 * flow.traffic.duration_s


def test_a_network_that_becomes_slower_is_used_as_before():
    flow = traffic(lambda now, in_flight: 0.2 if now < 5 else 0.9, first_s=0.2)
    assert flow.pace.limit == 32
    assert flow.traffic.rate(10, 30) >= 0.9 * 32 / 0.99


def test_a_queue_of_our_own_that_is_short_is_left_alone():
    limits = Rounds(64, first_s=0.001).go(*[0.09] * 40)
    assert set(limits) == {64}


# ------------------------------------------------------------------------ where there is one


@pytest.mark.parametrize("at_once", [1, 4, 10, 20])
@pytest.mark.parametrize("first_s", [0.05, None])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_line_at_the_server_becomes_short_and_the_server_stays_busy(at_once, first_s, seed):
    flow = traffic(Line(at_once), concurrency=64, first_s=first_s, seed=seed, spread=0.1)
    done, half_s = flow.traffic, flow.traffic.duration_s / 2
    possible = at_once / 0.05 / 1.05
    assert len(done.succeeded) / done.duration_s >= 0.95 * possible
    late = [arrived - sent for sent, arrived in flow.travels if sent > half_s]
    assert sum(late) / len(late) <= max(2.5 * 0.05, 4 * 0.05 / at_once)


@pytest.mark.parametrize("at_once", [5, 10, 20])
def test_where_too_many_hinder_each_other_there_is_more_than_twice_of_what_64_at_once_get(at_once):
    alone_s = duration_s(Thrash(at_once), concurrency=64, pace=Fixed(64), first_s=0.05)
    assert duration_s(Thrash(at_once), concurrency=64, first_s=0.05) <= alone_s / 2


def test_a_knee_that_halves_and_doubles_is_followed():
    phases = (10, 5, 10, 20)
    flow = traffic(Phases(Line(0), "at_once", phases, 4.0), first_s=0.05, spread=0.1, pages=3400)
    for phase, at_once in enumerate(phases):
        begin_s = 4.0 * phase
        assert flow.traffic.rate(begin_s, begin_s + 4) >= 0.9 * at_once / 0.0525
        settled = [
            arrived - sent for sent, arrived in flow.travels if begin_s + 2 <= sent < begin_s + 4
        ]
        assert sum(settled) / len(settled) <= 2.5 * 0.05


def test_without_a_quick_first_page_the_line_is_found_by_a_look_now_and_then():
    rounds = Rounds(32)
    limits = rounds.go(*[0.4] * 17)
    assert limits == [32] * 16 + [24]


# ------------------------------------------------------------------------------- the rules


def test_one_slow_round_is_no_reason_for_a_trial_and_three_are():
    assert Rounds(32, first_s=0.06).go(0.3, 0.06, 0.3, 0.06, 0.3) == [32] * 5
    assert Rounds(32, first_s=0.06).go(0.3, 0.3, 0.3) == [32, 32, 16]


def test_a_number_that_did_not_help_is_put_back_and_the_next_trial_waits_longer():
    rounds = Rounds(32, first_s=0.06)
    assert rounds.go(0.3, 0.3, 0.3, 0.3) == [32, 32, 16, 32]
    assert rounds.go(0.8, 0.8, 0.8, 0.8, 0.8) == [32, 32, 32, 32, 16]


def test_a_number_that_helped_a_little_is_put_back_but_the_suspicion_stays():
    rounds = Rounds(32, first_s=0.06)
    assert rounds.go(0.3, 0.3, 0.3, 0.22) == [32, 32, 16, 32]
    assert rounds.go(0.3, 0.3, 0.3, 0.3, 0.3) == [32, 32, 32, 32, 16]


def test_a_number_that_helped_stays_and_one_that_did_not_help_enough_is_halved_at_once():
    assert Rounds(32, first_s=0.06).go(0.6, 0.6, 0.6, 0.3, 0.15) == [32, 32, 16, 8, 4]


def test_where_few_are_in_flight_nothing_is_tried_and_nothing_grows():
    rounds = Rounds(32, first_s=0.06)
    assert rounds.go(*[0.9] * 30, in_flight=10) == [32] * 30
    rounds.go(0.6, 0.6, 0.6, 0.3)
    assert rounds.knee.limit == 8
    rounds.go(0.06)
    grown = rounds.knee.limit
    assert rounds.go(*[0.06] * 30, in_flight=grown - 2) == [grown] * 30


def test_one_request_at_a_time_waits_for_nobody():
    assert Rounds(1, first_s=0.06).go(*[0.9] * 30) == [1] * 30


def test_where_nothing_waits_the_number_grows_by_a_quarter_a_round():
    rounds = Rounds(32, first_s=0.06)
    rounds.go(0.6, 0.6, 0.6, 0.3, 0.06)
    assert rounds.knee.limit == 8
    assert rounds.go(*[0.06] * 8) == [10, 12, 15, 18, 22, 27, 32, 32]


def test_where_a_little_waits_an_eighth_more_stays_if_the_latency_does_not_follow():
    rounds = Rounds(32, first_s=0.06)
    rounds.go(0.6, 0.6, 0.6, 0.3, 0.06)
    assert rounds.go(0.06, 0.06, 0.06, 0.06) == [10, 12, 15, 18]
    assert rounds.go(0.09, 0.09) == [20, 20]
    assert rounds.go(0.09, 0.09, 0.09) == [20, 20, 22]
    assert rounds.go(0.099) == [20]


# --------------------------------------------------------------------------------- the laws

answers = st.tuples(
    st.floats(0, 5),  # when it comes after the one before
    st.floats(0, 10),  # how long it took
    st.integers(1, 40),  # how many were in flight
)


@given(st.integers(1, 40), st.lists(answers, max_size=60), st.integers(1, 8))
def test_whatever_is_answered_the_number_stays_between_one_and_what_is_allowed(most, course, times):
    knee, now = Knee(most), 0.0
    for pause_s, latency_s, in_flight in course * times:
        now += pause_s
        knee.answered(now, sent_at=now - latency_s, in_flight=in_flight)
        assert 1 <= knee.limit <= most


@given(
    st.integers(1, 40),
    st.lists(st.tuples(st.floats(0, 5), st.integers(1, 40)), max_size=40),
    st.floats(0.001, 5),
)
def test_whatever_was_before_the_whole_number_comes_back_once_latencies_are_constant(
    most, course, latency_s
):
    rounds = Rounds(most)
    for before_s, in_flight in course:
        rounds.go(before_s, in_flight=in_flight)
    limits = rounds.go(*[latency_s] * 400)
    assert max(limits[300:]) == most


@given(st.integers(1, 64), st.floats(0.0, 0.099))
def test_a_latency_of_at_most_100_ms_changes_nothing(most, latency_s):
    assert set(Rounds(most).go(*[latency_s] * 40)) == {most}
