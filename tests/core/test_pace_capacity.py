"""The pace against servers whose capacity is known, and changes: how much of it is used, how much
is refused, and how soon; beside loops with a fixed number of workers.

Capacities are in requests at once, with 50 ms for each: 10 at once are 200 a second.
"""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncsessions.core.pace import Pace, Retry
from tests.core.traffic import Bucket, Crowd, Fixed, Flow, Line, Phases, Thrash, unlimited

WORK_S = 0.05
CHANGING = (10.0, 5.0, 10.0, 20.0)
PHASE_S = 4.0
PATIENT = Retry(attempts=50, budget=1e9)
KINDS = ["bucket", "crowd", "line", "thrash"]


def possible(at_once):
    return at_once / (WORK_S * 1.05)  # see `spread`


def asked(kind, capacities, *, pace=None, seed=1, retry=None):
    """Ask such a server for more pages than it can deliver in all phases, one page first."""
    pace = pace or Pace(32)
    server, latency_s = unlimited, WORK_S
    if kind == "bucket":
        rates = tuple(possible(at_once) for at_once in capacities)
        server = Phases(Bucket(rates[0], capacities[0]), "rate", rates, PHASE_S)
    elif kind == "crowd":
        server = Phases(Crowd(0), "at_once", capacities, PHASE_S)
    elif kind == "line":
        latency_s = Phases(Line(0), "at_once", tuple(map(int, capacities)), PHASE_S)
    else:
        latency_s = Phases(Thrash(0), "at_once", tuple(map(int, capacities)), PHASE_S)
    pace.sent(-WORK_S)
    pace.succeeded(0.0, in_flight=1, sent_at=-WORK_S)
    flow = Flow(
        *(server, pace, pace.concurrency, latency_s),
        spread=0.1,
        refusal_s=0.002,
        retry=retry or Retry(),
        chance=Random(seed),
    )
    flow.run(int(1.1 * sum(map(possible, capacities)) * PHASE_S))
    return flow


def use(flow, capacities, *, skip_s=0.0):
    """Return for each phase which share of the capacity was used, after so many seconds."""
    begins = [PHASE_S * phase for phase in range(len(capacities))]
    return [
        flow.traffic.rate(begin_s + skip_s, begin_s + PHASE_S) / possible(at_once)
        for begin_s, at_once in zip(begins, capacities, strict=True)
    ]


def refused(flow):
    traffic = flow.traffic
    return (len(traffic.refused) + len(traffic.overloaded)) / len(traffic.sent)


LEAST = {"bucket": 0.9, "crowd": 0.9, "line": 0.97, "thrash": 0.5}
LEAST_SETTLED = {"bucket": 0.95, "crowd": 0.9, "line": 0.97, "thrash": 0.65}
MOST_REFUSED = {"bucket": 0.04, "crowd": 0.04, "line": 0.0, "thrash": 0.0}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_of_a_steady_capacity_most_is_used_little_is_refused_and_no_page_is_lost(kind, seed):
    steady = (10.0, 10.0)
    flow = asked(kind, steady, seed=seed)
    begun, settled = use(flow, steady)
    assert begun >= LEAST[kind]
    assert settled >= LEAST_SETTLED[kind]
    assert refused(flow) <= MOST_REFUSED[kind]
    assert flow.traffic.given_up == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_capacity_that_halves_and_doubles_is_followed_within_two_seconds(kind, seed):
    flow = asked(kind, CHANGING, seed=seed)
    assert min(use(flow, CHANGING)) >= LEAST[kind] - 0.07
    assert min(use(flow, CHANGING, skip_s=2.0)) >= LEAST_SETTLED[kind] - 0.05
    assert refused(flow) <= MOST_REFUSED[kind]
    assert flow.traffic.given_up == 0


@pytest.mark.parametrize("workers", [1, 8])
@pytest.mark.parametrize("kind", ["bucket", "crowd", "line"])
def test_few_fixed_workers_leave_capacity_lying_about(kind, workers):
    flow = asked(kind, CHANGING, pace=Fixed(workers), retry=PATIENT)
    ours = asked(kind, CHANGING)
    assert sum(use(flow, CHANGING)) <= 0.85 * sum(use(ours, CHANGING))


@pytest.mark.parametrize("kind", ["bucket", "crowd"])
def test_many_fixed_workers_are_refused_four_times_as_often(kind):
    flow = asked(kind, CHANGING, pace=Fixed(32), retry=PATIENT)
    assert refused(flow) >= 4 * refused(asked(kind, CHANGING))


def test_many_fixed_workers_wait_much_longer_in_line():
    waits = [
        sum(arrived - sent for sent, arrived in flow.travels) / len(flow.travels)
        for flow in (asked("line", CHANGING), asked("line", CHANGING, pace=Fixed(32)))
    ]
    assert waits[1] >= 1.6 * waits[0]


def test_many_fixed_workers_get_half_where_they_hinder_each_other():
    flow = asked("thrash", CHANGING, pace=Fixed(32))
    assert sum(use(flow, CHANGING)) <= 0.6 * sum(use(asked("thrash", CHANGING), CHANGING))


# --------------------------------------------------------------------------- no growth while idle


