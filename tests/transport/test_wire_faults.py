"""What servers and networks do wrong, byte by byte: always a typed error."""

from __future__ import annotations

import aiohttp
import pytest

from asyncsessions.core.http import Request
from asyncsessions.errors import TransportError
from asyncsessions.transport.aiohttp import AiohttpTransport
from tests.transport.asking import Resolver, get, outcome, post, transport
from tests.transport.wire import answer, chunked, serving


async def hang_up(exchange):
    exchange.hang_up()


async def reset(exchange):
    exchange.reset()


async def cut(exchange):
    await exchange.send(answer(b"[1,2,3]").removesuffix(b"3]"))
    exchange.hang_up()


async def no_last_chunk(exchange):
    await exchange.send(*chunked(b"[1,2]")[:-1])
    exchange.hang_up()


async def reset_in_the_body(exchange):
    await exchange.send(answer(b"[1,2,3]").removesuffix(b"3]"), apart_s=0.02)
    exchange.reset()


async def half_a_header(exchange):
    await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Le")
    exchange.hang_up()


def bytes_then_close(raw):
    async def script(exchange):
        await exchange.send(raw)
        exchange.hang_up()

    return script


FAULTS = {
    "closed without an answer": hang_up,
    "reset without an answer": reset,
    "less than the length": cut,
    "no last chunk": no_last_chunk,
    "reset in the body": reset_in_the_body,
    "half a header": half_a_header,
    "not HTTP": bytes_then_close(b"SSH-2.0-invented\r\n\r\n"),
    "invalid status": bytes_then_close(b"HTTP/1.1 abc OK\r\n\r\n"),
    "invalid header": bytes_then_close(b"HTTP/1.1 200 OK\r\nBad Header : x\r\n\r\n"),
    "invalid length": bytes_then_close(b"HTTP/1.1 200 OK\r\nContent-Length: x1\r\n\r\n{}"),
    "two lengths": bytes_then_close(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"
    ),
    "length and chunks": bytes_then_close(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}"
    ),
    "invalid chunk": bytes_then_close(chunked()[0] + b"zz\r\n{}\r\n0\r\n\r\n"),
    "endless header": bytes_then_close(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"),
}


@pytest.mark.parametrize("make", [get, post])
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_on_the_wire_is_a_transient_transport_error(fault, make):
    found = await outcome(FAULTS[fault], make=make)
    assert isinstance(found, TransportError)
    assert found.transient
    assert "invented" not in str(found)


async def test_a_body_that_does_not_come_is_given_up_when_the_time_is_over():
    async def script(exchange):
        await exchange.send(answer(b"[1,2,3]")[:-2], apart_s=60)

    found = await outcome(script, timeout_s=0.05)
    assert isinstance(found, TransportError)
    assert (found.message, found.transient) == ("no whole answer within 0.05 s", True)


async def test_a_slow_trickle_is_given_up_when_the_time_is_over():
    async def script(exchange):
        await exchange.send(chunked()[0])
        while not exchange.writer.is_closing():
            await exchange.send(b"1\r\n1\r\n", apart_s=0.01)

    assert (await outcome(script, timeout_s=0.1)).message == "no whole answer within 0.1 s"


async def test_an_answer_without_a_length_ends_with_the_connection():
    found = await outcome(bytes_then_close(b"HTTP/1.0 200 OK\r\n\r\n[1]"))
    assert (found.status, found.body) == (200, b"[1]")


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_an_answer_that_has_no_body_has_an_empty_one(status):
    found = await outcome(f"HTTP/1.1 {status}\r\n\r\n".encode())
    assert (found.status, found.body) == (int(status[:3]), b"")


async def test_what_comes_before_the_answer_is_passed_over():
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    assert (await outcome(early + answer(b"[1]"))).body == b"[1]"


async def test_a_server_that_wants_another_protocol_is_an_answer_too():
    found = await outcome(
        bytes_then_close(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
    )
    assert found.status == 101


async def test_a_refused_connection_says_so():
    async with serving(answer()) as wire:
        gone = get(wire)
    async with transport() as sender:
        with pytest.raises(TransportError, match="cannot connect: Connection refused") as caught:
            await sender.send(gone, timeout_s=5)
    assert caught.value.transient


async def test_an_unknown_host_says_so():
    request = Request(method="GET", url="https://api.example.com/x")
    connector = aiohttp.TCPConnector(resolver=Resolver(None))
    async with aiohttp.ClientSession(connector=connector) as http:
        with pytest.raises(TransportError, match="host name cannot be resolved") as caught:
            await AiohttpTransport(http).send(request, timeout_s=5)
    assert caught.value.transient
