"""Tests of the tenants that a file names: what is taken, and one sentence for each mistake."""

import pickle

import pytest

from asyncsessions.core.tenants import Tenant, parse_tenants
from asyncsessions.errors import ConfigurationError

ACME = {"name": "acme", "provider": "hum", "environment": "sandbox", "key_env": "ACME_HUM_TOKEN"}
SECRET = "sk_live_aB3dE5fG7hI9jK1l"


def parsed(*tenants, defaults=None, **options):
    data = {"tenants": list(tenants)}
    if defaults is not None:
        data["defaults"] = defaults
    return parse_tenants(data, **options)


def refused(*tenants, **given):
    with pytest.raises(ConfigurationError) as caught:
        parsed(*tenants, **given)
    return caught.value.message


def test_a_tenant_is_read_with_all_that_it_says():
    limits = {
        "concurrency": 2,
        "requests_per_second": 2.5,
        "max_requests": 100,
        "deadline_s": 60,
        "consistency": "strict",
    }
    (tenant,) = parsed({**ACME, **limits, "filters": {"with_clicks": True}})
    assert tenant == Tenant(
        name="acme",
        provider="hum",
        environment="sandbox",
        key_env="ACME_HUM_TOKEN",
        filters={"with_clicks": True},
        **limits,
    )


def test_defaults_hold_for_tenants_that_say_nothing_else():
    first, second = parsed(
        {"name": "a", "key_env": "A"},
        {"name": "b", "key_env": "B", "concurrency": 2, "base_url": "https://b.example"},
        defaults={"provider": "hum", "environment": "sandbox", "concurrency": 4},
    )
    assert (first.provider, first.environment, first.concurrency) == ("hum", "sandbox", 4)
    assert (second.environment, second.base_url, second.concurrency) == (
        None,
        "https://b.example",
        2,
    )


def test_a_provider_without_credentials_needs_no_variable():
    table = {"name": "acme", "provider": "open"}
    assert parsed(table, keyless={"open"})[0].key_env is None
    assert "key_env is missing" in refused(table)


def test_a_tenant_travels_to_another_process():
    (tenant,) = parsed({**ACME, "filters": {"with_clicks": True}})
    assert pickle.loads(pickle.dumps(tenant)) == tenant


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"conncurrency": 3}, "tenant acme: there is no 'conncurrency': did you mean concurrency?"),
        ({"zzz": 3}, "tenant acme: there is no 'zzz', only name, provider, key_env"),
        ({"name": "a/b"}, "letters, digits, dots"),
        ({"name": 5}, "letters, digits, dots"),
        ({"provider": ""}, "tenant acme: provider must be the name of one"),
        ({"base_url": "https://x.example"}, "give base_url or environment, not both"),
        ({"environment": ""}, "environment must be a text that is not empty"),
        ({"environment": 1}, "environment must be a text that is not empty"),
        ({"filters": "with_clicks"}, "filters must be a table"),
        ({"settings": 3}, "settings must be a table"),
        ({"concurrency": 0}, "concurrency must be a whole number of at least 1"),
        ({"concurrency": True}, "concurrency must be a whole number of at least 1"),
        ({"max_requests": 1.5}, "max_requests must be a whole number of at least 1"),
        ({"requests_per_second": 0}, "requests_per_second must be a number of more than 0"),
        ({"deadline_s": "9"}, "deadline_s must be a number of more than 0"),
        ({"deadline_s": True}, "deadline_s must be a number of more than 0"),
        ({"consistency": "most"}, "consistency must be 'off' or 'count' or 'strict'"),
    ],
)
def test_each_mistake_has_a_sentence_that_names_it(change, said):
    assert said in refused({**ACME, **change})


def test_plain_http_to_another_machine_is_refused():
    table = {"name": "acme", "provider": "hum", "key_env": "A", "base_url": "http://far.example"}
    said = refused(table)
    assert said.startswith("tenant acme: base_url is plain http to far.example")
    assert parsed({**table, "base_url": "http://127.0.0.1:8000"})[0].environment is None


@pytest.mark.parametrize("missing", ["name", "provider", "key_env"])
def test_what_every_tenant_needs_is_named_when_it_is_missing(missing):
    table = {key: value for key, value in ACME.items() if key != missing}
    where = "tenant number 1" if missing == "name" else "tenant acme"
    assert refused(table).startswith(f"{where}: {missing} is missing")


@pytest.mark.parametrize(
    "change",
    [
        {"key_env": SECRET},
        {"key_env": "AKIA5INVENTED7EXAMPLE3"},
        {"key_env": "A" * 65},
        {"key_env": 17},
        {"key": SECRET},
        {"token": SECRET},
        {"api_key": SECRET},
        {"settings": {"client_secret": SECRET}},
    ],
)
def test_a_key_in_the_file_is_refused_and_not_repeated(change):
    said = refused({**ACME, **change})
    assert "tenant acme" in said
    assert "variable" in said
    assert SECRET not in said
    assert "AKIA" not in said


def test_two_tenants_of_one_name_are_refused():
    assert refused(ACME, ACME) == "there are two tenants of the name acme"


def test_names_that_differ_in_case_only_are_refused_since_they_name_files():
    said = refused(ACME, {**ACME, "name": "Acme"})
    assert said == "the tenants acme and Acme have names that differ in case only"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "the file has no tenants"),
        ({"tenants": []}, "the file has no tenants"),
        ({"tenants": {"a": 1}}, "write [[tenants]]"),
        ({"tenants": "acme"}, "write [[tenants]]"),
        ({"tenants": ["acme"]}, "write [[tenants]]"),
        ({"tenant": [ACME]}, "there is no 'tenant': did you mean tenants?"),
        ({"tenants": [ACME], "defaults": 3}, "write [defaults]"),
        ({"tenants": [ACME], "defaults": {"name": "x"}}, "[defaults]: there is no 'name'"),
        ({"tenants": [ACME], "defaults": {"concurency": 2}}, "did you mean concurrency?"),
    ],
)
def test_a_file_of_another_shape_is_refused(data, said):
    with pytest.raises(ConfigurationError) as caught:
        parse_tenants(data)
    assert said in caught.value.message
