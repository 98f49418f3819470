"""Tests of pulling many tenants into one target: what stops one stops no other."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import duckdb
import pytest
from attrs import evolve

from asyncsessions import AttributionHub, Client, Hum, dataset_files
from asyncsessions.errors import (
    AuthenticationError,
    ConfigurationError,
    InvalidQueryError,
    QuotaExceededError,
    SinkError,
)
from asyncsessions.sinks.streams_store import StreamsStore
from asyncsessions.tenants import Bounds, Tenant, pull_tenants, read_tenants, running, sync_tenants
from asyncsessions.testing import FakeTenants
from tests.tenants.crowds import RANGE, held

ORDERLY = {"hub-1", "hum-2", "hub-2", "hum-3", "hub-3", "hum-4"}


def pulled(tenants, to, **how):
    reports = asyncio.run(pull_tenants(tenants, to, **{**RANGE, **how}))
    return {each.tenant.name: each for each in reports}


@pytest.fixture
def tenants(fakes, tmp_path):
    return read_tenants(fakes.write(tmp_path / "tenants.toml"))


def sent(fakes):
    return {name: len(fake.requests) for name, fake in fakes.fakes.items()}


# ---------------------------------------------------------------------- outcomes


def test_what_stops_one_tenant_stops_no_other(fakes, tenants, to):
    tenants.append(evolve(tenants[1], name="unset", key_env="NOT_SET_ANYWHERE"))
    reports = pulled(tenants, to, environ=fakes.environment)
    assert list(reports) == [each.name for each in tenants]
    assert {name for name, each in reports.items() if each.complete} == ORDERLY
    assert isinstance(reports["hum-1"].error, AuthenticationError)
    assert isinstance(reports["hub-4"].error, QuotaExceededError)
    assert reports["unset"].error.message == "no credentials: NOT_SET_ANYWHERE is not set"
    streams = held(to)
    for name in ORDERLY:
        provider = "hum" if name.startswith("hum") else "attributionhub"
        stream = streams[f"{provider}@{name}"]
        assert (stream.tenant, stream.rows) == (name, fakes.fakes[name].rows)
        assert reports[name].report.rows == stream.rows
    assert len(streams) == len(ORDERLY)


def test_the_same_again_asks_only_for_those_that_are_not_complete(fakes, tenants, to):
    pulled(tenants, to, environ=fakes.environment)
    before = sent(fakes)
    fakes.fakes["hub-4"].quota = None
    mended = {**fakes.environment, "HUM_1_KEY": "invented-hum-1"}
    reports = pulled(tenants, to, environ=mended)
    assert all(each.complete for each in reports.values())
    after = sent(fakes)
    assert {name for name in before if after[name] > before[name]} == {"hum-1", "hub-4"}
    assert len(held(to)) == len(tenants)


def test_a_tenants_sessions_are_those_of_a_pull_of_its_own(fakes, tenants, to, tmp_path):
    pulled(tenants, to, environ=fakes.environment)
    digests = {}
    for name, make in (("hum-2", Hum), ("hub-2", AttributionHub)):
        fake, single = fakes.fakes[name], f"{tmp_path}/{name}.duckdb"

        async def pull(fake=fake, single=single, make=make, name=name):
            provider = make(
                fakes.environment[f"{name.upper().replace('-', '_')}_KEY"], base_url=fake.base_url
            )
            async with Client(provider) as client:
                await client.sessions(**RANGE).pull(single)

        asyncio.run(pull())
        (stream,) = held(single).values()
        digests[f"{stream.provider}@{name}"] = [(w.owned, w.digest) for w in stream.windows]
    streams = held(to)
    for name, windows in digests.items():
        assert [(w.owned, w.digest) for w in streams[name].windows] == windows


def test_there_is_a_column_of_tenants(fakes, tenants, to):
    pulled(tenants, to, environ=fakes.environment)
    if to.endswith("/"):
        files = [str(path) for path in dataset_files(to)]
        sql = "SELECT tenant, count(*) FROM read_parquet(?) GROUP BY 1"
        rows = dict(duckdb.execute(sql, [files]).fetchall())
    else:
        with duckdb.connect(to, read_only=True) as connection:
            found = connection.execute("SELECT tenant, count(*) FROM sessions GROUP BY 1")
            rows = dict(found.fetchall())
    assert rows == {name: fakes.fakes[name].rows for name in ORDERLY}


def test_a_filter_of_a_tenant_is_the_vendors(fakes, tenants, to):
    tenant = evolve(tenants[2], filters={"with_clicks": True})
    reports = pulled([tenant], to, environ=fakes.environment)
    assert reports["hum-2"].complete
    assert {seen.filters["with_clicks"] for seen in fakes.fakes["hum-2"].requests} == {True}
    again = pulled([tenants[2]], to, environ=fakes.environment)
    assert "holds sessions of hum@hum-2 for other filters" in again["hum-2"].error.message


def test_a_budget_is_a_tenants_own(fakes, tenants, to):
    tenants = [evolve(each, max_requests=2) for each in tenants[2:5]]
    reports = pulled(tenants, to, environ=fakes.environment)
    assert [each.report.requests <= 2 for each in reports.values()] == [True] * 3
    assert not reports["hum-3"].complete  # 230 rows are five pages


def test_fresh_starts_over(fakes, tenants, to):
    pulled(tenants, to, environ=fakes.environment)
    before = sent(fakes)["hum-2"]
    reports = pulled(tenants, to, environ=fakes.environment, fresh=True)
    assert reports["hum-2"].complete
    assert sent(fakes)["hum-2"] == 2 * before
    assert held(to)["hum@hum-2"].rows == fakes.fakes["hum-2"].rows


# ---------------------------------------------------------------------- beside others


def test_pulls_without_tenants_write_what_they_did_and_live_beside_tenants(fakes, tenants, to):
    fake = fakes.fakes["hum-2"]

    async def pull():
        async with Client(Hum(fakes.environment["HUM_2_KEY"], base_url=fake.base_url)) as client:
            return await client.sessions(**RANGE).pull(to)

    asyncio.run(pull())
    assert "tenant" not in columns(to)
    pulled(tenants, to, environ=fakes.environment)
    assert "tenant" in columns(to)
    assert set(held(to)) == {"hum", *(f"{kind_of(name)}@{name}" for name in ORDERLY)}
    before = sent(fakes)
    assert asyncio.run(pull()).complete
    assert sent(fakes) == before


def kind_of(name):
    return "hum" if name.startswith("hum") else "attributionhub"


def columns(to):
    if not to.endswith("/"):
        with duckdb.connect(to, read_only=True) as connection:
            return [name for name, *_ in connection.execute("FROM sessions LIMIT 0").description]
    found = set()
    for path in dataset_files(to):
        found |= {n for n, *_ in duckdb.execute("FROM read_parquet(?)", [str(path)]).description}
    return found


def test_a_file_of_one_pull_takes_no_tenants(fakes, tenants, tmp_path):
    for name in ("x.parquet", "x.jsonl", "x.csv", "-"):
        place = name if name == "-" else f"{tmp_path}/{name}"
        with pytest.raises(SinkError, match=r"tenants need a \.duckdb file or a dataset"):
            pulled(tenants, place, environ=fakes.environment)
    assert not any(sent(fakes).values())


@pytest.mark.parametrize("name", ["x.parquet", "-"])
def test_a_single_pull_for_a_tenant_needs_a_target_of_many(fakes, tmp_path, name):
    fake = fakes.fakes["hum-2"]
    place = name if name == "-" else tmp_path / name

    async def pull():
        async with Client(Hum(fakes.environment["HUM_2_KEY"], base_url=fake.base_url)) as client:
            await client.sessions(**RANGE).pull(place, tenant="a")

    with pytest.raises((SinkError, ConfigurationError), match="need"):
        asyncio.run(pull())
    assert not fake.requests


def test_mistakes_of_the_whole_call_are_told_before_anything_is_asked(fakes, tenants, to):
    with pytest.raises(ConfigurationError, match="two tenants of the name hum-1"):
        pulled([*tenants, tenants[0]], to)
    with pytest.raises(InvalidQueryError, match="later than end"):
        pulled(tenants, to, start="2026-05-01")
    assert not any(sent(fakes).values())


# ---------------------------------------------------------------------- accidents


def test_a_provider_that_crashes_harms_nobody_else(fakes, tenants, to, monkeypatch):
    make = running.make_provider

    def broken(tenant, environ):
        provider = make(tenant, environ)
        if tenant.name == "hum-2":
            monkeypatch.setattr(provider, "page_request", lambda *_: 1 / 0, raising=False)
        return provider

    monkeypatch.setattr(running, "make_provider", broken)
    reports = pulled(tenants, to, environ=fakes.environment)
    assert isinstance(reports["hum-2"].error, ZeroDivisionError)
    assert {name for name, each in reports.items() if each.complete} == ORDERLY - {"hum-2"}


def test_filters_that_a_provider_refuses_end_its_tenant_alone(fakes, to):
    place = fakes.fakes["hum-2"].base_url
    good = Tenant(name="good", provider="hum", base_url=place, key_env="HUM_2_KEY")
    bad = evolve(good, name="bad", filters={"with_click": True})
    reports = pulled([bad, good], to, environ=fakes.environment)
    assert "with_click" in reports["bad"].error.message
    assert reports["good"].complete


def test_a_target_that_cannot_be_written_lets_no_other_tenant_pay(fakes, tenants, to, monkeypatch):
    def full(self, read):
        raise SinkError("the disk is full")

    monkeypatch.setattr(StreamsStore, "commit", full)
    orderly = [each for each in tenants if each.name in ORDERLY]
    reports = pulled(orderly, to, environ=fakes.environment, bounds=Bounds(tenants=1))
    assert [each.error.message for each in reports.values()] == [
        "the disk is full",
        *["not begun: the disk is full"] * (len(orderly) - 1),
    ]
    assert sum(bool(requests) for requests in sent(fakes).values()) == 1


def test_who_is_allowed_least_begins_first(fakes, tenants, to):
    rates = {"hub-4": 50.0, "hum-3": 20.0}
    listed = [evolve(each, requests_per_second=rates.get(each.name)) for each in tenants]
    begun = []

    def watch(reports):
        begun.extend(name for name, each in reports.items() if each.is_begun and name not in begun)

    how = {"environ": fakes.environment, "bounds": Bounds(tenants=1), "on_progress": watch}
    reports = pulled(listed, to, **how)
    names = [each.name for each in listed]
    assert begun == ["hum-3", "hub-4", *(name for name in names if name not in rates)]
    assert list(reports) == names


def test_a_callback_that_raises_ends_all_of_it(fakes, tenants, to):
    def fail(reports):
        if any(each.report.rows for each in reports.values()):
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        pulled(tenants, to, environ=fakes.environment, on_progress=fail)


def test_a_cancelled_call_leaves_what_a_later_one_goes_on_with(tmp_path, to):
    fakes = FakeTenants.of_each(3, sizes=(400,), latency_s=0.05)
    seen = {}
    with fakes.in_thread():
        tenants = read_tenants(fakes.write(tmp_path / "tenants.toml"))

        async def cut():
            task = asyncio.ensure_future(
                pull_tenants(tenants, to, **RANGE, environ=fakes.environment, on_progress=note)
            )
            while sum(sent(fakes).values()) < 20:  # noqa: ASYNC110 - another thread sends
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        def note(reports):
            seen.update(reports)

        asyncio.run(cut())
        assert any(each.is_begun and not each.is_over for each in seen.values())
        reports = pulled(tenants, to, environ=fakes.environment)
        assert all(each.complete for each in reports.values())
        pages = 3 * (400 // 50) * 2 + 3 * 2  # and two windows without rows of each hub
        assert sum(sent(fakes).values()) == pages
    assert {stream.rows for stream in held(to).values()} == {400}


# ---------------------------------------------------------------------- sync


def test_sync_brings_every_tenant_up_to_now(fakes, tenants, to):
    pulled(tenants, to, environ=fakes.environment)
    tenants.append(evolve(tenants[2], name="new"))

    def sync(**how):
        work = sync_tenants(tenants, to, environ=fakes.environment, **how)
        return {each.tenant.name: each for each in asyncio.run(work)}

    back = timedelta(days=1)
    reports = sync(lookback=back)
    assert {name for name, each in reports.items() if each.complete} == ORDERLY
    assert "say from when" in reports["new"].error.message
    reports = sync(lookback=back, start="2026-01-01")
    assert reports["new"].complete
    assert held(to)["hum@new"].rows == fakes.fakes["hum-2"].rows
