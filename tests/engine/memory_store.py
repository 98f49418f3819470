"""A store with its journal in memory, which a process may die in at any call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from attrs import define, evolve, field

from asyncsessions import Client, Report, Session
from asyncsessions.core.books import ReadWindow, Run, StoredWindow, Stream, cut_out
from asyncsessions.core.journal import Answered, Event, Setting
from asyncsessions.core.plan import PullPlan
from asyncsessions.core.runs import choose_run
from asyncsessions.core.windows import EPOCH, Window, to_micros
from asyncsessions.engine.go import Choose
from asyncsessions.engine.planning import whole_range
from asyncsessions.engine.pull import pull_into
from asyncsessions.sinks.base import Standing
from asyncsessions.testing import run_virtual

BEGUN = EPOCH + timedelta(days=20_600)
"""The wall clock of a first go."""
WHOLE = {"start": "2026-01-01", "end": "2026-03-31"}


class Death(BaseException):
    """The process is gone: nothing that it calls does anything any more."""


@define
class Disk:
    """What outlives a process."""

    run: Run | None = None
    windows: list[StoredWindow] = field(factory=list)
    rows: list[Session] = field(factory=list)
    planned: list[Window] | None = None
    stories: dict[tuple[Window, Setting], list[Event]] = field(factory=dict)
    ledger: int = 0
    finished: int = 0
    commits: list[ReadWindow] = field(factory=list)

    @property
    def ids(self) -> list[str]:
        """The ids of the rows that are stored, in no order."""
        return [row.id for row in self.rows]

    @property
    def answers(self) -> list[Answered]:
        """The answers that wait in the stories."""
        events = [event for story in self.stories.values() for event in story]
        return [event for event in events if isinstance(event, Answered)]


class MemoryStore:
    """A store and its journal as one process sees them.

    ``dies_at``: the process dies at its call of this number, counted from 1; ``dies_late``: the call
    has its effect before.  ``at`` says what is to be done in the middle of a step, by its name.
    ``calls`` are the names of the calls.
    """

    def __init__(
        self,
        disk: Disk,
        *,
        dies_at: int | None = None,
        dies_late: bool = False,
        at: Mapping[str, Callable[[], object]] | None = None,
    ) -> None:
        self.disk = disk
        self.calls: list[str] = []
        self.reports: list[Report] = []
        self.is_dead = False
        self.running = 0
        self.spent = disk.ledger
        self._at = dict(at or {})
        self._dies_at, self._dies_late = dies_at, dies_late

    @contextmanager
    def _call(self, name: str, *, is_step: bool = False):
        if self.is_dead:
            raise Death
        self.calls.append(name)
        dies = len(self.calls) == self._dies_at
        if dies and not self._dies_late:
            self.is_dead = True
            raise Death
        self.running += is_step
        assert self.running <= 1, "two steps of a store at once"
        try:
            if name in self._at:
                self._at[name]()
            yield
        finally:
            self.running -= is_step
        if dies:
            self.is_dead = True
            raise Death

    # ------------------------------------------------------------------ the store

    def open(self, plan: PullPlan) -> Standing:
        disk = self.disk
        with self._call("open", is_step=True):
            stream = Stream(
                provider=plan.provider,
                filters=plan.filters,
                runs=() if disk.run is None else (disk.run,),
            )
            choice = choose_run(plan, stream, new_id=f"run {disk.finished}")
            if choice.is_new:
                disk.planned, disk.stories = None, {}
            disk.run = choice.run
        return Standing(
            run=choice.run,
            stored=[*disk.windows],
            journal=self,
            is_finished=choice.is_finished,
        )

    def commit(self, read: ReadWindow) -> StoredWindow:
        disk, owned = self.disk, read.window.owned
        with self._call("commit", is_step=True):
            assert all(owned.holds(to_micros(row.started_at)) for row in read.rows)
            stored = StoredWindow(
                owned=owned,
                rows=len(read.rows),
                complete=read.complete,
                digest="",
                as_of=read.as_of,
                committed_at=EPOCH,
                run=disk.run.id,
            )
            others = [evolve(w, owned=rest) for w, rest in cut_out(disk.windows, owned)]
            kept = [row for row in disk.rows if not owned.holds(to_micros(row.started_at))]
            disk.windows = sorted([stored, *others], key=lambda w: w.owned, reverse=True)
            disk.rows = [*kept, *read.rows]
            disk.commits.append(read)
        return stored

    def finish(self, report: Report) -> str:
        with self._call("finish", is_step=True):
            self.disk.run = evolve(self.disk.run, ended_at=BEGUN)
            self.disk.finished += 1
            self.reports.append(report)
        return "finished"

    def leave(self, report: Report) -> str:
        with self._call("leave", is_step=True):
            self.reports.append(report)
        return "left"

    # ------------------------------------------------------------------ the journal

    def spend(self) -> None:
        with self._call("spend"):
            self.disk.ledger += 1

    def planned(self) -> Sequence[Window] | None:
        with self._call("planned"):
            return self.disk.planned

    def plan(self, windows: Sequence[Window]) -> None:
        disk = self.disk
        with self._call("plan"):
            disk.planned = [*windows]
            disk.stories = {key: told for key, told in disk.stories.items() if key[0] in windows}

    def story(self, window: Window, setting: Setting) -> list[Event]:
        with self._call("story"):
            return [*self.disk.stories.get((window, setting), ())]

    def note(self, window: Window, setting: Setting, *events: Event) -> None:
        told = [*self.disk.stories.get((window, setting), ())]
        try:
            for event in events:  # a death in between leaves the first of them
                with self._call(f"note {type(event).__name__.lower()}"):
                    story = self.disk.stories.setdefault((window, setting), [])
                    story.append(event)
        except Exception:
            self.disk.stories[window, setting] = told
            raise

    def forget(self, window: Window) -> None:
        disk = self.disk
        with self._call("forget"):
            disk.stories = {key: told for key, told in disk.stories.items() if key[0] != window}


# ---------------------------------------------------------------------- goes


def wall(begun: datetime) -> Callable[[], datetime]:
    """Return a clock that goes with the loop's, from a moment on."""
    return lambda: begun + timedelta(seconds=asyncio.get_running_loop().time())


async def bring_up(
    client: Client[...],
    store: MemoryStore,
    *,
    begun: datetime = BEGUN,
    choose: Choose | None = None,
    bounds: Mapping[str, Any] = WHOLE,
    **options: Any,
) -> Report:
    """Pull into a store on a clock of the test's own."""
    how = client.sessions(**bounds).with_options(**options)._how("pull")
    chosen = choose or whole_range(client.provider)
    return await pull_into(store, choose=chosen, now=wall(begun), **how)


def go(
    vendor: Any,
    store: MemoryStore,
    *,
    concurrency: int = 3,
    client: Mapping[str, Any] | None = None,
    **how: Any,
) -> Report:
    """Run one go in virtual time; nothing may be left behind."""

    async def work() -> Report:
        complaints: list[Any] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        async with vendor.client(concurrency=concurrency, **(client or {})) as opened:
            try:
                return await bring_up(opened, store, **how)
            finally:
                assert asyncio.all_tasks() == {asyncio.current_task()}
                assert vendor.in_flight == 0
                assert complaints == []

    return run_virtual(work())[0]


def die(vendor: Any, disk: Disk, at: int, *, late: bool = False, **how: Any) -> bool:
    """Run a go that dies at a call; return whether it got so far."""
    store = MemoryStore(disk, dies_at=at, dies_late=late)
    try:
        go(vendor, store, **how)
    except Death:
        return True
    return False
