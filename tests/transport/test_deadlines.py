"""Many deadlines and one timer: to be told from ``asyncio.timeout`` by its cost alone."""

from __future__ import annotations

import asyncio
import importlib.util
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncsessions.testing import run_virtual
from asyncsessions.transport.deadlines import Deadlines

LOOPS = [asyncio.new_event_loop]
if importlib.util.find_spec("uvloop"):
    import uvloop

    LOOPS.append(uvloop.new_event_loop)


def outcome_of(error):
    return "ended" if error is None else type(error).__name__


async def course(within, jobs):
    """Run jobs at once: each begins, has a deadline, takes some time, and may be cancelled."""
    loop = asyncio.get_running_loop()
    outcomes = []

    async def job(index, begin_s, allowed_s, needed_s):
        await asyncio.sleep(begin_s)
        error = None
        try:
            await within(allowed_s, asyncio.sleep(needed_s))
        except (TimeoutError, asyncio.CancelledError) as caught:
            error = caught
        outcomes.append((index, outcome_of(error), loop.time()))
        if isinstance(error, asyncio.CancelledError):
            raise error

    tasks = []
    for index, (*times, cancel_s) in enumerate(jobs):
        tasks.append(asyncio.create_task(job(index, *times)))
        if cancel_s is not None:
            loop.call_at(loop.time() + cancel_s, tasks[-1].cancel)
    await asyncio.gather(*tasks, return_exceptions=True)
    return sorted(outcomes)


async def with_timeout(seconds, body):
    async with asyncio.timeout(seconds):
        await body


# Even and odd, so that no two things happen at one moment: their order is nobody's promise.
seconds = st.integers(0, 9).map(lambda n: 2 * n + 1)
a_job = st.tuples(
    seconds,
    st.integers(1, 9).map(lambda n: 2 * n),
    st.integers(1, 9).map(lambda n: 2 * n + 0.5),
    st.none() | st.integers(0, 30).map(lambda n: n + 0.25),
)


@given(st.lists(a_job, min_size=1, max_size=6))
def test_it_does_what_asyncio_timeout_does(jobs):
    async def ours():
        deadlines = Deadlines()

        async def within(allowed_s, body):
            with deadlines.within(allowed_s):
                await body

        return await course(within, jobs)

    async def theirs():
        return await course(with_timeout, jobs)

    (mine, _), (expected, _) = run_virtual(ours), run_virtual(theirs)
    assert [each[:2] for each in mine] == [each[:2] for each in expected]
    assert [each[2] for each in mine] == pytest.approx([each[2] for each in expected])


def test_a_cancellation_from_outside_at_the_deadline_stays_one():
    async def work():
        deadlines = Deadlines()

        async def job():
            with deadlines.within(1):
                await asyncio.sleep(5)

        task = asyncio.create_task(job())
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_at(1.0, task.cancel)
        await asyncio.sleep(2)
        return task.cancelled()

    assert run_virtual(work)[0]


def test_an_error_of_the_body_goes_through():
    async def work():
        with pytest.raises(KeyError), Deadlines().within(1):
            raise KeyError
        return True

    assert run_virtual(work)[0]


def test_nothing_is_left_of_deadlines_that_were_kept():
    async def work():
        deadlines = Deadlines()
        with deadlines.within(1000):
            await asyncio.sleep(1)
        await asyncio.sleep(1)

    # A timer that is left would be jumped to by this clock, or keep the loop from ending.
    assert run_virtual(work)[1] == pytest.approx(2)


def test_one_timer_serves_many():
    async def work():
        deadlines, loop = Deadlines(), asyncio.get_running_loop()
        set_up = []
        real = loop.call_at

        def call_at(when, callback, *args, **more):
            if callback == deadlines._ring:
                set_up.append(when)
            return real(when, callback, *args, **more)

        loop.call_at = call_at

        async def job(number):
            with deadlines.within(100):
                await asyncio.sleep(number)

        await asyncio.gather(*(job(number) for number in range(1, 50)))
        return len(set_up)

    assert run_virtual(work)[0] == 1


@pytest.mark.parametrize("policy", LOOPS)
def test_what_came_while_the_loop_was_held_up_is_in_time(policy):
    """A consumer that computes for longer than the time limit has the answer in its socket."""

    async def work():
        deadlines = Deadlines()
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=ours)
        with theirs:

            async def ask():
                with deadlines.within(0.05):
                    return await reader.readline()

            asking = asyncio.create_task(ask())
            await asyncio.sleep(0)
            theirs.sendall(b"here\n")
            time.sleep(0.1)  # noqa: ASYNC251 - it is what holds up the loop
            assert await asking == b"here\n"
            with pytest.raises(TimeoutError):
                await ask()
            writer.close()

    with asyncio.Runner(loop_factory=policy) as runner:
        runner.run(work())
