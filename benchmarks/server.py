"""A page server that is far quicker than any client: rows made beforehand, a hand-made protocol.

It speaks just enough HTTP/1.1 for the contenders, which all keep their connections alive, and answers
both vendors' requests: ``GET /analytics/sessions?page=N&start_date=…&end_date=…`` and
``POST /api/v1/sessions`` with the same as JSON.  The path may begin with the length of the list in
pages and the latency of each answer in seconds: ``/400/0.05/analytics/sessions``.  ``GET /busy``
tells how much CPU time the server has used.  With ``--packed`` answers are gzipped.  The shipped fakes are honest vendors with drift and
faults; this one is for time alone.  Prints its port, and stops when its standard input ends.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import re
import sys
import time
from functools import lru_cache

from benchmarks.listing import Listing, attributionhub, hum, span_of

PREFIX = re.compile(rb"[A-Z]+ (?:/(\d+)/([\d.]+))?/")
PAGE_IN_QUERY = re.compile(rb"[?&]page=(\d+)")
PAGE_IN_BODY = re.compile(rb'"page"\s*:\s*(\d+)')
START = re.compile(rb'start_date(?:=|"\s*:\s*")([^"& ]+)')
END = re.compile(rb'end_date(?:=|"\s*:\s*")([^"& ]+)')
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
HEADERS = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
    b"Cache-Control: no-store\r\nVary: Accept-Encoding\r\nX-Request-Id: 6f1f2a\r\n"
    b"X-Content-Type-Options: nosniff\r\nStrict-Transport-Security: max-age=63072000\r\n"
    b"Server: pages\r\nDate: Thu, 12 Mar 2026 15:00:00 GMT\r\n"
)


class Pages(asyncio.Protocol):
    """One connection: requests in, answers out, in order."""

    def __init__(
        self, hum: Listing, hub: Listing, pages: int, latency_s: float, *, is_packed: bool = False
    ) -> None:
        self._hum = hum
        self._hub = hub
        self._pages = pages
        self._latency_s = latency_s
        self._buffer = b""
        self._is_packed = is_packed
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            length = LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < whole:
                return
            body = self._buffer[end + 4 : whole]
            self._buffer = self._buffer[whole:]
            self._answer(head[: head.find(b"\r\n")], body)

    def _answer(self, line: bytes, sent: bytes) -> None:
        pages, latency_s = self._pages, self._latency_s
        parts: tuple[bytes, ...]
        if (prefix := PREFIX.match(line)) is not None and prefix[1] is not None:
            pages, latency_s = int(prefix[1]), float(prefix[2])
        if line.startswith(b"GET /busy"):
            parts, latency_s = (str(time.process_time()).encode(),), 0.0
        elif line.startswith(b"POST"):
            parts = _parts(self._hub, PAGE_IN_BODY.search(sent), sent, pages)
        else:
            parts = _parts(self._hum, PAGE_IN_QUERY.search(line), line, pages)
        coding = b""
        if self._is_packed and not line.startswith(b"GET /busy"):
            parts, coding = (_packed(parts),), b"Content-Encoding: gzip\r\n"
        length = b"Content-Length: %d\r\n\r\n" % sum(map(len, parts))
        self._send(b"".join((HEADERS, coding, length, *parts)), latency_s)

    def _send(self, answer: bytes, latency_s: float) -> None:
        assert self._transport is not None
        if latency_s:
            asyncio.get_running_loop().call_later(latency_s, self._transport.write, answer)
        else:
            self._transport.write(answer)


def _parts(
    listing: Listing, page: re.Match[bytes] | None, asked: bytes, pages: int
) -> tuple[bytes, ...]:
    start, end = START.search(asked), END.search(asked)
    span = span_of(start[1].decode() if start else "", end[1].decode() if end else "", pages)
    return listing.body(int(page[1]) if page else 1, span)


@lru_cache(maxsize=5_000)
def _packed(parts: tuple[bytes, ...]) -> bytes:
    return gzip.compress(b"".join(parts), compresslevel=6)


async def serve(pages: int, latency_s: float, *, is_packed: bool) -> None:
    lists = hum(), attributionhub()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Pages(*lists, pages, latency_s, is_packed=is_packed), "127.0.0.1", 0, backlog=1024
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve prepared pages on loopback.")
    parser.add_argument("--pages", type=int, default=400, help="where the path does not say it")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds, the same")
    parser.add_argument("--packed", action="store_true", help="gzip the answers")
    args = parser.parse_args()
    asyncio.run(serve(args.pages, args.latency, is_packed=args.packed))


if __name__ == "__main__":
    main()
