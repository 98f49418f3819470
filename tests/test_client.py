"""The front door refuses what cannot be, and passes everything else on."""

from __future__ import annotations

import asyncio
import pickle
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
    Retry,
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


async def test_nonsense_is_refused_before_anything_is_sent() -> None:
    async with Client(hum()) as client:
        query = client.sessions(**WHOLE)
        for target in (None, 5):
            with pytest.raises(ConfigurationError, match="a path"):
                await query.pull(to=target)
        with pytest.raises(ConfigurationError, match="a number"):
            await query.first(None)
        for changes in ({"ordered": "yes"}, {"raw": 1}, {"on_progress": 5}):
            with pytest.raises(ConfigurationError, match=next(iter(changes))):
                query.with_options(**changes)


@pytest.mark.parametrize(
    "policy",
    [{"attempts": 0}, {"backoff_s": -5}, {"budget": float("nan")}, {"max_backoff_s": float("inf")}],
)
def test_an_impossible_retry_policy_is_refused(policy: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(policy))):
        Retry(**policy)


def test_a_client_cannot_be_pickled_and_says_so() -> None:
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(Client(hum()))


def test_a_client_belongs_to_one_event_loop() -> None:
    with FakeHum(rows=3).in_thread() as fake:
        client = Client(Hum(fake.token, base_url=fake.base_url))
        loop = asyncio.new_event_loop()
        assert loop.run_until_complete(client.sessions(**WHOLE).count()) == 3
        with pytest.raises(ConfigurationError, match="another event loop"):
            asyncio.run(client.sessions(**WHOLE).count())
        loop.run_until_complete(client.aclose())
        loop.close()


async def test_a_limit_bounds_estimate_and_first_alike() -> None:
    async with FakeHum(rows=500) as fake, Client(Hum(fake.token, base_url=fake.base_url)) as client:
        query = client.sessions(**WHOLE).with_options(limit=120)
        plan = await query.estimate()
        assert (plan.requests, plan.rows) == (3, 120)
        assert (await query.collect()).report.requests == 3
        assert await query.count() == 500
        assert len(await query.first(200)) == 120
        assert len(await query.first(2)) == 2
        assert (await query.with_options(limit=0).estimate()).requests == 0
