"""Which days are read, what becomes of the state, and the rows that dlt is given of a day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

pytest.importorskip("dlt")

from asyncsessions import AttributionHub, ConfigurationError, Hum, InvalidQueryError
from asyncsessions.core.columns import arrow_schema, to_table
from asyncsessions.core.records import Session
from asyncsessions.engine.proven import WindowTable
from asyncsessions.integrations._dlt.days import day_table
from asyncsessions.integrations._dlt.ranges import Loaded, due_ranges, fingerprint, whole_days
from asyncsessions.integrations.dlt import sessions_source

DAY = timedelta(days=1)
FIRST = date(2026, 1, 10)
NOW = datetime(2026, 3, 31, 12, 0, 5, tzinfo=UTC)
THROUGH = datetime(2026, 1, 20, 12, tzinfo=UTC)
LOADED = Loaded(FIRST, THROUGH)


@pytest.mark.parametrize(
    ("first", "lookback", "expected"),
    [
        (FIRST, 0 * DAY, [(date(2026, 1, 20), None)]),
        (FIRST, 0.5 * DAY, [(date(2026, 1, 20), None)]),
        (FIRST, 0.6 * DAY, [(date(2026, 1, 19), None)]),
        (FIRST, 7 * DAY, [(date(2026, 1, 13), None)]),
        (FIRST, 60 * DAY, [(FIRST, None)]),
        (FIRST, timedelta.max, [(FIRST, None)]),
        (date(2026, 1, 18), 7 * DAY, [(date(2026, 1, 18), None)]),
        (
            date(2026, 1, 1),
            7 * DAY,
            [(date(2026, 1, 13), None), (date(2026, 1, 1), date(2026, 1, 9))],
        ),
        (date(2026, 1, 1), 60 * DAY, [(date(2026, 1, 1), None)]),
        (date(2026, 1, 1), 10 * DAY, [(date(2026, 1, 1), None)]),
        (date(2026, 2, 1), 7 * DAY, [(date(2026, 2, 1), None)]),
    ],
)
def test_what_was_never_read_is_due_and_what_was_young_when_it_was_read(first, lookback, expected):
    assert due_ranges(first, LOADED, lookback) == expected


def test_all_is_due_at_first():
    assert due_ranges(FIRST, None, DAY) == [(FIRST, None)]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-01-10T15:00:00Z", None, (FIRST, None)),
        ("2026-01-10T23:30:00-02:00", "2026-01-12", (date(2026, 1, 11), date(2026, 1, 12))),
        ("2026-01-10", "2026-01-12T00:00:00Z", (FIRST, date(2026, 1, 12))),
        ("2026-01-10", "2026-01-12T15:00:00Z", (FIRST, date(2026, 1, 12))),
        (timedelta(days=3), None, (date(2026, 3, 28), None)),
        ("2026-01-10", "2999-01-01", (FIRST, date(2026, 3, 31))),
    ],
)
def test_a_range_is_the_days_in_which_it_lies(start, end, expected):
    assert whole_days(start, end, now=NOW) == expected


def test_the_state_holds_plain_texts_and_is_read_back():
    state = {}
    LOADED.to_state(state, filters="f")
    assert state == {"first": "2026-01-10", "through": "2026-01-20T12:00:00+00:00", "filters": "f"}
    assert Loaded.from_state(state, filters="f") == LOADED
    assert Loaded.from_state({}, filters="f") is None
    assert Loaded.from_state({"filters": "f"}, filters="f") is None
    with pytest.raises(ConfigurationError, match="loaded with other filters"):
        Loaded.from_state(state, filters="g")
    with pytest.raises(ConfigurationError, match="loaded with other filters"):
        Loaded.from_state({"filters": "f"}, filters="g")


def test_what_is_loaded_grows_at_both_ends_and_begins_anew_behind_a_gap():
    later = THROUGH + 5 * DAY
    assert LOADED.with_range(date(2026, 1, 15), later, 5 * DAY) == Loaded(FIRST, later)
    assert LOADED.with_range(date(2026, 1, 1), later, DAY) == Loaded(date(2026, 1, 1), later)
    whole = 60 * DAY
    assert LOADED.with_range(date(2026, 1, 1), later, whole) == Loaded(date(2026, 1, 1), later)
    gap = THROUGH + 30 * DAY
    assert LOADED.with_range(date(2026, 2, 1), gap, DAY) == Loaded(date(2026, 2, 1), gap)
    assert LOADED.with_range(FIRST, THROUGH - DAY, DAY) == LOADED  # a clock that was set back


def test_days_that_a_later_start_leaves_out_are_due_again_as_before():
    for later in (THROUGH + 5 * DAY, THROUGH + 25 * DAY):
        found = LOADED.with_range(date(2026, 1, 16), later, 7 * DAY)
        assert due_ranges(FIRST, found, 7 * DAY) == [(date(2026, 1, 13), None)]


def test_filters_are_told_apart_without_being_told():
    assert fingerprint(()) == fingerprint(())
    assert (
        len({fingerprint(()), fingerprint((("medium", "cpc"),)), fingerprint((("m", "ediumcpc"),))})
        == 3
    )
    assert "cpc" not in fingerprint((("medium", "cpc"),))


def window(*times, start=datetime(2026, 1, 10, tzinfo=UTC), days=3):
    rows = [Session(provider="hum", id=str(each), started_at=each) for each in times]
    return WindowTable(start, start + days * DAY, to_table(rows))


@pytest.mark.parametrize("with_empty_days", [True, False])
def test_a_day_without_sessions_is_a_row_that_deletes_it(with_empty_days):
    last = datetime(2026, 1, 11, 23, 59, 59, 999_999, tzinfo=UTC)
    table = day_table(
        window(last, datetime(2026, 1, 11, tzinfo=UTC)),
        provider="hum",
        read_at=NOW,
        with_empty_days=with_empty_days,
    )
    assert table.schema.names == [*arrow_schema().names, "started_on", "read_at", "is_empty_day"]
    found = [(row["started_on"].day, row["is_empty_day"]) for row in table.to_pylist()]
    empty = [(10, True), (12, True)] if with_empty_days else []
    assert found == [(11, False), (11, False), *empty]
    assert {row["read_at"] for row in table.to_pylist()} == {NOW}
    assert {row["provider"] for row in table.to_pylist()} == {"hum"}


def test_the_end_of_a_window_is_no_day_of_it():
    empty = window(start=datetime(2026, 1, 10, tzinfo=UTC), days=0.5)
    table = day_table(empty, provider="hum", read_at=NOW, with_empty_days=True)
    assert table["started_on"].to_pylist() == [date(2026, 1, 10)]


HUM = Hum("invented", environment="sandbox")
GIVEN = {"start": "2026-01-01", "api_key": "invented"}


@pytest.mark.parametrize(
    ("provider", "options", "sentence"),
    [
        ("nobody", GIVEN, "there is no provider 'nobody': write 'hum' or 'attributionhub'"),
        ("hum", GIVEN, "Hum needs"),
        (
            "attributionhub",
            {**GIVEN, "environment": "sandbox"},
            "attributionhub has no environments",
        ),
        (HUM, GIVEN, "api_key belongs to a provider that is given by its name"),
        (
            [HUM, "hum"],
            GIVEN,
            "api_key can only be given for a single provider: make a source for each",
        ),
        (
            ["hum", "attributionhub"],
            {"start": "2026-01-01", "name": "both", "filters": {"medium": "cpc"}},
            "name and filters can only be given for a single provider",
        ),
        (
            [HUM, HUM],
            {"start": "2026-01-01"},
            "hum is there twice: make a source for each, with its own name",
        ),
        (HUM, {"start": "2026-01-01", "lookback": 7}, "lookback must be a timedelta of at least 0"),
        (HUM, {"start": "2026-01-01", "lookback": -DAY}, "lookback must be a timedelta"),
        (HUM, {"start": "2026-01-01", "days": 0}, "days must be a whole number of at least 1"),
        (HUM, {"start": "2026-01-01", "concurrency": 0}, "concurrency must be"),
        (HUM, {"start": "2026-01-01", "max_requests": -1}, "max_requests must be"),
        ([], {"start": "2026-01-01"}, "there is no provider to load from"),
        (
            None,
            {"start": "2026-01-01"},
            "provider must be a vendor's name, a provider, or a list of these",
        ),
    ],
)
def test_a_wrong_set_up_is_one_sentence_before_anything_is_asked(provider, options, sentence):
    with pytest.raises(ConfigurationError) as caught:
        sessions_source(provider, **options)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"start": "2999-01-01"},
        {"start": "2026-02-01", "end": "2026-01-01"},
        {"start": "2026-01-01", "filters": {"token_ids": "one"}},
    ],
)
def test_a_wrong_question_is_refused_before_anything_is_asked(options):
    with pytest.raises(InvalidQueryError):
        sessions_source(HUM, **options)


def test_a_filter_that_the_vendor_does_not_have_is_refused():
    with pytest.raises(TypeError, match="medium"):
        sessions_source(HUM, start="2026-01-01", filters={"medium": "cpc"})


def test_providers_can_be_given_as_objects_and_tell_no_secret():
    hub = AttributionHub("invented-key", base_url="https://hub.test")
    source = sessions_source([HUM, hub], start="2026-01-01")
    assert list(source.resources) == ["hum_sessions", "attributionhub_sessions"]
    assert "invented" not in repr(source)


def test_an_own_provider_is_not_taken_by_its_name(monkeypatch):
    monkeypatch.setattr("asyncsessions.integrations._dlt.vendors.provider_names", lambda: ["acme"])
    with pytest.raises(ConfigurationError) as caught:
        sessions_source("acme", start="2026-01-01")
    assert str(caught.value) == "give the provider acme itself, instead of its name"
