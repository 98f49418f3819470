"""Whatever a vendor sends, it is read or refused with one kind of error that says where."""

from __future__ import annotations

import json
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncsessions import Session, UnexpectedResponseError
from asyncsessions.core.answer import Answer
from tests.providers.answers import HUM, PROVIDERS, answered, fixture

PATH = re.compile(r"\$([.][a-z_0-9]+|\[\d+\])*")
vendors = pytest.mark.parametrize("vendor", ["hum", "attributionhub"])

numbers = (
    st.integers()
    | st.integers(min_value=-(10**400), max_value=10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
)
texts = st.text(max_size=8) | st.sampled_from(
    [
        "ok",
        "2026-03-01T12:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "9999-12-31T23:59:59.9999999Z",
    ]
)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
doubles = st.sampled_from([b"", b'"data":3,', b'"records":3,', b'"meta":null,', b'"page":1,'])


def caught(read, *args, **options):
    """Return what was read, or the one kind of error; anything else fails the test."""
    try:
        return read(*args, **options)
    except UnexpectedResponseError as error:
        return error


def outcome_of(vendor, body, *, raw=False):
    """Return the answer or the error of a list page, and check what always holds of them."""
    answer = caught(PROVIDERS[vendor].read_page, answered(body), page=1, raw=raw)
    if isinstance(answer, UnexpectedResponseError):
        assert answer.__context__ is None
        assert answer.transient == (not is_json(body))
        assert answer.transient or PATH.fullmatch(answer.path or ""), answer.path
        return answer
    assert isinstance(answer, Answer)
    assert all(type(row) is Session for row in answer.rows)
    assert [row.started_at for row in answer.rows] == list(answer.times)
    assert all(moment.utcoffset().total_seconds() == 0 for moment in answer.times)
    return answer


def is_json(body):
    """Judge by the standard library; it knows constants that JSON does not have."""
    try:
        json.loads(body.decode("utf-8-sig"), parse_constant=refuse)
    except (ValueError, RecursionError):
        return False
    return True


def refuse(constant):
    raise ValueError(constant)


def places(value, place=()):
    """Yield the place of every value inside of a JSON value, the whole included."""
    yield place
    inner = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    for key, part in inner:
        yield from places(part, (*place, key))


def replaced(value, place, by):
    """Return a JSON value with another one at a place of it."""
    if not place:
        return by
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = replaced(value[place[0]], place[1:], by)
    return copy


SAMPLES = {name: json.loads(fixture(f"{name}_list.json").body) for name in PROVIDERS}
PLACES = {name: list(places(sample)) for name, sample in SAMPLES.items()}


@vendors
@given(data=st.data())
def test_any_value_in_any_field_is_read_or_named(vendor, data):
    place = data.draw(st.sampled_from(PLACES[vendor]))
    by = data.draw(values)
    body = json.dumps(replaced(SAMPLES[vendor], place, by)).encode()
    outcome = outcome_of(vendor, body)
    assert type(outcome) is type(outcome_of(vendor, body, raw=True))
    assert list(PROVIDERS[vendor].unknown_fields(answered(body))) is not None
    if isinstance(outcome, Answer) and outcome.rows:
        # What was read can be written: no number is too large for any target.
        assert msgspec.json.encode([row.duration for row in outcome.rows])


@vendors
@given(body=st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_any_bytes_are_refused_or_read(vendor, body):
    outcome_of(vendor, body)
    outcome_of(vendor, body, raw=True)
    assert list(PROVIDERS[vendor].unknown_fields(answered(body))) is not None


@vendors
@given(data=st.data())
def test_a_sample_that_is_cut_anywhere_is_transient(vendor, data):
    whole = fixture(f"{vendor}_list.json").body.rstrip()
    cut = data.draw(st.integers(0, len(whole) - 1))
    error = outcome_of(vendor, whole[:cut])
    assert isinstance(error, UnexpectedResponseError)
    assert error.transient


@vendors
@given(data=st.data())
def test_a_sample_with_one_foreign_byte_is_refused_or_read(vendor, data):
    whole = bytearray(fixture(f"{vendor}_list.json").body)
    # Latin letters and digits only: half a surrogate pair is JSON to some readers and not to others.
    byte = data.draw(st.sampled_from(b'abc0193{}[]",:. \n'))
    whole[data.draw(st.integers(0, len(whole) - 1))] = byte
    outcome_of(vendor, bytes(whole))


@vendors
@given(double=doubles, deep=st.sampled_from([0, 10, 5000]))
def test_doubled_keys_and_deep_nesting_are_refused_or_read(vendor, double, deep):
    whole = fixture(f"{vendor}_list.json").body.lstrip()[1:]
    nested = b'"x":' + b"[" * deep + b"]" * deep + b","
    body = b"{" + double + (nested if deep else b"") + whole
    outcome = caught(PROVIDERS[vendor].read_page, answered(body), page=1)
    if isinstance(outcome, UnexpectedResponseError):
        assert not outcome.transient
        assert PATH.fullmatch(outcome.path or "")


@given(data=st.data())
def test_a_detail_and_a_ping_are_read_or_named(data):
    sample = json.loads(fixture("hum_detail.json").body)
    place = data.draw(st.sampled_from(list(places(sample))))
    body = json.dumps(replaced(sample, place, data.draw(values))).encode()
    for read in (HUM.read_session, HUM.read_ping):
        outcome = caught(read, answered(body))
        if isinstance(outcome, UnexpectedResponseError):
            assert not outcome.transient
            assert PATH.fullmatch(outcome.path or "")


@given(body=st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode()))
def test_any_refusal_is_judged_without_another_error(body):
    for provider in PROVIDERS.values():
        for status in (400, 401, 403, 429, 500):
            refusal = provider.read_refusal(answered(body, status=status, retry_after="soon"))
            assert refusal is None or refusal.args
