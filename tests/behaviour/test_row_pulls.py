"""A pull that makes no sessions fills every target with just what one by way of sessions does."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path

import duckdb
import pytest

from asyncsessions import AttributionHub, Client, Hum
from asyncsessions.engine import go
from asyncsessions.sinks.holdings import open_holdings
from asyncsessions.testing import FakeAttributionHub, FakeHum

KINDS = ["out.duckdb", "out.parquet", "out/", "out.jsonl", "out.csv"]
RANGE = {"start": "2026-01-01", "end": "2026-03-31"}


class HumOfSessions(Hum):
    """A vendor that only knows sessions, as one of somebody else's may."""

    read_rows = None


class HubOfSessions(AttributionHub):
    """The same with ids of ours."""

    read_rows = None


@asynccontextmanager
async def clients(vendor):
    """Lend two clients of one fake: one that reads rows, one that only knows sessions."""
    switches = {"rows": 700, "rows_on_one_instant": 120, "timestamps": "milliseconds"}
    if vendor == "hum":
        async with FakeHum(**switches) as fake:
            given = {"token": fake.token, "base_url": fake.base_url}
            async with Client(Hum(**given)) as one, Client(HumOfSessions(**given)) as other:
                yield one, other
    else:
        async with FakeAttributionHub(twins=12, **switches) as fake:
            given = {"key": fake.key, "base_url": fake.base_url}
            async with (
                Client(AttributionHub(**given)) as one,
                Client(HubOfSessions(**given)) as other,
            ):
                yield one, other


def content(target: Path, kind: str):
    """Return what is in a target, in its order, and what its books say of it."""
    with open_holdings(target) as holdings:
        (stream,) = holdings.streams()
        windows = [(w.owned, w.rows, w.digest, w.complete) for w in stream.windows]
    if kind in {"out.jsonl", "out.csv"}:
        return windows, target.read_bytes()
    if kind == "out.duckdb":
        with duckdb.connect(str(target), read_only=True) as connection:
            return windows, connection.execute("FROM sessions").fetchall()
    files = sorted((target / "data").iterdir()) if kind == "out/" else [target]
    with duckdb.connect() as connection:
        return windows, [
            connection.execute("FROM read_parquet(?)", [str(file)]).fetchall() for file in files
        ]


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("vendor", ["hum", "attributionhub"])
async def test_both_ways_fill_a_target_with_the_same(vendor, kind, raw, tmp_path):
    found = []
    async with clients(vendor) as both:
        for client in both:
            folder = tmp_path / type(client.provider).__name__
            folder.mkdir()
            name = f"{folder}/{kind}"
            report = await client.sessions(**RANGE).with_options(raw=raw).pull(name)
            assert report.complete
            found.append((report.rows, content(Path(name), kind)))
    assert found[0] == found[1]
    assert found[0][0] == 700


@pytest.mark.parametrize(("raw", "expected"), [(False, [True, False]), (True, [False, False])])
async def test_sessions_are_made_where_a_vendor_has_nothing_else_or_their_json_is_kept(
    raw, expected, monkeypatch, tmp_path
):
    sources = []
    real = go.OpenWindow

    def noted(*args, source, **named):
        sources.append(source)
        return real(*args, source=source, **named)

    monkeypatch.setattr(go, "OpenWindow", noted)
    async with clients("hum") as both:
        for number, client in enumerate(both):
            query = client.sessions(**RANGE).with_options(raw=raw)
            await query.pull(tmp_path / f"{number}.jsonl")
    assert [source.rows is not None for source in sources] == expected
