"""A client's way out, from the retries to the network, in memory and in virtual time."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from functools import partial
from random import Random

import attrs

from asyncsessions.core.http import Request, Response
from asyncsessions.core.meter import Meter
from asyncsessions.core.pace import Pace, Retry
from asyncsessions.core.verdict import judge
from asyncsessions.errors import QuotaExceededError, UnexpectedResponseError
from asyncsessions.testing import ScriptedTransport
from asyncsessions.transport.attempt import Attempts
from asyncsessions.transport.retry import Fetcher
from asyncsessions.transport.throttle import Throttle

OK = Response(status=200, body=b'{"page": 1}')
PATIENT = Retry(budget=1000)


def refused(status, **headers):
    """Return a refusal; header names are given with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, headers=named, body=b"invented")


def quota_429():
    return Response(status=429, body=b'{"quota": 5000}')


def read_refusal(response):
    """Know a quota, as AttributionHub does."""
    if b"quota" in response.body:
        return QuotaExceededError("the quota is used up", limit=5000, used=5000, domain="x.example")
    return None


def read(response):
    """Decode an answer as a provider does."""
    try:
        return json.loads(response.body)
    except ValueError:
        pass
    raise UnexpectedResponseError("no JSON", transient=True)


@attrs.define
class Sending:
    """All parts, wired as the client wires them."""

    network: ScriptedTransport
    throttle: Throttle
    fetcher: Fetcher
    meter: Meter

    @property
    def requests(self):
        return len(self.network.requests)

    async def fetch(self, *, meter=None, read=read, page=1):
        request = Request(method="GET", url="https://api.example.com/x", page=page)
        return await self.fetcher.fetch(request, read, meter or self.meter)


def sending(
    script,
    *,
    concurrency=8,
    requests_per_second=None,
    latency_s=0.0,
    timeout_s=30.0,
    retry=PATIENT,
    seed=1,
    deadline_s=None,
    max_requests=None,
):
    """Wire them up; to be called inside the loop, since the deadline begins now."""
    network = (
        script
        if isinstance(script, ScriptedTransport)
        else ScriptedTransport(script, latency_s=latency_s)
    )
    throttle = Throttle(Pace(concurrency, requests_per_second))
    verdict = partial(
        judge,
        provider="hum",
        secrets=(),
        read_refusal=read_refusal,
        now=datetime(2026, 1, 1, tzinfo=UTC),
    )
    attempts = Attempts(network, throttle, verdict, timeout_s=timeout_s)
    fetcher = Fetcher(attempts, retry, provider="hum", chance=Random(seed).random)
    meter = Meter(max_requests=max_requests, deadline_s=deadline_s)
    if deadline_s is not None:
        meter.deadline = asyncio.get_running_loop().time() + deadline_s
    return Sending(network, throttle, fetcher, meter)


async def settled(*work):
    """Run all of it and return the results and errors."""
    return await asyncio.gather(*work, return_exceptions=True)
