"""Requests, responses, and what is refused before anything is sent."""

from __future__ import annotations

import copy
import pickle
import traceback

import pytest

from asyncsessions.core.http import Request, Response, Secret, base_url, checked_secret
from asyncsessions.errors import ConfigurationError

CANARY = "canary-7f3a91"
PATH = "/analytics/sessions"


def told(call):
    """Return all that a traceback with local variables shows of the frames below the test's."""
    with pytest.raises(ConfigurationError) as caught:
        call()
    stack = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    del stack.stack[:2]  # the frames of the test itself
    assert stack.stack
    return "".join(stack.format()) + repr(caught.value) + repr(caught.value.args)


@pytest.mark.parametrize("value", ["abc123", "a-._~+/=", "eyJhbGciOi.x.y", "bearerless"])
def test_a_plausible_secret_is_returned_as_it_is(value):
    secret = checked_secret(value, what="token", where="X")
    assert secret == value
    assert repr(secret) == "'***'"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "token is empty: give it, or set X"),
        (None, "token is empty"),
        (17, "token is empty"),
        ("Bearer abc", "without the word 'Bearer'"),
        ("bearer", "without the word 'Bearer'"),
        ("abc def", "white space"),
        ("abc\n", "white space"),
        ("abc\x00", "characters that cannot be sent"),
        ("\ufeffabc", "characters that cannot be sent"),
        ("schlüssel", "characters that cannot be sent"),
    ],
)
def test_a_secret_that_cannot_be_right_is_refused(value, message):
    with pytest.raises(ConfigurationError, match=message):
        checked_secret(value, what="token", where="X")


@pytest.mark.parametrize("form", ["Bearer {}", "{} x", "{}\n", "é{}"])
def test_a_refused_secret_is_in_no_traceback(form):
    assert CANARY not in told(lambda: checked_secret(form.format(CANARY), what="t", where="X"))


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("https://api.example.com", "https://api.example.com"),
        (" https://api.example.com/ ", "https://api.example.com"),
        ("https://api.example.com/v2//", "https://api.example.com/v2"),
        ("https://api.example.com/v2/analytics/sessions/", "https://api.example.com/v2"),
        ("https://api.example.com/analytics/sessions", "https://api.example.com"),
        ("https://api.example.com:8443", "https://api.example.com:8443"),
        ("HTTPS://API.example.com", "https://API.example.com"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.0.0.1", "http://127.0.0.1"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
    ],
)
def test_a_base_url_loses_its_slash_and_the_own_path_of_the_api(value, url):
    assert base_url(value, path=PATH) == url


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "must look like https://host"),
        ("api.example.com", "must look like https://host"),
        ("ftp://api.example.com", "must look like https://host"),
        ("https://", "must look like https://host"),
        ("https:///x", "must look like https://host"),
        (None, "must look like https://host"),
        ("https://jo:pw@api.example.com", "must hold no user name"),
        ("https://@api.example.com", "must hold no user name"),
        ("https://api.example.com?a=1", "must hold no user name, password, query"),
        ("https://api.example.com#x", "must hold no user name"),
        ("https://api.example.com:port", "is not a valid address"),
        ("https://api.example.com:99999", "is not a valid address"),
        ("https://[::1", "is not a valid address"),
        ("https://api.exam\nple.com", "is not a valid address"),
        ("https://api example.com", "is not a valid address"),
        ("https://api.example.com\\@x.example", "is not a valid address"),
        ("http://api.example.com", "plain http to api.example.com"),
        ("http://localhost.example.com", "plain http to localhost.example.com"),
        ("http://127.0.0.1.example.com", "plain http"),
    ],
)
def test_any_other_base_url_is_refused_with_the_name_of_the_setting(value, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        base_url(value, path=PATH, what="HUM_URL")
    assert str(caught.value).startswith("HUM_URL ")


@pytest.mark.parametrize("form", ["https://jo:{}@x.example", "https://x.example?key={}", "{}"])
def test_a_refused_base_url_is_in_no_traceback(form):
    assert CANARY not in told(lambda: base_url(form.format(CANARY), path=PATH))


def test_a_secret_shows_nothing_in_containers_and_copies():
    secret = Secret(CANARY)
    holders = [secret, [secret], {"Authorization": secret}, copy.deepcopy(secret)]
    holders.append(pickle.loads(pickle.dumps(secret)))
    assert CANARY not in repr(holders)


def test_headers_and_bodies_stay_out_of_the_repr():
    request = Request(method="GET", url="https://x", headers={"K": CANARY}, body=CANARY.encode())
    response = Response(status=200, headers={"k": CANARY}, body=CANARY.encode())
    assert CANARY not in repr(request) + repr(response) + str(request)
    assert str(request) == "GET https://x"


def test_the_full_url_has_its_query_string():
    params = (("token_ids[]", "a b"), ("token_ids[]", "c&d"))
    request = Request(method="GET", url="https://x/y", params=params)
    assert request.full_url == "https://x/y?token_ids%5B%5D=a+b&token_ids%5B%5D=c%26d"
    assert Request(method="GET", url="https://x/y").full_url == "https://x/y"
