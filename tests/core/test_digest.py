"""The digest says whether two tables hold the same rows, however they are kept."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncsessions.core.columns import COLUMNS, Kind, arrow_schema, to_table
from asyncsessions.core.digest import digest, sorted_rows
from asyncsessions.core.windows import EPOCH
from tests.invented_sessions import SESSIONS

sessions = st.lists(SESSIONS, max_size=6, unique_by=lambda session: session.id)
OTHER = {
    Kind.TEXT: "another",
    Kind.INTEGER: 12345,
    Kind.NUMBER: 0.125,
    Kind.FLAG: True,
    Kind.INSTANT: EPOCH + timedelta(days=7, microseconds=1),
}
EMPTY = {Kind.TEXT: "", Kind.INTEGER: 0, Kind.NUMBER: 0.0, Kind.FLAG: False, Kind.INSTANT: EPOCH}
NULLABLE = [column for column in COLUMNS if column.name not in {"provider", "id", "started_at"}]
BARE = {
    **dict.fromkeys(column.name for column in COLUMNS),
    "provider": "hum",
    "id": "1",
    "started_at": EPOCH,
}


def table_of(*rows):
    return pa.Table.from_pylist([*rows], schema=arrow_schema())


@given(sessions, st.integers(0, 2**32))
def test_the_order_of_rows_and_columns_does_not_matter(found, seed):
    table = to_table(found)
    places = [*range(table.num_rows)]
    Random(seed).shuffle(places)
    shuffled = table.take(pa.array(places, pa.int64())).select(arrow_schema().names[::-1])
    assert digest(shuffled) == digest(table)


@given(sessions, st.integers(1, 3))
def test_the_chunks_of_a_table_do_not_matter(found, size):
    table = to_table(found)
    chunked = pa.Table.from_batches(table.to_batches(max_chunksize=size), schema=table.schema)
    assert digest(chunked) == digest(table)


@given(sessions, sessions)
def test_a_slice_of_a_table_has_the_digest_of_its_rows_alone(found, others):
    both = pa.concat_tables([to_table(others), to_table(found)]).combine_chunks()
    assert digest(both.slice(len(others))) == digest(to_table(found))


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_any_single_value_counts(column):
    rows = [{**BARE, "id": str(number)} for number in range(3)]
    before = digest(table_of(*rows))
    rows[1] = {**rows[1], column.name: OTHER[column.kind]}
    assert digest(table_of(*rows)) != before


@pytest.mark.parametrize("column", NULLABLE, ids=lambda column: column.name)
def test_nothing_is_neither_zero_nor_the_empty_text(column):
    empty = {**BARE, column.name: EMPTY[column.kind]}
    assert digest(table_of(BARE)) != digest(table_of(empty))


def test_a_text_does_not_run_into_the_one_below_it():
    def both(first, second):
        return table_of({**BARE, "source": first}, {**BARE, "id": "2", "source": second})

    assert digest(both("ab", "c")) != digest(both("a", "bc"))
    assert digest(both("a", None)) != digest(both(None, "a"))


def test_a_row_more_or_less_counts():
    rows = [{**BARE, "id": str(number)} for number in range(3)]
    digests = {digest(table_of(*rows[:count])) for count in range(4)}
    assert len(digests) == 4
    assert all(len(value) == 32 for value in digests)


def test_what_lies_below_a_null_does_not_count():
    rows = table_of(BARE, {**BARE, "id": "2"})
    place = arrow_schema().get_field_index("order_commission_cents")
    hidden = pa.Array.from_buffers(
        pa.int64(), 2, [pa.py_buffer(b"\0"), pa.py_buffer(b"\7" * 16)], null_count=2
    )
    assert digest(rows.set_column(place, "order_commission_cents", hidden)) == digest(rows)


def test_rows_are_sorted_newest_first_and_by_id_within_an_instant():
    later = EPOCH + timedelta(seconds=1)
    rows = table_of(BARE, {**BARE, "id": "0"}, {**BARE, "id": "9", "started_at": later})
    assert sorted_rows(rows)["id"].to_pylist() == ["9", "0", "1"]
