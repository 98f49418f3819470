"""The adapter to aiohttp: what goes out, what is never sent twice, what a body may be."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from asyncsessions.errors import TransportError
from asyncsessions.transport.aiohttp import AiohttpTransport
from tests.transport.asking import get, post, transport
from tests.transport.wire import answer, serving

# ------------------------------------------------------------------ what goes out


async def test_a_request_goes_out_exactly_as_it_was_built():
    async with serving(answer(b"[1]", X_One="1")) as wire, transport() as sender:
        asked = get(wire, params=(("token_ids[]", "a b"), ("token_ids[]", "c&d"), ("page", "2")))
        response = await sender.send(asked, timeout_s=5)
        assert (response.status, response.body) == (200, b"[1]")
        assert response.headers.get("x-one") == "1"
        await sender.send(post(wire), timeout_s=5)
        assert wire.heads[0].startswith(
            b"GET /x?token_ids%5B%5D=a+b&token_ids%5B%5D=c%26d&page=2 HTTP/1.1\r\n"
        )
        assert wire.header("Authentication", 0) == ["invented-key"]
        assert wire.header("Authorization", 0) == []
        assert wire.header("Accept-Encoding", 0) == ["gzip, deflate"]
        assert wire.header("User-Agent", 0)[0].startswith("asyncsessions/")
        assert wire.heads[1].startswith(b"POST /x HTTP/1.1\r\n")
        assert wire.bodies == [b"", b'{"page":1}']
        assert wire.connections == 1


async def test_the_environment_adds_no_proxy_and_no_credentials(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password invented\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with serving(answer()) as wire, transport() as sender:
        await sender.send(get(wire), timeout_s=5)
        assert wire.header("Authorization") == []


async def test_a_cookie_is_not_sent_back():
    async with serving(answer(Set_Cookie="a=b")) as wire, transport() as sender:
        for _ in range(2):
            await sender.send(get(wire), timeout_s=5)
        assert wire.header("Cookie") == []


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 T", "308 P"])
async def test_a_redirect_is_an_answer_and_its_target_hears_nothing(status):
    async with serving(answer()) as target, transport() as sender:
        async with serving(answer(status=status, Location=target.base_url)) as wire:
            for request in (get(wire), post(wire)):
                response = await sender.send(request, timeout_s=5)
                assert response.status == int(status[:3])
        assert target.connections == 0


# ------------------------------------------------------------------ nothing is sent twice


def dropped_when_reused(how):
    """Answer the first request of each connection, drop the second."""
    used = set()

    async def script(exchange):
        if exchange.writer in used:
            exchange.reset() if how == "reset" else exchange.hang_up()
            return
        used.add(exchange.writer)
        await exchange.send(answer())

    return script


@pytest.mark.parametrize("how", ["closed", "reset"])
@pytest.mark.parametrize("is_ours", [True, False])
async def test_a_request_on_a_dropped_connection_is_not_sent_again(how, is_ours):
    async with aiohttp.ClientSession() as http, serving(dropped_when_reused(how)) as wire:
        async with transport(http=None if is_ours else http) as sender:
            await sender.send(get(wire), timeout_s=5)
            with pytest.raises(TransportError, match="dropped") as caught:
                await sender.send(get(wire), timeout_s=5)
        assert caught.value.transient
        assert len(wire.heads) == 2


async def test_not_even_when_a_middleware_of_the_caller_disguises_the_error():
    async def disguise(request, handler):
        try:
            return await handler(request)
        except aiohttp.ClientError as error:
            raise aiohttp.ClientOSError(*error.args) from error

    async with (
        aiohttp.ClientSession(middlewares=(disguise,)) as http,
        serving(dropped_when_reused("closed")) as wire,
    ):
        sender = AiohttpTransport(http)
        await sender.send(get(wire), timeout_s=5)
        with pytest.raises(TransportError, match="dropped"):
            await sender.send(get(wire), timeout_s=5)
        assert len(wire.heads) == 2


# ------------------------------------------------------------------ cancellation


async def test_a_cancellation_passes_and_gives_the_connection_back():
    arrived = asyncio.Event()

    async def script(exchange):
        arrived.set()
        if exchange.number == 1:
            await exchange.send(answer(b"[1]")[:-1], apart_s=60)
        await exchange.send(answer(b"[2]"))

    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as http,
        serving(script) as wire,
    ):
        sender = AiohttpTransport(http)
        task = asyncio.create_task(sender.send(get(wire), timeout_s=60))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await sender.send(get(wire), timeout_s=5)).body == b"[2]"
