"""Which pages may be taken for neighbours, from when their totals were asked for and came."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncsessions.core.tags import Tags


def read(tags, page, total):
    """Ask for a page, let it come at once, and return its reading."""
    tags.sent(page)
    return tags.received(page, total)


def test_pages_of_one_total_that_is_told_again_afterwards_are_trusted():
    tags = Tags()
    pair = [read(tags, 1, 9), read(tags, 2, 9)]
    assert tags.verdict(pair) is None
    read(tags, 3, 9)
    assert tags.verdict(pair) is True


def test_a_total_told_by_an_answer_that_was_asked_for_before_is_not_told_again():
    tags = Tags()
    tags.sent(3)
    pair = [read(tags, 1, 9), read(tags, 2, 9)]
    tags.received(3, 9)
    assert tags.verdict(pair) is None


def test_pages_of_two_totals_are_not_trusted():
    tags = Tags()
    older, newer = read(tags, 2, 9), read(tags, 1, 8)
    for page in (3, 4):
        read(tags, page, 8)
    assert tags.verdict([older, newer]) is False
    assert tags.verdict([newer, older]) is False


def test_another_total_in_between_parts_pages_of_equal_totals():
    tags = Tags()
    for page in (1, 2, 3):
        tags.sent(page)
    one = tags.received(1, 9)
    tags.received(3, 8)
    two = tags.received(2, 9)
    assert tags.changes == 1
    assert tags.verdict([one, two]) is False


def test_a_straggler_is_waited_for_for_a_while():
    tags = Tags()
    tags.sent(99)
    pair = [read(tags, 1, 9), read(tags, 2, 9)]
    waited = 0
    while tags.verdict(pair) is None:
        waited += 1
        read(tags, 2 + waited, 9)
    assert tags.verdict(pair) is True
    assert waited == 1 + 16 * 2  # two requests were under way at most


@pytest.mark.parametrize("does_come", [True, False])
def test_a_straggler_that_comes_or_never_will_is_waited_for_no_more(does_come):
    tags = Tags()
    tags.sent(99)
    pair = [read(tags, 1, 9), read(tags, 2, 9)]
    read(tags, 3, 9)
    assert tags.verdict(pair) is None
    if does_come:
        tags.received(99, 9)
    else:
        tags.withdrawn(99)
    assert tags.verdict(pair) is True


def test_an_open_request_that_was_sent_after_both_had_come_is_not_waited_for():
    tags = Tags()
    pair = [read(tags, 1, 9), read(tags, 2, 9)]
    tags.sent(99)
    read(tags, 3, 9)
    assert tags.verdict(pair) is True


@pytest.mark.parametrize("adds_up", [True, False])
def test_at_the_end_a_total_that_was_not_told_again_is_trusted_if_the_rows_add_up(adds_up):
    tags = Tags()
    pair = [read(tags, 1, 9), read(tags, 2, 9)]
    tags.end(adds_up=adds_up)
    assert tags.verdict(pair) is adds_up


def test_rows_that_add_up_to_the_last_total_do_not_vouch_for_the_total_before():
    tags = Tags()
    pair = [read(tags, 1, 9), read(tags, 2, 9)]
    later = [read(tags, 3, 8), read(tags, 4, 8)]
    tags.end(adds_up=True)
    assert tags.verdict(pair) is False
    assert tags.verdict(later) is True


def test_once_exposed_no_total_is_believed():
    tags = Tags()
    readings = [read(tags, page, 9) for page in (1, 2, 3)]
    tags.expose()
    assert (tags.changes, tags.are_believed) == (0, False)
    assert tags.verdict(readings[:2]) is False


def test_an_answer_that_is_laid_aside_is_open_until_it_is_read_and_came_when_it_came():
    tags = Tags()
    tags.sent(1)
    tags.came(1)
    tags.sent(2)
    tags.came(2)
    tags.sent(3)
    assert tags._most_open == 1
    pair = [tags.received(1, 9), tags.received(2, 9)]
    assert [(reading.sent, reading.received) for reading in pair] == [(1, 2), (3, 4)]
    assert tags.verdict(pair) is None
    tags.received(3, 9)
    assert tags.verdict(pair) is True


steps = st.lists(
    st.tuples(st.sampled_from(["ask", "answer", "read"]), st.sampled_from([8, 9, 9, 9, 9])),
    max_size=60,
)


@given(steps)
def test_reading_answers_later_does_not_change_what_they_prove(course):
    at_once, later = Tags(), Tags()
    open_pages, aside, readings, readings_later = [], [], [], []
    for page, (step, total) in enumerate(course):
        if step == "ask":
            at_once.sent(page)
            later.sent(page)
            open_pages.append(page)
        elif step == "answer" and open_pages:
            answered = open_pages.pop(page % len(open_pages))
            readings.append(at_once.received(answered, total))
            later.came(answered)
            aside.append((answered, total))
        elif step == "read":
            readings_later += [later.received(*answer) for answer in aside]
            aside.clear()
    readings_later += [later.received(*answer) for answer in aside]
    assert readings == readings_later
    assert (at_once.changes, at_once._most_open) == (later.changes, later._most_open)
    pairs = [readings[i : i + 2] for i in range(len(readings))]
    assert [*map(at_once.verdict, pairs)] == [*map(later.verdict, pairs)]


@given(steps)
def test_the_horizon_tells_the_same_as_the_verdict(course):
    tags, open_pages, readings = Tags(), [], []
    for page, (step, total) in enumerate(course):
        if step == "ask":
            tags.sent(page)
            open_pages.append(page)
        elif open_pages:
            readings.append(tags.received(open_pages.pop(page % len(open_pages)), total))
            horizon = tags.horizon
            for reading in readings if horizon is not None else ():
                assert (tags.verdict([reading]) is True) is (reading.received <= horizon)
                assert tags.verdict([reading]) in {True, None}
