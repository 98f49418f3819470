"""Rows that become columns at once are what they would be by way of sessions, whatever is sent."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncsessions.core.columns import COLUMNS, ordered_table, to_table
from asyncsessions.core.convert import to_json
from asyncsessions.core.digest import digest
from asyncsessions.core.identity import number_twins
from asyncsessions.core.lines import encode_lines, lines_of
from asyncsessions.core.records import Session
from asyncsessions.core.rows import SentRows
from asyncsessions.errors import UnexpectedResponseError
from asyncsessions.providers.base import RowProvider
from asyncsessions.testing import Switches, attributionhub_reader, hum_reader
from tests.providers.answers import (
    AHUB_ROW,
    HUM_ROW,
    PROVIDERS,
    ahub_page,
    answered,
    fixture,
    hum_page,
)

vendors = pytest.mark.parametrize("vendor", ["hum", "attributionhub"])

TIMES = st.sampled_from(
    [
        "2026-03-01T12:00:00Z",
        "2026-03-01T12:00:00",
        "2026-03-01T13:00:00+01:00",
        "2026-03-01T06:29:59.999999-05:31",
        "2026-03-01t12:00:00.123456789z",
        "2026-03-01 12:00:00.5Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
    ]
)
UNREAL = st.sampled_from(["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "yesterday"])
TEXTS = st.none() | st.sampled_from(["", "none", "ü", "\0", "summer", "a,b"]) | st.text(max_size=5)
WHOLE = st.none() | st.sampled_from([0, -1, 2**63 - 1, -(2**63)])


def objects(required=None, **optional):
    """Return objects of which any key but the required ones may be absent or null."""
    maybe = {name: st.none() | values for name, values in optional.items()}
    return st.fixed_dictionaries(required or {}, optional=maybe)


ADDRESSES = objects(
    **dict.fromkeys(("street1", "street2", "city", "state"), TEXTS),
    zip=TEXTS | st.integers(0, 999_999_999),
)
HUM_ROWS = objects(
    {"id": st.text(min_size=1, max_size=5), "created_at": TIMES},
    campaign_id=TEXTS,
    address=ADDRESSES,
    furthest_step=WHOLE,
    order_number=TEXTS,
    ordered_at=TIMES,
    installed=st.booleans(),
    installed_at=TIMES,
    commission_cents=WHOLE,
    unannounced=st.lists(st.integers()),
)
CONVERSIONS = objects(email=TEXTS, timestamp=TIMES, conversion_page=TEXTS, previous_page=TEXTS)
EXITS = objects(exit_page=TEXTS, previous_page=TEXTS, timestamp=TIMES)
AHUB_ROWS = objects(
    {"timestamp": TIMES},
    **dict.fromkeys(("source", "medium", "campaign", "content", "term", "landing_page"), TEXTS),
    **{"(id)": st.integers() | TEXTS},
    conversion=CONVERSIONS | st.lists(CONVERSIONS, max_size=2),
    exit=EXITS | st.lists(EXITS, max_size=2),
    duration=st.floats(-1e10, 1e10) | st.sampled_from([-0.0, 1.5, 0.0000004, 9_999_999_999.123456]),
)
ROWS = {"hum": HUM_ROWS, "attributionhub": AHUB_ROWS}
PAGES = {"hum": hum_page, "attributionhub": ahub_page}


def page_of(vendor, rows):
    return answered(PAGES[vendor](*rows))


def both(vendor, response):
    """Return what is read by way of sessions, and by way of rows."""
    provider = PROVIDERS[vendor]
    return provider.read_page(response, page=1), provider.read_rows(response, page=1)


def sent_rows(vendor, rows):
    provider = PROVIDERS[vendor]
    return SentRows(
        rows,
        as_sessions=provider.as_sessions,
        as_columns=provider.as_columns,
        as_lines=provider.as_lines,
    )


def assert_same(vendor, response):
    """Check that both ways lead to the same rows, sessions, columns, digest and lines."""
    sessions, rows = both(vendor, response)
    assert (sessions.times, sessions.total, sessions.warning) == (
        rows.times,
        rows.total,
        rows.warning,
    )
    assert [row.id for row in rows.rows] == [session.id for session in sessions.rows]
    assert [row.started_at for row in rows.rows] == sessions.times
    sent = sent_rows(vendor, rows.rows)
    assert list(sent) == list(sessions.rows)
    assert all(type(session) is Session for session in sent)
    assert to_table(sent).equals(to_table(sessions.rows))
    assert ordered_table(sent).equals(ordered_table(sessions.rows))
    assert digest(to_table(sent)) == digest(to_table(sessions.rows))
    in_json = b"".join(to_json(session) + b"\n" for session in sessions.rows)
    assert encode_lines(lines_of(sent)) == encode_lines(lines_of(sessions.rows)) == in_json
    _spoil(lines_of(sent))
    assert list(sent) == list(sessions.rows)


def _spoil(lines):
    """Change lines as redacting does, which must leave the rows alone."""
    for line in lines:
        line.address = None
        if line.conversion is not None:
            line.conversion.email = None


@vendors
@given(data=st.data())
def test_columns_made_at_once_are_those_of_the_sessions(vendor, data):
    rows = data.draw(st.lists(ROWS[vendor], max_size=6))
    assert_same(vendor, page_of(vendor, rows))


@vendors
@given(data=st.data())
def test_what_cannot_be_read_is_refused_in_the_same_words(vendor, data):
    rows = data.draw(st.lists(ROWS[vendor], min_size=1, max_size=3))
    name = data.draw(st.sampled_from(sorted(rows[0])))
    rows[0][name] = data.draw(UNREAL | st.just([3]) | st.just({"timestamp": "0001-01-01T00:00+1"}))
    response, provider = page_of(vendor, rows), PROVIDERS[vendor]
    said = []
    for read in provider.read_page, provider.read_rows:
        try:
            read(response, page=1)
        except UnexpectedResponseError as error:
            said.append((str(error), error.path, error.transient))
        else:
            said.append(None)
    assert said[0] == said[1]


@vendors
@pytest.mark.parametrize("timestamps", ["whole_seconds", "milliseconds"])
def test_rows_as_the_fakes_invent_them_are_the_same_both_ways(vendor, timestamps):
    switches = Switches(rows=1000, timestamps=timestamps, rows_on_one_instant=70)
    reader = hum_reader(switches) if vendor == "hum" else attributionhub_reader(switches, twins=9)
    rows = [row.data for page in range(1, 21) for row in reader.listing.page(page)[0]]
    assert len(rows) == 1000
    assert_same(vendor, page_of(vendor, rows))


@vendors
def test_the_documented_samples_are_the_same_both_ways(vendor):
    assert_same(vendor, fixture(f"{vendor}_list.json"))


@vendors
def test_no_rows_are_the_same_both_ways(vendor):
    assert_same(vendor, page_of(vendor, []))


def test_twins_get_the_same_numbers_both_ways_and_the_rows_of_a_page_keep_theirs():
    rows = [AHUB_ROW, {**AHUB_ROW, "duration": 3}, {**AHUB_ROW, "source": "a"}, AHUB_ROW]
    sessions, sent = both("attributionhub", page_of("attributionhub", rows))
    numbered = number_twins(sent.rows)
    table = to_table(sent_rows("attributionhub", numbered))
    assert table.equals(to_table(number_twins(sessions.rows)))
    assert [row.id.partition("-")[2] for row in numbered] == ["", "2", "", "3"]
    assert [row.id for row in sent.rows] == [session.id for session in sessions.rows]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2**32)), max_size=12, unique=True))
def test_an_ordered_table_is_newest_first_and_by_id_within_an_instant(keys):
    rows = [
        {"id": f"{number:010}", "created_at": f"2026-03-01T12:00:0{second}Z"}
        for second, number in keys
    ]
    Random(1).shuffle(rows)
    sessions, sent = both("hum", page_of("hum", rows))
    expected = sorted(rows, key=lambda row: row["id"])
    expected.sort(key=lambda row: row["created_at"], reverse=True)
    for found in sessions.rows, sent_rows("hum", sent.rows):
        assert ordered_table(found)["id"].to_pylist() == [row["id"] for row in expected]


@vendors
def test_rows_are_a_sequence_of_sessions(vendor):
    least = HUM_ROW if vendor == "hum" else AHUB_ROW
    sessions, rows = both(vendor, page_of(vendor, [{**least, "x": n} for n in range(1201)]))
    sent = sent_rows(vendor, rows.rows)
    assert len(sent) == 1201
    assert sent[-1] == sessions.rows[-1]
    assert list(sent[3:5]) == sessions.rows[3:5]
    assert list(sent) == sessions.rows
    assert "2026" not in repr(sent)


@vendors
def test_rows_of_a_vendor_that_cannot_write_them_are_written_by_way_of_sessions(vendor):
    sessions, rows = both(vendor, fixture(f"{vendor}_list.json"))
    provider = PROVIDERS[vendor]
    sent = SentRows(rows.rows, as_sessions=provider.as_sessions, as_columns=provider.as_columns)
    assert encode_lines(lines_of(sent)) == encode_lines(lines_of(sessions.rows))
    assert encode_lines(lines_of(sent.in_order())).count(b"\n") == len(rows.rows)


@vendors
def test_columns_are_named_as_in_every_table(vendor):
    provider = PROVIDERS[vendor]
    assert isinstance(provider, RowProvider)
    names = [column.name for column in COLUMNS]
    found = provider.as_columns(provider.read_rows(fixture(f"{vendor}_list.json"), page=1).rows)
    assert set(found) <= set(names)
