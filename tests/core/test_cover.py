"""Each instant is covered once, by one answer, and what was delivered before is subtracted."""

from __future__ import annotations

from operator import attrgetter

from asyncsessions.core.answer import Answer, Portion
from asyncsessions.core.cover import Cover
from asyncsessions.core.tiles import Span
from asyncsessions.core.windows import Window, to_micros
from tests.core.model import Row, at


def seconds(first, last):
    """Return the instants from one second to right before another."""
    return Span(to_micros(at(first)), to_micros(at(last)))


OWNED = seconds(10, 20)
ROWS = [Row(second, at(second)) for second in range(25, 0, -1)]


def cover_of():
    """Return the cover of a window that owns the seconds 10 to 19 and asks for more."""
    return Cover(
        Window(OWNED, at(5), at(25)),
        started_at=attrgetter("started_at"),
        identity=attrgetter("name"),
    )


def rows_of(first, last):
    """Return a row for each of the seconds first..last, newest first."""
    return [row for row in ROWS if first <= row.number <= last]


def test_a_claim_is_clipped_to_what_the_window_owns():
    assert cover_of().claim(seconds(15, 25), rows_of(15, 24)) == [
        Portion(seconds(15, 20), rows_of(15, 19))
    ]


def test_a_claim_is_clipped_to_what_nobody_has_claimed():
    cover = cover_of()
    assert cover.claim(seconds(13, 15), rows_of(13, 14)) == [
        Portion(seconds(13, 15), rows_of(13, 14))
    ]
    assert cover.claim(seconds(10, 20), rows_of(10, 19)) == [
        Portion(seconds(10, 13), rows_of(10, 12)),
        Portion(seconds(15, 20), rows_of(15, 19)),
    ]
    assert cover.claim(seconds(10, 20), rows_of(10, 19)) == []


def test_what_is_claimed_is_not_unproven_and_what_is_left_is_but_for_what_was_covered():
    cover = cover_of()
    cover.claim(seconds(13, 15), rows_of(13, 14))
    assert cover.unproven.spans() == []
    cover.leave(seconds(12, 25), [])
    assert cover.unproven.spans() == [seconds(12, 13), seconds(15, 20)]


def test_what_is_left_is_delivered_newest_first_and_only_where_nothing_is_covered():
    cover = cover_of()
    cover.claim(seconds(13, 15), rows_of(13, 14))
    portions = cover.leave(seconds(12, 18), [rows_of(12, 15), rows_of(16, 24)])
    assert portions == [
        Portion(seconds(12, 13), rows_of(12, 12)),
        Portion(seconds(15, 18), rows_of(15, 17)),
    ]
    assert cover.claim(seconds(12, 18), rows_of(12, 17)) == []


def test_rows_beyond_what_is_left_are_not_delivered():
    cover = cover_of()
    assert cover.leave(seconds(13, 15), [rows_of(12, 16)]) == [
        Portion(seconds(13, 15), rows_of(13, 14))
    ]


def test_answers_that_share_rows_are_united_and_twins_count_as_in_the_one_with_most():
    twin, other = Row(1, at(12), name="twin"), Row(2, at(12), name="other")
    parts = [[twin], [twin, twin, other], [other, twin]]
    (portion,) = cover_of().leave(seconds(12, 13), parts)
    assert sorted(row.name for row in portion.rows) == ["other", "twin", "twin"]


def test_rows_that_were_given_are_subtracted_as_often_as_they_were_given():
    cover = cover_of()
    twin, other = Row(1, at(12), name="twin"), Row(2, at(12), name="other")
    cover.give([twin, twin])
    assert cover.claim(seconds(12, 13), [twin, other, twin, twin]) == [
        Portion(seconds(12, 13), [other, twin])
    ]


def test_rows_that_were_given_elsewhere_are_not_subtracted_from_what_is_clipped_away():
    cover = cover_of()
    twin, older = Row(1, at(12), name="twin"), Row(2, at(11), name="twin")
    cover.give([older])
    cover.claim(seconds(12, 13), [])
    # The row of second 12 is clipped, so the one that was given still counts for second 11.
    assert cover.claim(seconds(11, 13), [twin, older]) == [Portion(seconds(11, 12), [])]


def test_rows_that_were_given_are_remembered():
    cover = cover_of()
    cover.give(rows_of(12, 12))
    assert cover.not_given(rows_of(11, 13), free=False) == rows_of(13, 13) + rows_of(11, 11)
    assert cover.has_given(rows_of(12, 12)[0])
    assert not cover.has_given(rows_of(11, 11)[0])


def test_rows_count_as_free_only_where_nothing_is_covered():
    cover = cover_of()
    cover.claim(seconds(13, 15), [])
    cover.give(rows_of(12, 12))
    assert cover.not_given(rows_of(8, 16), free=True) == rows_of(15, 16) + rows_of(10, 11)


def test_a_span_is_free_while_an_owned_instant_of_it_is_not_covered():
    cover = cover_of()
    assert cover.is_free(seconds(5, 11))
    assert not cover.is_free(seconds(5, 10))
    cover.claim(Span(OWNED.lo, OWNED.hi - 1), [])
    assert cover.is_free(seconds(10, 25))
    assert not cover.is_free(seconds(10, 19))
    cover.claim(Span(OWNED.hi - 1, OWNED.hi), [])
    assert not cover.is_free(seconds(10, 25))


def test_rows_are_told_apart_by_their_instants():
    cover = cover_of()
    assert cover.owned(ROWS) == rows_of(10, 19)
    assert cover.after(ROWS, to_micros(at(20))) == rows_of(21, 25)
    one, two = Row(1, at(12)), Row(2, at(12))
    assert cover.newest_first([one, *rows_of(13, 13), two]) == [*rows_of(13, 13), one, two]


def test_of_an_answer_those_rows_are_within_a_span_whose_instants_it_holds():
    rows = [*rows_of(12, 14), *rows_of(8, 9)]  # in no order, as some lists are
    answer, cover = Answer(rows, [row.started_at for row in rows], 5), cover_of()
    for first in range(7, 16):
        for last in range(first, 16):
            span = seconds(first, last)
            assert [*cover.within(answer, span)] == cover.clipped(rows, span)
    edges = Span(to_micros(at(9)), to_micros(at(13)) + 1)
    assert cover.within(answer, edges) == [*rows_of(12, 13), *rows_of(9, 9)]
