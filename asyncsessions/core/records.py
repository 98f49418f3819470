"""The records: what both vendors' sessions become.

``None`` always means that the vendor did not say.  Placeholders such as ``"none"`` are the
vendor's words and stay as they are.  Personal data (e-mail, street, postcode) is kept out of
``repr``, so that a logged record gives nobody away.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import field, frozen

__all__ = ["Address", "CartStep", "Conversion", "Exit", "Order", "Session", "SessionDetail"]


def _masked(value: object) -> str:
    return "None" if value is None else "'***'"


@frozen(kw_only=True, weakref_slot=False)
class Address:
    """A postal address, as far as the vendor knows it; ``zip`` is text (leading zeros count)."""

    street1: str | None = field(default=None, repr=_masked)
    street2: str | None = field(default=None, repr=_masked)
    city: str | None = field(default=None, repr=_masked)
    state: str | None = None
    zip: str | None = field(default=None, repr=_masked)


@frozen(kw_only=True, weakref_slot=False)
class Order:
    """What was ordered in the session; it lands on the same row minutes to weeks later.

    ``installed`` is a tri-state (``None`` = not known yet) and independent of ``installed_at``.
    ``commission_cents`` is a whole number of the vendor's (unnamed) currency's cents; 0 is not
    ``None``.
    """

    number: str | None = None
    ordered_at: datetime | None = None
    installed: bool | None = None
    installed_at: datetime | None = None
    commission_cents: int | None = None


@frozen(kw_only=True, weakref_slot=False)
class Conversion:
    """The conversion of a session; it can land after the session was first listed."""

    at: datetime | None = None
    email: str | None = field(default=None, repr=_masked)
    page: str | None = None
    previous_page: str | None = None


@frozen(kw_only=True, weakref_slot=False)
class Exit:
    """Where and when a session ended; absent while it runs, and for good if nobody saw it end."""

    at: datetime | None = None
    page: str | None = None
    previous_page: str | None = None


@frozen(kw_only=True, weakref_slot=False)
class Session:
    """One session, whichever vendor it came from.

    ``started_at`` and every other time is an aware ``datetime`` in UTC.  ``id`` is the vendor's
    own where it has one, else a digest of the fields that never change (see
    :mod:`asyncsessions.core.identity`).  ``duration`` is what the vendor says, even where it
    contradicts ``exit.at``.  ``furthest_step`` is a maximum, not a count: steps may be skipped.
    ``raw`` is the record's own JSON when the pull was asked to keep it; it does not take part in
    comparisons.
    """

    provider: str
    id: str
    started_at: datetime
    campaign: str | None = None
    source: str | None = None
    medium: str | None = None
    content: str | None = None
    term: str | None = None
    landing_page: str | None = None
    address: Address | None = None
    furthest_step: int | None = None
    order: Order | None = None
    conversion: Conversion | None = None
    exit: Exit | None = None
    duration: timedelta | None = None
    raw: bytes | None = field(default=None, repr=False, eq=False)


@frozen(kw_only=True, weakref_slot=False)
class CartStep:
    """One step of the cart that a session reached; unnamed steps have no ``name``."""

    step: int
    name: str | None = None
    at: datetime | None = None


@frozen(kw_only=True, weakref_slot=False)
class SessionDetail(Session):
    """A session with every step of its cart, in the vendor's order."""

    cart_progression: tuple[CartStep, ...] = ()
