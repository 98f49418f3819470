"""What happens to a window while it is read, as a list of events that can be played again.

The walk of a window is a pure machine: what it knows follows from what it was told, in which order.
So a pull that writes down every ask that it handed out and every answer that came, in order, can be
killed at any moment: the next process tells a new walk the same story and is where the old one was.
Requests that were under way are asks without an answer, and are sent again.  To the walk the time
between is a pause in which the answers took long.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from attrs import field, frozen

from asyncsessions.core.answer import Ask

__all__ = ["Answered", "Asked", "Event", "Setting", "Withdrawn"]


@frozen
class Setting:
    """How a window is read; a walk told of another setting would ask other questions."""

    page_size: int
    consistency: str
    raw: bool = False


@frozen
class Asked:
    """A request was decided on, by a walk that keeps so many open (``concurrency``)."""

    ask: Ask
    concurrency: int


@frozen
class Answered:
    """A page came: its body as sent, and when it had been read."""

    ask: Ask
    body: bytes = field(repr=False)
    read_at: datetime


@frozen
class Withdrawn:
    """A request was not sent after all, or its answer is not wanted."""

    ask: Ask


Event: TypeAlias = Asked | Answered | Withdrawn
