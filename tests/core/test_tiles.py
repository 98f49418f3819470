"""Tiles against a model that counts instants one by one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from asyncsessions.core.tiles import Span, Tiles

spans = st.builds(Span, st.integers(0, 40), st.integers(0, 40))


def instants(span: Span) -> set[int]:
    return set(range(span.lo, span.hi))


def runs(covered: set[int]) -> list[Span]:
    """Return the stretches of a set of instants, ascending."""
    begins = sorted(covered - {instant + 1 for instant in covered})
    ends = sorted({instant + 1 for instant in covered} - covered)
    return [Span(lo, hi) for lo, hi in zip(begins, ends, strict=True)]


@given(st.lists(spans, max_size=12), spans)
def test_claims_return_what_was_free_and_cover_exactly_their_union(claims, question):
    tiles, covered = Tiles(), set()
    for span in claims:
        assert tiles.claim(span) == runs(instants(span) - covered)
        covered |= instants(span)
        assert tiles.spans() == runs(covered)  # disjoint, ascending, neighbours melted
    assert tiles.gaps(question) == runs(instants(question) - covered)
    assert tiles.spans() == runs(covered)


@given(st.lists(spans, max_size=12))
def test_no_instant_is_given_out_twice(claims):
    tiles = Tiles()
    given_out = [
        instant for span in claims for part in tiles.claim(span) for instant in instants(part)
    ]
    assert len(given_out) == len(set(given_out))


@given(spans, spans)
def test_the_common_part_of_two_spans_holds_what_both_hold(one, two):
    assert instants(one & two) == instants(one) & instants(two)
    assert bool(one) == bool(instants(one))
    assert all(one.holds(instant) == (instant in instants(one)) for instant in range(-1, 42))


def test_a_list_read_from_one_end_is_a_single_stretch():
    tiles = Tiles()
    for instant in range(1000, 0, -1):
        assert tiles.claim(Span(instant, instant + 1)) == [Span(instant, instant + 1)]
    assert tiles.spans() == [Span(1, 1001)]
