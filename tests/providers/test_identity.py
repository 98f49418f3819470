"""The decisions I: who a session is, now and later."""

from __future__ import annotations

import json
from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.answers import AHUB, AHUB_ROW, HUM, PROVIDERS, page_with
from tests.providers.scripted import Listed, collected, made

FIELDS = ("source", "medium", "campaign", "content", "term", "landing_page")
LATER = {
    "conversion": {"email": "visitor@example.com", "timestamp": "2026-03-01T12:05:00Z"},
    "exit": {"exit_page": "https://shop.example.com/bye"},
    "duration": 60,
}


def id_of(provider, **row):
    return provider.read_page(page_with(provider.name, row), page=1).rows[0].id


def test_hum_has_its_own_id():
    """I1: the vendor's, letter by letter."""
    assert HUM.has_ids
    assert id_of(HUM, id="A1B2-c3") == "A1B2-c3"
    assert id_of(HUM, id="x", created_at="2020-01-01T00:00:00Z", furthest_step=3) == "x"


def test_the_attributionhub_id_is_a_digest_that_anybody_can_recompute():
    """I2: blake2b of the JSON array of time, source, medium, campaign, content, term, page."""
    row = {name: f"a {name}" for name in FIELDS[:-1]}
    fields = ["2026-03-01T12:00:00Z", *row.values(), None]
    text = json.dumps(fields, separators=(",", ":")).encode()
    expected = blake2b(text, digest_size=16, person=b"session-id-1").hexdigest()
    assert not AHUB.has_ids
    assert expected == id_of(AHUB, **row) == id_of(AHUB, **row, landing_page=None)


@given(
    st.lists(
        st.tuples(*[st.none() | st.sampled_from(["", "none", "a", "b", "ab"])] * 6),
        min_size=2,
        max_size=2,
        unique=True,
    )
)
def test_rows_that_differ_in_a_lasting_field_have_different_ids(pair):
    """I2: None, the empty text and "none" differ, and nothing runs into its neighbour."""
    one, two = (id_of(AHUB, **dict(zip(FIELDS, values, strict=True))) for values in pair)
    assert one != two


@pytest.mark.parametrize("later", [dict(list(LATER.items())[:n]) for n in range(4)])
def test_what_lands_later_does_not_change_the_id(later):
    """I2: neither conversion nor exit nor duration takes part."""
    assert id_of(AHUB, **later) == id_of(AHUB)


def test_neither_the_host_nor_the_way_a_time_is_written_changes_the_id():
    """I2: the host is where we asked, not what we asked for."""
    other = type(AHUB)("another-key", base_url="https://elsewhere.example.com/hub")
    assert id_of(other) == id_of(AHUB)
    for text in ("2026-03-01T14:00:00+02:00", "2026-03-01T12:00:00.000Z", "2026-03-01T12:00:00"):
        assert id_of(AHUB, timestamp=text) == id_of(AHUB)
    assert id_of(AHUB, timestamp="2026-03-01T12:00:00.001Z") != id_of(AHUB)


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("order", [1, -1])
def test_equal_rows_are_as_many_sessions_also_across_a_page_edge(ordered, order):
    """I3: numbered from the second on, with the same set of ids in any order of the list."""
    rows = made("attributionhub", 100)
    rows[50] = dict(rows[49])
    rows[70:73] = [dict(rows[70])] * 3
    found, _ = collected("attributionhub", Listed("attributionhub", rows[::order]), ordered=ordered)
    ids = [session.id for session in found]
    assert len(set(ids)) == len(ids) == 100
    assert sorted(name.partition("-")[2] for name in ids if "-" in name) == ["2", "2", "3"]
    assert found.report.complete


def test_rows_that_become_equal_only_later_stay_two_sessions():
    """I3: a twin is known by its lasting fields; what came later tells them apart, or not."""
    rows = made("attributionhub", 2)
    rows[1] = {**rows[0], **LATER}
    found, _ = collected("attributionhub", Listed("attributionhub", rows))
    base = found[0].id
    assert [session.id for session in found] == [base, f"{base}-2"]


STATES = [
    {"order_number": "HUM-1", "installed": True, "commission_cents": 500},
    {"order_number": "HUM-1", "installed": None, "commission_cents": 0},
    {"order_number": "HUM-1", "installed": False, "commission_cents": None},
    {"order_number": None},
]


@pytest.mark.parametrize("state", STATES)
def test_a_reversal_is_a_state_like_any_other(state):
    """I4: an installation taken back, a commission changed, an order gone: the same session."""
    listed = Listed("hum", made("hum", 60))
    listed.rows[7] |= state
    found, _ = collected("hum", listed)
    assert found.report.complete
    assert found[7].id == "row-7"


@pytest.mark.parametrize("vendor", ["hum", "attributionhub"])
def test_a_row_that_vanished_between_two_pulls_is_simply_not_there(vendor):
    """I4: each pull tells what the vendor has now."""
    listed = Listed(vendor, made(vendor, 60))
    before, _ = collected(vendor, listed)
    del listed.rows[7]
    after, _ = collected(vendor, listed)
    assert [s.id for s in after] == [s.id for i, s in enumerate(before) if i != 7]
    assert after.report.complete


def test_every_field_that_identifies_is_one_that_the_vendor_lists():
    """I2: the digest is over the documented columns and nothing else."""
    known = {**AHUB_ROW, **dict.fromkeys(FIELDS, "x")}
    assert (
        list(PROVIDERS["attributionhub"].unknown_fields(page_with("attributionhub", known))) == []
    )
