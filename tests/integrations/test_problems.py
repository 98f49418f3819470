from typing import get_args

import pytest

from asyncsessions import errors
from asyncsessions.errors import InvalidQueryError, ServerError, SessionsError
from asyncsessions.integrations._fastapi.problems import (
    OF_ERROR,
    Problem,
    Reason,
    problem_of,
    problem_response,
)

ERRORS = [getattr(errors, name) for name in errors.__all__ if name != "SessionsError"]
OF_THE_APP = {"api_key_missing", "api_key_refused", "not_found"}


@pytest.mark.parametrize("kind", ERRORS)
def test_every_error_of_the_tree_has_a_status_and_a_reason_of_its_own(kind):
    problem = problem_of(kind("it went wrong"))
    assert problem.status >= 422
    assert [reason for other, _, reason in OF_ERROR if other is kind] == [problem.reason]


def test_every_reason_is_somebodys():
    assert {reason for _, _, reason in OF_ERROR} | OF_THE_APP == set(get_args(Reason))


def test_an_error_that_nobody_has_foreseen_is_the_apps_own_fault():
    assert problem_of(SessionsError("new")).status == 500


def test_nothing_of_the_vendors_own_answer_is_repeated():
    error = ServerError(
        "the vendor failed",
        provider="hum",
        request="GET https://hum.example/analytics?token_ids[]=1",
        excerpt="<h1>somebody@example.com</h1>",
    )
    text = problem_response(problem_of(error)).body.decode()
    assert "example" not in text
    assert "the vendor failed" in text


def test_a_wait_is_told_in_whole_seconds_rounded_up():
    answer = problem_response(problem_of(InvalidQueryError("x", retry_after_s=1.2)))
    assert answer.headers["retry-after"] == "2"
    assert "retry-after" not in problem_response(problem_of(InvalidQueryError("x"))).headers


def test_what_is_not_known_is_left_out():
    problem = Problem(title="A", status=500, reason="misconfigured", detail="b")
    assert problem_response(problem).body == (
        b'{"title":"A","status":500,"reason":"misconfigured","detail":"b"}'
    )
