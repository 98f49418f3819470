"""Which pages may be taken for neighbours although the total changed while they were read."""

from __future__ import annotations

import pytest

from asyncsessions.core.tags import Tags


def read(tags, page, total):
    """Ask for a page, let it come at once, and return its reading."""
    tags.sent(page)
    return tags.received(page, total)


def parted(tags):
    """Read pages 1 and 2 while another total, 8, is told by page 3: nobody knows when it was cut.

    Page 4, asked for after both had come, tells theirs again.
    """
    for page in (1, 2, 3):
        tags.sent(page)
    pair = [tags.received(1, 9), tags.received(2, 9)]
    tags.sent(4)
    tags.received(3, 8)
    tags.received(4, 9)
    return pair


def test_a_single_change_parts_only_the_pages_beside_it():
    tags = Tags()
    readings = [read(tags, page, 9 if page <= 3 else 8) for page in range(1, 7)]
    verdicts = [tags.verdict(readings[above : above + 2]) for above in range(5)]
    assert verdicts == [True, False, False, True, None]


def test_pages_that_lie_beyond_a_change_are_trusted_once_it_stands_alone():
    tags = Tags()
    tags.sent(97)
    tags.sent(98)
    tags.withdrawn(97)
    tags.withdrawn(98)  # three were open at once: six answers would show that it stands alone
    readings = [read(tags, page, 9 if page <= 3 else 8) for page in range(1, 7)]
    assert tags.verdict(readings[0:2]) is True
    assert tags.verdict(readings[3:5]) is None
    for page in range(7, 11):
        read(tags, page, 8)
    assert tags.verdict(readings[3:5]) is True


def test_a_page_that_was_asked_for_before_a_change_and_tells_it_may_lie_on_either_side():
    tags = Tags()
    tags.sent(1)
    tags.sent(2)
    tags.received(1, 9)
    pair = [tags.received(2, 8), read(tags, 3, 8)]
    read(tags, 4, 8)
    assert tags.verdict(pair) is None


def test_a_straggler_that_tells_the_change_may_have_been_cut_between():
    tags = Tags()
    tags.sent(99)
    pair = [read(tags, 1, 9), read(tags, 2, 9)]
    read(tags, 3, 9)
    read(tags, 4, 8)
    tags.received(99, 8)
    assert tags.verdict(pair) is None


def test_a_change_stands_alone_once_enough_answers_asked_for_after_it_tell_nothing_newer():
    tags = Tags()
    pair = parted(tags)
    verdicts = []
    for page in range(5, 11):  # twice as many as were open at once
        read(tags, page, 8)
        verdicts.append(tags.verdict(pair))
    assert verdicts == [None] * 5 + [True]


@pytest.mark.parametrize(("pages_before", "is_trusted"), [(3, False), (4, True)])
def test_at_the_end_a_change_stands_alone_if_it_came_late_enough(pages_before, is_trusted):
    tags = Tags()
    for page in range(10, 10 + pages_before):
        read(tags, page, 9)
    pair = parted(tags)
    assert tags.verdict(pair) is None
    tags.end(adds_up=True)
    assert tags.verdict(pair) is is_trusted


def test_at_the_end_of_a_short_list_a_change_is_not_taken_to_stand_alone():
    tags = Tags()
    for page in (1, 2, 3):
        tags.sent(page)
    pair = [tags.received(1, 9), tags.received(2, 9)]
    read(tags, 4, 9)
    tags.received(3, 8)
    assert tags.verdict(pair) is None
    tags.end(adds_up=False)  # 9, 8, 9, 8 would have been told in the same way
    assert tags.verdict(pair) is False


@pytest.mark.parametrize("third", [7, 9])
def test_after_two_changes_no_total_is_believed(third):
    tags = Tags()
    pair = [read(tags, 1, 9), read(tags, 2, 9)]
    for page, total in enumerate((9, 8, third), 3):
        assert tags.are_believed
        read(tags, page, total)
    assert (tags.changes, tags.are_believed) == (2, False)
    assert tags.verdict(pair) is False
