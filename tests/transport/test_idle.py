"""Connections that wait for their next request, on a clock that does not make anybody wait."""

from __future__ import annotations

import asyncio
import gc
import weakref

import attrs
import pytest

from asyncsessions.testing import run_virtual
from asyncsessions.transport.idle import IdleConnections


@attrs.define
class Connection:
    """As much of a connection of aiohttp's as matters here; it is its own protocol."""

    is_open: bool = True
    should_close: bool = False
    has_received: bool = False

    @property
    def protocol(self):
        return self

    def is_connected(self):
        return self.is_open

    def close(self):
        self.is_open = False


def waiting(count):
    idle, connections = IdleConnections(keepalive_s=10), [Connection() for _ in range(count)]
    for connection in connections:
        idle.put(connection)
    return idle, connections


def taken(idle):
    return list(iter(idle.take, None))


def test_the_one_used_last_comes_first_and_none_comes_twice():
    async def work():
        idle, connections = waiting(3)
        assert all(map(lambda a, b: a is b, taken(idle), connections[::-1]))
        assert idle.take() is None
        idle.close()

    run_virtual(work)


def test_one_that_the_server_has_closed_is_not_used():
    async def work():
        idle, (first, second) = waiting(2)
        second.close()
        assert taken(idle) == [first]
        idle.close()

    run_virtual(work)


def test_one_that_must_not_be_used_again_is_closed_at_once():
    async def work():
        idle, last = IdleConnections(keepalive_s=10), Connection(should_close=True)
        idle.put(last)
        assert (last.is_open, idle.take()) == (False, None)

    run_virtual(work)


@pytest.mark.parametrize(("after_s", "are_open"), [(9, True), (21, False)])
def test_what_nobody_needs_is_closed_within_twice_its_time(after_s, are_open):
    async def work():
        _, connections = waiting(3)
        await asyncio.sleep(after_s)
        assert {connection.is_open for connection in connections} == {are_open}

    run_virtual(work)


def test_what_is_needed_now_and_then_stays_open_and_the_rest_does_not():
    async def work():
        idle, connections = waiting(4)
        for _ in range(20):
            await asyncio.sleep(3)
            used = [idle.take(), idle.take()]
            for connection in used:
                idle.put(connection)
        assert sum(connection.is_open for connection in connections) == 2
        idle.close()

    run_virtual(work)


def test_closing_closes_all_and_leaves_no_timer_behind():
    async def work():
        idle, connections = waiting(3)
        idle.close()
        idle.close()
        assert not any(connection.is_open for connection in connections)
        await asyncio.sleep(100)
        assert idle.take() is None

    run_virtual(work)


def test_what_comes_back_after_closing_is_closed():
    async def work():
        idle, (connection,) = waiting(1)
        assert idle.take() is connection
        idle.close()
        idle.put(connection)
        assert (connection.is_open, idle.take()) == (False, None)

    run_virtual(work)


def test_the_timer_keeps_nobody_alive():
    async def work():
        idle, _ = waiting(1)
        kept = weakref.ref(idle)
        del idle
        gc.collect()
        assert kept() is None
        await asyncio.sleep(100)

    run_virtual(work)
