"""How large a body may be, packed and unpacked, and what is read of a refusal."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import aiohttp
import pytest

from asyncsessions.errors import UnexpectedResponseError
from asyncsessions.transport.aiohttp import AiohttpTransport
from tests.transport.asking import get, outcome
from tests.transport.wire import answer, chunked, serving

# ------------------------------------------------------------------ the size of a body


@pytest.mark.parametrize("coding", ["identity", "gzip", "deflate", "raw", "x-gzip"])
@pytest.mark.parametrize("has_length", [True, False])
async def test_a_body_of_exactly_the_limit_passes_and_one_byte_more_does_not(coding, has_length):
    def packed(body):
        if coding in {"gzip", "x-gzip"}:
            return gzip.compress(body)
        if coding == "identity":
            return body
        packer = zlib.compressobj(wbits=-15 if coding == "raw" else 15)
        return packer.compress(body) + packer.flush()

    name = "deflate" if coding == "raw" else coding
    for size in (1000, 1001):
        body = packed(b"7" * size)
        pieces = (
            [answer(body, Content_Encoding=name)]
            if has_length
            else chunked(body[:5], body[5:], Content_Encoding=name)
        )

        async def script(exchange, pieces=pieces):
            await exchange.send(*pieces)

        found = await outcome(script, max_body_bytes=1000)
        if size == 1000:
            assert found.body == b"7" * 1000
        else:
            assert isinstance(found, UnexpectedResponseError)
            assert found.message == "the answer is larger than 1000 bytes"
            assert (found.status, found.transient) == (200, False)


async def test_a_compression_bomb_does_not_fill_the_memory():
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(bytes(2**20)) for _ in range(200)) + packer.flush()
    assert len(bomb) < 256 * 1024  # so that it may arrive in one piece
    tracemalloc.start()
    try:
        found = await outcome(answer(bomb, Content_Encoding="gzip"))
        assert found.message == "the answer is larger than 16777216 bytes"
        assert tracemalloc.get_traced_memory()[1] < 60 * 2**20
    finally:
        tracemalloc.stop()


async def test_a_server_that_sends_without_end_is_left_at_the_limit():
    async def script(exchange):
        await exchange.send(chunked()[0])
        while not exchange.writer.is_closing():
            await exchange.send(b"10000\r\n" + bytes(0x10000) + b"\r\n")

    found = await outcome(script)
    assert found.message == "the answer is larger than 16777216 bytes"


@pytest.mark.parametrize("members", [[b"[1", b",2", b"]"], [b"[1,2]", b""]])
async def test_a_body_of_several_gzip_members_is_one_body(members):
    body = b"".join(map(gzip.compress, members))
    found = await outcome(answer(body, Content_Encoding="gzip"))
    assert found.body == b"".join(members)


async def test_a_body_of_thousands_of_members_is_refused():
    body = gzip.compress(b"") * 5_000
    found = await outcome(answer(body, Content_Encoding="gzip"))
    assert found.message == "the answer cannot be decompressed"


async def test_a_packed_body_that_unpacks_to_nothing_is_bounded_too():
    filler = zlib.compressobj(wbits=31)
    head = filler.compress(b"x") + filler.flush(zlib.Z_FULL_FLUSH)
    body = head + b"\x00\x00\x00\xff\xff" * 1000  # empty stored blocks
    found = await outcome(answer(body, Content_Encoding="gzip"), max_body_bytes=1000)
    assert found.message == "the answer is larger than 1000 bytes"


async def test_a_packed_body_that_stops_in_the_middle_was_cut_short():
    body = gzip.compress(bytes(10_000))
    found = await outcome(answer(body[:-9], Content_Encoding="gzip"))
    assert found.message == "the answer was cut short"
    assert found.transient


async def test_an_empty_body_that_claims_to_be_packed_is_empty():
    assert (await outcome(answer(b"", Content_Encoding="gzip"))).body == b""


async def test_junk_that_claims_to_be_packed_is_a_transport_error():
    found = await outcome(answer(b"no gzip at all", Content_Encoding="gzip"))
    assert found.message == "the answer cannot be decompressed"
    assert found.transient


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "invented-key"])
async def test_a_coding_that_was_not_asked_for_is_named_nowhere_and_never_passes(coding):
    found = await outcome(answer(b"\x0b\x01\x80{}\x03", Content_Encoding=coding))
    assert found.message == "the answer is in a content coding that was not asked for"
    assert not found.transient


# ------------------------------------------------------------------ refusals


async def test_the_text_of_a_refusal_is_read_up_to_64_kibibytes():
    found = await outcome(answer(b"5" * 100_000, status="500 Oh"))
    assert (found.status, found.body) == (500, b"5" * 65_536)


async def test_the_text_of_a_refusal_is_unpacked():
    body = gzip.compress(b'{"error":"quota"}')
    assert (await outcome(answer(body, status="429 No", Content_Encoding="gzip"))).body == (
        b'{"error":"quota"}'
    )


@pytest.mark.parametrize("coding", ["br", "gzip"])
async def test_a_refusal_whose_text_cannot_be_read_is_still_that_refusal(coding):
    found = await outcome(answer(b"junk", status="403 No", Content_Encoding=coding))
    assert (found.status, found.body) == (403, b"")


async def test_a_refusal_whose_text_is_cut_short_is_still_that_refusal():
    async def script(exchange):
        await exchange.send(answer(b"sorry", status="401 No").replace(b": 5", b": 50"))
        exchange.hang_up()

    found = await outcome(script)
    assert (found.status, found.body) == (401, b"sorry")


async def test_the_text_of_a_refusal_is_not_waited_for_any_longer_than_it_is_worth(monkeypatch):
    monkeypatch.setattr("asyncsessions.transport.aiohttp.MAX_REFUSAL_S", 0.05)

    async def script(exchange):
        await exchange.send(chunked(status="503 Busy")[0])
        while not exchange.writer.is_closing():
            await exchange.send(b"1\r\n5\r\n", apart_s=0.01)

    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as http,
        serving(script) as wire,
    ):
        sender = AiohttpTransport(http)
        for _ in range(3):  # a pool of one connection, which must be free again each time
            response = await sender.send(get(wire), timeout_s=5)
            assert (response.status, set(response.body)) == (503, {ord("5")})
        assert wire.connections == 3
