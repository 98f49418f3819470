"""The decisions A about rows: what a record says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from asyncsessions import (
    Address,
    CartStep,
    Conversion,
    Exit,
    Order,
    UnexpectedResponseError,
)
from tests.providers.answers import (
    AHUB_ROW,
    HUM,
    HUM_ROW,
    PROVIDERS,
    ahub_page,
    answered,
    hum_page,
    page_with,
    read,
    refused,
)

vendors = pytest.mark.parametrize("vendor", ["hum", "attributionhub"])


def only(vendor, row):
    return read(vendor, page_with(vendor, row)).rows[0]


@vendors
def test_absent_and_null_are_the_same_and_placeholders_stay(vendor):
    """A4: None means that the vendor did not say; "none" and "" are its words."""
    name = "campaign_id" if vendor == "hum" else "campaign"
    assert only(vendor, {}) == only(vendor, {name: None})
    assert only(vendor, {}).campaign is None
    for word in ("none", "", " (not set) "):
        assert only(vendor, {name: word}).campaign == word


@vendors
def test_undocumented_fields_are_named_and_never_an_error(vendor):
    """A4: in rows, their parts and the envelope; no value is looked at."""
    part = {"address": {"county": 1}} if vendor == "hum" else {"exit": {"reason": {}}}
    response = page_with(vendor, {"device": {"kind": 1}, **part}, trace="a")
    assert len(read(vendor, response).rows) == 1
    at, inner = ("data", "address.county") if vendor == "hum" else ("records", "exit.reason")
    names = PROVIDERS[vendor].unknown_fields(response)
    assert list(names) == sorted([f"{at}.{inner}", f"{at}.device", "trace"])


@vendors
def test_names_of_undocumented_fields_are_bounded_and_masked(vendor):
    """A4: a name is the vendor's text too."""
    many = {f"field-{number}": 0 for number in range(300)}
    names = PROVIDERS[vendor].unknown_fields(page_with(vendor, {**many, "a@example.com": 1}))
    assert len(names) == 100
    assert "example" not in "".join(names)
    (long,) = PROVIDERS[vendor].unknown_fields(page_with(vendor, {"x" * 5000: 1}))
    assert len(long) < 300


@vendors
@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b'{"data":' * 100_000])
def test_an_answer_that_cannot_be_read_names_no_fields(vendor, body):
    """A4: looking for names never raises."""
    assert list(PROVIDERS[vendor].unknown_fields(answered(body))) == []


ODD = b'{ "b" :1.0e0,  "%s":"2026-03-01T12:00:00Z","id":"\\u00e9","address":{ },"x":"\xff" }'


@vendors
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_raw_keeps_each_record_byte_for_byte(vendor, bom):
    """A4: with unknown fields, spaces, order and escapes, even bytes that are no UTF-8."""
    row = ODD % (b"created_at" if vendor == "hum" else b"timestamp")
    page = hum_page() if vendor == "hum" else ahub_page({})
    shell = msgspec.json.encode(page)
    body = shell.replace(b"[]", b"[ " + row + b" ,\n" + row + b"]")
    body = body.replace(b"[{}]", b"[ " + row + b" ,\n" + row + b"]")
    kept = read(vendor, answered(bom + body), raw=True).rows
    assert [session.raw for session in kept] == [row, row]
    plain = read(vendor, answered(bom + body)).rows
    assert [session.raw for session in plain] == [None, None]
    assert kept == plain


@vendors
@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00:00.179Z", datetime(2026, 3, 1, 12, 0, 0, 179_000, tzinfo=UTC)),
        ("2026-03-01T12:00:00.1234564Z", datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)),
        ("2026-03-01T14:00:00+02:00", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00:00", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01 12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
    ],
)
def test_times_come_with_and_without_fractions_and_offsets(vendor, text, moment):
    """A5: all of them become aware UTC; without a zone they are UTC."""
    key = "created_at" if vendor == "hum" else "timestamp"
    started_at = only(vendor, {key: text}).started_at
    assert (started_at, started_at.tzinfo) == (moment, UTC)


