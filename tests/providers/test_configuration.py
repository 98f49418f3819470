"""The decisions C: addresses, headers, credentials."""

from __future__ import annotations

import logging
import pickle
import traceback

import pytest

from asyncsessions import (
    AttributionHub,
    ConfigurationError,
    Hum,
    QuotaExceededError,
    SessionsError,
    UnexpectedResponseError,
)
from asyncsessions.core.http import Response, Secret
from tests.providers.answers import AHUB, HUM, KEY, TOKEN, page_with, windows_of
from tests.providers.scripted import collected

VARIABLES = (
    "HUM_API_TOKEN",
    "HUM_ENVIRONMENT",
    "HUM_BASE_URL",
    "ATTRIBUTIONHUB_API_KEY",
    "ATTRIBUTIONHUB_BASE_URL",
)


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def first_request(provider, vendor):
    query = provider.query(start="2025-03-01", end="2025-03-02")
    return provider.page_request(query, windows_of(vendor, query.start, query.end)[0], 1)


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("sandbox", "https://api-sandbox.letshum.com"),
        ("production", "https://api.letshum.com"),
    ],
)
def test_hum_has_two_named_environments(name, host):
    """C1: each name means one host."""
    request = first_request(Hum(TOKEN, environment=name), "hum")
    assert request.url == f"{host}/analytics/sessions"


@pytest.mark.parametrize(
    "address",
    [
        {},
        {"environment": "sandbox", "base_url": "https://hum.example.com"},
        {"environment": "prod"},
        {"environment": ["sandbox"]},
        {"base_url": "hum.example.com"},
    ],
)
def test_hum_refuses_no_address_two_addresses_and_unknown_ones(address):
    """C1: nobody reads production by accident; the message names the variables."""
    with pytest.raises(ConfigurationError, match=r"HUM_ENVIRONMENT|HUM_BASE_URL"):
        Hum(TOKEN, **address)


@pytest.mark.parametrize(
    "given",
    [
        "https://hub.example.com",
        "https://hub.example.com/",
        "https://hub.example.com/api/v1/sessions",
        "https://hub.example.com/api/v1/sessions/",
    ],
)
def test_attributionhub_joins_its_path_exactly_once(given):
    """C2: with or without the slash, with or without the path."""
    request = first_request(AttributionHub(KEY, base_url=given), "attributionhub")
    assert request.url == "https://hub.example.com/api/v1/sessions"


def test_a_prefix_of_a_gateway_is_kept():
    """C2: what stands before the vendor's path belongs to the address."""
    hub = AttributionHub(KEY, base_url="https://gateway.example.com/hub/")
    assert first_request(hub, "attributionhub").url.endswith(".com/hub/api/v1/sessions")


def test_attributionhub_has_no_default_address():
    """C2: the vendor publishes none, so none is guessed."""
    with pytest.raises(ConfigurationError, match="ATTRIBUTIONHUB_BASE_URL"):
        AttributionHub(KEY, base_url="")


def test_the_credentials_travel_in_the_documented_headers():
    """C3: Hum's is a bearer token, AttributionHub's header is Authentication, without a word."""
    hum, hub = first_request(HUM, "hum"), first_request(AHUB, "attributionhub")
    assert dict(hum.headers) == {"Authorization": f"Bearer {TOKEN}"}
    assert dict(hub.headers) == {"Authentication": KEY, "Content-Type": "application/json"}


@pytest.mark.parametrize(
    "secret",
    ["", " ", "two words", "line\n", "tab\t", "Bearer abc", "bearer", "schlüssel", None, 3],
)
@pytest.mark.parametrize("make", ["hum", "attributionhub"])
def test_a_key_that_cannot_be_right_is_refused_before_any_request(make, secret):
    """C4: empty, white space, the word Bearer, what no header can carry."""
    with pytest.raises(ConfigurationError, match=r"HUM_API_TOKEN|ATTRIBUTIONHUB_API_KEY") as caught:
        if make == "hum":
            Hum(secret, environment="sandbox")
        else:
            AttributionHub(secret, base_url="https://hub.example.com")
    assert "abc" not in str(caught.value)


