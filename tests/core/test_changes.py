"""What a sync found changed."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from asyncsessions.core.changes import Change, changes_schema, changes_table, compare
from asyncsessions.core.columns import to_table
from asyncsessions.core.windows import EPOCH
from tests.invented_sessions import SESSIONS

flat_rows = st.lists(
    st.fixed_dictionaries({"id": st.integers(0, 12), "value": st.none() | st.integers(0, 2)}),
    max_size=12,
    unique_by=lambda row: row["id"],
)


def applied(changes, rows):
    """Return rows after changes, by their ids."""
    after = {row["id"]: row for row in rows}
    for change in changes:
        assert after.get(change.row["id"]) == change.old
        if change.new is None:
            del after[change.row["id"]]
        else:
            after[change.row["id"]] = change.new
    return after


@given(flat_rows, flat_rows)
def test_the_changes_applied_to_the_old_rows_give_the_new_ones(old, new):
    changes = compare(old, new)
    assert applied(changes, old) == {row["id"]: row for row in new}
    same = [row for row in new if row in old]
    assert len(changes) == len(old) + len(new) - len(same) - count(changes, "changed") - len(same)


def count(changes, kind):
    return sum(change.kind == kind for change in changes)


@given(flat_rows)
def test_equal_rows_in_any_order_are_no_change(rows):
    assert compare(rows, rows[::-1]) == []


def test_a_change_says_what_was_and_what_is():
    old = [{"id": 1, "value": None}, {"id": 2, "value": 5}, {"id": 3, "value": 5}]
    new = [{"id": 4, "value": 1}, {"id": 2, "value": 5}, {"id": 1, "value": 0}]
    assert compare(old, new) == [
        Change("added", None, new[0]),
        Change("changed", old[0], new[2]),
        Change("removed", old[2], None),
    ]


@given(st.lists(SESSIONS, min_size=1, max_size=4, unique_by=lambda session: session.id))
def test_changes_become_a_table_that_holds_both_rows_whole(sessions):
    rows = to_table(sessions).to_pylist()
    half = len(rows) // 2
    changes = compare(rows[:half], rows[half:])
    table = changes_table(changes, run="r", found_at=EPOCH)
    assert table.schema == changes_schema()
    back = table.to_pylist()
    assert [row["change"] for row in back] == [change.kind for change in changes]
    assert [row["old"] for row in back] == [change.old for change in changes]
    assert [row["new"] for row in back] == [change.new for change in changes]
    assert [row["id"] for row in back] == [change.row["id"] for change in changes]
    assert {(row["run"], row["found_at"]) for row in back} == {("r", EPOCH)}


def test_no_changes_are_an_empty_table():
    table = changes_table([], run="r", found_at=EPOCH)
    assert (table.num_rows, table.schema) == (0, changes_schema())
    assert isinstance(table, pa.Table)