@vendors
@pytest.mark.parametrize(
    "value",
    [
        None,
        1_772_366_400,
        "",
        "yesterday",
        "2026-03-01",
        "2026-02-30T12:00:00Z",
        "2026-03-01T24:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+10:00",
        "9999-12-31T23:59:59-10:00",
    ],
)
def test_a_time_that_cannot_be_read_is_named_by_its_path(vendor, value):
    """A6: which record, which field."""
    key, at = ("created_at", "data") if vendor == "hum" else ("timestamp", "records")
    good = HUM_ROW if vendor == "hum" else AHUB_ROW
    page = hum_page if vendor == "hum" else ahub_page
    response = answered(page(good, good, good, {**good, key: value}))
    for raw in (False, True):
        with pytest.raises(UnexpectedResponseError) as caught:
            read(vendor, response, raw=raw)
        assert caught.value.path == f"$.{at}[3].{key}"
        assert not caught.value.transient


@pytest.mark.parametrize(
    ("vendor", "row", "path"),
    [
        ("hum", {"id": None}, "$.data[0].id"),
        ("hum", {"id": 7}, "$.data[0].id"),
        ("hum", {"address": "1 Invented Street"}, "$.data[0].address"),
        ("hum", {"ordered_at": "0001-01-01T00:00:00+01:00"}, "$.data[0].ordered_at"),
        ("hum", {"installed": "yes"}, "$.data[0].installed"),
        ("hum", {"commission_cents": 12.5}, "$.data[0].commission_cents"),
        ("attributionhub", {"source": ["a"]}, "$.records[0].source"),
        ("attributionhub", {"exit": "gone"}, "$.records[0].exit"),
        (
            "attributionhub",
            {"conversion": [{"timestamp": "9999-12-31T23:59:59-01:00"}]},
            "$.records[0].conversion[0].timestamp",
        ),
    ],
)
def test_a_field_of_another_type_is_named_by_its_path(vendor, row, path):
    """A6: a record is never half read and never left out."""
    assert refused(vendor, page_with(vendor, row)).path == path


@pytest.mark.parametrize("installed", [True, False, None])
@pytest.mark.parametrize("installed_at", ["2026-03-05T14:00:00Z", None])
def test_installed_and_its_time_are_independent(installed, installed_at):
    """A7: any combination is a legal state of an order."""
    order = only("hum", {"order_number": "HUM-1", "installed": installed}).order
    assert order == Order(number="HUM-1", installed=installed)
    row = {"order_number": "HUM-1", "installed": installed, "installed_at": installed_at}
    at = installed_at and datetime(2026, 3, 5, 14, tzinfo=UTC)
    assert only("hum", row).order == Order(number="HUM-1", installed=installed, installed_at=at)


def test_a_commission_of_zero_is_not_an_unknown_one():
    """A7: whole cents; 0 is an amount, null is not; a negative one is a reversal."""
    assert only("hum", {"commission_cents": 0}).order == Order(commission_cents=0)
    assert only("hum", {"commission_cents": -5}).order == Order(commission_cents=-5)
    assert only("hum", {"commission_cents": None}).order is None


def test_every_part_of_an_address_may_be_missing():
    """A8: null, absent, or the address as a whole."""
    assert only("hum", {"address": None}).address is None
    assert only("hum", {"address": {}}).address == Address()
    assert only("hum", {"address": {"street1": "A", "city": None}}).address == Address(street1="A")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("00201", "00201"),
        (48201, "48201"),
        (201, "00201"),
        (0, "00000"),
        ("00201-1234", "00201-1234"),
    ],
)
def test_a_postcode_is_text_and_a_number_gets_its_zeros_back(given, text):
    """A8: five digits, as American postcodes have."""
    assert only("hum", {"address": {"zip": given}}).address == Address(zip=text)


def detail(**data):
    row = {**HUM_ROW, **data}
    return HUM.read_session(answered({"request_status": "ok", "message": "m", "data": row}))


@pytest.mark.parametrize(
    "nothing", [{}, {"order": None}, {"order": {}}, {"order": {"installed": None}}]
)
def test_the_list_and_the_detail_give_the_same_order(nothing):
    """A9: flat there, nested here; an order of which nothing is said is none."""
    fields = {"order_number": "HUM-1", "installed": True, "commission_cents": 700}
    assert detail(order=fields).order == only("hum", fields).order
    assert detail(**nothing).order is None is only("hum", {}).order


