"""What an answer means, by its status."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from asyncsessions.core.http import Request, Response
from asyncsessions.core.verdict import judge
from asyncsessions.errors import (
    AuthenticationError,
    InvalidQueryError,
    NotFoundError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    TransportError,
    UnexpectedResponseError,
)

REQUEST = Request(method="GET", url="https://api.example.com/x", params=(("page", "3"),), page=3)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CANARY = "canary-7f3a91"


def verdict(status, body=b"", headers=None, read_refusal=lambda response: None):
    return judge(
        REQUEST,
        Response(status=status, headers=headers or {}, body=body),
        provider="hum",
        secrets=[CANARY],
        read_refusal=read_refusal,
        now=NOW,
    )


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_a_success_is_no_error(status):
    assert verdict(status, read_refusal=None) is None


@pytest.mark.parametrize(
    ("status", "kind", "is_transient"),
    [
        (400, InvalidQueryError, False),
        (401, AuthenticationError, False),
        (403, PermissionDeniedError, False),
        (404, NotFoundError, False),
        (408, TransportError, True),
        (422, InvalidQueryError, False),
        (429, RateLimitError, True),
        (500, ServerError, True),
        (501, ServerError, False),
        (502, ServerError, True),
        (503, ServerError, True),
        (505, ServerError, False),
        (599, ServerError, True),
        (301, UnexpectedResponseError, False),
        (307, UnexpectedResponseError, False),
        (100, UnexpectedResponseError, False),
        (418, UnexpectedResponseError, False),
        (600, UnexpectedResponseError, False),
    ],
)
def test_every_status_has_its_error_which_says_where(status, kind, is_transient):
    error = verdict(status, b"why")
    assert type(error) is kind
    assert error.transient is is_transient
    assert (error.status, error.page, error.provider) == (status, 3, "hum")
    assert error.request == "GET https://api.example.com/x"
    assert error.excerpt == "why"
    assert error.retry_after_s is None


def test_what_is_special_to_the_vendor_goes_first():
    quota = QuotaExceededError("used up", limit=5, excerpt="its own")
    error = verdict(429, b"body", read_refusal=lambda response: quota)
    assert error is quota
    assert (error.status, error.excerpt, error.limit) == (429, "its own", 5)


@pytest.mark.parametrize(
    ("body", "excerpt"),
    [
        (b"", None),
        (b" \r\n ", None),
        (b"<html>\n <h1>Bad</h1></html>", "<html> <h1>Bad</h1></html>"),
        (b"\x1f\x8b\x00\xff", "\ufffd" * 3),
        (f"token {CANARY} of jo@example.com".encode(), "token *** of ***"),
    ],
)
def test_the_excerpt_is_fit_to_be_shown(body, excerpt):
    error = verdict(500, body)
    assert error.excerpt == excerpt
    assert CANARY not in str(error)


def test_the_excerpt_of_a_huge_body_is_bounded():
    assert len(verdict(500, b"x " * 10**6).excerpt) <= 200


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "Thu, 01 Jan 2026 00:00:30 GMT"}, 30.0),
        (
            {
                "retry-after": "Thu, 01 Jan 2026 00:00:30 GMT",
                "date": "Thu, 01 Jan 2026 00:00:20 GMT",
            },
            10.0,
        ),
        ({"retry-after": "Thu, 01 Jan 2026 00:00:30 GMT", "date": "junk"}, 30.0),
        ({"retry-after": "junk"}, None),
    ],
)
def test_retry_after_is_reckoned_from_the_servers_own_date(headers, seconds):
    assert verdict(503, headers=headers).retry_after_s == seconds
