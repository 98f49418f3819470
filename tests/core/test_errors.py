"""The tree of errors: one root, nothing lost on the way through a pickle, and it says where."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime

import pytest

import asyncsessions
from asyncsessions import errors
from asyncsessions.core.report import Report
from asyncsessions.errors import (
    ConfigurationError,
    IncompleteError,
    InvalidQueryError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    SessionsError,
    TransportError,
    UnexpectedResponseError,
)

AT = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = [getattr(errors, name) for name in errors.__all__]
SPECIAL = {
    QuotaExceededError: {"limit": 5000, "used": 5000, "domain": "shop.example.com"},
    UnexpectedResponseError: {"path": "$.data[3].created_at"},
    IncompleteError: {"ranges": ((AT, AT),)},
}
WHERE = {
    "provider": "hum",
    "page": 7,
    "request": "GET https://api.example.com/x",
    "status": 418,
    "excerpt": "short and stout",
    "retry_after_s": 1.5,
}


def test_every_error_stands_in_one_tree_and_is_called_error():
    assert sorted(errors.__all__) == errors.__all__
    for name, kind in zip(errors.__all__, KINDS, strict=True):
        assert name.endswith("Error")
        assert issubclass(kind, SessionsError)
        assert getattr(asyncsessions, name) is kind


def test_the_tree_in_the_docstring_is_the_tree():
    for name in errors.__all__:
        assert f"{name}" in errors.__doc__
    found = {
        value.__name__
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    assert found == set(errors.__all__)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy]
    + [
        lambda error, protocol=protocol: pickle.loads(pickle.dumps(error, protocol))
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
    ],
)
def test_a_copy_has_every_attribute(kind, duplicate):
    error = kind("it broke", transient=True, **WHERE, **SPECIAL.get(kind, {}))
    error.report = Report(provider="hum", rows=3, as_of=(AT, AT))
    error.message += " (3 attempts)"
    twin = duplicate(error)
    assert type(twin) is kind
    assert vars(twin) == vars(error)
    assert (str(twin), twin.args) == (str(error), error.args)


@pytest.mark.parametrize("kind", KINDS)
def test_without_details_all_are_none(kind):
    error = kind("it broke")
    assert str(error) == "it broke"
    known = {key for key, value in vars(error).items() if value not in {None, ()}}
    assert known == {"message"}


def test_the_text_says_where_it_happened():
    assert str(SessionsError("it broke", **WHERE)) == (
        "it broke [hum, page 7, GET https://api.example.com/x, status 418]: short and stout"
    )
    assert str(SessionsError("it broke", page=0)) == "it broke [page 0]"
    assert str(SessionsError("it broke", excerpt="why")) == "it broke: why"
    assert str(UnexpectedResponseError("no number", path="$.total")) == "no number at $.total"


def test_at_fills_in_what_is_not_known_yet():
    error = SessionsError("it broke")
    assert error.at(provider="hum", page=2, request="GET x") is error
    assert (error.provider, error.page, error.request) == ("hum", 2, "GET x")


def test_at_keeps_what_is_known():
    error = SessionsError("it broke", provider="hum", page=0, request="GET x")
    error.at(provider="other", page=9, request="GET y")
    assert (error.provider, error.page, error.request) == ("hum", 0, "GET x")


def test_only_what_may_pass_is_transient():
    transient = {kind for kind in KINDS if kind("it broke").transient}
    assert transient == {RateLimitError, ServerError, TransportError}
    assert not ServerError("it broke", transient=False).transient
    assert UnexpectedResponseError("cut", transient=True).transient


def test_a_wrong_argument_is_a_value_error_too():
    assert issubclass(ConfigurationError, ValueError)
    assert issubclass(InvalidQueryError, ValueError)