def test_steps_may_be_skipped_unnamed_and_absent():
    """A9: in the vendor's order, without filling gaps."""
    steps = [{"step": 9, "step_name": None}, {"step": 2, "timestamp": "2026-03-01T12:00:00Z"}]
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert detail(cart_progression=steps).cart_progression == (
        CartStep(step=9),
        CartStep(step=2, at=at),
    )
    assert detail().cart_progression == detail(cart_progression=None).cart_progression == ()


def test_a_detail_that_is_none_is_told():
    """A9: the same checks as for a list."""
    with pytest.raises(UnexpectedResponseError, match="gone") as caught:
        HUM.read_session(answered({"request_status": "error", "message": "gone", "data": {}}))
    assert caught.value.path == "$.request_status"
    with pytest.raises(UnexpectedResponseError) as caught:
        detail(cart_progression=[{"step": 1}, {"step": "two"}])
    assert caught.value.path == "$.data.cart_progression[1].step"


def test_a_duration_is_kept_even_where_it_contradicts_the_exit():
    """A10: neither recomputed nor refused; both values are there to be compared."""
    exit_ = {"timestamp": "2026-03-03T12:14:00Z"}
    session = only("attributionhub", {"exit": exit_, "duration": 840})
    assert session.duration == timedelta(minutes=14)
    assert session.exit.at - session.started_at == timedelta(days=2, minutes=14)


@pytest.mark.parametrize(
    ("sent", "seconds"), [(0, 0), (-5, -5), (0.5, 0.5), (1e10, 1e10), (None, None)]
)
def test_a_duration_may_be_fractional_negative_or_without_an_exit(sent, seconds):
    """A10: data, not truth."""
    duration = only("attributionhub", {"duration": sent}).duration
    assert duration == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "nothing", [{}, {"conversion": None, "exit": None}, {"conversion": [], "exit": []}]
)
def test_no_conversion_and_no_exit_look_alike_however_they_are_said(nothing):
    """A11: absent, null and an empty list."""
    session = only("attributionhub", nothing)
    assert (session.conversion, session.exit) == (None, None)


@pytest.mark.parametrize("wrap", [lambda event: event, lambda event: [event]])
def test_events_may_lie_before_the_start_and_after_the_exit(wrap):
    """A11: impossible orders of events are the vendor's to explain."""
    conversion, exit_ = {"timestamp": "2020-01-01T00:00:00Z"}, {"exit_page": "/bye"}
    session = only("attributionhub", {"conversion": wrap(conversion), "exit": wrap(exit_)})
    assert session.conversion == Conversion(at=datetime(2020, 1, 1, tzinfo=UTC))
    assert session.exit == Exit(page="/bye")


def test_several_conversions_are_said_since_only_the_first_is_kept():
    """A11: nothing is dropped silently."""
    events = [{"email": "one@example.com"}, {"email": "two@example.com"}]
    answer = read("attributionhub", page_with("attributionhub", {"conversion": events}), raw=True)
    assert answer.rows[0].conversion == Conversion(email="one@example.com")
    assert "several conversions" in answer.warning
    assert b"two@example.com" in answer.rows[0].raw
    assert read("attributionhub", page_with("attributionhub", {"exit": [{}]})).warning is None


@pytest.mark.parametrize(
    ("vendor", "row"),
    [
        ("hum", {"commission_cents": 2**63}),
        ("hum", {"furthest_step": -(2**63) - 1}),
        ("hum", {"address": {"zip": -1}}),
        ("hum", {"address": {"zip": 10**9}}),
        ("attributionhub", {"duration": 1.1e10}),
        ("attributionhub", {"duration": -1e300}),
        ("attributionhub", {"duration": True}),
    ],
)
def test_a_number_that_fits_into_no_column_is_refused_with_its_path(vendor, row):
    """A12: 64 bits; a postcode of nine digits; a duration of three centuries."""
    assert str(refused(vendor, page_with(vendor, row)).path).endswith(
        next(iter(row)) if "address" not in row else "address.zip"
    )
