"""Sessions to and from dicts, JSON and rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from asyncsessions.core.columns import csv_header
from asyncsessions.core.convert import (
    from_dict,
    from_json,
    from_row,
    make_converter,
    to_dict,
    to_json,
    to_row,
)
from asyncsessions.core.records import (
    Address,
    CartStep,
    Conversion,
    Exit,
    Order,
    Session,
    SessionDetail,
)
from tests.invented_sessions import DETAILS, SESSIONS

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
BARE = Session(provider="hum", id="1", started_at=NOON)
FULL = Session(
    provider="attributionhub",
    id="a1",
    started_at=NOON.replace(microsecond=1),
    campaign="Frühling ☀",
    source="none",
    medium="",
    content="a\nb",
    term='"q"',
    landing_page="/a?b=c",
    address=Address(street1="1 Nowhere Lane", city="Exampleville", state="MI", zip="00258"),
    furthest_step=0,
    order=Order(
        number="n", ordered_at=NOON, installed=False, installed_at=NOON, commission_cents=0
    ),
    conversion=Conversion(at=NOON, email="a@example.com", page="/thanks", previous_page="/cart"),
    exit=Exit(at=NOON, page="/x", previous_page="/y"),
    duration=timedelta(seconds=-1.5),
    raw=b'{"id": "\xc3\xa4"}',
)


def without_empty_parts(session):
    """A flat row cannot tell a part without values from no part at all."""
    parts = {"address": Address(), "order": Order(), "conversion": Conversion(), "exit": Exit()}
    gone = {name: None for name, empty in parts.items() if getattr(session, name) == empty}
    return evolve(session, **gone)


@given(SESSIONS)
def test_a_session_comes_back_from_a_dict(session):
    back = from_dict(to_dict(session))
    assert (back, back.raw) == (session, session.raw)


@given(DETAILS)
def test_a_detail_comes_back_from_a_dict_and_from_json_with_its_cart(detail):
    assert from_dict(to_dict(detail), SessionDetail) == detail


@given(SESSIONS)
def test_a_session_comes_back_from_json(session):
    back = from_json(to_json(session))
    assert (back, back.raw) == (session, session.raw)
    assert from_json(to_json(session).decode()) == session


@given(SESSIONS)
def test_json_is_one_line_of_the_dict(session):
    line = to_json(session)
    assert b"\n" not in line
    assert json.loads(line) == to_dict(session)


@given(SESSIONS)
def test_a_session_comes_back_from_a_row(session):
    back = from_row(to_row(session))
    assert back == without_empty_parts(session)
    assert back.raw == session.raw


def test_the_dict_is_nested_plain_data_with_every_name():
    assert to_dict(BARE) == {
        "provider": "hum",
        "id": "1",
        "started_at": "2026-01-31T12:00:00Z",
        "campaign": None,
        "source": None,
        "medium": None,
        "content": None,
        "term": None,
        "landing_page": None,
        "address": None,
        "furthest_step": None,
        "order": None,
        "conversion": None,
        "exit": None,
        "duration_s": None,
    }


def test_the_extremes_keep_their_values():
    plain = to_dict(FULL)
    assert plain["started_at"] == "2026-01-31T12:00:00.000001Z"
    assert plain["duration_s"] == -1.5
    assert plain["order"]["commission_cents"] == 0
    assert plain["order"]["installed"] is False
    assert plain["medium"] == ""
    assert plain["raw"] == '{"id": "ä"}'
    assert from_dict(plain) == FULL


def test_the_cart_is_a_list():
    detail = SessionDetail(
        provider="hum", id="1", started_at=NOON, cart_progression=(CartStep(step=2),)
    )
    assert to_dict(detail)["cart_progression"] == [{"step": 2, "name": None, "at": None}]


def test_raw_bytes_that_are_no_utf8_do_not_cost_the_row():
    assert to_dict(evolve(BARE, raw=b"\xff"))["raw"] == "\ufffd"
    assert to_row(evolve(BARE, raw=b"\xff"))["raw"] == "\ufffd"


def test_times_of_any_zone_are_written_and_read_as_utc():
    there = datetime(2026, 1, 31, 14, tzinfo=timezone(timedelta(hours=2)))
    assert to_dict(evolve(BARE, started_at=there)) == to_dict(BARE)
    back = from_dict({**to_dict(BARE), "started_at": "2026-01-31T14:00:00+02:00"})
    assert back.started_at.tzinfo is UTC
    assert back == BARE


def test_unknown_names_are_ignored_and_absent_ones_are_none():
    plain = {"provider": "hum", "id": "1", "started_at": "2026-01-31T12:00:00Z", "new": [1]}
    assert from_dict(plain) == BARE
    assert from_row(plain) == BARE


def test_a_row_has_the_columns_in_order_and_keeps_times_as_datetimes():
    row = to_row(FULL)
    assert list(row) == csv_header()
    assert row["started_at"] is FULL.started_at
    assert (row["conversion_at"], row["address_city"]) == (NOON, "Exampleville")
    assert (row["order_number"], row["exit_page"], row["duration_s"]) == ("n", "/x", -1.5)


def test_a_row_may_hold_its_times_as_texts():
    assert from_row({**to_row(BARE), "started_at": "2026-01-31T12:00:00Z"}) == BARE


@given(st.timedeltas())
def test_a_duration_of_any_length_is_kept_as_exactly_as_a_float_can(duration):
    seconds = to_dict(evolve(BARE, duration=duration))["duration_s"]
    assert seconds == duration.total_seconds()
    if abs(duration) < timedelta(days=36_500):
        assert from_dict({**to_dict(BARE), "duration_s": seconds}).duration == duration


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"id": None}, "$.id must be a text"),
        ({"id": 5}, "$.id must be a text"),
        ({"started_at": "soon"}, "$.started_at must be a time with its zone"),
        ({"started_at": "2026-01-31T12:00:00"}, "$.started_at must be a time with its zone"),
        ({"started_at": 17}, "$.started_at must be a time with its zone"),
        ({"started_at": "0001-01-01T00:00:00+02:00"}, "$.started_at must lie in the years 1 to"),
        ({"furthest_step": "3"}, "$.furthest_step must be a whole number"),
        ({"furthest_step": True}, "$.furthest_step must be a whole number"),
        ({"order": {"installed": "false"}}, "$.order.installed must be true or false"),
        ({"order": []}, "$.order must be an object with names and values"),
        ({"duration_s": "1"}, "$.duration_s must be a number of seconds"),
        ({"duration_s": True}, "$.duration_s must be a number of seconds"),
        ({"duration_s": 1e300}, "$.duration_s must be a number of seconds that a timedelta"),
        ({"duration_s": float("nan")}, "$.duration_s must be a number of seconds that a"),
        ({"raw": 3}, "$.raw must be the text of a JSON record"),
    ],
)
def test_what_is_wrong_is_named_by_its_place_in_one_sentence(change, sentence):
    with pytest.raises(ValueError) as caught:
        from_dict({**to_dict(BARE), **change})
    assert str(caught.value).startswith(f"not a session: {sentence}")
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_every_place_that_is_wrong_is_named():
    detail = {**to_dict(BARE), "cart_progression": [{"step": "1"}, {}]}
    del detail["provider"]
    with pytest.raises(ValueError) as caught:
        from_dict(detail, SessionDetail)
    assert str(caught.value) == (
        "not a session: $.provider is missing; "
        "$.cart_progression[0].step must be a whole number; "
        "$.cart_progression[1].step is missing"
    )


@pytest.mark.parametrize("wrong", [None, 5, [1], "text"])
def test_what_is_no_mapping_is_no_session(wrong):
    with pytest.raises(ValueError, match="not a session"):
        from_dict(wrong)
    with pytest.raises(ValueError, match="not a session"):
        from_row(wrong)


@pytest.mark.parametrize("wrong", [b"", b"{", b"\xff", b'"\xff"', "{"])
def test_what_is_no_json_is_no_session(wrong):
    with pytest.raises(ValueError, match="not a session: this is not JSON"):
        from_json(wrong)


def test_personal_data_is_in_no_message():
    with pytest.raises(ValueError) as caught:
        from_dict({**to_dict(BARE), "started_at": "a@example.com", "id": ["a@example.com"]})
    assert "a@example.com" not in str(caught.value)


def test_hooks_of_ones_own_reach_into_the_session_and_leave_other_converters_alone():
    mine = make_converter()
    mine.unstructure(FULL)  # whatever was made before is made again
    mine.register_unstructure_hook(datetime, datetime.timestamp)
    mine.register_unstructure_hook(Address, lambda address: address.city)
    mine.register_structure_hook(datetime, lambda value, _: datetime.fromtimestamp(value, UTC))
    mine.register_structure_hook(Address, lambda value, _: Address(city=value))
    plain = mine.unstructure(FULL)
    assert plain["started_at"] == FULL.started_at.timestamp()
    assert plain["exit"]["at"] == NOON.timestamp()
    assert plain["address"] == "Exampleville"
    back = mine.structure(plain, Session)
    assert back == evolve(FULL, address=Address(city="Exampleville"))
    assert to_dict(FULL)["started_at"] == "2026-01-31T12:00:00.000001Z"
