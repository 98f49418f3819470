"""Options of the Spark source are checked before anything is asked, and none of them is a secret."""

from __future__ import annotations

import pickle
import sys
from types import ModuleType

import pytest

from asyncsessions import ConfigurationError, InvalidQueryError
from asyncsessions.core.http import Secret
from asyncsessions.integrations._spark.settings import Settings
from asyncsessions.integrations._spark.shares import Limits
from asyncsessions.testing import HUM_TOKEN_IDS

HUM = {"provider": "hum", "start": "2026-01-01", "environment": "sandbox"}
HUB = {"provider": "attributionhub", "start": "2026-03-02", "base_url": "https://hub.test"}
SECRET = "s3cret-that-nobody-may-see"


def refused(options, kind=ConfigurationError):
    with pytest.raises(kind) as caught:
        Settings.of(options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_every_option_of_hum_is_understood_in_any_case():
    settings = Settings.of(
        HUM
        | {
            "END": "2026-03-31",
            "Token_Ids": f"{HUM_TOKEN_IDS[0]}, {HUM_TOKEN_IDS[1]}",
            "with_clicks": "True",
            "max_concurrency": "16",
            "requests_per_second": "2.5",
            "max_requests": "500",
            "deadline_s": "60",
            "timeout_s": "5",
            "consistency": "strict",
            "on_incomplete": "warn",
            "rows_per_partition": "2000",
            "tasks_at_once": "4",
            "token_env": "ACME_TOKEN",
        }
    )
    assert settings.question == {
        "start": "2026-01-01",
        "end": "2026-03-31",
        "token_ids": HUM_TOKEN_IDS[:2],
        "with_clicks": True,
    }
    assert settings.settings == {"environment": "sandbox"}
    assert settings.limits == Limits(
        max_concurrency=16, requests_per_second=2.5, max_requests=500, tasks_at_once=4
    )
    assert (settings.timeout_s, settings.rows_per_partition) == (5.0, 2000)
    options = settings.options
    assert (options.consistency, options.on_incomplete) == ("strict", "warn")
    assert (options.deadline_s, options.ordered) == (60.0, False)
    assert pickle.loads(pickle.dumps(settings)) == settings


def test_the_filters_of_attributionhub_are_understood():
    filters = {
        name: f"a {name}"
        for name in ("source", "medium", "campaign", "content", "term", "landing_page")
    }
    assert Settings.of(HUB | filters).question == {"start": HUB["start"], "end": None} | filters


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, 'say which vendor: .option("provider", "hum")'),
        ({"provider": "hum"}, 'say from when: .option("start", "2026-01-31")'),
        (
            HUM | {"campaign": "x"},
            (
                "there is no option campaign for hum: there are base_url, consistency, "
                "deadline_s, end, environment, max_concurrency, max_requests, on_incomplete, "
                "provider, requests_per_second, rows_per_partition, start, tasks_at_once, "
                "timeout_s, token_env, token_ids, token_provider, with_clicks, with_reports"
            ),
        ),
        (HUM | {"with_clicks": "yes"}, "with_clicks must be true or false"),
        (HUM | {"max_concurrency": "0"}, "max_concurrency must be a whole number, more than 0"),
        (HUM | {"max_requests": "1.5"}, "max_requests must be a whole number, more than 0"),
        (HUM | {"deadline_s": "nan"}, "deadline_s must be a number, more than 0"),
        (HUM | {"requests_per_second": "inf"}, "requests_per_second must be a number, more than 0"),
        (HUM | {"consistency": "maybe"}, "consistency must be 'off' or 'count' or 'strict'"),
        (HUM | {"on_incomplete": "ignore"}, "on_incomplete must be 'raise' or 'warn'"),
        (
            HUM | {"token_env": "A", "token_provider": "a:b"},
            "give token_env or token_provider, not both",
        ),
        (
            {"provider": "hum", "start": "2026-01-01"},
            (
                "Hum needs either environment='sandbox' or 'production' (HUM_ENVIRONMENT), or "
                "base_url='https://…' (HUM_BASE_URL)"
            ),
        ),
        (
            {"provider": "nobody", "start": "2026-01-01"},
            (
                "there is no provider 'nobody', only attributionhub, hum: others come with "
                "packages of their own"
            ),
        ),
    ],
)
def test_a_wrong_option_is_refused_with_one_sentence(options, sentence):
    assert refused(options) == sentence


def test_a_question_that_makes_no_sense_is_refused():
    assert "later than end" in refused(HUM | {"end": "2025-01-01"}, InvalidQueryError)
    assert "UUIDs" in refused(HUM | {"token_ids": "x"}, InvalidQueryError)
    assert "AttributionHub needs base_url" in refused({**HUB, "base_url": ""})


@pytest.mark.parametrize(
    "name",
    ["token", "api_key", "HUM_API_TOKEN", "key", "password", "client_secret", "Authorization"],
)
def test_an_option_that_looks_like_a_credential_is_refused_without_showing_it(name):
    said = refused(HUM | {name: SECRET})
    assert said.startswith(f"{name.lower()} looks like a credential")
    assert "set HUM_API_TOKEN in the environment" in said
    assert SECRET not in said


@pytest.mark.parametrize("option", ["token_env", "token_provider"])
def test_a_token_in_the_place_of_a_name_is_refused_without_showing_it(option):
    said = refused(HUM | {option: SECRET})
    assert option in said
    assert SECRET not in said


def test_the_token_comes_from_the_vendors_variable_or_from_another(monkeypatch):
    monkeypatch.setenv("HUM_API_TOKEN", "one")
    monkeypatch.setenv("ACME_TOKEN", "other")
    assert Settings.of(HUM).secret() == "one"
    other = Settings.of(HUM | {"token_env": "ACME_TOKEN"}).secret()
    assert other == "other"
    assert isinstance(other, Secret)


def test_a_variable_that_is_not_set_is_not_shown_since_it_may_be_the_token(monkeypatch):
    monkeypatch.delenv("HUM_API_TOKEN", raising=False)
    with pytest.raises(ConfigurationError, match="no credentials: set HUM_API_TOKEN in the env"):
        Settings.of(HUM).secret()
    with pytest.raises(ConfigurationError) as caught:
        Settings.of(HUM | {"token_env": "abcdef0123456789"}).secret()
    assert "the variable that token_env names" in str(caught.value)
    assert "abcdef" not in str(caught.value)


@pytest.fixture
def vault(monkeypatch):
    module = ModuleType("invented_vault")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def test_the_token_comes_from_a_function_where_the_task_runs(vault):
    calls = []
    vault.hum_token = lambda: calls.append(1) or SECRET
    settings = Settings.of(HUM | {"token_provider": "invented_vault:hum_token"})
    assert calls == []
    assert settings.secret() == SECRET
    assert SECRET.encode() not in pickle.dumps(settings)
    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (lambda: 1 / 0, "failed with ZeroDivisionError"),
        (lambda: None, "returned no text"),
        (lambda: "", "returned no text"),
        (None, "failed with TypeError"),
    ],
)
def test_a_function_that_gives_no_token_is_told_without_its_words(vault, function, problem):
    vault.hum_token = function
    with pytest.raises(ConfigurationError) as caught:
        Settings.of(HUM | {"token_provider": "invented_vault:hum_token"}).secret()
    assert str(caught.value) == f"the function that token_provider names {problem}"
    assert caught.value.__cause__ is None
