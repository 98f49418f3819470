"""Which run a command goes on with, or whether it is over already."""

from __future__ import annotations

from attrs import frozen

from asyncsessions.core.books import Run, Stream
from asyncsessions.core.plan import PullPlan

__all__ = ["Choice", "choose_run"]


@frozen
class Choice:
    """The run that a command is about; ``is_new`` if it begins, ``is_finished`` if it is over."""

    run: Run
    is_new: bool = False
    is_finished: bool = False


def choose_run(plan: PullPlan, stream: Stream | None, *, new_id: str) -> Choice:
    """Return the run that the plan is about.

    The same command goes on with what it has begun, at the end that was pinned then.  A pull with
    explicit bounds that is over stays over; one that reaches to now begins anew, as a sync does.
    ``stream``: what the target holds, runs newest first; ``None`` = nothing.  ``new_id`` names a
    run that begins.
    """
    for run in () if stream is None else stream.runs:
        if run.kind != plan.kind or (run.kind == "pull" and run.asked != plan.asked):
            continue
        if run.ended_at is None:
            return Choice(run)
        if run.kind == "pull" and not plan.is_open:
            return Choice(run, is_finished=True)
        break
    begun = Run(
        id=new_id, kind=plan.kind, asked=plan.asked, pinned=plan.pinned, begun_at=plan.made_at
    )
    return Choice(begun, is_new=True)
