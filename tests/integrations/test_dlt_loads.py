"""A dlt pipeline holds what the vendor has: at first, and after everything that can happen to rows."""

from __future__ import annotations

from datetime import timedelta

import duckdb
import pytest

pytest.importorskip("dlt")

from asyncsessions import IncompleteError
from asyncsessions.core.digest import digest
from asyncsessions.integrations.dlt import sessions_source
from asyncsessions.testing import Drift
from tests.cli.shell import run
from tests.integrations.loading import (
    DAY,
    NOW,
    START,
    TARGETS,
    TODAY,
    fake_of,
    source_of,
    truth,
)

pytestmark = pytest.mark.usefixtures("_alone_with_dlt")


@pytest.fixture
def store(tmp_path):
    return TARGETS["duckdb"](tmp_path)


def uids(fake, day):
    """Return the rows of a day, counted back from today."""
    listing = fake.listing
    begin = TODAY - day * DAY
    return [row.uid for row in listing.iter_rows(begin, begin + DAY - timedelta(seconds=1))]


BOTH = [
    ("hum", "duckdb"),
    pytest.param("hum", "parquet", marks=pytest.mark.slow),
    pytest.param("attributionhub", "duckdb", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("vendor", "kind"), BOTH)
def test_a_first_load_has_the_sessions_of_a_pull(vendor, kind, tmp_path):
    target = TARGETS[kind](tmp_path)
    with fake_of(vendor, rows=330, unknown_fields=True) as fake:
        target.load(source_of(fake))
        assert target.digest(f"{vendor}_sessions") == truth(fake)
    rows = target.rows(f"{vendor}_sessions")
    assert rows.num_rows == 330
    assert rows["started_on"].equals(rows["started_at"].cast(rows["started_on"].type))
    assert rows["is_empty_day"].unique().to_pylist() == [False]
    assert len(rows["read_at"].unique()) == 1


@pytest.mark.slow
def test_a_load_has_the_digest_of_a_pull_on_the_command_line(store, tmp_path):
    with fake_of("hum", rows=330) as fake:
        store.load(source_of(fake))
        pulled = tmp_path / "pulled.duckdb"
        asked = ("--base-url", fake.base_url, "--start", f"{START:%Y-%m-%d}", "--to", str(pulled))
        assert run("pull", "hum", *asked, HUM_API_TOKEN=fake.token).status == 0
    with duckdb.connect(str(pulled), read_only=True) as connection:
        found = connection.sql("FROM sessions").to_arrow_table()
    assert store.digest() == digest(found)


@pytest.mark.parametrize(("vendor", "kind"), BOTH)
def test_rows_that_came_changed_moved_and_vanished_are_right_after_the_next_load(
    vendor, kind, tmp_path
):
    target = TARGETS[kind](tmp_path)
    table = f"{vendor}_sessions"
    moment = "created_at" if vendor == "hum" else "timestamp"
    with fake_of(vendor, rows=330) as fake:
        target.load(source_of(fake))
        listing = fake.listing
        listing.insert(NOW - timedelta(seconds=5))  # new
        listing.insert(TODAY - 4 * DAY)  # late
        changed, vanished, moved, *_ = uids(fake, 3)
        new = {"landing_page": "/changed"} if vendor == "attributionhub" else {"furthest_step": 9}
        listing.edit(changed, new)
        listing.delete(vanished)
        row = listing.row(moved).data
        listing.delete(moved)
        place = TODAY - 5 * DAY + timedelta(hours=1)
        listing.insert(place, {**row, moment: f"{place:%Y-%m-%dT%H:%M:%SZ}"})
        for uid in uids(fake, 7):  # a whole day
            listing.delete(uid)
        assert target.digest(table) != truth(fake)
        before = len(fake.requests)
        target.load(source_of(fake, lookback=8 * DAY))
        spent = len(fake.requests) - before
        assert target.digest(table) == truth(fake)
        assert spent <= 8
    rows = target.sessions(table)
    assert len(set(rows["id"].to_pylist())) == rows.num_rows
    days = {moment.date() for moment in rows["started_at"].to_pylist()}
    assert (TODAY - 7 * DAY).date() not in days


@pytest.mark.slow
def test_what_is_older_than_the_lookback_is_not_asked_for_again(store):
    with fake_of("hum", rows=600) as fake:
        store.load(source_of(fake))
        assert len(fake.requests) == 12
        old, young = uids(fake, 6)[0], uids(fake, 1)[0]
        fake.listing.edit(old, {"furthest_step": 9})
        fake.listing.edit(young, {"furthest_step": 8})
        store.load(source_of(fake, lookback=DAY))
        asked = fake.requests[12:]
        assert len(asked) <= 3
        assert min(request.start for request in asked) == TODAY - DAY
    steps = store.rows()["furthest_step"].to_pylist()
    assert 8 in steps
    assert 9 not in steps


@pytest.mark.slow
def test_a_vendor_that_has_nothing_any_more_leaves_an_empty_table(store):
    with fake_of("hum", rows=120) as fake:
        store.load(source_of(fake))
        for uid in list(fake.listing.all_uids_ever):
            fake.listing.delete(uid)
        store.load(source_of(fake))
    assert store.rows().num_rows == 0


@pytest.mark.slow
def test_an_earlier_start_adds_what_was_never_read_and_a_later_one_keeps_it(store):
    with fake_of("hum", rows=600) as fake:
        store.load(source_of(fake, start=TODAY - 3 * DAY))
        assert store.digest() == truth(fake, TODAY - 3 * DAY)
        before = len(fake.requests)
        store.load(source_of(fake, start=TODAY - 9 * DAY, lookback=DAY))
        asked = {(request.start, request.end) for request in fake.requests[before:]}
        assert store.digest() == truth(fake, TODAY - 9 * DAY)
        assert (TODAY - 9 * DAY, TODAY - 3 * DAY) in asked
        assert len(asked) == 2
        store.load(source_of(fake, start=TODAY - 5 * DAY, lookback=DAY))
        assert store.digest() == truth(fake, TODAY - 9 * DAY)
    assert store.state()["first"] == f"{TODAY - 9 * DAY:%Y-%m-%d}"


@pytest.mark.slow
def test_an_end_reads_exactly_these_days_and_leaves_the_state_alone(store):
    with fake_of("hum", rows=600) as fake:
        store.load(source_of(fake, start=TODAY - 2 * DAY))
        state = store.state()
        # In the middle of days: they are read whole.
        begin, end = TODAY - 6.5 * DAY, TODAY - 4.5 * DAY
        store.load(source_of(fake, start=begin, end=end))
        assert store.state() == state
        days = {moment.date() for moment in store.rows()["started_at"].to_pylist()}
        assert days == {(TODAY - back * DAY).date() for back in (1, 2, 5, 6, 7)}
        assert store.rows().filter(
            [moment < TODAY - 3 * DAY for moment in store.rows()["started_at"].to_pylist()]
        ).num_rows == fake.listing.count(TODAY - 7 * DAY, TODAY - 4 * DAY - timedelta(seconds=1))


def busy(fake):
    """Return from when to when a fake was asked, by the clock of the machine."""
    seen = fake.requests
    return fake._began_s + seen[0].at_s, fake._began_s + seen[-1].answered_s


@pytest.mark.slow
def test_several_vendors_are_read_side_by_side_into_a_table_each(store, monkeypatch):
    with (
        fake_of("hum", rows=330, latency_s=0.05) as hum,
        fake_of("attributionhub", rows=330, latency_s=0.05) as hub,
    ):
        for name, fake in (("HUM", hum), ("ATTRIBUTIONHUB", hub)):
            where = f"SOURCES__ASYNCSESSIONS__{name}__"
            monkeypatch.setenv(f"{where}API_KEY", fake.token if name == "HUM" else fake.key)
            monkeypatch.setenv(f"{where}BASE_URL", fake.base_url)
        source = sessions_source(["hum", "attributionhub"], start=START)
        assert list(source.resources) == ["hum_sessions", "attributionhub_sessions"]
        store.load(source)
        (began, ended), (other_began, other_ended) = map(busy, (hum, hub))
        assert store.digest("hum_sessions") == truth(hum)
        assert store.digest("attributionhub_sessions") == truth(hub)
    assert began < other_ended
    assert other_began < ended


@pytest.mark.slow
def test_what_cannot_be_proven_fails_the_load_and_keeps_rows_and_state(store):
    switches = {"rows": 300, "rows_on_one_instant": 120}
    with fake_of("hum", **switches) as fake:
        store.load(source_of(fake))
        rows, state = store.digest(), store.state()
    with (
        fake_of("hum", drift=Drift(insert_on_instant_every=1), **switches) as restless,
        pytest.raises(Exception, match="not proven complete") as caught,
    ):
        store.load(source_of(restless))
    assert isinstance(root_of(caught.value), IncompleteError)
    assert (store.digest(), store.state()) == (rows, state)
    with fake_of("hum", **switches) as fake:
        fake.listing.delete(0)
        store.load(source_of(fake))
        assert store.digest() == truth(fake)


def root_of(error):
    while error.__cause__ is not None:
        error = error.__cause__
    return error


@pytest.mark.slow
def test_a_load_that_is_cut_short_by_a_limit_of_dlt_replaces_whole_days_only(store):
    with fake_of("hum", rows=600) as fake:
        store.load(source_of(fake))
        state = store.state()
        fake.listing.delete(uids(fake, 1)[0])
        fake.listing.delete(uids(fake, 9)[0])
        store.load(source_of(fake, days=3).add_limit(1))
        assert store.state() == state
        assert store.rows().num_rows == 599
        store.load(source_of(fake))
        assert store.digest() == truth(fake)


@pytest.mark.slow
@pytest.mark.parametrize("kind", TARGETS)
def test_replacing_all_of_a_table_reads_all_of_the_range_each_time(kind, tmp_path):
    target = TARGETS[kind](tmp_path)
    with fake_of("hum", rows=330) as fake:
        for disposition in ("replace", "replace", {"disposition": "replace"}):
            before = len(fake.requests)
            target.load(source_of(fake, lookback=DAY), write_disposition=disposition)
            assert len(fake.requests) == before + 7
            assert target.digest() == truth(fake)
            fake.listing.delete(uids(fake, 9)[0])
    assert not any(target.rows()["is_empty_day"].to_pylist())


@pytest.mark.slow
def test_filters_are_the_vendors_own(store):
    with fake_of("attributionhub", rows=600) as fake:
        store.load(source_of(fake, filters={"medium": "organic"}))
        found = store.sessions("attributionhub_sessions")
        assert set(found["medium"].to_pylist()) == {"organic"}
        assert digest(found) == truth(fake, medium="organic")
        with pytest.raises(Exception, match="was loaded with other filters"):
            store.load(source_of(fake, filters={"medium": "cpc"}))
        with pytest.raises(Exception, match="was loaded with other filters"):
            store.load(source_of(fake, start=TODAY - 2 * DAY, end=TODAY))
        assert store.digest("attributionhub_sessions") == digest(found)
        end = {"start": TODAY - 2 * DAY, "end": TODAY, "filters": {"medium": "cpc"}}
        store.load(source_of(fake, **end), refresh="drop_resources")
        with pytest.raises(Exception, match="was loaded with other filters"):
            store.load(source_of(fake))
        store.load(source_of(fake, filters={"medium": "cpc"}))
        assert store.digest("attributionhub_sessions") == truth(fake, medium="cpc")


@pytest.mark.slow
def test_two_accounts_of_a_vendor_have_a_table_and_a_state_each_by_their_names(store):
    with fake_of("hum", rows=60) as one, fake_of("hum", rows=110, seed=2) as other:
        store.load(source_of(one, start=TODAY - 3 * DAY, name="first_account"))
        store.load([source_of(other, name="second_account"), source_of(one, name="first_account")])
        assert store.digest("first_account") == truth(one)
        assert store.digest("second_account") == truth(other)
    assert store.state("first_account")["first"] == store.state("second_account")["first"]


@pytest.mark.slow
def test_the_record_as_it_was_sent_is_kept_on_request(store):
    with fake_of("hum", rows=60) as fake:
        store.load(source_of(fake, raw=True))
    assert store.rows()["raw"].null_count == 0
