"""Parts are about equal, travel in a pickle, and tell page 1 only as long as it says something."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncsessions.core.parts import FRESH, SLACK, Counted, Part, Parts, packed
from asyncsessions.core.tiles import Span
from asyncsessions.core.windows import Window, to_micros

READ_AT = datetime(2026, 4, 1, tzinfo=UTC)
START = datetime(2026, 1, 1, tzinfo=UTC)


def counted(number, pages, *, body=b"{}"):
    begin, end = START + timedelta(days=number), START + timedelta(days=number + 1)
    window = Window(Span(to_micros(begin), to_micros(end)), begin, end)
    return Counted.of(window, body, total=pages * 50, pages=pages, read_at=READ_AT)


@given(
    pages=st.lists(st.integers(1, 400), min_size=1, max_size=60),
    aim=st.integers(1, 300),
    most=st.none() | st.integers(1, 20),
)
def test_every_window_is_in_one_part_and_the_parts_are_as_equal_as_the_windows_allow(
    pages, aim, most
):
    windows = [counted(number, size) for number, size in enumerate(pages)]
    parts = packed(windows, aim=aim, most=most)
    assert sorted(
        (each for part in parts for each in part.counted), key=lambda each: each.window.owned
    ) == sorted(windows, key=lambda each: each.window.owned)
    assert all(part.counted for part in parts)
    assert len(parts) <= min(len(pages), most or len(pages), -(-sum(pages) // aim))
    sizes = [sum(each.pages for each in part.counted) for part in parts]
    assert max(sizes) - min(sizes) <= max(pages)
    assert all(
        part.windows == sorted(part.windows, reverse=True, key=lambda w: w.owned) for part in parts
    )
    assert [part.windows[0].owned for part in parts] == sorted(
        (part.windows[0].owned for part in parts), reverse=True
    )


def test_parts_add_up():
    parts = Parts(parts=packed([counted(0, 3), counted(1, 5)], aim=4, most=None), spent=2)
    assert [(part.rows, part.requests) for part in parts.parts] == [(250, 4), (150, 2)]
    assert (parts.rows, parts.requests, parts.spent) == (400, 6, 2)


def test_a_part_in_a_pickle_is_the_same_part_and_does_not_show_what_it_was_told():
    part = Part(counted=(counted(0, 1, body=b'{"email": "somebody@example.com"}' * 100),))
    assert pickle.loads(pickle.dumps(part)) == part
    assert len(pickle.dumps(part)) < 1_000
    assert "page_1" not in repr(part)


@pytest.mark.parametrize(
    ("later", "is_told"),
    [
        (timedelta(0), True),
        (FRESH, True),
        (FRESH + timedelta(seconds=1), False),
        (-SLACK, True),
        (-SLACK - timedelta(seconds=1), False),
    ],
)
def test_an_answer_that_has_become_old_is_not_told(later, is_told):
    part = Part(counted=(counted(0, 1, body=b"the page"),))
    told = part.told(READ_AT + later)
    assert [answer.body for answer in told.values()] == ([b"the page"] if is_told else [])
    assert list(told) == (part.windows if is_told else [])
