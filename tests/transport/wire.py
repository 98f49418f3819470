"""A loopback server that speaks HTTP by the byte, for what no well-behaved server would send."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from ssl import SSLContext
from typing import Any

import attrs

Script = Callable[["Exchange"], Awaitable[None]]


@attrs.define
class Exchange:
    """A request as it arrived, and the way back."""

    number: int
    head: bytes
    body: bytes
    writer: asyncio.StreamWriter

    async def send(self, *pieces: bytes, apart_s: float = 0.0) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(apart_s)

    def hang_up(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        sock: Any = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


@attrs.define
class Wire:
    """What the server saw."""

    base_url: str = ""
    heads: list[bytes] = attrs.field(factory=list)
    bodies: list[bytes] = attrs.field(factory=list)
    connections: int = 0

    def header(self, name: str, number: int = -1) -> list[str]:
        """Return the values of a header of a request, the last one by default."""
        lines = self.heads[number].decode("latin-1").split("\r\n")[1:]
        pairs = [line.split(": ", 1) for line in lines if line]
        return [value for own, value in pairs if own.lower() == name.lower()]


@asynccontextmanager
async def serving(script: Script | bytes, *, ssl: SSLContext | None = None) -> AsyncIterator[Wire]:
    """Answer every request by the script, or by these bytes."""
    wire = Wire()
    tasks: set[asyncio.Task[Any]] = set()

    async def follow(exchange: Exchange) -> None:
        if isinstance(script, bytes):
            await exchange.send(script)
        else:
            await script(exchange)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        wire.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                wire.heads.append(head)
                size = int((wire.header("Content-Length") or ["0"])[0])
                wire.bodies.append(await reader.readexactly(size))
                await follow(Exchange(len(wire.heads), head, wire.bodies[-1], writer))
        writer.close()
        tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=ssl)
    scheme = "https" if ssl else "http"
    wire.base_url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield wire
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def answer(body: bytes = b"{}", *, status: str = "200 OK", **headers: str) -> bytes:
    """Return a whole answer; header names are given with underscores."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *lines]
    return "\r\n".join([*head, "", ""]).encode() + body


def chunked(*chunks: bytes, status: str = "200 OK", **headers: str) -> list[bytes]:
    """Return the pieces of an answer without a length, its end included."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = [f"HTTP/1.1 {status}", "Transfer-Encoding: chunked", *lines]
    pieces = [b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks]
    return ["\r\n".join([*head, "", ""]).encode(), *pieces, b"0\r\n\r\n"]
