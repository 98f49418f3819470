"""Frozen records, built cheaply.

``__init__`` of a frozen class sets each field past ``__setattr__``, which makes it five times as slow
as plain assignment, and a pull builds millions of records.  A *draft* is the record's own class with
plain assignment put back: whoever reads a vendor's rows fills it field by field and then freezes it
by giving it the record's class, which is the same object from then on.  Every field must be set: a
draft has no defaults.  It is made by calling its class, which takes nothing: ``object.__new__`` would
pack its argument into a tuple each time.

Source of the idea: Python data model, assignment to ``__class__`` of objects with equal layout.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat, starmap
from typing import TYPE_CHECKING, Any

from attrs import evolve

from asyncsessions.core.records import Address, Conversion, Exit, Order, Session

__all__ = [
    "AddressDraft",
    "ConversionDraft",
    "ExitDraft",
    "OrderDraft",
    "SessionDraft",
    "new_drafts",
    "with_raws",
]

NOTHING = ()


def new_drafts(draft: Callable[[], Any], count: int) -> list[Any]:
    """Return so many drafts of a class, made without a step of the interpreter for each."""
    return [*starmap(draft, repeat(NOTHING, count))]


def with_raws(sessions: list[Session], raws: Sequence[bytes] | None) -> list[Session]:
    """Return sessions with their JSON, if it was asked for."""
    if raws is None:
        return sessions
    return [evolve(session, raw=raw) for session, raw in zip(sessions, raws, strict=True)]


class _Draft:
    """What a frozen class had before it was frozen."""

    __slots__ = ()
    if TYPE_CHECKING:

        def __init__(self) -> None: ...

    else:
        __init__ = object.__init__
    __setattr__ = object.__setattr__
    __delattr__ = object.__delattr__  # or assignment is not specialised by the interpreter


class SessionDraft(_Draft, Session):
    """A :class:`Session` that can still be written."""

    __slots__ = ()


class AddressDraft(_Draft, Address):
    """An :class:`Address` that can still be written."""

    __slots__ = ()


class OrderDraft(_Draft, Order):
    """An :class:`Order` that can still be written."""

    __slots__ = ()


class ConversionDraft(_Draft, Conversion):
    """A :class:`Conversion` that can still be written."""

    __slots__ = ()


class ExitDraft(_Draft, Exit):
    """An :class:`Exit` that can still be written."""

    __slots__ = ()
