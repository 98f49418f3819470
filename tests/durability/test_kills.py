"""Pulls that are killed: nothing missing, nothing doubled, nothing paid for twice."""

from __future__ import annotations

import pytest

from tests.durability.killing import KINDS, VENDORS, Course, run_course

CONCURRENCY = 4


def check(course: Course) -> None:
    assert not course.problems
    assert (course.missing, course.doubled) == (0, 0)
    assert 0 <= course.wasted <= course.kills * CONCURRENCY
    assert course.requests <= course.ledger <= course.requests + course.kills * CONCURRENCY


@pytest.mark.slow
@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_pull_that_is_killed_and_run_again_is_exact_and_cheap(tmp_path, kind, vendor):
    course = run_course(
        tmp_path, kind, vendor=vendor, kills=3, seed=len(kind), concurrency=CONCURRENCY
    )
    check(course)
    assert course.kills >= 1


@pytest.mark.nightly
@pytest.mark.timeout(3_000)
@pytest.mark.parametrize("kind", KINDS)
def test_200_kills_at_random_moments_leave_nothing_missing_and_nothing_doubled(
    tmp_path_factory, kind
):
    kills, seed = 0, 100
    while kills < 200:
        seed += 1
        vendor = list(VENDORS)[seed % 2]
        folder = tmp_path_factory.mktemp("course")
        course = run_course(
            folder, kind, vendor=vendor, kills=6, seed=seed, concurrency=CONCURRENCY
        )
        check(course)
        kills += course.kills


@pytest.mark.slow
def test_10_000_rows_with_five_kills_take_at_most_1_4_requests_a_page(tmp_path):
    course = run_course(
        tmp_path,
        "duckdb",
        kills=5,
        seed=5,
        rows=10_000,
        concurrency=8,
        latency_s=0.03,
        most_between=60,
    )
    assert not course.problems
    assert course.kills == 5
    assert (course.missing, course.doubled) == (0, 0)
    assert course.requests <= 1.4 * course.pages
