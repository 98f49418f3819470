"""Rows of Hum as they are sent, and what becomes of them: sessions, or columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any

import msgspec

from asyncsessions.core.drafts import AddressDraft, OrderDraft, SessionDraft
from asyncsessions.core.lines import AddressLine, OrderLine, SessionLine
from asyncsessions.core.records import Address, Order, Session
from asyncsessions.providers.wire import Whole, put_in_utc

__all__ = [
    "HumAddress",
    "HumOrder",
    "HumRow",
    "read_address",
    "read_order",
    "to_columns",
    "to_lines",
    "to_sessions",
    "to_utc",
]


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


new = object.__new__
NO_ADDRESS = HumAddress()
NO_ORDER = OrderLine()

TIMES = {name: attrgetter(name) for name in ("started_at", "ordered_at", "installed_at")}
"""The times of a row."""
OF_ROW = {
    **{name: attrgetter(name) for name in ("id", "started_at", "campaign", "furthest_step")},
    "order_number": attrgetter("order_number"),
    "order_ordered_at": attrgetter("ordered_at"),
    "order_installed": attrgetter("installed"),
    "order_installed_at": attrgetter("installed_at"),
    "order_commission_cents": attrgetter("commission_cents"),
}
OF_ADDRESS = {
    f"address_{name}": attrgetter(name) for name in ("street1", "street2", "city", "state")
}
"""The columns that are an attribute of a row, or of its address."""


def to_utc(rows: Sequence[HumRow]) -> list[datetime]:
    """Put the times of rows into UTC, in place, and return when each row began.

    Raises ``OverflowError`` for a time that is not in the calendar then.
    """
    for name, times_of in TIMES.items():
        put_in_utc(rows, name, map(times_of, rows))
    return [*map(TIMES["started_at"], rows)]


def to_sessions(rows: Sequence[HumRow], raws: Sequence[bytes] | None = None) -> list[Session]:
    """Return the sessions of rows in UTC; all inline, since this is the hottest loop."""
    sessions: list[Session] = []
    for index, row in enumerate(rows):
        draft: Any = new(SessionDraft)
        draft.provider = "hum"
        draft.id = row.id
        draft.started_at = row.started_at
        draft.campaign = row.campaign
        draft.source = draft.medium = draft.content = draft.term = draft.landing_page = None
        address = row.address
        draft.address = None if address is None else read_address(address)
        draft.furthest_step = row.furthest_step
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
        draft.conversion = draft.exit = draft.duration = None
        draft.raw = None if raws is None else raws[index]
        draft.__class__ = Session
        sessions.append(draft)
    return sessions


def to_columns(rows: Sequence[HumRow]) -> dict[str, list[Any]]:
    """Return the columns of rows in UTC; see :data:`asyncsessions.core.columns.COLUMNS`."""
    addresses = [NO_ADDRESS if row.address is None else row.address for row in rows]
    columns = {
        "provider": ["hum"] * len(rows),
        **{name: list(map(values_of, rows)) for name, values_of in OF_ROW.items()},
        **{name: list(map(values_of, addresses)) for name, values_of in OF_ADDRESS.items()},
    }
    postcodes = [address.zip for address in addresses]
    columns["address_zip"] = [_postcode(zip_) if type(zip_) is int else zip_ for zip_ in postcodes]
    return columns


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


def read_address(address: HumAddress) -> Address:
    """Return an address."""
    draft: Any = new(AddressDraft)
    draft.street1 = address.street1
    draft.street2 = address.street2
    draft.city = address.city
    draft.state = address.state
    postcode = address.zip
    draft.zip = _postcode(postcode) if type(postcode) is int else postcode
    draft.__class__ = Address
    read: Address = draft
    return read


def _postcode(sent: int) -> str:
    # A number has lost its leading zeros: American postcodes have five digits.
    return f"{sent:05d}"


def read_order(row: HumOrder) -> Order:
    """Return an order in UTC."""
    draft: Any = new(OrderDraft)
    draft.number = row.order_number
    draft.ordered_at = row.ordered_at
    draft.installed = row.installed
    draft.installed_at = row.installed_at
    draft.commission_cents = row.commission_cents
    draft.__class__ = Order
    read: Order = draft
    return read
