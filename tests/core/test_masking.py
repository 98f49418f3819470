"""What the vendor sent is shown in one bounded line that gives nobody away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncsessions.core.masking import LIMIT, READ, masked

SECRET = "canary/0123456789+abcdef=="


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        (b"", ""),
        ("no such page", "no such page"),
        ("  two\r\n\tlines  ", "two lines"),
        (b"caf\xc3\xa9", "café"),
        (b"\xff\xfe\x00", "���"),
        ("\x1b[2Jgone\x07\u202e", "�[2Jgone��"),
        (f"key {SECRET} is wrong", "key *** is wrong"),
        (f"{SECRET}{SECRET}", "******"),
        ('{"key":"canary\\/0123456789+abcdef=="}', '{"key":"***"}'),
        ("?key=canary%2F0123456789%2Babcdef%3D%3D&x", "?key=***&x"),
        ("mail jo.do+x@mail.example.com now", "mail *** now"),
        ('{"email":"jo@example.com","zip":1}', '{"email":"***","zip":1}'),
        ("<a href='mailto:jo@example.com'>", "<a href='mailto:***'>"),
        ("/thanks?email=jo%40example.com", "***"),
        ("jo&#64;example.com", "***"),
        ('"jo\\u0040example.com"', '"***"'),
        ("jö@bücher.example", "***"),
    ],
)
def test_secrets_addresses_and_controls_are_masked(text, shown):
    assert masked(text, [SECRET]) == shown


def test_the_longer_of_two_secrets_is_masked_first():
    assert masked("abcdef abc", ["", "abc", "abcdef"]) == "*** ***"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"no user {SECRET[:8]}", "no user ***"),
        (f"no user {SECRET[:17]}... here", "no user ***... here"),
        (f"no user ...{SECRET[-9:]}", "no user ...***"),
        (f"{SECRET[3:12]} and {SECRET[10:20]}", "*** and ***"),
        (f"{SECRET[:7]} is too short to tell", f"{SECRET[:7]} is too short to tell"),
    ],
)
def test_a_piece_of_a_secret_is_masked(text, shown):
    assert masked(text, [SECRET]) == shown


@given(st.text(), st.integers(0, len(SECRET)), st.integers(0, len(SECRET)), st.text())
def test_no_eight_characters_of_a_secret_are_shown(before, start, end, after):
    shown = masked(before + SECRET[start:end] + after, [SECRET])
    assert not any(SECRET[at : at + 8] in shown for at in range(len(SECRET) - 7))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("got Bearer abc.def-1, no good", "got Bearer ***, no good"),
        ("Authentication: abc def\r\nHost: x", "Authentication: *** Host: x"),
        ("authorization:Bearer abc", "authorization:***"),
        ('{"Authentication": "abc", "code": 1}', '{"Authentication": "***", "code": 1}'),
        ('"{\\"Authentication\\": \\"abc\\"}"', '"{\\"Authentication\\": \\"***\\"}"'),
        ("the bearer of bad news", "the bearer *** bad news"),
        ("authentication failed", "authentication failed"),
    ],
)
def test_credentials_of_any_kind_are_masked(text, shown):
    assert masked(text, []) == shown


@given(st.text() | st.binary(), st.integers(0, 3))
def test_the_text_is_bounded_and_printable(text, times):
    shown = masked(text * 10**times, [SECRET])
    assert len(shown) <= LIMIT
    assert shown.isprintable()
    assert "a@b" not in shown


@given(st.text(), st.text())
def test_an_address_is_masked_whatever_surrounds_it(before, after):
    assert "jo@example.com" not in masked(f"{before}jo@example.com{after}", [])


@pytest.mark.parametrize("hidden", [SECRET, "jo.do@example.com"])
@pytest.mark.parametrize("filler", [" ", "x ", "a@b.example "])
@pytest.mark.parametrize("edge", [LIMIT, READ])
def test_nothing_shows_at_the_edge_where_the_text_is_cut(hidden, filler, edge):
    # Fillers that shrink bring what lies at the far edge of the text read into sight.
    for offset in range(len(hidden) + 2):
        text = (filler * edge)[: edge - offset] + hidden + filler * edge
        shown = masked(text, [SECRET])
        assert hidden[:4] not in shown
        assert len(shown) <= LIMIT


def test_a_long_text_ends_with_an_ellipsis_and_a_fitting_one_does_not():
    assert masked("x" * LIMIT, []) == "x" * LIMIT
    assert masked("x" * (LIMIT + 1), []) == "x" * (LIMIT - 1) + "…"
    assert masked("x" * (2 * READ), []) == "x" * (LIMIT - 1) + "…"
    assert masked(" " * (2 * READ), []) == "…"
