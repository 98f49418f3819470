"""Sessions as lines of JSON, the same bytes as :func:`to_json`, a dozen times as fast.

msgspec writes its own structs at once, so each record is copied into one with the same fields in
the same order.  The copying is written out, since looking fields up by name takes longer than all
of the rest.  A vendor's rows become such structs without becoming sessions, where the vendor knows
how to.  ``raw`` is never shown, and all times must be in UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from asyncsessions.core.records import Address, Conversion, Exit, Order, Session
from asyncsessions.core.rows import SentRows

__all__ = [
    "AddressLine",
    "ConversionLine",
    "ExitLine",
    "OrderLine",
    "SessionLine",
    "encode_lines",
    "lines_of",
]


class AddressLine(msgspec.Struct, gc=False):
    """An :class:`Address`."""

    street1: str | None = None
    street2: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None


class OrderLine(msgspec.Struct, gc=False):
    """An :class:`Order`."""

    number: str | None = None
    ordered_at: datetime | None = None
    installed: bool | None = None
    installed_at: datetime | None = None
    commission_cents: int | None = None


class ConversionLine(msgspec.Struct, gc=False):
    """A :class:`Conversion`."""

    at: datetime | None = None
    email: str | None = None
    page: str | None = None
    previous_page: str | None = None


class ExitLine(msgspec.Struct, gc=False):
    """An :class:`Exit`."""

    at: datetime | None = None
    page: str | None = None
    previous_page: str | None = None


class SessionLine(msgspec.Struct, gc=False):
    """A :class:`Session`."""

    provider: str
    id: str
    started_at: datetime
    campaign: str | None = None
    source: str | None = None
    medium: str | None = None
    content: str | None = None
    term: str | None = None
    landing_page: str | None = None
    address: Any = None  # an AddressLine, or what a vendor sends if its names are the same
    furthest_step: int | None = None
    order: OrderLine | None = None
    conversion: ConversionLine | None = None
    exit: ExitLine | None = None
    duration_s: float | None = None


encode_lines = msgspec.json.Encoder().encode_lines
"""Returns one line of JSON for each of them, each with its line end."""


def lines_of(sessions: Sequence[Session]) -> Sequence[SessionLine]:
    """Return what is written of the sessions, made anew: it may be changed."""
    made = sessions.lines() if isinstance(sessions, SentRows) else None
    return [_line(session) for session in sessions] if made is None else made


def _line(s: Session) -> SessionLine:
    address, order, conversion, left, duration = (
        s.address,
        s.order,
        s.conversion,
        s.exit,
        s.duration,
    )
    return SessionLine(
        s.provider,
        s.id,
        s.started_at,
        s.campaign,
        s.source,
        s.medium,
        s.content,
        s.term,
        s.landing_page,
        None if address is None else _address(address),
        s.furthest_step,
        None if order is None else _order(order),
        None if conversion is None else _conversion(conversion),
        None if left is None else _exit(left),
        None if duration is None else duration.total_seconds(),
    )


def _address(a: Address) -> AddressLine:
    return AddressLine(a.street1, a.street2, a.city, a.state, a.zip)


def _order(o: Order) -> OrderLine:
    return OrderLine(o.number, o.ordered_at, o.installed, o.installed_at, o.commission_cents)


def _conversion(c: Conversion) -> ConversionLine:
    return ConversionLine(c.at, c.email, c.page, c.previous_page)


def _exit(e: Exit) -> ExitLine:
    return ExitLine(e.at, e.page, e.previous_page)
