"""Page tasks: what is asked for next while somebody waits, and what is left to whoever comes."""

from __future__ import annotations

import asyncio

import pytest

from asyncsessions.core.answer import Answer, Ask
from asyncsessions.core.windows import resolve_range, split
from asyncsessions.engine.outbox import Batch
from asyncsessions.engine.pages import PageRead, PageTasks
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


def test_while_somebody_waits_a_task_goes_on_before_the_next_answer_is_read():
    async def work():
        pages, tasks = Pages(), PageTasks()
        for page in (1, 2, 3):
            tasks.start(pages, Ask(WINDOW, page))
        await tasks.wait(lambda _, read: Ask(WINDOW, read.answer.total + 10))
        assert sorted(pages.course[:3]) == ["ask 1", "ask 2", "ask 3"]
        came = [step.split()[1] for step in pages.course[3::2]]
        assert pages.course[3:] == [
            step for page in came for step in (f"read {page}", f"ask {int(page) + 10}")
        ]
        assert len(tasks.under_way) == 3
        await tasks.aclose()

    run_virtual(work)


def test_after_a_failure_in_the_same_moment_nothing_else_is_asked_for():
    class Failing(Pages):
        async def read(self, ask):
            read = await super().read(ask)
            if ask.page == 1:
                raise TransportError("invented")
            return read

    async def work():
        pages, tasks = Failing(), PageTasks()
        started = [tasks.start(pages, Ask(WINDOW, page)) for page in (1, 2)]
        await tasks.wait(lambda _, read: Ask(WINDOW, read.answer.total + 10))
        assert pages.course == ["ask 1", "ask 2", "read 1", "read 2"]
        assert [tasks.take_done(), tasks.take_done()] == started
        assert started[1].result().answer.total == 2
        with pytest.raises(TransportError):
            started[0].result()

    run_virtual(work)


def test_a_task_with_nothing_to_ask_for_ends_and_has_no_result_any_more():
    async def work():
        pages, tasks, taken = Pages(), PageTasks(), []
        task = tasks.start(pages, Ask(WINDOW, 1))
        await tasks.wait(lambda _, read: taken.append(read.answer.total))
        await tasks.wait()
        assert (tasks.take_done(), tasks.take_done(), len(tasks.under_way)) == (task, None, 0)
        assert (taken, task.result(), pages.course) == ([1], None, ["ask 1", "read 1"])

    run_virtual(work)


def test_what_comes_while_nobody_waits_is_kept_and_nothing_is_asked_for():
    async def work():
        pages, tasks = Pages(), PageTasks()
        waiter = asyncio.create_task(tasks.wait(lambda _, read: Ask(WINDOW, 99)))
        await asyncio.sleep(0)
        tasks.wake()
        await waiter
        task = tasks.start(pages, Ask(WINDOW, 1))
        await asyncio.sleep(5)
        assert tasks.take_done() is task
        assert task.result().answer.total == 1
        assert pages.course == ["ask 1", "read 1"]

    run_virtual(work)


def test_rows_and_bodies_stay_out_of_the_repr():
    row = "CANARY"
    shown = repr(Batch(0, [row])) + repr(PageRead(Answer([row], [], 1), (), row.encode()))
    assert "CANARY" not in shown
    assert shown.count("1 rows") == 1
