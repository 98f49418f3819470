"""Past the session of aiohttp, unless somebody expects to be asked by it."""

from __future__ import annotations

import asyncio
import gzip
import inspect
from unittest.mock import Mock

import aiohttp
import pytest
from aioresponses import aioresponses

from asyncsessions.core.http import Request
from asyncsessions.errors import ConfigurationError, TransportError
from tests.transport.asking import get, outcome, post, transport
from tests.transport.wire import answer, chunked, serving


class Answered(aiohttp.ClientResponse):
    """Makes up for what aioresponses 0.7 does not know of the newest aiohttp."""

    def __init__(self, *args, **options):
        if "stream_writer" in inspect.signature(aiohttp.ClientResponse.__init__).parameters:
            options.setdefault("stream_writer", Mock(output_size=0))
        super().__init__(*args, **options)


async def test_who_plays_the_vendor_by_aioresponses_is_asked():
    with aioresponses() as vendor:
        url = "http://127.0.0.1:1/x?page=2"
        vendor.get(url, body=b"[2]", headers={"X-One": "1"}, response_class=Answered)
        async with transport() as sender:
            asked = Request(method="GET", url="http://127.0.0.1:1/x", params=(("page", "2"),))
            response = await sender.send(asked, timeout_s=5)
    assert (response.status, response.body, response.headers["x-one"]) == (200, b"[2]", "1")


async def test_who_plays_the_vendor_is_asked_also_when_they_come_later():
    async with serving(answer(b"[1]")) as wire, transport() as sender:
        assert (await sender.send(get(wire), timeout_s=5)).body == b"[1]"
        with aioresponses() as vendor:
            vendor.get(f"{wire.base_url}/x", body=b"[2]", response_class=Answered)
            assert (await sender.send(get(wire), timeout_s=5)).body == b"[2]"
        assert (await sender.send(get(wire), timeout_s=5)).body == b"[1]"
        assert len(wire.heads) == 2


async def test_who_traces_all_sessions_hears_of_ours(monkeypatch):
    traced = []

    async def on_request_start(session, context, params):
        traced.append(params.method)

    init = aiohttp.ClientSession.__init__

    def instrumented(self, *args, **options):
        config = aiohttp.TraceConfig()
        config.on_request_start.append(on_request_start)
        init(self, *args, trace_configs=[config], **options)

    monkeypatch.setattr(aiohttp.ClientSession, "__init__", instrumented)
    async with serving(answer()) as wire, transport() as sender:
        await sender.send(get(wire), timeout_s=5)
        await sender.send(post(wire), timeout_s=5)
        assert traced == ["GET", "POST"]
        assert len(wire.heads) == 2


async def test_an_early_hint_is_not_the_answer():
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    got = await outcome(hint + answer(b"[1]"))
    assert (got.status, got.body) == (200, b"[1]")


async def test_an_answer_that_is_no_http_is_told_as_such():
    got = await outcome(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
    assert isinstance(got, TransportError)
    assert str(got) == "the answer is no HTTP that can be understood"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"url": "http://127.0.0.1:1/a b"}, "percent-encoded"),
        ({"url": "http://127.0.0.1:1/é"}, "percent-encoded"),
        ({"headers": {"X-One": "1\r\nX-Two: 2"}}, "header 'X-One' holds control characters"),
    ],
)
async def test_a_request_that_would_become_another_is_refused(more, message):
    request = Request(**{"method": "GET", "url": "http://127.0.0.1:1/x", **more})
    async with transport() as sender:
        with pytest.raises(ConfigurationError, match=message):
            await sender.send(request, timeout_s=5)


async def test_requests_to_several_addresses_take_turns():
    async with serving(answer(b"1")) as one, serving(answer(b"2")) as two, transport() as sender:
        got = [
            await sender.send(get(wire, path), timeout_s=5)
            for wire, path in ((one, "/x"), (two, "/x"), (one, "/y"), (one, "/x"))
        ]
        assert [response.body for response in got] == [b"1", b"2", b"1", b"1"]
        assert (one.connections, two.connections) == (1, 1)
        assert [head.split()[1] for head in one.heads] == [b"/x", b"/y", b"/x"]


async def test_a_body_larger_than_the_buffer_arrives_whole():
    body = bytes(range(256)) * 2000
    async with serving(answer(body)) as wire, transport() as sender:
        for response in await asyncio.gather(
            *(sender.send(get(wire), timeout_s=5) for _ in range(4))
        ):
            assert response.body == body


async def test_answers_of_all_kinds_follow_each_other_over_one_connection():
    packed = gzip.compress(b"[4]" * 500)
    answers = [
        [answer(b"[1]")],
        [answer(b"")],
        chunked(b"[2", b"]"),
        [b"HTTP/1.1 103 Early Hints\r\n\r\n" + answer(b"no", status="503 Busy")],
        [answer(packed, Content_Encoding="gzip")],
        [answer(bytes(300_000))],
        [answer(b"[5]")],
    ]

    async def script(exchange):
        await exchange.send(*answers[exchange.number - 1])

    async with serving(script) as wire, transport() as sender:
        got = [await sender.send(get(wire), timeout_s=5) for _ in answers]
        expected = [b"[1]", b"", b"[2]", b"no", b"[4]" * 500, bytes(300_000), b"[5]"]
        assert [response.body for response in got] == expected
        assert [response.status for response in got] == [200, 200, 200, 503, 200, 200, 200]
        assert wire.connections == 1


@pytest.mark.parametrize("more", [answer(b"[stale]"), b"HTTP/1.1 200", b"\x00"])
async def test_what_comes_unasked_is_not_the_answer_to_the_next_request(more):
    async def script(exchange):
        await exchange.send(answer(b"[%d]" % exchange.number))
        if exchange.number == 1:
            await asyncio.sleep(0.05)
            await exchange.send(more)

    async with serving(script) as wire, transport() as sender:
        assert (await sender.send(get(wire), timeout_s=5)).body == b"[1]"
        await asyncio.sleep(0.1)
        assert (await sender.send(get(wire), timeout_s=5)).body == b"[2]"
        assert wire.connections == 2


async def test_an_answer_that_began_behind_another_is_not_that_to_the_next_request():
    stray = answer(b"[stray]")

    async def script(exchange):
        if exchange.number == 1:
            await exchange.send(answer(b"[1]") + stray[:20])
        elif exchange.number == 2:
            await exchange.send(stray[20:])
        else:
            await exchange.send(answer(b"[3]"))

    async with serving(script) as wire, transport() as sender:
        assert (await sender.send(get(wire), timeout_s=5)).body == b"[1]"
        with pytest.raises(TransportError):
            await sender.send(get(wire), timeout_s=5)
        assert (await sender.send(get(wire), timeout_s=5)).body == b"[3]"
        assert wire.connections == 2
