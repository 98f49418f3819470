"""Single requests through the adapter to aiohttp."""

from __future__ import annotations

from contextlib import asynccontextmanager

import aiohttp

from asyncsessions.core.http import Request, Secret
from asyncsessions.errors import TransportError, UnexpectedResponseError
from asyncsessions.transport.aiohttp import AiohttpTransport
from tests.transport.wire import serving

KEY = {"Authentication": Secret("invented-key")}


@asynccontextmanager
async def transport(**options):
    opened = AiohttpTransport(**options)
    try:
        yield opened
    finally:
        await opened.aclose()


def get(wire, path="/x", **more):
    return Request(method="GET", url=wire.base_url + path, headers=KEY, **more)


def post(wire):
    return Request(method="POST", url=wire.base_url + "/x", headers=KEY, body=b'{"page":1}')


async def outcome(script, *, timeout_s=5.0, make=get, **options):
    """Return what one request to such a server brings: a response or a typed error."""
    async with serving(script) as wire, transport(**options) as sender:
        try:
            return await sender.send(make(wire), timeout_s=timeout_s)
        except (TransportError, UnexpectedResponseError) as error:
            assert len(wire.heads) <= 1
            return error


class Resolver(aiohttp.abc.AbstractResolver):
    """Finds every host at one address, or none at all."""

    def __init__(self, address):
        self.address = address

    async def resolve(self, host, port=0, family=0):
        if self.address is None:
            raise OSError(None, "DNS lookup failed")
        found = {"hostname": host, "host": self.address, "port": port}
        return [{**found, "family": 2, "proto": 0, "flags": 0}]

    async def close(self):
        pass
