"""Frames keep every value and type, and tables tell the report of their pull."""

import json
import sys
from datetime import UTC, datetime, timedelta

import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from asyncsessions import ConfigurationError, Report
from asyncsessions.core.columns import arrow_schema, to_batch
from asyncsessions.core.frames import (
    REPORT_KEY,
    import_pandas,
    import_polars,
    pandas_of,
    polars_of,
    table_of,
)
from asyncsessions.core.records import Address, Conversion, Exit, Order, Session

AT = datetime(2026, 3, 1, tzinfo=UTC)
BARE = Session(provider="hum", id="1", started_at=AT)
FULL = Session(
    provider="hum",
    id="2",
    started_at=AT + timedelta(microseconds=1),
    campaign="été",
    address=Address(city="Ulm", zip="00123"),
    furthest_step=3,
    order=Order(number="7", ordered_at=AT, installed=False, commission_cents=2**53 + 1),
    conversion=Conversion(at=AT, email="a@example.com"),
    exit=Exit(at=AT, page="/bye"),
    duration=timedelta(seconds=1.25),
    raw=b"{}",
)
REPORT = Report(provider="hum", rows=2, complete=True, start=AT, as_of=(AT, AT))


@pytest.fixture
def table():
    return table_of([to_batch([FULL]), to_batch([BARE])], REPORT)


def test_a_table_has_the_columns_of_every_target_and_the_report_beside_them(table):
    assert table.schema.equals(arrow_schema())
    told = json.loads(table.schema.metadata[b"asyncsessions.report"])
    assert told == json.loads(json.dumps(REPORT.to_dict()))
    assert told["complete"] is True
    assert told["start"] == "2026-03-01T00:00:00+00:00"


def test_a_table_of_nothing_has_the_same_columns_and_its_report():
    table = table_of([], REPORT)
    assert (table.num_rows, table.schema) == (0, arrow_schema())
    assert b"asyncsessions.report" in table.schema.metadata
    assert polars_of(table).shape == pandas_of(table).shape == (0, len(table.schema))


def test_the_report_stays_with_a_table_that_is_filtered_or_written_to_parquet(table, tmp_path):
    pq.write_table(table.slice(1), tmp_path / "sessions.parquet")
    back = pq.read_table(tmp_path / "sessions.parquet")
    assert back.schema.metadata == table.schema.metadata


def test_polars_has_the_types_of_the_columns_and_every_value(table):
    frame = polars_of(table)
    assert frame.rows() == [tuple(row.values()) for row in table.to_pylist()]
    assert frame.columns == table.column_names
    assert frame.schema["started_at"] == pl.Datetime("us", "UTC")
    assert frame.schema["order_commission_cents"] == pl.Int64
    assert frame.schema["order_installed"] == pl.Boolean
    assert frame.schema["campaign"] == pl.String
    assert frame.schema["duration_s"] == pl.Float64


def test_pandas_keeps_whole_numbers_and_flags_also_where_some_are_missing(table):
    frame = pandas_of(table)
    of = {name: str(kind) for name, kind in frame.dtypes.items()}
    assert of["order_commission_cents"] == of["furthest_step"] == "Int64"
    assert of["order_installed"] == "boolean"
    assert of["started_at"] == of["exit_at"] == "datetime64[us, UTC]"
    assert of["campaign"] == of["raw"] == "string"
    assert of["duration_s"] == "float64"
    rows = table.to_pylist()
    for name in table.column_names:
        for value, expected in zip(frame[name], (row[name] for row in rows), strict=True):
            assert pd.isna(value) if expected is None else value == expected


def test_pandas_tells_the_report_and_keeps_it_through_selection(table):
    frame = pandas_of(table)
    assert frame.attrs[REPORT_KEY]["rows"] == 2
    assert frame[frame["id"] == FULL.id].attrs[REPORT_KEY]["complete"] is True
    assert datetime.fromisoformat(frame.attrs[REPORT_KEY]["start"]) == AT


@pytest.mark.parametrize("gone", ["pyarrow", "itself"])
@pytest.mark.parametrize(("name", "load"), [("polars", import_polars), ("pandas", import_pandas)])
def test_a_missing_library_is_told_by_the_extra_that_brings_it(name, load, gone, monkeypatch):
    assert load().__name__ == name
    monkeypatch.setitem(sys.modules, name if gone == "itself" else gone, None)
    with pytest.raises(ConfigurationError) as caught:
        load()
    expected = f'frames of {name} need an extra: pip install "asyncsessions[{name}]"'
    assert str(caught.value) == expected
    assert caught.value.__cause__ is None
