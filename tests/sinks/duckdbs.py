"""What the tests of DuckDB files share: pulls into them, and what is in them then."""

from __future__ import annotations

import duckdb

from asyncsessions.core.convert import from_row
from asyncsessions.core.digest import digest
from asyncsessions.core.journal import Answered, Setting
from asyncsessions.core.windows import to_micros
from asyncsessions.sinks import open_target
from asyncsessions.sinks.duckdb_books import DuckDBBooks
from tests.invented_sessions import (
    DAY,
    HOUR,
    MADE_AT,
    START,
    a_plan,
    a_report,
    an_ask,
    begin,
    commit,
    every,
    open_plan,
    pull,
)

US_PER_HOUR = 3_600_000_000
START_OVER = "start over with fresh (--fresh), or give another name"
SETTING = Setting(50, "strict")
PLAN = a_plan(days=4, longest=DAY)
SESSIONS = every(HOUR, days=4)


def pulled(target, plan, sessions, *, fresh=False, complete=True):
    """Write a whole pull and return the target's last word."""
    return pull(open_target(target, fresh=fresh), plan, sessions, complete=complete)


def renewed(days=1, **more):
    """Return the plan of a pull that is never over: a second one reads all of it again."""
    return open_plan(days=days, **more)


def asked(target, sql, *values):
    with duckdb.connect(str(target), read_only=True) as connection:
        return connection.execute(sql, values).fetchall()


def sessions_in(target):
    with duckdb.connect(str(target), read_only=True) as connection:
        rows = connection.sql("FROM sessions ORDER BY started_at DESC, id").to_arrow_table()
    return [from_row(row) for row in rows.to_pylist()]


def windows_in(target):
    """Return the recorded windows: provider, hours since the start, rows, completeness."""
    begin = to_micros(START)
    found = asked(
        target,
        "SELECT provider, epoch_us(lo), epoch_us(hi), rows, complete FROM _asyncsessions_windows "
        "ORDER BY provider, lo",
    )
    return [
        (provider, (lo - begin) / US_PER_HOUR, (hi - begin) / US_PER_HOUR, rows, complete)
        for provider, lo, hi, rows, complete in found
    ]


def stream_in(target, provider="hum"):
    with duckdb.connect(str(target), read_only=True) as connection:
        return DuckDBBooks(connection).stream(provider)


def stream_of(store):
    with store._file.working() as connection:
        return DuckDBBooks(connection).stream("hum")


def check_digests(target):
    """Check that each window has the digest of the rows that are in it."""
    with duckdb.connect(str(target), read_only=True) as connection:
        books = DuckDBBooks(connection)
        for provider in books.streams():
            for window in books.windows(provider):
                rows = books.rows(provider, window.owned)
                assert (rows.num_rows, digest(rows)) == (window.rows, window.digest)


def names(target):
    return sorted(path.name for path in target.parent.rglob("*"))


def page(window):
    return Answered(an_ask(window), b"{}", MADE_AT)


def begun(target, *, windows=2, plan=PLAN):
    """Let a pull begin and be left after some windows; return what it stood at."""
    store = open_target(target)
    standing = begin(store, plan)
    standing.journal.spend()
    commit(store, plan.windows[:windows], SESSIONS)
    store.leave(a_report(complete=False))
    return standing
