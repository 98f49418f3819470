"""The decisions E: refusals, faults, and what is done about them."""

from __future__ import annotations

import asyncio
from email.utils import format_datetime

import pytest

from asyncsessions import (
    AuthenticationError,
    BudgetExceededError,
    InvalidQueryError,
    NotFoundError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    Retry,
    ServerError,
    SessionsError,
    TransportError,
    UnexpectedResponseError,
)
from asyncsessions.core.http import Response
from tests.providers.answers import AHUB, HUM, NOW, answered, fixture
from tests.providers.scripted import RANGE, Listed, asked_of, collected, made, pulled

vendors = pytest.mark.parametrize("vendor", ["hum", "attributionhub"])
QUOTA = fixture("attributionhub_quota.json").body


def refusal(body, **headers):
    return AHUB.read_refusal(answered(body, status=429, **headers))


@pytest.mark.parametrize(
    ("body", "figures"),
    [
        (
            {"error": "API monthly limit exceeded.", "limit": 9, "used": 8, "domain": "a.example"},
            (9, 8, "a.example"),
        ),
        ({"error": "Monthly limit."}, (None, None, None)),
        ({"limit": 9, "used": 9}, (9, 9, None)),
        ({"error": {"text": "monthly"}, "limit": "9", "domain": 7}, (None, None, None)),
        ({"error": "x", "limit": 10**30, "used": True}, (None, None, None)),
        ({"error": "monthly", "limit": -1, "domain": "a@example.com"}, (None, None, "***")),
    ],
)
def test_the_used_up_quota_is_known_by_its_figures_or_by_its_word(body, figures):
    """E1: limit and used together, or "monthly"; figures that are none are left out."""
    error = refusal(body, retry_after="1")
    assert isinstance(error, QuotaExceededError)
    assert (error.limit, error.used, error.domain) == figures
    assert not error.transient


def test_a_used_up_quota_ends_everything_at_once():
    """E1: no retry, even if told when; pages under way are the last; later calls send nothing."""
    listed = Listed("attributionhub", made("attributionhub", 1000))

    def script(request):
        if asked_of(request)["page"] == 1:
            return listed(request)
        return answered(QUOTA, status=429, retry_after="1")

    async def work(client):
        errors = []
        for _ in range(3):
            with pytest.raises(QuotaExceededError) as caught:
                await client.sessions(**RANGE).collect()
            errors.append(caught.value)
        return errors

    errors, requests = pulled("attributionhub", script, work, concurrency=4)
    assert len(requests) <= 1 + 4
    assert all((e.limit, e.used, e.domain) == (5000, 5000, "example.com") for e in errors)
    assert [error.report.requests for error in errors[1:]] == [0, 0]
    assert errors[0].report.retries == 0


@pytest.mark.parametrize(
    "body",
    [
        b"<html>slow down</html>",
        b"",
        b"[]",
        b'"monthly"',
        {"error": "Too many requests."},
        {"limit": 100, "remaining": 0},
    ],
)
@pytest.mark.parametrize(
    ("header", "is_worth_it"),
    [(None, False), ("3", True), (format_datetime(NOW, usegmt=True), True), ("soon", False)],
)
def test_any_other_429_of_attributionhub_is_repeated_only_if_it_says_when(
    body, header, is_worth_it
):
    """E2: each attempt may cost quota."""
    error = refusal(body, **({} if header is None else {"retry_after": header}))
    assert (type(error), error.transient) == (RateLimitError, is_worth_it)


def test_a_wait_that_is_too_long_is_not_waited_for():
    """E2: beyond two minutes by default the error is raised instead, with what was asked for."""
    error, requests = collected(
        "attributionhub", lambda _: answered(b"", status=429, retry_after="900")
    )
    assert (type(error), error.retry_after_s, len(requests)) == (RateLimitError, 900, 1)


@pytest.mark.parametrize("headers", [{}, {"retry_after": "2"}])
def test_hum_is_asked_again_after_a_429(headers):
    """E2: its limit passes; the wait is exponential with jitter, or what the vendor says."""
    listed = Listed("hum", made("hum", 10))
    refusals = [answered(b"", status=429, **headers) for _ in range(3)]
    found, requests = collected("hum", lambda r: refusals.pop() if refusals else listed(r))
    assert (len(found), len(requests), found.report.retries) == (10, 4, 3)
    assert found.report.waited_s >= (6 if headers else 0)
    assert HUM.read_refusal(answered(b"", status=429)) is None


@vendors
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidQueryError),
        (401, AuthenticationError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (405, UnexpectedResponseError),
        (422, InvalidQueryError),
        (501, ServerError),
        (505, ServerError),
    ],
)
def test_what_a_repetition_cannot_cure_is_not_repeated(vendor, status, kind):
    """E3: one request, one error of its own kind, with the vendor's words."""
    error, requests = collected(vendor, lambda _: answered({"error": "the word"}, status=status))
    assert (type(error), error.status, len(requests)) == (kind, status, 1)
    assert "the word" in str(error)
    assert (error.provider, error.page) == (vendor, 1)


