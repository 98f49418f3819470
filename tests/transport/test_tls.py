"""Certificates are verified, and what cannot be trusted is not tried again."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import aiohttp
import pytest

from asyncsessions.core.http import Request
from asyncsessions.errors import TransportError
from asyncsessions.transport.aiohttp import AiohttpTransport
from tests.transport.asking import Resolver, get, transport
from tests.transport.wire import answer, chunked, serving

PEM = Path(__file__).parent / "invented_server.pem"


@pytest.fixture
def server_tls():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    return context


async def test_a_certificate_that_nobody_vouches_for_is_refused_for_good(server_tls):
    async with serving(answer(), ssl=server_tls) as wire, transport() as sender:
        with pytest.raises(TransportError, match="certificate cannot be verified") as caught:
            await sender.send(get(wire), timeout_s=5)
        assert not caught.value.transient
        assert wire.heads == []


async def test_a_certificate_for_another_host_is_refused_for_good(server_tls):
    trusting = ssl.create_default_context(cafile=PEM)
    connector = aiohttp.TCPConnector(ssl=trusting, resolver=Resolver("127.0.0.1"))
    async with serving(answer(), ssl=server_tls) as wire:
        async with aiohttp.ClientSession(connector=connector) as http:
            port = wire.base_url.rpartition(":")[2]
            request = Request(method="GET", url=f"https://api.example.com:{port}/x")
            with pytest.raises(TransportError, match="certificate cannot be verified") as caught:
                await AiohttpTransport(http).send(request, timeout_s=5)
        assert not caught.value.transient
        assert wire.heads == []


async def test_the_callers_own_trust_store_is_used(server_tls):
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=PEM))
    async with (
        serving(answer(b"[1]"), ssl=server_tls) as wire,
        aiohttp.ClientSession(connector=connector) as http,
    ):
        response = await AiohttpTransport(http).send(get(wire), timeout_s=5)
    assert response.body == b"[1]"


async def test_a_certificate_other_than_the_pinned_one_is_refused_for_good(server_tls):
    connector = aiohttp.TCPConnector(ssl=aiohttp.Fingerprint(bytes(32)))
    async with (
        serving(answer(), ssl=server_tls) as wire,
        aiohttp.ClientSession(connector=connector) as http,
    ):
        with pytest.raises(TransportError, match="you pinned") as caught:
            await AiohttpTransport(http).send(get(wire), timeout_s=5)
    assert not caught.value.transient


async def test_a_server_that_does_not_speak_tls_is_refused_for_good():
    async def talk(reader, writer):
        writer.write(answer())
        await reader.read()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server, transport() as sender:
        port = server.sockets[0].getsockname()[1]
        request = Request(method="GET", url=f"https://127.0.0.1:{port}/x")
        with pytest.raises(TransportError, match="speaks https") as caught:
            await sender.send(request, timeout_s=5)
    assert not caught.value.transient


async def test_a_connection_that_drops_while_tls_is_set_up_may_come_back():
    async def drop(reader, writer):
        await reader.read(1)
        writer.close()

    server = await asyncio.start_server(drop, "127.0.0.1", 0)
    async with server, transport() as sender:
        port = server.sockets[0].getsockname()[1]
        request = Request(method="GET", url=f"https://127.0.0.1:{port}/x")
        with pytest.raises(TransportError) as caught:
            await sender.send(request, timeout_s=5)
    assert caught.value.transient


async def test_an_answer_in_many_small_pieces_arrives_whole(server_tls, monkeypatch):
    trusting = ssl.create_default_context(cafile=PEM)
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", trusting)
    body = bytes(range(256)) * 1200
    pieces = chunked(*(body[i : i + 3] for i in range(0, len(body), 3)))

    async def script(exchange):
        await exchange.send(b"".join(pieces))

    async with serving(script, ssl=server_tls) as wire, transport() as sender:
        for _ in range(2):
            response = await sender.send(get(wire), timeout_s=10)
            assert response.body == body
        assert wire.connections == 1
