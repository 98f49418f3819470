"""Tests of reading a file of tenants, and of making their providers."""

import pytest

from asyncsessions import Hum
from asyncsessions.core.tenants import Tenant
from asyncsessions.errors import ConfigurationError
from asyncsessions.tenants import make_provider, read_tenants
from asyncsessions.tenants.reading import check_tenant

FILE = """
[defaults]
provider = "hum"
environment = "sandbox"

[[tenants]]
name = "acme"
key_env = "ACME_TOKEN"
filters = { with_clicks = true }

[[tenants]]
name = "hubbed"
provider = "attributionhub"
base_url = "https://hub.example"
key_env = "HUBBED_KEY"
filters = { campaign = "summer" }
"""


def written(folder, text):
    path = folder / "tenants.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(path):
    with pytest.raises(ConfigurationError) as caught:
        read_tenants(path)
    return caught.value.message


def test_a_file_of_tenants_is_read_in_its_order(tmp_path):
    first, second = read_tenants(written(tmp_path, FILE))
    assert (first.name, first.provider, first.environment) == ("acme", "hum", "sandbox")
    assert (second.name, second.base_url, second.environment) == (
        "hubbed",
        "https://hub.example",
        None,
    )


def test_a_file_that_is_not_there_or_no_toml_is_named(tmp_path):
    assert refused(tmp_path / "none.toml").endswith("cannot be read: No such file or directory")
    assert "is not TOML: " in refused(written(tmp_path, "tenants = ["))
    assert refused(written(tmp_path, "a = " + "[" * 5000)).endswith("it nests too deeply")
    path = tmp_path / "latin.toml"
    path.write_bytes(b"# caf\xe9\n")
    assert refused(path).endswith("is not TOML: it is not UTF-8")
    with path.open("wb") as file:
        file.truncate((8 << 20) + 1)
    assert refused(path).endswith("it is larger than 8 MB")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('provider = "hum"', 'provider = "humm"', "there is no provider 'humm': did you mean hum?"),
        ("with_clicks", "with_click", "hum has no 'with_click': did you mean with_clicks?"),
        ("with_clicks = true", "with_clicks = 1", "with_clicks is True or False"),
        ('campaign = "summer"', 'campaign = ""', "campaign must be a text that is not empty"),
        ("with_clicks = true", 'start = "2026-01-01"', "start is the same for all tenants"),
        ('"sandbox"', '"sandbag"', "environment"),
        ('base_url = "https://hub.example"', "", "tenant hubbed: base_url is missing"),
        ('provider = "hum"\nenvironment = "sandbox"', 'provider = "hum"', "base_url"),
    ],
)
def test_what_a_provider_does_not_take_is_said_before_anything_is_asked(tmp_path, old, new, said):
    assert old in FILE
    path = written(tmp_path, FILE.replace(old, new))
    message = refused(path)
    assert message.startswith(f"{path}: tenant ")
    assert said in message


def test_an_address_that_a_provider_needs_is_missed():
    tenant = Tenant(name="a", provider="attributionhub", key_env="A")
    with pytest.raises(ConfigurationError, match="tenant a: base_url is missing"):
        check_tenant(tenant)


def test_a_provider_is_made_with_the_key_from_the_environment():
    tenant = Tenant(name="a", provider="hum", environment="sandbox", key_env="A_TOKEN")
    made = make_provider(tenant, {"A_TOKEN": "invented"})
    assert isinstance(made, Hum)
    assert list(made.secrets) == ["invented"]
    with pytest.raises(ConfigurationError, match="no credentials: A_TOKEN is not set"):
        make_provider(tenant, {})
