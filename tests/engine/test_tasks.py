"""Page tasks: what is asked for next while somebody waits, and what is left to whoever comes."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest

from asyncsessions.core.answer import Answer, Ask
from asyncsessions.core.windows import resolve_range, split
from asyncsessions.engine.outbox import Batch
from asyncsessions.engine.pages import PageRead
from asyncsessions.engine.tasks import Onward, PageTasks
from asyncsessions.errors import TransportError
from asyncsessions.testing import run_virtual
from tests.engine.memory_store import BEGUN, WHOLE

WINDOW = split(resolve_range(**WHOLE, now=BEGUN), None)[0]


class Pages:
    """Every page arrives a second after it was asked for; remembers what happened, in order."""

    def __init__(self):
        self.course = []

    async def read(self, ask):
        self.course.append(f"ask {ask.page}")
        await asyncio.sleep(1)
        self.course.append(f"read {ask.page}")
        return PageRead(Answer((), (), ask.page))


def started(pages, *numbers):
    """Return tasks that have begun to fetch some pages of a window called W."""
    tasks = PageTasks()
    for page in numbers:
        tasks.start(pages, "W", Ask(WINDOW, page))
    return tasks


def following(pages):
    """Return what asks for pages 11, 12, ... and notes it."""
    numbers = count(11)

    def next_ask(window, ask, read):
        assert (window, ask.page) == ("W", read.answer.total)
        page = next(numbers)
        pages.course.append(f"go on to {page}")
        return Onward(("W", Ask(WINDOW, page)))

    return next_ask


def arrived(tasks):
    """Return the numbers of the pages that have arrived, in order."""
    assert all(arrival.ask.page == arrival.read.answer.total for arrival in tasks.arrived)
    return [arrival.ask.page for arrival in tasks.arrived]


def test_while_somebody_waits_a_task_goes_on_before_the_next_answer_is_read():
    async def work():
        pages = Pages()
        tasks = started(pages, 1, 2, 3)
        await tasks.wait(following(pages))
        assert sorted(pages.course[:3]) == ["ask 1", "ask 2", "ask 3"]
        came = [int(step.split()[1]) for step in pages.course[3::3]]
        assert sorted(came) == [1, 2, 3]
        assert pages.course[3:] == [
            step
            for page, next_page in zip(came, (11, 12, 13), strict=True)
            for step in (f"read {page}", f"go on to {next_page}", f"ask {next_page}")
        ]
        assert arrived(tasks) == came
        assert [ask.page for _, ask in tasks.under_way.values()] == [11, 12, 13]
        await tasks.aclose()
        assert not tasks.arrived

    run_virtual(work)


def test_after_a_failure_in_the_same_moment_nothing_else_is_asked_for():
    class Failing(Pages):
        async def read(self, ask):
            read = await super().read(ask)
            if ask.page == 1:
                raise TransportError("invented")
            return read

    async def work():
        pages = Failing()
        tasks = started(pages, 1, 2)
        await tasks.wait(following(pages))
        assert pages.course == ["ask 1", "ask 2", "read 1", "read 2"]
        first, second = tasks.arrived
        assert (first.ask.page, first.read, str(first.error)) == (1, None, "invented")
        assert (second.ask.page, second.read.answer.total, second.error) == (2, 2, None)

    run_virtual(work)


@pytest.mark.parametrize("onward", [None, Onward(None)])
def test_a_task_with_nothing_to_ask_for_ends(onward):
    async def work():
        pages = Pages()
        tasks = started(pages, 1)
        await tasks.wait(lambda *_: onward)
        assert (arrived(tasks), tasks.under_way) == ([1], {})
        assert pages.course == ["ask 1", "read 1"]

    run_virtual(work)


def test_a_page_that_was_taken_does_not_arrive():
    async def work():
        pages, taken = Pages(), []

        def take(window, ask, read):
            taken.append(ask.page)
            return Onward((window, Ask(WINDOW, 11)) if ask.page == 1 else None, is_taken=True)

        tasks = started(pages, 1)
        await tasks.wait(take)
        assert (taken, [ask.page for _, ask in tasks.under_way.values()]) == ([1], [11])
        await tasks.wait(take)
        assert (taken, tasks.under_way, [*tasks.arrived]) == ([1, 11], {}, [])

    run_virtual(work)


def test_after_a_page_that_has_to_be_taken_first_nothing_is_asked_for():
    """What the others would ask for might count as asked for before it came."""

    async def work():
        pages, asked = Pages(), []
        go_on = following(pages)

        def next_ask(window, ask, read):
            asked.append(ask.page)
            return go_on(window, ask, read) if len(asked) == 1 else None

        tasks = started(pages, 1, 2, 3)
        await tasks.wait(next_ask)
        first, second = asked
        assert pages.course[-4:-1] == ["go on to 11", "ask 11", f"read {second}"]
        await asyncio.sleep(0)
        assert arrived(tasks)[:2] == [first, second]
        assert len(tasks.arrived) == 3
        assert asked == [first, second]

    run_virtual(work)


def test_a_task_asks_once_for_each_time_that_somebody_waits():
    class Hasty(Pages):
        async def read(self, ask):
            self.course.append(f"ask {ask.page}")
            return PageRead(Answer((), (), ask.page))

    async def work():
        pages = Hasty()
        tasks = started(pages, 1)
        await tasks.wait(following(pages))
        assert pages.course == ["ask 1", "go on to 11", "ask 11"]
        assert arrived(tasks) == [1]
        await asyncio.sleep(0)
        assert arrived(tasks) == [1, 11]

    run_virtual(work)


def test_what_comes_while_nobody_waits_is_kept_and_nothing_is_asked_for():
    async def work():
        pages, tasks = Pages(), PageTasks()
        waiter = asyncio.create_task(tasks.wait(following(pages)))
        await asyncio.sleep(0)
        tasks.wake()
        await waiter
        tasks.start(pages, "W", Ask(WINDOW, 1))
        await asyncio.sleep(5)
        assert arrived(tasks) == [1]
        assert pages.course == ["ask 1", "read 1"]

    run_virtual(work)


@pytest.mark.parametrize(
    ("busy_s", "goes_on"), [(0.0, True), (1.0, True), (1.9, True), (2.1, False), (30.0, False)]
)
def test_with_hardly_any_time_to_spare_nothing_goes_on(busy_s, goes_on):
    """A page takes a second; a third of the time is ample."""

    async def work():
        pages, asked = Pages(), []

        def next_ask(window, ask, read):
            asked.append(ask.page)

        tasks = PageTasks()
        for page in range(1, 21):
            tasks.start(pages, "W", Ask(WINDOW, page))
            await tasks.wait(next_ask)
            await asyncio.sleep(busy_s)
        assert asked[0] == 1  # nothing was known then
        assert (len(asked) == 20) is goes_on
        assert (len(asked) < 4) is not goes_on
        await asyncio.sleep(1)
        assert len(tasks.arrived) == 20

    run_virtual(work)


def test_who_has_time_to_spare_again_goes_on_again():
    async def work():
        pages, asked = Pages(), []
        tasks = PageTasks()
        for page in range(1, 60):
            tasks.start(pages, "W", Ask(WINDOW, page))
            await tasks.wait(lambda window, ask, read: asked.append(ask.page))
            await asyncio.sleep(10.0 if page < 20 else 0.0)
        assert len([page for page in asked if page < 20]) < 4
        assert asked[-10:] == [*range(50, 60)]

    run_virtual(work)


def test_a_cancelled_request_arrives_with_neither_a_page_nor_an_error():
    async def work():
        tasks = started(Pages(), 1)
        tasks.cancel()
        await tasks.wait()
        (arrival,) = tasks.arrived
        assert (arrival.window, arrival.ask.page, arrival.read, arrival.error) == (
            "W",
            1,
            None,
            None,
        )

    run_virtual(work)


def test_rows_and_bodies_stay_out_of_the_repr():
    row = "CANARY"
    shown = repr(Batch(0, [row])) + repr(PageRead(Answer([row], [], 1), row.encode()))
    assert "CANARY" not in shown
    assert shown.count("1 rows") == 1