def test_a_refused_key_hints_at_the_unusual_header():
    """E3: a proxy may drop it; a wrong key may also be answered with 403, which is unknown."""
    error = AHUB.read_refusal(answered({"error": "Missing API Key Header"}, status=401))
    assert isinstance(error, AuthenticationError)
    assert "'Authentication'" in str(error)
    assert AHUB.read_refusal(answered(b"", status=403)) is None


@vendors
@pytest.mark.parametrize("fault", [500, 502, 503, 504, 408, "lost"])
def test_what_can_pass_is_repeated_and_counted(vendor, fault):
    """E4: both requests only read, so they may be sent again; each counts."""
    listed = Listed(vendor, made(vendor, 10))
    faults = [TransportError("lost") if fault == "lost" else answered(b"", status=fault)]
    found, requests = collected(vendor, lambda r: faults.pop() if faults else listed(r))
    assert (len(found), len(requests)) == (10, 2)
    assert (found.report.requests, found.report.retries) == (2, 1)


@vendors
def test_the_budget_of_requests_includes_the_retries(vendor):
    """E4: what may cost money is bounded by the caller."""
    error, requests = collected(vendor, lambda _: answered(b"", status=503), max_requests=3)
    assert (type(error), len(requests)) == (BudgetExceededError, 3)


BODIES = {
    "an envelope": {"message": "no", "request_status": "error"},
    "an error object": {"error": {"code": 7}},
    "a web page": b"<html><body>Bad gateway</body></html>",
    "nothing": b"",
    "half": b'{"error": "no',
    "binary": b"\xff\xfe\x00",
    "long": b"x" * 100_000,
}


@vendors
@pytest.mark.parametrize("status", [302, 400, 403, 429, 500, 599, 700])
@pytest.mark.parametrize("body", list(BODIES))
def test_every_error_body_gives_a_typed_error_with_a_short_excerpt(vendor, status, body):
    """E5: status, method and address are named; the excerpt is bounded."""
    answer = answered(BODIES[body], status=status)
    error, requests = collected(vendor, lambda _: answer, retry=Retry(attempts=1))
    assert isinstance(error, SessionsError)
    assert (error.status, len(requests)) == (status, 1)
    method = "GET" if vendor == "hum" else "POST"
    assert error.request.startswith(f"{method} https://")
    assert len(error.excerpt or "") <= 200
    assert len(str(error)) < 600


@vendors
def test_a_cancellation_is_never_swallowed(vendor):
    """E6: it ends the pull at once, also in the middle of a wait between two attempts."""

    async def work(client):
        task = asyncio.create_task(client.sessions(**RANGE).collect())
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return len(asyncio.all_tasks())

    busy = answered(b"", status=503, retry_after="60")
    left, requests = pulled(vendor, lambda _: busy, work)
    assert (left, len(requests)) == (1, 1)


@vendors
def test_one_deadline_holds_over_all_attempts(vendor):
    """E6: a wait that would end after it is not begun."""
    busy = answered(b"", status=503, retry_after="60")
    error, requests = collected(vendor, lambda _: busy, deadline_s=90)
    assert (type(error), len(requests)) == (BudgetExceededError, 2)
    assert error.report.elapsed_s <= 90


@vendors
@pytest.mark.parametrize("ordered", [True, False])
def test_a_failure_says_what_was_delivered_before_it(vendor, ordered):
    """E7: the rows of earlier pages come first; the report never calls a part complete."""
    listed = Listed(vendor, made(vendor, 300))

    def script(request):
        page = int(asked_of(request)["page"])
        return answered(b"gone", status=404) if page == 3 else listed(request)

    async def work(client):
        seen = []
        with pytest.raises(NotFoundError) as caught:
            async for session in client.sessions(**RANGE).with_options(ordered=ordered):
                seen.append(session.id)
        return seen, caught.value

    (seen, error), _ = pulled(vendor, script, work)
    assert len(set(seen)) == len(seen) == error.report.rows
    assert len(seen) == 100 if ordered else len(seen) <= 250
    assert (error.page, error.report.complete) == (3, False)
    assert error.report.unproven


@pytest.mark.parametrize("status", [0, 102, 204, 226, 304, 418, 999])
def test_an_empty_answer_of_any_other_status_is_no_page(status):
    """E5: nothing found is said in words, never by silence."""
    empty = Response(status=status, body=b"")
    error, _ = collected("hum", lambda _: empty, retry=Retry(attempts=1))
    assert isinstance(error, UnexpectedResponseError)
