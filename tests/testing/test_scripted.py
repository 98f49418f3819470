"""The network that follows a script."""

from __future__ import annotations

import asyncio

import pytest

from asyncsessions import Client, Hum
from asyncsessions.core.http import Request, Response
from asyncsessions.errors import TransportError
from asyncsessions.testing import ScriptedTransport, run_virtual

ASKED = Request(method="GET", url="https://api.example.com/x", page=3)
ONE, TWO = Response(status=200, body=b"1"), Response(status=200, body=b"2")


def run(network, *, times=1, timeout_s=10.0):
    async def work():
        return [await network.send(ASKED, timeout_s=timeout_s) for _ in range(times)]

    return run_virtual(work)[0]


def test_steps_are_followed_in_order_and_everything_is_noted():
    network = ScriptedTransport([ONE, TWO], latency_s=0.5)
    assert run(network, times=2, timeout_s=7) == [ONE, TWO]
    assert network.requests == [ASKED, ASKED]
    assert network.sent_at_s == [0.0, 0.5]
    assert network.timeouts_s == [7, 7]
    assert (network.in_flight, network.max_in_flight) == (0, 1)


def test_an_exception_is_raised():
    with pytest.raises(KeyError):
        run(ScriptedTransport([KeyError("x")]))


def test_a_function_sees_the_request_and_returns_or_raises():
    assert run(ScriptedTransport([lambda asked: ONE if asked.page == 3 else TWO])) == [ONE]
    with pytest.raises(TransportError):
        run(ScriptedTransport([lambda asked: TransportError("dropped")]))


def test_a_function_may_be_a_coroutine_function():
    async def later(asked):
        await asyncio.sleep(1)
        return ONE

    network = ScriptedTransport([later, later])
    assert run(network, times=2) == [ONE, ONE]
    assert network.sent_at_s == [0.0, 1.0]


def test_one_function_answers_every_request():
    assert run(ScriptedTransport(lambda asked: TWO), times=5) == [TWO] * 5


@pytest.mark.parametrize("script", [[ONE], [lambda asked: asyncio.sleep(99, ONE)]])
def test_what_takes_longer_than_allowed_is_a_transport_error(script):
    network = ScriptedTransport(script, latency_s=50)
    with pytest.raises(TransportError, match="no whole answer within 10 s"):
        run(network)
    assert network.in_flight == 0


def test_a_script_that_has_ended_is_a_mistake_of_the_test():
    network = ScriptedTransport([ONE])
    with pytest.raises(AssertionError, match="the script has ended: request 2"):
        run(network, times=2)


def test_requests_under_way_at_the_same_time_are_counted():
    network = ScriptedTransport(lambda asked: ONE, latency_s=1)

    async def work():
        await asyncio.gather(*(network.send(ASKED, timeout_s=9) for _ in range(4)))

    run_virtual(work)
    assert (network.in_flight, network.max_in_flight) == (0, 4)


def test_a_client_can_be_driven_by_a_script():
    broken = Response(status=503, headers={"retry-after": "60"})
    pong = Response(status=200, body=b'{"request_status": "ok", "data": {}}')
    network = ScriptedTransport([broken, pong])

    async def work():
        async with Client(Hum("token", environment="sandbox"), transport=network) as client:
            await client.ping()

    _, elapsed_s = run_virtual(work)
    assert elapsed_s >= 60
    assert [asked.url.rpartition("/")[2] for asked in network.requests] == ["ping", "ping"]