def everything_shown(error):
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    report = error.report.to_dict() if error.report else ""
    return (
        "".join(told.format())
        + repr(error)
        + str(error.args)
        + str(pickle.dumps(error))
        + str(report)
    )


ECHO = "hello visitor@example.com, your key {secret} is fine"


@pytest.mark.parametrize("vendor", ["hum", "attributionhub"])
@pytest.mark.parametrize("status", [200, 400, 500])
def test_neither_secrets_nor_personal_data_are_shown(vendor, status, caplog):
    """C5: what the vendor echoes is masked in texts, tracebacks, pickles and reports."""
    caplog.set_level(logging.DEBUG)
    secret = TOKEN if vendor == "hum" else KEY
    echo = ECHO.format(secret=secret)
    changes = {"request_status": "error", "message": echo} if vendor == "hum" else {"error": echo}
    private = {"address": {"street1": "12 Canary Row"}} if vendor == "hum" else {}
    sent = page_with(vendor, private, **changes)
    error, _ = collected(
        vendor, lambda _: Response(status=status, headers=sent.headers, body=sent.body)
    )
    assert isinstance(error, SessionsError)
    shown = everything_shown(error) + caplog.text
    assert "visitor@" not in shown
    assert secret not in shown
    assert status != 200 or ("Canary Row" not in shown and "hello ***" in shown)


def unreal(vendor):
    """Return an answer with personal data in front of a time that is not in the calendar."""
    row = {
        "address": {"street1": "12 Canary Row"},
        "conversion": {"email": "visitor@example.com"},
        "created_at": "0001-01-01T00:00:00+10:00",
        "timestamp": "0001-01-01T00:00:00+10:00",
    }
    return page_with(vendor, row)


@pytest.mark.parametrize("vendor", ["hum", "attributionhub"])
def test_an_answer_that_cannot_be_read_leaves_no_trace_of_its_people(vendor):
    """C5: the frames of the error hold neither the body nor what was decoded of it."""
    provider = HUM if vendor == "hum" else AHUB
    with pytest.raises(UnexpectedResponseError) as caught:
        provider.read_page(unreal(vendor), page=1)
    assert caught.value.__context__ is None
    shown = everything_shown(caught.value)
    assert "Canary Row" not in shown
    assert "visitor@" not in shown


WRONG = [Secret("canary secret"), Secret("Bearer canary"), Secret("canary-secret")]


@pytest.mark.parametrize("secret", range(3))
@pytest.mark.parametrize("vendor", ["hum", "attributionhub"])
def test_a_provider_that_cannot_be_made_shows_no_secret_either(vendor, secret):
    """C5: in none of the frames of the complaint."""
    with pytest.raises(ConfigurationError) as caught:
        make_wrongly(vendor, WRONG[secret])
    shown = everything_shown(caught.value)
    assert "base_url=''" in shown
    assert "canary" not in shown


def make_wrongly(vendor, secret):
    if vendor == "hum":
        Hum(secret, base_url="ftp://hum.example.com")
    AttributionHub(secret, base_url="ftp://hub.example.com")


def test_reprs_show_the_address_and_not_the_secret():
    """C5: repr and str of providers and requests."""
    for provider, vendor, secret in ((HUM, "hum", TOKEN), (AHUB, "attributionhub", KEY)):
        request = first_request(provider, vendor)
        shown = repr(provider) + repr(request) + str(request) + repr(provider.secrets)
        assert provider.base_url in shown
        assert secret not in shown


@pytest.mark.parametrize("vendor", ["hum", "attributionhub"])
def test_a_redirect_is_an_error_and_is_told_as_one(vendor):
    """C6: it is not followed, not retried, and base_url is named."""
    moved = Response(status=302, headers={"location": "https://elsewhere.example.com"})
    error, requests = collected(vendor, lambda _: moved)
    assert isinstance(error, UnexpectedResponseError)
    assert "redirect" in str(error)
    assert "base_url" in str(error)
    assert len(requests) == 1


