"""A page server that is far quicker than any client: answers made beforehand, a hand-made protocol.

It speaks just enough HTTP/1.1 for the contenders, which all keep their connections alive, and answers
both vendors' requests: ``GET /analytics/sessions?page=N`` and ``POST /api/v1/sessions`` with
``{"page": N}``.  The shipped fakes are honest vendors with drift and faults; this one is for time
alone.  Each answer can be delayed by a constant latency.  Prints its port, and stops when its
standard input ends.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from asyncsessions.testing import Switches, attributionhub_reader, hum_reader

PAGE = 50
START = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2026, 3, 31, tzinfo=UTC)
PAGE_IN_QUERY = re.compile(rb"[?&]page=(\d+)")
PAGE_IN_BODY = re.compile(rb'"page"\s*:\s*(\d+)')
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
HEADERS = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
    b"Cache-Control: no-store\r\nVary: Accept-Encoding\r\nX-Request-Id: 6f1f2a\r\n"
    b"X-Content-Type-Options: nosniff\r\nStrict-Transport-Security: max-age=63072000\r\n"
    b"Server: pages\r\nDate: Thu, 12 Mar 2026 15:00:00 GMT\r\n"
)


def hum_pages(pages: int) -> list[bytes]:
    """Return the bodies of a list of so many pages of Hum."""
    reader = hum_reader(Switches(rows=pages * PAGE, start=START, end=END))
    meta: dict[str, Any] = {"responded_at": "2026-03-12T15:00:00Z", "pages": pages}
    return [
        msgspec.json.encode(
            {
                "message": "Analytics sessions",
                "request_status": "ok",
                "data": [row.data for row in reader.listing.page(page)[0]],
                "meta": {**meta, "page": page, "count": pages * PAGE},
            }
        )
        for page in range(1, pages + 1)
    ]


def attributionhub_pages(pages: int) -> list[bytes]:
    """Return the same of AttributionHub, within one window."""
    start = END - timedelta(days=29)
    reader = attributionhub_reader(Switches(rows=pages * PAGE, start=start, end=END))
    return [
        msgspec.json.encode(
            {
                "records": [row.data for row in reader.listing.page(page)[0]],
                "pagination": {
                    "current_page": page,
                    "total_pages": pages,
                    "total_records": pages * PAGE,
                },
            }
        )
        for page in range(1, pages + 1)
    ]


def answers(bodies: list[bytes]) -> list[bytes]:
    """Return whole answers, headers included."""
    return [
        HEADERS + b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body
        for body in bodies
    ]


class Pages(asyncio.Protocol):
    """One connection: requests in, prepared answers out, in order."""

    def __init__(self, hum: list[bytes], hub: list[bytes], latency_s: float) -> None:
        self._hum = hum
        self._hub = hub
        self._latency_s = latency_s
        self._buffer = b""
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
            self._answer(self._prepared(head, body))

    def _prepared(self, head: bytes, body: bytes) -> bytes:
        if head.startswith(b"POST"):
            found = PAGE_IN_BODY.search(body)
            pages = self._hub
        else:
            found = PAGE_IN_QUERY.search(head, 0, head.find(b"\r\n"))
            pages = self._hum
        page = int(found[1]) if found else 1
        return pages[min(page, len(pages)) - 1]

    def _answer(self, answer: bytes) -> None:
        assert self._transport is not None
        if self._latency_s:
            loop = asyncio.get_running_loop()
            loop.call_later(self._latency_s, self._transport.write, answer)
        else:
            self._transport.write(answer)


async def serve(pages: int, latency_s: float) -> None:
    hum, hub = answers(hum_pages(pages)), answers(attributionhub_pages(pages))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Pages(hum, hub, latency_s), "127.0.0.1", 0, backlog=1024
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve prepared pages on loopback.")
    parser.add_argument("--pages", type=int, default=400)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds")
    args = parser.parse_args()
    asyncio.run(serve(args.pages, args.latency))


if __name__ == "__main__":
    main()
