"""The single session of Hum's detail endpoint: the order is nested here, and the cart comes along.

Source: https://docs.letshum.com/api-reference/analytics/get-session-detail.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from asyncsessions.core.records import CartStep, Order, SessionDetail
from asyncsessions.providers.hum_rows import (
    HumAddress,
    HumOrder,
    HumStatus,
    read_address,
    read_order,
)
from asyncsessions.providers.wire import Whole, maybe_utc, utc

__all__ = ["HumDetail", "HumDetailRow", "HumStep", "decode_detail", "read_detail"]


class HumStep(msgspec.Struct, gc=False):
    """One step of the cart."""

    step: Whole
    step_name: str | None = None
    timestamp: datetime | None = None


class HumDetailRow(msgspec.Struct, gc=False):
    """The single session of the detail endpoint."""

    id: str
    created_at: datetime
    campaign_id: str | None = None
    address: HumAddress | None = None
    furthest_step: Whole | None = None
    order: HumOrder | None = None
    cart_progression: list[HumStep] | None = None


class HumDetail(HumStatus, gc=False, kw_only=True):
    """The envelope of a detail answer."""

    data: HumDetailRow


NO_ORDER = Order()

decode_detail = msgspec.json.Decoder(HumDetail).decode


def read_detail(row: HumDetailRow) -> SessionDetail:
    """Return the session with its cart."""
    return SessionDetail(
        provider="hum",
        id=row.id,
        started_at=utc(row.created_at),
        campaign=row.campaign_id,
        address=None if row.address is None else read_address(row.address),
        furthest_step=row.furthest_step,
        order=None if row.order is None else _detailed_order(row.order),
        cart_progression=tuple(
            CartStep(step=step.step, name=step.step_name, at=maybe_utc(step.timestamp))
            for step in row.cart_progression or ()
        ),
    )


def _detailed_order(sent: HumOrder) -> Order | None:
    sent.ordered_at, sent.installed_at = maybe_utc(sent.ordered_at), maybe_utc(sent.installed_at)
    order = read_order(sent)
    return None if order == NO_ORDER else order
