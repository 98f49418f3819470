"""Which run a command goes on with."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from asyncsessions.core.books import Run, Stream
from asyncsessions.core.plan import PullPlan
from asyncsessions.core.runs import choose_run
from asyncsessions.core.windows import EPOCH, TimeRange

LATER = EPOCH + timedelta(days=1)
THEN = TimeRange(EPOCH, EPOCH, closed=True)
PLAN = PullPlan(
    provider="hum",
    filters=(),
    pinned=TimeRange(EPOCH, LATER, closed=True),
    windows=(),
    asked="a/b",
    made_at=LATER,
)
OPEN = evolve(PLAN, is_open=True)
SYNC = evolve(PLAN, kind="sync", is_open=True, asked="a/now")


def run(name="old", *, kind="pull", asked="a/b", ended=False):
    ended_at = LATER if ended else None
    return Run(id=name, kind=kind, asked=asked, pinned=THEN, begun_at=EPOCH, ended_at=ended_at)


def chosen(plan, *runs):
    stream = Stream(provider="hum", filters=(), runs=runs) if runs else None
    return choose_run(plan, stream, new_id="new")


def test_the_first_command_begins_a_run_with_the_end_that_it_pins():
    choice = chosen(PLAN)
    assert (choice.is_new, choice.is_finished) == (True, False)
    assert choice.run == Run(
        id="new", kind="pull", asked="a/b", pinned=PLAN.pinned, begun_at=PLAN.made_at
    )


@pytest.mark.parametrize("plan", [PLAN, OPEN])
def test_the_same_command_goes_on_with_what_it_has_begun_at_the_end_that_was_pinned_then(plan):
    choice = chosen(plan, run())
    assert (choice.run.id, choice.is_new, choice.is_finished) == ("old", False, False)
    assert choice.run.pinned == THEN


def test_a_pull_with_explicit_bounds_that_is_over_stays_over():
    choice = chosen(PLAN, run(ended=True))
    assert (choice.run.id, choice.is_new, choice.is_finished) == ("old", False, True)


def test_a_pull_that_reaches_to_now_begins_anew_when_it_is_over():
    assert chosen(OPEN, run(ended=True)).is_new


def test_a_sync_goes_on_with_an_unfinished_one_whatever_range_it_had():
    going_on = chosen(SYNC, run(kind="sync", asked="c/now"))
    assert (going_on.run.id, going_on.is_new) == ("old", False)
    assert chosen(SYNC, run(kind="sync", ended=True)).is_new


def test_runs_of_another_kind_or_question_are_passed_by():
    others = run("sync", kind="sync"), run("other", asked="x/y")
    assert chosen(PLAN, *others).is_new
    assert chosen(PLAN, *others, run()).run.id == "old"


def test_an_older_unfinished_run_is_not_gone_on_with_after_a_newer_one_ended():
    assert chosen(OPEN, run("newer", ended=True), run("older")).is_new
