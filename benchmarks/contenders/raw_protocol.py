"""The bytes alone, by a protocol made for this server: how fast pages can be had of it at all.

Nobody should use this: no TLS, no proxies, no errors.  It shows that the server is not what limits
the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from urllib.parse import urlsplit

from benchmarks.contenders.floor_default import QUERY


class Reading(asyncio.Protocol):
    """One connection that asks for the next number as soon as an answer is whole."""

    def __init__(self, path: str, host: str, numbers: Iterator[int]) -> None:
        self._path = path
        self._tail = f"&{QUERY} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer invented\r\n\r\n"
        self._numbers = numbers
        self._parts: list[bytes] = []
        self._missing = 0
        self._transport: asyncio.Transport | None = None
        self.read = 0
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        assert self._transport is not None
        if (page := next(self._numbers, None)) is None:
            self._transport.close()
            self.over.set_result(None)
        else:
            self._transport.write(f"GET {self._path}?page={page}{self._tail}".encode())

    def data_received(self, data: bytes) -> None:
        if not self._parts:
            end = data.index(b"\r\n\r\n")
            at = data.index(b"Content-Length: ") + 16
            self._missing = int(data[at:end]) + end + 4
        self._parts.append(data)
        self._missing -= len(data)
        if not self._missing:
            self.read += bool(b"".join(self._parts))
            self._parts.clear()
            self._ask()


async def run(base_url: str, pages: int, concurrency: int) -> int:
    numbers = iter(range(1, pages + 1))
    address = urlsplit(base_url)
    path = f"{address.path}/analytics/sessions"
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(
            lambda: Reading(path, address.netloc, numbers), address.hostname, address.port
        )
        for _ in range(concurrency)
    ]
    await asyncio.gather(*(reading.over for _, reading in opened))
    return sum(reading.read for _, reading in opened)
