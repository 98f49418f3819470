"""Tests of how many tenants may be pulled at the same time."""

from asyncsessions.core.admission import HELD_PAGES, Admission, Bounds


def admitted(admission, *, concurrency=4, most=500):
    """Let tenants begin as long as they may, and return how many that were."""
    for number in range(most):
        if not admission.may_begin(concurrency):
            return number
        admission.begin(f"t{number}", concurrency)
    return most


def test_no_more_tenants_than_that_begin():
    assert admitted(Admission(Bounds(tenants=7))) == 7


def test_the_requests_of_all_of_them_are_bounded():
    assert admitted(Admission(Bounds(connections=20)), concurrency=6) == 3


def test_only_a_few_begin_before_anything_is_known_of_them():
    admission = Admission(Bounds(unheard=3))
    assert admitted(admission) == 3
    assert admission.hear("t1", 100, page_size=50)
    assert not admission.hear("t1", 150, page_size=50)
    assert admission.may_begin(4)


def test_the_rows_that_may_wait_in_memory_are_bounded():
    admission = Admission(Bounds(rows=1_000))
    admission.begin("a", 1)
    admission.hear("a", 999, page_size=50)
    assert admission.may_begin(1)
    admission.begin("b", 1)
    admission.hear("b", 1, page_size=50)
    assert not admission.may_begin(1)
    admission.end("a")
    assert admission.may_begin(1)


def test_of_a_very_large_tenant_no_more_counts_than_is_held_at_a_time():
    admission = Admission(Bounds(rows=HELD_PAGES * 50 + 1))
    admission.begin("huge", 1)
    admission.hear("huge", 10**9, page_size=50)
    assert admission.may_begin(1)


def test_one_tenant_alone_may_always_begin():
    assert Admission(Bounds(connections=1, rows=1)).may_begin(100)
