"""The decisions R: what is asked, and how."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncsessions import IncompleteError, InvalidQueryError
from asyncsessions.providers.base import instant
from tests.providers.answers import AHUB, AHUB_ROW, HUM, PROVIDERS, windows_of
from tests.providers.scripted import Listed, asked_of, collected, made

ONE, TWO = "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"
DAY = {"start": "2025-03-01", "end": "2025-03-01"}
vendors = pytest.mark.parametrize("vendor", ["hum", "attributionhub"])


def request(vendor, page=1, **filters):
    provider = PROVIDERS[vendor]
    query = provider.query(**{**DAY, **filters})
    return provider.page_request(query, windows_of(vendor, query.start, query.end)[0], page)


def test_attributionhub_filters_travel_in_a_json_body():
    """R1: valid JSON, nothing in the query string, what was not asked is not there."""
    made_request = request("attributionhub", page=3, campaign="summer_sale", term="bathing suits")
    assert (made_request.method, made_request.params) == ("POST", ())
    assert json.loads(made_request.body) == {
        "page": 3,
        "start_date": "2025-03-01T00:00:00Z",
        "end_date": "2025-03-02T00:00:00Z",
        "campaign": "summer_sale",
        "term": "bathing suits",
    }


def test_every_attributionhub_filter_has_the_vendors_name():
    """R1: all six of them."""
    names = ("source", "medium", "campaign", "content", "term", "landing_page")
    asked = json.loads(request("attributionhub", **{name: f"a {name}" for name in names}).body)
    assert {name: asked[name] for name in names} == {name: f"a {name}" for name in names}
    assert set(asked) == {*names, "page", "start_date", "end_date"}


def test_hum_filters_are_parameters_with_repeated_brackets():
    """R2: token_ids[] once for each id, sorted and without doubles; with_clicks in lower case."""
    asked = request("hum", page=2, token_ids=[TWO, UUID(ONE), ONE.upper()], with_clicks=True)
    assert (asked.method, asked.body) == ("GET", None)
    assert asked.params == (
        ("page", "2"),
        ("start_date", "2025-03-01T00:00:00Z"),
        ("end_date", "2025-03-02T00:00:00Z"),
        ("token_ids[]", ONE),
        ("token_ids[]", TWO),
        ("with_clicks", "true"),
    )
    assert "token_ids%5B%5D=" in asked.full_url


def test_hum_leaves_out_what_was_not_asked():
    """R2: no empty token_ids[], and no with_clicks=false, which is the default."""
    assert [name for name, _ in request("hum").params] == ["page", "start_date", "end_date"]


@pytest.mark.parametrize(
    "filters",
    [
        {"token_ids": ONE},
        {"token_ids": UUID(ONE)},
        {"token_ids": 5},
        {"token_ids": None},
        {"token_ids": ["nonsense"]},
        {"token_ids": [7]},
        {"with_clicks": "true"},
        {"with_clicks": None},
    ],
)
def test_hum_filters_that_cannot_be_are_refused(filters):
    """R2: before a request is spent."""
    with pytest.raises(InvalidQueryError, match=next(iter(filters))):
        HUM.query(**DAY, **filters)


@vendors
def test_both_bounds_are_always_sent_as_full_utc_timestamps(vendor):
    """R3: whole seconds with a Z, rounded outward, whatever the zone they were given in."""
    zone = timezone(timedelta(hours=2))
    start = datetime(2025, 3, 1, 2, 0, 0, 400_000, tzinfo=zone)
    end = datetime(2025, 3, 1, 5, 0, 0, 100_000, tzinfo=zone)
    asked = asked_of(request(vendor, start=start, end=end))
    assert asked["start_date"] == "2025-03-01T00:00:00Z"
    assert asked["end_date"] == "2025-03-01T03:00:01Z"


@vendors
def test_a_date_as_end_includes_that_day(vendor):
    """R3: a date-only bound never reaches the vendor, whose zone for it is unknown."""
    asked = asked_of(request(vendor, start=date(2025, 3, 1), end="2025-03-02"))
    assert (asked["start_date"], asked["end_date"]) == (
        "2025-03-01T00:00:00Z",
        "2025-03-03T00:00:00Z",
    )


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_year_is_written_with_four_digits(moment):
    """R3: also those before 1000."""
    text = instant(moment)
    assert len(text) == len("2025-03-01T00:00:00Z")
    assert datetime.fromisoformat(text) == moment.replace(microsecond=0)


@vendors
@pytest.mark.parametrize("start", [datetime(2025, 3, 1), "2025-03-01T00:00", "March", 3, None])
def test_naive_and_unreadable_times_are_refused(vendor, start):
    """R3: a time without a zone has no meaning here."""
    with pytest.raises(InvalidQueryError, match="start"):
        PROVIDERS[vendor].query(start=start)


@vendors
def test_a_start_after_the_end_is_refused_here(vendor):
    """R4: what the vendors would make of it is unknown."""
    with pytest.raises(InvalidQueryError, match="later than end"):
        PROVIDERS[vendor].query(start="2025-03-02", end="2025-03-01")


def test_a_row_on_the_border_of_two_windows_is_delivered_once():
    """R5: both windows ask for that instant, one of them owns it."""
    last = datetime(2025, 3, 31, tzinfo=UTC)
    border = last - timedelta(days=30)
    times = [last, border + timedelta(seconds=1), border, border - timedelta(seconds=1)]
    rows = [{"timestamp": instant(time)} for time in times]
    where = {"start": last - timedelta(days=31), "end": last}
    found, requests = collected("attributionhub", Listed("attributionhub", rows), where=where)
    assert [session.started_at for session in found] == times
    assert found.report.complete
    asked = [asked_of(request) for request in requests]
    assert {a["start_date"] for a in asked} & {a["end_date"] for a in asked} == {instant(border)}


def test_attributionhub_is_never_asked_for_more_than_thirty_days():
    """R6: a sibling endpoint silently cuts longer ranges; exactly thirty days are allowed."""
    sizes = [
        window.asked_end - window.asked_start
        for window in windows_of("attributionhub", "2025-01-01", "2025-03-31")
    ]
    assert sizes == [timedelta(days=30)] * 3
    assert len(windows_of("hum", "2015-01-01", "2025-03-31")) == 1


@vendors
def test_rows_outside_of_the_asked_range_are_dropped_and_said(vendor):
    """R7: they may mean that the vendor read the range differently, so nothing is proven."""
    inside, outside = made(vendor, 2, minutes=60 * 24 * 40)
    rows = Listed(vendor, [inside, outside])
    answer = rows.__call__

    def careless(request):
        wide = {"start_date": "2020-01-01T00:00:00Z", "end_date": "2026-01-01T00:00:00Z"}
        if request.body is None:
            params = tuple((name, wide.get(name, value)) for name, value in request.params)
            return answer(type(request)(method="GET", url=request.url, params=params))
        body = json.dumps({**asked_of(request), **wide}).encode()
        return answer(type(request)(method="POST", url=request.url, body=body))

    error, _ = collected(vendor, careless)
    assert isinstance(error, IncompleteError)
    assert "outside of the range" in str(error)
    found, _ = collected(vendor, careless, on_incomplete="warn")
    assert len(found) == 1
    assert not found.report.complete


@pytest.mark.parametrize("value", ["", 3, b"text", "half \ud800"])
def test_a_filter_is_a_text_that_can_be_sent(value):
    """R8: an empty filter has no documented meaning."""
    with pytest.raises(InvalidQueryError, match="campaign"):
        AHUB.query(**DAY, campaign=value)


def test_filters_are_passed_on_letter_by_letter():
    """R8: exact match is the vendor's; neither case nor spaces are touched."""
    asked = asked_of(request("attributionhub", source=" Facebook ", campaign="Été 👩‍💻"))
    assert (asked["source"], asked["campaign"]) == (" Facebook ", "Été 👩‍💻")


@pytest.mark.parametrize("session_id", ["", " ", ".", "..", "a/b", "a?b", "a b", "é", None, 7])
def test_a_session_id_that_would_change_the_path_is_refused(session_id):
    """R9: the id is one segment of the path."""
    with pytest.raises(InvalidQueryError, match="session id"):
        HUM.session_request(session_id)


def test_the_detail_and_the_ping_are_plain_gets():
    """R9: no parameters, the same header."""
    detail, ping = HUM.session_request(ONE), HUM.ping_request()
    assert (detail.method, detail.full_url) == ("GET", f"{HUM.base_url}/analytics/sessions/{ONE}")
    assert (ping.method, ping.full_url) == ("GET", f"{HUM.base_url}/ping")
    assert detail.headers == ping.headers == request("hum").headers


def test_the_least_row_of_attributionhub_is_a_time():
    """R6: the answer to a window is read even if nothing else is known of its rows."""
    listed = Listed("attributionhub", [{**AHUB_ROW, "timestamp": "2025-03-05T00:00:00Z"}])
    found, _ = collected("attributionhub", listed)
    assert (len(found), found.report.complete) == (1, True)
