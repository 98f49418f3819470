"""Ids for records that come without one: stable, distinct, and numbered where rows are twins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from asyncsessions.core.identity import derived_id, number_twins
from asyncsessions.core.records import Conversion, Exit, Session

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
fields = st.tuples(
    st.sampled_from([AT, AT + timedelta(microseconds=1)]),
    *[st.sampled_from([None, "", "none", "a", "b", "ab", '"', "a,b", "null"])] * 6,
)


def session_of(name, **keywords):
    return Session(provider="attributionhub", id=name, started_at=AT, **keywords)


@given(fields, fields)
def test_ids_are_equal_exactly_where_all_lasting_fields_are(one, other):
    assert (derived_id(*one) == derived_id(*other)) == (one == other)


@given(st.text(max_size=5), st.text(max_size=5), st.integers(0, 5))
def test_moving_a_border_between_two_fields_gives_another_id(left, right, cut):
    whole = left + right
    moved = (whole[:cut], whole[cut:])
    same = derived_id(AT, left, right, None, None, None, None) == derived_id(
        AT, *moved, None, None, None, None
    )
    assert same == (moved == (left, right))


def test_an_id_is_32_hexadecimal_digits_that_never_change():
    known = derived_id(AT, "google", "cpc", "summer_sale", None, "none", "/shoes")
    assert known == "1e88ba521eb6d881b67a3104e7a62173"


@given(st.lists(st.sampled_from("abc"), max_size=20), st.randoms(use_true_random=False))
def test_the_set_of_ids_does_not_depend_on_the_order_of_the_twins(names, chance):
    sessions = [session_of(name) for name in names]
    numbered = [session.id for session in number_twins(sessions)]
    shuffled = [session.id for session in number_twins(chance.sample(sessions, len(sessions)))]
    assert len(set(numbered)) == len(names)
    assert sorted(numbered) == sorted(shuffled)


def test_the_first_twin_keeps_the_bare_id():
    ids = [session.id for session in number_twins([session_of(name) for name in "aabaa"])]
    assert ids == ["a", "a-2", "b", "a-3", "a-4"]


def test_what_lands_later_changes_no_number():
    early = [session_of("a"), session_of("a")]
    late = [
        evolve(early[0], exit=Exit(at=AT), duration=timedelta(1)),
        evolve(early[1], conversion=Conversion(email="someone@example.com")),
    ]
    assert [s.id for s in number_twins(early)] == [s.id for s in number_twins(late)]


def test_counts_can_be_carried_from_one_call_to_the_next():
    seen = {}
    assert [s.id for s in number_twins([session_of("a")], seen)] == ["a"]
    assert [s.id for s in number_twins([session_of("a")], seen)] == ["a-2"]
    assert [s.id for s in number_twins([session_of("a")])] == ["a"]