def test_the_domain_that_a_used_up_quota_belongs_to_is_told():
    """C7: a key belongs to one domain; another one than expected should be seen."""
    body = b'{"error":"API monthly limit exceeded.","limit":5,"used":5,"domain":"other.example"}'
    error, requests = collected("attributionhub", lambda _: Response(status=429, body=body))
    assert isinstance(error, QuotaExceededError)
    assert error.domain == "other.example"
    assert "other.example" in error.message
    assert len(requests) == 1


@pytest.mark.parametrize("host", ["hub.example.com", "127.0.0.2", "localhost.example.com"])
def test_plain_http_is_refused_except_to_loopback(host):
    """C8: a key never travels unprotected."""
    with pytest.raises(ConfigurationError, match="unprotected"):
        Hum(TOKEN, base_url=f"http://{host}")
    Hum(TOKEN, base_url="http://127.0.0.1:8080")
    AttributionHub(KEY, base_url="http://localhost:8080")


def test_both_vendors_can_be_set_up_from_the_environment(environment):
    """C9: the variables of both vendors, and arguments that come first."""
    environment.setenv("HUM_API_TOKEN", TOKEN)
    environment.setenv("HUM_ENVIRONMENT", "sandbox")
    assert Hum.from_env().base_url == "https://api-sandbox.letshum.com"
    assert Hum.from_env(environment="production").base_url == "https://api.letshum.com"
    assert Hum.from_env(base_url="https://hum.example.com").base_url == "https://hum.example.com"
    environment.setenv("HUM_ENVIRONMENT", "")
    environment.setenv("HUM_BASE_URL", "https://hum.example.com")
    assert Hum.from_env().base_url == "https://hum.example.com"
    environment.setenv("ATTRIBUTIONHUB_API_KEY", KEY)
    environment.setenv("ATTRIBUTIONHUB_BASE_URL", "https://hub.example.com/")
    assert AttributionHub.from_env().base_url == "https://hub.example.com"
    other = AttributionHub.from_env(base_url="https://other.example.com")
    assert other.base_url == "https://other.example.com"


@pytest.mark.parametrize(
    ("make", "variables", "named"),
    [
        (Hum.from_env, {"HUM_ENVIRONMENT": "sandbox"}, "HUM_API_TOKEN"),
        (Hum.from_env, {"HUM_API_TOKEN": TOKEN}, "HUM_ENVIRONMENT"),
        (Hum.from_env, {"HUM_API_TOKEN": TOKEN}, "HUM_BASE_URL"),
        (Hum.from_env, {"HUM_API_TOKEN": TOKEN, "HUM_ENVIRONMENT": "live"}, "HUM_ENVIRONMENT"),
        (Hum.from_env, {"HUM_API_TOKEN": TOKEN, "HUM_BASE_URL": "ftp://x"}, "HUM_BASE_URL"),
        (
            AttributionHub.from_env,
            {"ATTRIBUTIONHUB_BASE_URL": "https://hub.example.com"},
            "ATTRIBUTIONHUB_API_KEY",
        ),
        (
            AttributionHub.from_env,
            {"ATTRIBUTIONHUB_API_KEY": KEY},
            "ATTRIBUTIONHUB_BASE_URL",
        ),
        (
            AttributionHub.from_env,
            {"ATTRIBUTIONHUB_API_KEY": KEY, "ATTRIBUTIONHUB_BASE_URL": "http://hub.example.com"},
            "ATTRIBUTIONHUB_BASE_URL",
        ),
    ],
)
def test_what_is_missing_or_wrong_in_the_environment_is_named(environment, make, variables, named):
    """C9: one sentence with the variable's name, and without its secret."""
    for name, value in variables.items():
        environment.setenv(name, value)
    with pytest.raises(ConfigurationError, match=named) as caught:
        make()
    assert TOKEN not in str(caught.value)


def test_two_addresses_in_the_environment_are_refused(environment):
    """C9: neither of them wins silently."""
    environment.setenv("HUM_API_TOKEN", TOKEN)
    environment.setenv("HUM_ENVIRONMENT", "sandbox")
    environment.setenv("HUM_BASE_URL", "https://hum.example.com")
    with pytest.raises(ConfigurationError, match=r"HUM_ENVIRONMENT.*HUM_BASE_URL"):
        Hum.from_env()
