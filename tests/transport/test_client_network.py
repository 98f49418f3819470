"""Whole pulls over loopback: what the server counted is what the report says, however it goes."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import aiohttp
import pytest

from asyncsessions import (
    AttributionHub,
    AuthenticationError,
    BudgetExceededError,
    Client,
    Hum,
    QuotaExceededError,
    RateLimitError,
    Retry,
    ServerError,
    TransportError,
)
from asyncsessions.testing import FakeAttributionHub, FakeHum, Faults
from tests.transport.wire import answer, serving

QUICK = Retry(backoff_s=0.002, max_backoff_s=0.02)
WHOLE = {"start": "2026-01-01", "end": "2026-03-31"}


@asynccontextmanager
async def client_of(fake, **options):
    async with fake:
        provider = (
            Hum(fake.token, base_url=fake.base_url)
            if isinstance(fake, FakeHum)
            else AttributionHub(fake.key, base_url=fake.base_url)
        )
        async with Client(provider, **{"retry": QUICK, **options}) as client:
            yield client


@pytest.mark.parametrize("is_ours", [True, False])
@pytest.mark.parametrize("make", [FakeHum, FakeAttributionHub])
async def test_nothing_is_sent_again_behind_our_back(make, is_ours):
    fake = make(rows=1_000, hidden_close=True)
    patient = Retry(attempts=50, backoff_s=0.002, max_backoff_s=0.02, budget=1_000)
    async with (
        aiohttp.ClientSession() as http,
        client_of(fake, http=None if is_ours else http, concurrency=4, retry=patient) as client,
    ):
        sessions = await client.sessions(**WHOLE).collect()
    assert len(sessions) == 1_000
    assert sessions.report.requests == len(fake.requests)
    assert sessions.report.retries > 0


@pytest.mark.parametrize("make", [FakeHum, FakeAttributionHub])
async def test_the_callers_session_may_be_set_up_in_any_way(make):
    async def own(request, handler):
        return await handler(request)

    fake = make(rows=1_000, latency_s=0.005, faults=Faults(rate=0.1, kinds=("500", "reset")))
    async with (
        aiohttp.ClientSession(
            "http://127.0.0.1:9/",
            connector=aiohttp.TCPConnector(limit=2),
            headers={"Authorization": "Bearer somebody-elses", "Content-Type": "text/plain"},
            cookies={"a": "b"},
            raise_for_status=True,
            middlewares=(own,),
        ) as http,
        client_of(fake, concurrency=10, http=http) as client,
    ):
        sessions = await client.sessions(**WHOLE).collect()
        await client.aclose()
        assert not http.closed
    assert len(sessions) == 1_000
    assert sessions.report.requests == len(fake.requests)
    assert fake.max_in_flight <= 2


async def test_attributionhub_never_receives_an_authorization_header():
    page = b'{"message": "nothing found"}'
    async with (
        serving(answer(page)) as wire,
        aiohttp.ClientSession(headers={"Authorization": "Bearer somebody-elses"}) as http,
    ):
        for own in (http, None):
            async with Client(AttributionHub("key", base_url=wire.base_url), http=own) as client:
                assert await client.sessions(start="2026-03-03", end="2026-03-31").collect() == []
            assert wire.header("Authorization") == []
            assert wire.header("Authentication") == ["key"]


@pytest.mark.parametrize("is_ours", [True, False])
async def test_the_wait_for_a_turn_is_no_time_of_the_request(is_ours):
    fake = FakeHum(rows=20, latency_s=0.2)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=2)) as http:
        options = {"concurrency": 2} if is_ours else {"concurrency": 10, "http": http}
        async with client_of(fake, timeout_s=0.5, retry=Retry(attempts=1), **options) as client:
            await asyncio.gather(*(client.ping() for _ in range(10)))
    assert len(fake.requests) == 10


@pytest.mark.parametrize("concurrency", [1, 16])
@pytest.mark.parametrize(
    ("kind", "error"), [("503", ServerError), ("429", RateLimitError), ("reset", TransportError)]
)
async def test_an_outage_ends_with_a_clear_error_after_a_dozen_requests(concurrency, kind, error):
    fake = FakeHum(rows=500, faults=Faults(rate=1.0, kinds=(kind,)))
    quick = Retry(attempts=4 if kind == "429" else 8, backoff_s=0.002, max_backoff_s=0.02)
    async with client_of(fake, concurrency=concurrency, retry=quick) as client:
        with pytest.raises(error, match="attempts") as caught:
            await client.sessions(**WHOLE).collect()
    assert len(fake.requests) == caught.value.report.requests <= 12


async def test_the_quota_stops_every_pull_of_the_client():
    fake = FakeAttributionHub(rows=2_000, latency_s=0.01, quota=12)
    async with client_of(fake, concurrency=4) as client:
        pulls = [client.sessions(start="2026-03-03", end="2026-03-31").collect() for _ in range(3)]
        found = await asyncio.gather(*pulls, return_exceptions=True)
        assert {type(one) for one in found} == {QuotaExceededError}
        assert len({id(one) for one in found}) == 3
        counted = len(fake.requests)
        assert counted <= 12 + 4
        assert sum(one.report.requests for one in found) == counted
        with pytest.raises(QuotaExceededError) as caught:
            await client.sessions(start="2026-03-03", end="2026-03-31").count()
        assert (caught.value.limit, caught.value.used) == (12, 12)
        assert len(fake.requests) == counted


async def test_a_redirect_is_no_page_and_is_not_repeated():
    async with FakeHum(rows=10) as target:
        fake = FakeHum(rows=10, redirect_to=target.base_url)
        async with client_of(fake) as client:
            with pytest.raises(Exception, match="redirect, which is never followed"):
                await client.sessions(**WHOLE).collect()
        assert (len(fake.requests), len(target.requests)) == (1, 0)


async def test_a_wrong_key_costs_one_request():
    fake = FakeHum(rows=500)
    async with fake, Client(Hum("wrong", base_url=fake.base_url)) as client:
        with pytest.raises(AuthenticationError, match="check the token or key"):
            await client.sessions(**WHOLE).collect()
    assert len(fake.requests) == 1


async def test_the_deadline_holds_on_the_wire():
    fake = FakeHum(rows=500, latency_s=60)
    began_s = asyncio.get_running_loop().time()
    async with client_of(fake) as client:
        with pytest.raises(BudgetExceededError, match="deadline_s"):
            await client.sessions(**WHOLE).with_options(deadline_s=0.2).collect()
        assert asyncio.get_running_loop().time() - began_s < 1.0
