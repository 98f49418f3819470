"""An address that is shown says whom we asked, but not for whom."""

from __future__ import annotations

import pytest

from asyncsessions.core.http import Request
from asyncsessions.core.redaction import redacted_url, server_of


def request(url="https://api.example.com/v1/sessions", **params):
    return Request(method="GET", url=url, params=tuple(params.items()))


def test_an_address_without_parameters_is_shown_as_it_is():
    assert redacted_url(request()) == "https://api.example.com/v1/sessions"


def test_only_values_that_are_known_to_be_harmless_are_shown():
    shown = redacted_url(request(page="3", email="a@example.com", key="k", with_clicks="true"))
    assert shown.endswith("?page=3&email=REDACTED&key=REDACTED&with_clicks=true")


def test_an_id_at_the_end_of_the_path_is_hidden_where_it_is_one():
    shown = redacted_url(request("https://api.example.com/sessions/a1b2"), hide_last=True)
    assert shown == "https://api.example.com/sessions/REDACTED"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.example.com/x", ("api.example.com", 443)),
        ("http://127.0.0.1:8080", ("127.0.0.1", 8080)),
        ("http://[::1]/x", ("::1", 80)),
        ("other://host", ("host", 0)),
        ("nonsense", ("", 0)),
    ],
)
def test_host_and_port_are_those_that_are_connected_to(url, expected):
    assert server_of(url) == expected