def limited_to_40(seconds, *, every_s):
    """Let a pace learn of a limit, then send one request every so many seconds; return the rate."""
    flow = Flow(Bucket(40, 4), Pace(10))
    flow.run(200)
    pace, learnt = flow.pace, flow.pace.rate
    now = flow.traffic.duration_s + every_s
    for _ in range(int(seconds / every_s)):
        assert pace.wait_s(now) == 0
        pace.sent(now)
        pace.succeeded(now + 0.05, in_flight=1, sent_at=now)
        now += every_s
    return learnt, pace.rate


@pytest.mark.parametrize("every_s", [0.25, 1.0, 5.0])
def test_a_rate_that_nobody_waits_for_does_not_grow(every_s):
    learnt, after = limited_to_40(300, every_s=every_s)
    assert learnt <= after <= 1.2 * learnt


def test_calm_without_traffic_does_not_make_the_rate_jump_afterwards():
    flow = Flow(Bucket(40, 4), Pace(10))
    flow.run(200)
    pace, now = flow.pace, flow.traffic.duration_s + 600
    learnt = pace.rate
    for _ in range(20):
        now += pace.wait_s(now)
        pace.sent(now)
        pace.succeeded(now, in_flight=1)
    assert pace.rate <= 1.1 * learnt


# ------------------------------------------------------------------------------------ late timers


def sent_late(pace, *, late_s, requests=400):
    """Send where each timer fires so late; return the seconds from the first to the last."""
    begun_s = now = 1_000.0
    for _ in range(requests):
        now += (wait_s := pace.wait_s(now)) and wait_s + late_s
        pace.sent(now)
    return now - begun_s


def test_timers_that_fire_late_do_not_slow_down_a_rate_that_was_found():
    pace = Pace(32)
    pace.rate = 200.0
    assert sent_late(pace, late_s=0.004) == pytest.approx(399 / 200, abs=0.02)


def test_what_is_later_than_5_ms_is_not_made_up_for_in_a_burst():
    pace = Pace(32)
    pace.rate = 200.0
    pace.sent(1_000.0)
    pace.sent(1_010.0)
    assert pace.wait_s(1_010.0) == pytest.approx(0.0)
    pace.sent(1_010.0)
    assert pace.wait_s(1_010.0) == pytest.approx(0.005)


def test_a_rate_of_the_callers_own_is_kept_even_if_timers_fire_late():
    assert sent_late(Pace(32, 200.0), late_s=0.004) == pytest.approx(399 * 0.009, abs=0.02)


# ----------------------------------------------------------------------------------------- 503


def test_refusals_of_one_crowd_are_one_piece_of_news_while_others_succeed():
    pace = Pace(10)
    for _ in range(10):
        pace.sent(0.0)
    pace.succeeded(0.05, in_flight=10, sent_at=0.0)
    assert pace.overloaded(0.06, sent_at=0.0)
    assert not pace.overloaded(0.06, sent_at=0.0)
    assert pace.limit == 8
    assert pace.overloaded(0.2, sent_at=0.1)


def test_in_an_outage_every_refusal_is_news():
    pace = Pace(10)
    pace.sent(0.0)
    pace.succeeded(0.05, in_flight=1, sent_at=0.0)
    assert all(pace.overloaded(1.5, sent_at=1.4) for _ in range(10))
    assert pace.limit == 1


def test_what_was_worked_on_at_once_is_not_too_much_however_many_are_refused():
    pace, now = Pace(10), 0.0
    for _ in range(40):
        now += 0.01
        pace.succeeded(now, in_flight=7, sent_at=now - 0.055)
    for _ in range(9):
        pace.overloaded(now, sent_at=now - 0.05)
    assert pace.limit == 6  # the answers of the last 55 ms


# ------------------------------------------------------------------------------------- the laws

courses = st.lists(
    st.tuples(
        st.sampled_from("sfro"),
        st.floats(0, 3),  # until it is sent
        st.floats(0, 3),  # until it is answered
        st.floats(0, 5) | st.none(),  # Retry-After
    ),
    max_size=60,
)


def put_through(pace, course):
    now = 0.0
    for kind, pause_s, latency_s, retry_after_s in course:
        sent_at = now = now + max(pause_s, pace.wait_s(now))
        pace.sent(now)
        now += latency_s
        match kind:
            case "s":
                pace.succeeded(now, in_flight=1, sent_at=sent_at)
            case "f":
                pace.failed()
            case "r":
                pace.refused(now, sent_at=sent_at, retry_after_s=retry_after_s)
            case _:
                pace.overloaded(now, sent_at=sent_at)
        assert 1 <= pace.limit <= pace.concurrency
        assert pace.wait_s(now) <= 60 + (retry_after_s or 0)
    return now


@pytest.mark.slow
@given(st.integers(1, 40), courses)
def test_whatever_was_answered_all_of_the_concurrency_is_used_again_after_a_while(
    concurrency, course
):
    pace = Pace(concurrency)
    put_through(pace, course)
    flow = Flow(unlimited, pace, tasks=concurrency)
    done = flow.run(1500 + 60 * concurrency, begin_s=1e4).succeeded
    assert 200 / (done[-1] - done[-201]) >= 0.8 * concurrency / 0.06
