"""The front door refuses what cannot be, and passes everything else on."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import aiohttp
import pytest

import asyncsessions
from asyncsessions import (
    AttributionHub,
    Client,
    ConfigurationError,
    Hum,
    InvalidQueryError,
    NotFoundError,
)
from asyncsessions.testing import FakeAttributionHub, FakeHum

WHOLE: dict[str, Any] = {"start": "2026-01-01", "end": "2026-03-31"}


def hum() -> Hum:
    return Hum("invented", environment="sandbox")


@pytest.mark.parametrize(
    "options",
    [
        {"concurrency": 0},
        {"concurrency": True},
        {"concurrency": 1.5},
        {"requests_per_second": 0},
        {"timeout_s": 0},
    ],
)
def test_impossible_settings_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        Client(hum(), **options)


@pytest.mark.parametrize(
    "changes",
    [
        {"consistency": "maybe"},
        {"on_incomplete": "shrug"},
        {"max_requests": -1},
        {"deadline_s": True},
        {"limit": -5},
    ],
)
def test_impossible_options_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(changes))):
        Client(hum()).sessions(**WHOLE).with_options(**changes)


def test_an_unknown_option_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        Client(hum()).sessions(**WHOLE).with_options(order=True)


def test_http_and_transport_exclude_each_other() -> None:
    with pytest.raises(ConfigurationError, match="not both"):
        Client(hum(), http=object(), transport=object())


def test_a_question_is_checked_when_it_is_asked() -> None:
    with pytest.raises(InvalidQueryError, match="later than end"):
        Client(hum()).sessions(start="2026-02-01", end="2026-01-01")


def test_reprs_show_the_question_and_no_secret() -> None:
    client = Client(Hum("canary-token", environment="sandbox"))
    shown = repr(client) + repr(client.sessions(**WHOLE))
    assert "canary" not in shown
    assert "2026-01-01" in shown


async def test_a_closed_client_says_so() -> None:
    client = Client(hum())
    await client.aclose()
    with pytest.raises(ConfigurationError, match="closed"):
        await client.ping()


async def test_hum_answers_for_one_session_and_to_a_ping() -> None:
    async with FakeHum(rows=60) as fake, Client(Hum(fake.token, base_url=fake.base_url)) as client:
        await client.ping()
        listed = (await client.sessions(**WHOLE).first())[0]
        detail = await client.session(listed.id)
        assert (detail.id, detail.started_at) == (listed.id, listed.started_at)
        with pytest.raises(NotFoundError):
            await client.session("unknown")


async def test_attributionhub_has_neither() -> None:
    provider = AttributionHub("invented", base_url="https://hub.example")
    async with Client(provider) as client:
        with pytest.raises(ConfigurationError, match="single session"):
            await client.session("x")
        with pytest.raises(ConfigurationError, match="costs nothing"):
            await client.ping()


async def test_the_callers_own_http_session_is_used_and_stays_open() -> None:
    async with FakeAttributionHub(rows=120) as fake, aiohttp.ClientSession() as http:
        provider = AttributionHub(fake.key, base_url=fake.base_url)
        async with Client(provider, http=http) as client:
            found = await client.sessions(**WHOLE).collect()
        assert len(found) == 120
        assert not http.closed


def test_every_public_name_can_be_had() -> None:
    for name in asyncsessions.__all__:
        assert getattr(asyncsessions, name) is not None
    assert set(asyncsessions.__all__) <= set(dir(asyncsessions))
    with pytest.raises(AttributeError, match="nonsense"):
        _ = asyncsessions.nonsense


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import asyncsessions, sys; asyncsessions.Client; asyncsessions.Hum;"
        "print([m for m in ('aiohttp', 'pyarrow', 'duckdb', 'cattrs', 'tenacity', 'rich')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
