"""Sessions as lines of JSON, a page at a time: the same bytes as :func:`to_json`, many times as fast.

msgspec writes its own structs at once, so each record is copied into one with the same fields in
the same order.  The copying is written out, since looking fields up by name takes longer than all
of the rest; ``tests/integrations/test_encoding.py`` holds it against :func:`to_json`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from attrs import evolve

from asyncsessions.core.records import Address, Conversion, Exit, Order, Session

__all__ = ["encode_page", "redacted"]


class AddressLine(msgspec.Struct, gc=False):
    """An :class:`Address`."""

    street1: str | None
    street2: str | None
    city: str | None
    state: str | None
    zip: str | None


class OrderLine(msgspec.Struct, gc=False):
    """An :class:`Order`."""

    number: str | None
    ordered_at: datetime | None
    installed: bool | None
    installed_at: datetime | None
    commission_cents: int | None


class ConversionLine(msgspec.Struct, gc=False):
    """A :class:`Conversion`."""

    at: datetime | None
    email: str | None
    page: str | None
    previous_page: str | None


class ExitLine(msgspec.Struct, gc=False):
    """An :class:`Exit`."""

    at: datetime | None
    page: str | None
    previous_page: str | None


class SessionLine(msgspec.Struct, gc=False):
    """A :class:`Session`; ``raw`` is never shown."""

    provider: str
    id: str
    started_at: datetime
    campaign: str | None
    source: str | None
    medium: str | None
    content: str | None
    term: str | None
    landing_page: str | None
    address: AddressLine | None
    furthest_step: int | None
    order: OrderLine | None
    conversion: ConversionLine | None
    exit: ExitLine | None
    duration_s: float | None


encode_lines = msgspec.json.Encoder().encode_lines


def encode_page(sessions: Sequence[Session], *, redact: bool = False) -> bytes:
    """Return one line a session, each with its line end; with ``redact`` of :func:`redacted` ones."""
    if redact:
        sessions = [redacted(session) for session in sessions]
    return encode_lines([_line(session) for session in sessions])


def redacted(session: Session) -> Session:
    """Return the session without its address and without the e-mail of its conversion."""
    conversion = session.conversion
    if conversion is not None:
        conversion = evolve(conversion, email=None)
    return evolve(session, address=None, conversion=conversion, raw=None)


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
