"""The judgement of `make bench-pace`, on books that are made up."""

from __future__ import annotations

import pytest

from benchmarks.pace import Server, judge

STEADY = Server("knee", (1.0,), 4.0)


def answers(begin_s, end_s, *, rate, latency_s=0.05, status=200):
    count = round((end_s - begin_s) * rate)
    ends = [begin_s + (number + 0.5) / rate for number in range(count)]
    return [(end - latency_s, end, status) for end in ends]


def test_who_uses_all_without_a_queue_has_converged_at_once():
    found = judge(STEADY, answers(0, 4, rate=200))
    assert found.use == pytest.approx(1)
    assert found.refused == 0
    assert found.latency_ms == pytest.approx(50)
    assert found.converged_s == 0


def test_what_is_answered_after_the_end_does_not_count():
    assert judge(STEADY, answers(0, 8, rate=100)).use == pytest.approx(0.5)


@pytest.mark.parametrize(
    "bad",
    [
        answers(0, 4, rate=160),
        answers(0, 4, rate=200) + answers(0, 4, rate=30, status=429),
        answers(0, 4, rate=200, latency_s=0.15),
    ],
    ids=["too little used", "too many refused", "too long a queue"],
)
def test_who_never_has_a_good_half_second_never_converges(bad):
    assert judge(STEADY, bad).converged_s is None


def test_the_slowest_of_the_phases_counts():
    server = Server("crowd", (1.0, 0.5), 4.0)
    course = [
        *answers(0, 1, rate=20),
        *answers(1, 4, rate=200),
        *answers(4, 6, rate=20),
        *answers(6, 8, rate=100),
    ]
    found = judge(server, course)
    assert found.converged_s == pytest.approx(2, abs=0.15)
    assert found.use == pytest.approx((20 + 600 + 40 + 200) / 1200)
