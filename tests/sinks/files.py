"""What the tests of single files share: pulls into them over many goes, some of which die."""

from __future__ import annotations

import os

from asyncsessions.sinks import file_store, open_target
from asyncsessions.sinks.books_file import read_books
from tests.invented_sessions import (
    DAY,
    HOUR,
    a_plan,
    a_report,
    begin,
    commit,
    every,
    pull,
)

PLAN = a_plan(days=4, longest=DAY)
SESSIONS = every(HOUR, days=4)
LATER = every(HOUR, days=4, campaign="later")
START_OVER = "start over with fresh (--fresh), or give another name"


def beside(target):
    return target.with_name(target.name + ".pull")


def books(target):
    (stream,) = read_books(beside(target) / "books.json")
    return stream


def content(tmp_path_factory, target, sessions, *, plan=PLAN):
    """Return what a single go would have written."""
    other = tmp_path_factory.mktemp("whole") / target.name
    pull(open_target(other), plan, sessions)
    return other.read_bytes()


def begun(target, *, windows=2, plan=PLAN, sessions=SESSIONS, **how):
    """Let a pull begin and be left after some windows; return what it stood at."""
    store = open_target(target, **how)
    standing = begin(store, plan)
    commit(store, plan.windows[:windows], sessions)
    store.leave(a_report(complete=False))
    return standing


def gone_on(target, *, plan=PLAN, sessions=SESSIONS):
    """Go on with a pull as the engine does, and finish it."""
    store = open_target(target)
    standing = begin(store, plan)
    done = {window.owned for window in standing.stored if window.run == standing.run.id}
    left = [window for window in standing.journal.planned() if window.owned not in done]
    commit(store, left, sessions)
    store.finish(a_report())
    return standing


def dying(monkeypatch, function, *, on=file_store, after=False):
    """Let the process seem to die when it calls a function, or just after."""
    real = getattr(on, function)

    def die(*args, **named):
        if after:
            real(*args, **named)
        raise KeyboardInterrupt

    monkeypatch.setattr(on, function, die)


def die(store):
    """Let go of what a dead process would not hold any more, and nothing else."""
    if store._file is not None and store._file._fd is not None:
        os.close(store._file._fd)
    os.close(store._sidecar._lock)
    for spool in store._sidecar._spools.values():
        spool.close()
    os.close(store._sidecar._ledger._fd)
