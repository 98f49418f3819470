"""What the type checkers refuse in tests/typing is refused at run time, too."""

from __future__ import annotations

import pytest

from asyncsessions import Client, InvalidQueryError
from tests.providers.answers import AHUB, HUM

START = "2025-03-01"


@pytest.mark.parametrize(
    "name", ["source", "medium", "campaign", "content", "term", "landing_page"]
)
def test_hum_has_no_filters_of_attributionhub(name):
    with pytest.raises(TypeError, match=name):
        Client(HUM).sessions(start=START, **{name: "x"})


@pytest.mark.parametrize("name", ["token_ids", "with_clicks"])
def test_attributionhub_has_no_filters_of_hum(name):
    with pytest.raises(TypeError, match=name):
        Client(AHUB).sessions(start=START, **{name: True})


@pytest.mark.parametrize("provider", [HUM, AHUB])
def test_the_start_is_required_and_everything_has_a_name(provider):
    with pytest.raises(TypeError, match="start"):
        Client(provider).sessions()
    with pytest.raises(TypeError, match="positional"):
        Client(provider).sessions(START)
    with pytest.raises(TypeError, match="ordered"):
        Client(provider).sessions(start=START, ordered=False)


def test_values_of_another_type_are_refused():
    for wrong in ({"with_clicks": "yes"}, {"token_ids": "x"}, {"start": 3}):
        with pytest.raises(InvalidQueryError, match=next(iter(wrong))):
            Client(HUM).sessions(**{"start": START, **wrong})
    with pytest.raises(InvalidQueryError, match="campaign"):
        Client(AHUB).sessions(start=START, campaign=3)
