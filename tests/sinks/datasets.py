"""Pulls into a dataset, and what it holds then."""

from __future__ import annotations

from itertools import pairwise

import pyarrow.parquet as pq

from asyncsessions.core.books import ReadWindow
from asyncsessions.core.changes import changes_schema
from asyncsessions.core.digest import digest
from asyncsessions.core.journal import Setting
from asyncsessions.core.windows import to_micros
from asyncsessions.sinks import open_target
from asyncsessions.sinks.dataset_files import change_files, dataset_files
from asyncsessions.sinks.manifest import Manifest
from tests.invented_sessions import HOUR, START, a_plan, a_report

US_PER_HOUR = 3_600_000_000
SETTING = Setting(50, "count", raw=False)


def opened(path, plan, *, fresh=False):
    """Return a store that is open for a plan, and how it stands."""
    store = open_target(f"{path}/", fresh=fresh)
    return store, store.open(plan)


def commit(store, window, sessions, *, complete=True, as_of=START):
    """Commit those sessions that lie in a window."""
    rows = [s for s in sessions if window.owned.holds(to_micros(s.started_at))]
    return store.commit(
        ReadWindow(window=window, rows=rows, complete=complete, as_of=(as_of, as_of))
    )


def pulled(path, plan, sessions, *, fresh=False):
    """Bring a whole plan, or what is left of it, into a dataset, and return the last word."""
    store, standing = opened(path, plan, fresh=fresh)
    done = {w.owned for w in standing.stored if w.run == standing.run.id and w.complete}
    if not standing.is_finished:
        standing.journal.plan(plan.windows)
        for window in plan.windows:
            if window.owned not in done:
                commit(store, window, sessions)
    return store.finish(a_report())


def planned(*, asked="one", first=0, hours=24, **more):
    return a_plan(
        **{"asked": asked, "start": START + first * HOUR, "days": hours / 24, "made_at": START}
        | more
    )


def rows_in(path):
    """Return the rows of a dataset, newest first, after having checked them against its books."""
    tables = [pq.ParquetFile(file).read() for file in dataset_files(path)]
    streams = Manifest(path, target=path).streams()
    windows = {w.file: w for stream in streams for w in stream.windows}
    for file, table in zip(dataset_files(path), tables, strict=True):
        window = windows[file.name]
        assert (table.num_rows, digest(table)) == (window.rows, window.digest)
        times = [to_micros(at) for at in table["started_at"].to_pylist()]
        assert all(map(window.owned.holds, times))
        assert times == sorted(times, reverse=True)
    for stream in streams:
        spans = sorted(window.owned for window in stream.windows)
        assert all(one.hi <= two.lo for one, two in pairwise(spans))
    assert sum(stream.stream.rows for stream in streams) == sum(t.num_rows for t in tables)
    assert len(set(windows)) == len(tables)
    return [row for table in tables for row in table.to_pylist()]


def ids_in(path):
    return [row["id"] for row in rows_in(path)]


def spans_in(path, provider="hum"):
    """Return the stored windows as hours since the start, newest first, and their rows."""
    begin = to_micros(START)
    return [
        ((w.owned.lo - begin) // US_PER_HOUR, (w.owned.hi - begin) // US_PER_HOUR, w.rows)
        for w in Manifest(path, target=path).stream(provider).windows
    ]


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def synced(path, sessions, **more):
    pulled(path, planned(kind="sync", asked="", **more), sessions)


def changes_in(path):
    tables = [pq.ParquetFile(file).read() for file in change_files(path)]
    assert all(table.schema.equals(changes_schema()) for table in tables)
    return [row for table in tables for row in table.to_pylist()]
