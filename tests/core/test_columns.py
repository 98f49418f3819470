"""The flat columns, and the tables made of them."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest
from attrs import evolve, fields, has, resolve_types
from hypothesis import given
from hypothesis import strategies as st

from asyncsessions.core.columns import (
    COLUMNS,
    Kind,
    arrow_schema,
    column_definitions,
    csv_header,
    to_table,
)
from asyncsessions.core.convert import from_row, to_row
from asyncsessions.core.records import Order, Session
from asyncsessions.errors import ConfigurationError, SinkError
from tests.invented_sessions import SESSIONS

BARE = Session(provider="hum", id="1", started_at=datetime(2026, 1, 31, 12, tzinfo=UTC))


def leaves(cls, prefix=""):
    """Yield the dotted name of each value that a session can hold."""
    for attribute in fields(resolve_types(cls)):
        parts = getattr(attribute.type, "__args__", (attribute.type,))
        if has(parts[0]):
            yield from leaves(parts[0], f"{attribute.name}.")
        else:
            yield prefix + attribute.name


def test_every_value_of_a_session_has_its_column():
    declared = [f"{c.part}.{c.attribute}" if c.part else c.attribute for c in COLUMNS]
    assert declared == list(leaves(Session))


def test_columns_are_named_after_their_places():
    for column in COLUMNS:
        expected = f"{column.part}_{column.attribute}" if column.part else column.attribute
        assert column.name == expected.replace("duration", "duration_s")


def test_the_first_columns_are_required_and_the_others_are_not():
    assert [c.name for c in COLUMNS if c.is_required] == ["provider", "id", "started_at"]
    assert [f.name for f in arrow_schema() if not f.nullable] == ["provider", "id", "started_at"]
    assert '"id" VARCHAR NOT NULL, "started_at" TIMESTAMP' in column_definitions()
    assert '"duration_s" DOUBLE, "raw" VARCHAR' in column_definitions()


def test_times_are_microseconds_in_utc_and_durations_are_floats():
    schema = arrow_schema()
    assert schema.field("conversion_at").type == pa.timestamp("us", tz="UTC")
    assert schema.field("duration_s").type == pa.float64()
    assert schema.field("order_installed").type == pa.bool_()
    assert schema.field("order_commission_cents").type == pa.int64()
    assert schema.names == csv_header()


def test_a_table_without_rows_has_the_same_types():
    assert to_table([]).schema.equals(to_table([BARE]).schema)
    assert to_table([]).schema.equals(arrow_schema())
    assert to_table([]).num_rows == 0


@given(st.lists(SESSIONS, max_size=5))
def test_a_table_holds_exactly_the_rows(sessions):
    table = to_table(iter(sessions))
    assert table.schema.equals(arrow_schema())
    rows = table.to_pylist()
    assert rows == [to_row(session) for session in sessions]
    assert [from_row(row) for row in rows] == [from_row(to_row(s)) for s in sessions]


def test_times_of_other_zones_are_the_same_instants_in_a_table():
    there = BARE.started_at.astimezone(timezone(timedelta(hours=5, minutes=30)))
    table = to_table([evolve(BARE, started_at=there)])
    assert table.column("started_at").to_pylist() == [BARE.started_at]


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"order": Order(commission_cents=2**63)}, "order_commission_cents is no BIGINT"),
        ({"campaign": "\ud800"}, "campaign is no VARCHAR"),
        ({"furthest_step": "x"}, "furthest_step is no BIGINT"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_the_name_of_its_column(change, column):
    with pytest.raises(SinkError) as caught:
        to_table([BARE, evolve(BARE, **change)])
    assert str(caught.value) == f"a value of the column {column}"
    assert caught.value.__context__ is None


def test_every_kind_is_used():
    assert {column.kind for column in COLUMNS} == set(Kind)


def test_without_pyarrow_a_table_is_refused_by_the_name_of_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for make in arrow_schema, lambda: to_table([BARE]):
        with pytest.raises(ConfigurationError) as caught:
            make()
        assert 'pip install "asyncsessions[arrow]"' in str(caught.value)


def test_core_is_imported_without_pyarrow():
    program = (
        "import sys; sys.modules['pyarrow'] = sys.modules['duckdb'] = None\n"
        "import asyncsessions.core.convert, asyncsessions.core.columns, asyncsessions.sinks\n"
        "assert asyncsessions.core.columns.csv_header()[:2] == ['provider', 'id']\n"
        "asyncsessions.sinks.open_target('x.jsonl'), asyncsessions.sinks.open_target('x.csv')\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
