"""Rows of Hum as they are sent, and what becomes of them: sessions, or columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from asyncsessions.core.drafts import AddressDraft, OrderDraft, SessionDraft, new_drafts, with_raws
from asyncsessions.core.lines import AddressLine, OrderLine, SessionLine
from asyncsessions.core.records import Address, Order, Session
from asyncsessions.providers.wire import Whole, utc

__all__ = [
    "HumAddress",
    "HumOrder",
    "HumRow",
    "HumStatus",
    "read_address",
    "read_order",
    "to_columns",
    "to_lines",
    "to_sessions",
    "to_utc",
]


class HumStatus(msgspec.Struct, gc=False):
    """What every answer says of itself, in whatever shape the rest is."""

    request_status: str
    message: str | None = None


class HumAddress(msgspec.Struct, gc=False):
    """The address as sent; ``zip`` was seen as a number."""

    street1: str | None = None
    street2: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | Annotated[int, msgspec.Meta(ge=0, le=999_999_999)] | None = None


class HumOrder(msgspec.Struct, gc=False):
    """The order fields: flat in the list, nested in the detail."""

    order_number: str | None = None
    ordered_at: datetime | None = None
    installed: bool | None = None
    installed_at: datetime | None = None
    commission_cents: Whole | None = None


class HumRow(
    HumOrder,
    gc=False,
    kw_only=True,
    rename={"started_at": "created_at", "campaign": "campaign_id"},
):
    """A row of the list; some of its names are those of a :class:`Session`."""

    id: str
    started_at: datetime
    campaign: str | None = None
    address: HumAddress | None = None
    furthest_step: Whole | None = None


NO_ADDRESS = HumAddress()
NO_ORDER = OrderLine()


def to_utc(rows: Sequence[HumRow]) -> list[datetime]:
    """Put the times of rows into UTC, in place, and return when each row began.

    Raises ``OverflowError`` for a time that is not in the calendar then.
    """
    for row in rows:
        if row.started_at.tzinfo is not UTC:
            row.started_at = utc(row.started_at)
        if row.ordered_at is not None and row.ordered_at.tzinfo is not UTC:
            row.ordered_at = utc(row.ordered_at)
        if row.installed_at is not None and row.installed_at.tzinfo is not UTC:
            row.installed_at = utc(row.installed_at)
    return [row.started_at for row in rows]


def to_sessions(rows: Sequence[HumRow], raws: Sequence[bytes] | None = None) -> list[Session]:
    """Return the sessions of rows in UTC; all inline, since this is the hottest loop."""
    drafts: list[Any] = new_drafts(SessionDraft, len(rows))
    for draft, row in zip(drafts, rows, strict=True):
        draft.provider = "hum"
        draft.id = row.id
        draft.started_at = row.started_at
        draft.campaign = row.campaign
        draft.source = draft.medium = draft.content = draft.term = draft.landing_page = None
        draft.conversion = draft.exit = draft.duration = draft.raw = None
        draft.furthest_step = row.furthest_step
        sent = row.address
        if sent is None:
            draft.address = None
        else:
            address: Any = AddressDraft()
            address.street1 = sent.street1
            address.street2 = sent.street2
            address.city = sent.city
            address.state = sent.state
            zip_ = sent.zip
            address.zip = _postcode(zip_) if type(zip_) is int else zip_
            address.__class__ = Address
            draft.address = address
        if (
            row.order_number is None
            and row.ordered_at is None
            and row.installed is None
            and row.installed_at is None
            and row.commission_cents is None
        ):
            draft.order = None
        else:
            draft.order = read_order(row)
        draft.__class__ = Session
    return with_raws(drafts, raws)


def to_columns(rows: Sequence[HumRow]) -> dict[str, list[Any]]:
    """Return the columns of rows in UTC; see :data:`asyncsessions.core.columns.COLUMNS`."""
    # A comprehension reads an attribute in half of the time that `map` and `attrgetter` take.
    addresses = [NO_ADDRESS if row.address is None else row.address for row in rows]
    postcodes = [address.zip for address in addresses]
    return {
        "provider": ["hum"] * len(rows),
        "id": [row.id for row in rows],
        "started_at": [row.started_at for row in rows],
        "campaign": [row.campaign for row in rows],
        "address_street1": [address.street1 for address in addresses],
        "address_street2": [address.street2 for address in addresses],
        "address_city": [address.city for address in addresses],
        "address_state": [address.state for address in addresses],
        "address_zip": [_postcode(zip_) if type(zip_) is int else zip_ for zip_ in postcodes],
        "furthest_step": [row.furthest_step for row in rows],
        "order_number": [row.order_number for row in rows],
        "order_ordered_at": [row.ordered_at for row in rows],
        "order_installed": [row.installed for row in rows],
        "order_installed_at": [row.installed_at for row in rows],
        "order_commission_cents": [row.commission_cents for row in rows],
    }


def to_lines(rows: Sequence[HumRow]) -> list[SessionLine]:
    """Return of rows in UTC what is written of their sessions."""
    lines: list[SessionLine] = []
    for row in rows:
        address: Any = row.address
        if address is not None and type(address.zip) is int:
            zip_ = _postcode(address.zip)
            address = AddressLine(
                address.street1, address.street2, address.city, address.state, zip_
            )
        order = OrderLine(
            row.order_number,
            row.ordered_at,
            row.installed,
            row.installed_at,
            row.commission_cents,
        )
        lines.append(
            SessionLine(
                provider="hum",
                id=row.id,
                started_at=row.started_at,
                campaign=row.campaign,
                address=address,
                furthest_step=row.furthest_step,
                order=None if order == NO_ORDER else order,
            )
        )
    return lines


def read_address(sent: HumAddress) -> Address:
    """Return an address."""
    return Address(
        street1=sent.street1,
        street2=sent.street2,
        city=sent.city,
        state=sent.state,
        zip=_postcode(sent.zip) if isinstance(sent.zip, int) else sent.zip,
    )


def _postcode(sent: int) -> str:
    # A number has lost its leading zeros: American postcodes have five digits.
    return f"{sent:05d}"


def read_order(row: HumOrder) -> Order:
    """Return an order in UTC."""
    draft: Any = OrderDraft()
    draft.number = row.order_number
    draft.ordered_at = row.ordered_at
    draft.installed = row.installed
    draft.installed_at = row.installed_at
    draft.commission_cents = row.commission_cents
    draft.__class__ = Order
    read: Order = draft
    return read
