"""Reports, plans and records as plain values."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from asyncsessions.core.plan import PullPlan
from asyncsessions.core.records import Address, CartStep, Conversion, Session, SessionDetail
from asyncsessions.core.report import Report
from asyncsessions.core.windows import TimeRange, split

AT = datetime(2026, 1, 1, tzinfo=UTC)
LATER = AT + timedelta(microseconds=1)


def test_a_report_is_plain_data_for_json():
    report = Report(
        provider="hum",
        start=AT,
        end=LATER,
        rows=3,
        unproven=((AT, LATER), (AT, AT)),
        reasons=("why",),
        as_of=(AT, LATER),
        unknown_fields=("new",),
    )
    plain = json.loads(json.dumps(report.to_dict()))
    assert set(plain) == {field.name for field in attrs.fields(Report)}
    assert plain["start"] == "2026-01-01T00:00:00+00:00"
    assert plain["unproven"] == [
        ["2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00.000001+00:00"],
        ["2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00+00:00"],
    ]
    assert plain["as_of"] == ["2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00.000001+00:00"]
    assert (plain["rows"], plain["total"], plain["reasons"]) == (3, None, ["why"])


def test_an_empty_report_is_plain_data_too():
    assert json.loads(json.dumps(Report(provider="hum").to_dict()))["complete"] is False


def test_a_report_never_changes():
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Report(provider="hum").rows = 3


def test_a_plan_holds_the_windows_of_its_range():
    pinned = TimeRange(AT, LATER, closed=True)
    plan = PullPlan(provider="hum", filters=(), pinned=pinned, windows=split(pinned, None))
    assert [window.owned for window in plan.windows] == [plan.pinned.span]


def test_a_logged_record_gives_nobody_away():
    session = SessionDetail(
        provider="hum",
        id="a1",
        started_at=AT,
        address=Address(street1="CANARY", street2="CANARY", city="CANARY", zip="CANARY"),
        conversion=Conversion(email="CANARY"),
        raw=b"CANARY",
        cart_progression=(CartStep(step=1),),
    )
    assert "CANARY" not in repr(session)
    assert "street1='***'" in repr(session)
    assert "city=None" in repr(Address())


def test_the_raw_json_takes_no_part_in_comparisons():
    one, other = (Session(provider="hum", id="a", started_at=AT, raw=raw) for raw in (b"1", None))
    assert one == other
    assert hash(one) == hash(other)


def test_records_are_slotted_and_frozen():
    session = Session(provider="hum", id="a", started_at=AT)
    assert not hasattr(session, "__dict__")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        session.id = "b"
