"""How the public names are typed: read by mypy and pyright, never run.

A line that must be refused carries the comments of both checkers; each of them reports a comment
that is not needed, so the check fails as soon as such a line is accepted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from typing import assert_type

import pandas as pd
import polars as pl
import pyarrow as pa

from asyncsessions import (
    Address,
    AttemptEnded,
    AttributionHub,
    BatchStream,
    Client,
    Conversion,
    Estimate,
    Event,
    Exit,
    Hum,
    MergedStream,
    Options,
    Order,
    PageReceived,
    Report,
    Session,
    SessionDetail,
    SessionList,
    Sessions,
    SessionStream,
    WindowStream,
    WindowTable,
    blocking,
    merge,
)
from asyncsessions.engine.stream import PageStream

hum = Client(Hum("invented", environment="sandbox"))
hub = Client(AttributionHub("invented", base_url="https://hub.example.com"))

# ------------------------------------------------------------------ each vendor has its filters

assert_type(hum.sessions(start="2026-01-01", token_ids=["a"], with_clicks=True), Sessions)
assert_type(hub.sessions(start=date(2026, 1, 1), end=None, source="a", term=None), Sessions)
assert_type(hub.sessions(start=timedelta(days=30), end=datetime.now().astimezone()), Sessions)

hum.sessions(start="2026-01-01", source="google")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
hum.sessions(start="2026-01-01", with_clicks="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
hum.sessions(start="2026-01-01", token_ids=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
hum.sessions(start=2026)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
hum.sessions(end="2026-01-01")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
hum.sessions("2026-01-01")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
hub.sessions(start="2026-01-01", with_clicks=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
hub.sessions(start="2026-01-01", token_ids=["a"])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
hub.sessions(start="2026-01-01", campaign=7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
hub.sessions(start="2026-01-01", ordered=False)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

# ------------------------------------------------------------------ setting up

Hum("invented", environment="live")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
AttributionHub("invented")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Client("hum")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Client(Hum.from_env(), concurrency="8")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Client(Hum.from_env(), workers=8)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
assert_type(Hum.from_env(environment="production"), Hum)
assert_type(AttributionHub.from_env(), AttributionHub)


def observe(event: Event) -> None:
    """Take one event of any kind."""
    if isinstance(event, AttemptEnded):
        assert_type(event.page, int | None)


Client(Hum.from_env(), observers=[observe])
Client(Hum.from_env(), observers=[len])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
blocking.Client(Hum.from_env(), observers=[observe])

# ------------------------------------------------------------------ what holds for one pull

query = hum.sessions(start="2026-01-01")
assert_type(query.options, Options)
assert_type(
    query.with_options(
        ordered=False,
        consistency="strict",
        on_incomplete="warn",
        max_requests=100,
        deadline_s=60,
        limit=None,
        raw=True,
        on_progress=lambda report: print(assert_type(report, Report).rows),
        on_page=lambda page: print(assert_type(page, PageReceived).total),
        on_attempt=lambda attempt: print(assert_type(attempt, AttemptEnded).status),
    ),
    Sessions,
)
query.with_options(on_page=len)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
query.with_options(order=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
query.with_options(consistency="maybe")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
query.with_options(limit="10")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
query.query = query.query  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


# ------------------------------------------------------------------ what comes back


async def results() -> None:
    """Ask in every way."""
    found = assert_type(await query.collect(), SessionList)
    assert_type(found[0], Session)
    assert_type(found.report, Report)
    assert_type(await query.first(), SessionList)
    assert_type(await query.first(10), SessionList)
    assert_type(await query.count(), int)
    assert_type(await query.estimate(), Estimate)
    assert_type(await query.estimate("sessions.duckdb"), Estimate)
    assert_type(await query.pull("sessions.jsonl"), Report)
    assert_type(await query.sync("sessions/", lookback=timedelta(days=3), revisit=0.5), Report)
    assert_type(await hum.session("a1b2"), SessionDetail)
    assert_type(await hum.ping(), None)
    assert_type(await query.to_arrow(), pa.Table)
    assert_type(await query.to_polars(), pl.DataFrame)
    assert_type(await query.to_pandas(), pd.DataFrame)
    query.windows(days="10")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    query.batches(rows="10")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await query.first("10")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await hum.session(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def loops() -> None:
    """Iterate in every way."""
    async for session in query:
        assert_type(session, Session)
    async for page in assert_type(query.pages(), PageStream):
        assert_type(page, list[Session])
    async with assert_type(query.batches(), BatchStream) as batches:
        async for batch in batches:
            assert_type(batch, pa.RecordBatch)
        assert_type(batches.schema, pa.Schema)
        assert_type(batches.report, Report)
    async with assert_type(query.windows(), WindowStream) as windows:
        async for window in windows:
            assert_type(window, WindowTable)
            assert_type(window.table, pa.Table)
    async with hum as client, client.sessions(start="2026-01-01") as stream:
        client.sessions(start="2026-01-01", source="google")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        async for session in assert_type(stream, SessionStream):
            assert_type(session, Session)
        assert_type(stream.report, Report)
        async for page in assert_type(stream.pages(), AsyncIterator[list[Session]]):
            assert_type(page[0], Session)


async def merged() -> None:
    """Merge both vendors, which need not have the same filters."""
    both = merge(hum.sessions(start="2026-01-01"), hub.sessions(start="2026-01-01"))
    assert_type(both, MergedStream)
    async with both as stream:
        async for session in stream:
            assert_type(session, Session)
    assert_type(both.reports, tuple[Report, ...])
    merge(query, on_source_error="ignore")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    merge(hum)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    merge([query])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def plain() -> None:
    """Ask without ``await``: the same arguments, the same records."""
    with blocking.Client(Hum("invented", environment="sandbox")) as client:
        assert_type(client.sessions(start="2026-01-01").collect(), SessionList)
        for session in client.sessions(start="2026-01-01", with_clicks=True):
            assert_type(session, Session)
        with assert_type(
            client.sessions(start="2026-01-01").batches(), blocking.BatchStream
        ) as found:
            for batch in found:
                assert_type(batch, pa.RecordBatch)
        with assert_type(
            client.sessions(start="2026-01-01").windows(days=7), blocking.WindowStream
        ) as stretches:
            for stretch in stretches:
                assert_type(stretch, WindowTable)
        assert_type(client.sessions(start="2026-01-01").to_arrow(), pa.Table)
        assert_type(client.sessions(start="2026-01-01").to_polars(), pl.DataFrame)
        assert_type(client.sessions(start="2026-01-01").to_pandas(), pd.DataFrame)
        client.sessions(start="2026-01-01", source="a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def record(session: Session) -> None:
    """Look at every field that people use."""
    assert_type(session.id, str)
    assert_type(session.started_at, datetime)
    assert_type(session.campaign, str | None)
    assert_type(session.address, Address | None)
    assert_type(session.order, Order | None)
    assert_type(session.conversion, Conversion | None)
    assert_type(session.exit, Exit | None)
    assert_type(session.duration, timedelta | None)
    assert_type(session.raw, bytes | None)
    session.conversion.email  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
    session.campaign = "other"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
