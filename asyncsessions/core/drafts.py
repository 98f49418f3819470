"""Frozen records, built cheaply.

``__init__`` of a frozen class sets each field past ``__setattr__``, which makes it five times as slow
as plain assignment, and a pull builds millions of records.  A *draft* is the record's own class with
plain assignment put back: whoever reads a vendor's rows fills it field by field and then freezes it
by giving it the record's class, which is the same object from then on.  Every field must be set: a
draft has no defaults.

Source of the idea: Python data model, assignment to ``__class__`` of objects with equal layout.
"""

from __future__ import annotations

from asyncsessions.core.records import Address, Conversion, Exit, Order, Session

__all__ = ["AddressDraft", "ConversionDraft", "ExitDraft", "OrderDraft", "SessionDraft"]


class SessionDraft(Session):
    """A :class:`Session` that can still be written."""

    __slots__ = ()
    __setattr__ = object.__setattr__
    __delattr__ = object.__delattr__  # both, or assignment is not specialised by the interpreter


class AddressDraft(Address):
    """An :class:`Address` that can still be written."""

    __slots__ = ()
    __setattr__ = object.__setattr__
    __delattr__ = object.__delattr__


class OrderDraft(Order):
    """An :class:`Order` that can still be written."""

    __slots__ = ()
    __setattr__ = object.__setattr__
    __delattr__ = object.__delattr__


class ConversionDraft(Conversion):
    """A :class:`Conversion` that can still be written."""

    __slots__ = ()
    __setattr__ = object.__setattr__
    __delattr__ = object.__delattr__


class ExitDraft(Exit):
    """An :class:`Exit` that can still be written."""

    __slots__ = ()
    __setattr__ = object.__setattr__
    __delattr__ = object.__delattr__
