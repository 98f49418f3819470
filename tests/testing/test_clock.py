"""The event loop whose time jumps."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from asyncsessions.testing import VirtualClock, run_virtual


def test_sleeping_for_a_day_takes_no_time():
    began_s = time.perf_counter()
    result, elapsed_s = run_virtual(asyncio.sleep(86_400, "done"))
    assert result == "done"
    assert elapsed_s == pytest.approx(86_400)
    assert time.perf_counter() - began_s < 1.0


def test_timers_fire_in_the_order_of_their_times():
    order: list[tuple[str, float]] = []

    async def sleeper(name: str, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        order.append((name, asyncio.get_running_loop().time()))

    async def work() -> None:
        await asyncio.gather(sleeper("c", 3), sleeper("a", 0.001), sleeper("b", 2))

    _, elapsed_s = run_virtual(work)
    assert [name for name, _ in order] == ["a", "b", "c"]
    assert [at_s for _, at_s in order] == pytest.approx([0.001, 2, 3])
    assert elapsed_s == pytest.approx(3)


def test_a_timeout_ends_what_takes_longer():
    async def work() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(10):
                await asyncio.sleep(100)
        return asyncio.get_running_loop().time()

    assert run_virtual(work)[0] == pytest.approx(10)


def test_work_that_waits_for_nothing_takes_no_virtual_time():
    async def work() -> None:
        for _ in range(100):
            await asyncio.sleep(0)

    assert run_virtual(work) == (None, 0.0)


def test_tiny_delays_far_in_the_future_still_pass():
    async def work() -> None:
        await asyncio.sleep(1e8)
        for _ in range(100):
            await asyncio.sleep(1e-9)

    assert run_virtual(work)[1] >= 1e8


def test_waiting_for_what_never_happens_is_an_error():
    async def work() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="deadlock"):
        run_virtual(work)


def test_a_thread_of_the_executor_may_report_when_no_timer_is_set():
    assert run_virtual(asyncio.to_thread(sum, [1, 2]))[0] == 3


def test_a_thread_that_nobody_knows_of_may_report_when_no_timer_is_set():
    async def work() -> str:
        loop = asyncio.get_running_loop()
        told: asyncio.Future[str] = loop.create_future()
        threading.Timer(0.1, loop.call_soon_threadsafe, (told.set_result, "hello")).start()
        return await told

    assert run_virtual(work) == ("hello", 0.0)


def test_time_stands_still_while_a_thread_of_the_executor_works():
    async def work() -> float:
        async with asyncio.timeout(10):
            await asyncio.to_thread(time.sleep, 0.15)
        return asyncio.get_running_loop().time()

    assert run_virtual(work) == (0.0, 0.0)


def test_errors_come_out_as_they_are():
    async def work() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        run_virtual(work)


def test_it_is_an_event_loop_that_asyncio_can_run():
    with asyncio.Runner(loop_factory=VirtualClock) as runner:
        assert runner.run(asyncio.sleep(5, 1)) == 1
        assert runner.get_loop().time() == pytest.approx(5)
