"""Invented rows of Hum: every stage of the lifecycle, partial addresses, missing campaigns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from asyncsessions.testing.instants import DAY_US, SECOND_US, Timestamps, instant_of, text_of
from asyncsessions.testing.seeding import scramble

if TYPE_CHECKING:
    from random import Random

    from asyncsessions.testing.history import Json, Row

__all__ = ["HumRows", "edit_hum", "hum_detail"]

_CAMPAIGNS = ("spring_promo", "movers_guide", "partner-17", "fibre_launch", None, None)
_STREETS = ("Placeholder Avenue", "Nowhere Lane", "Invented Street", "Sample Road", "Mock Square")
_CITIES = (("Exampleville", "MI"), ("Testburgh", "OH"), ("Fixture Falls", "MI"), ("Mocktown", "IN"))
_STEPS = (0, 1, 1, 2, 2, 3, 3, 6)
_STEP_NAMES = {1: "plan_selection", 2: "internet_addons", 6: "customer_info"}
_COMMISSIONS = (5_000, 7_500, 12_000, 0)
_NO_ORDER: Json = {
    "order_number": None,
    "ordered_at": None,
    "installed": None,
    "installed_at": None,
    "commission_cents": None,
}


def _uuid(bits: int, more: int) -> str:
    """Return a random UUID's text, several times faster than `uuid.UUID` makes it."""
    high, low = f"{bits:016x}", f"{more:016x}"
    return f"{high[:8]}-{high[8:12]}-4{high[13:]}-8{low[1:4]}-{low[4:]}"


@attrs.frozen(kw_only=True)
class HumRows:
    """Makes the row of a uid and an instant; the same arguments always give the same row."""

    seed: int
    timestamps: Timestamps = "whole_seconds"
    int_zips: bool = False
    unknown_fields: bool = False

    def __call__(self, uid: int, instant: int) -> Json:
        """Return the vendor's JSON object."""
        bits = scramble(self.seed, uid)
        more = scramble(bits, uid)
        row: Json = {
            "id": _uuid(bits, more),
            "created_at": text_of(instant, self.timestamps),
            "campaign_id": _CAMPAIGNS[bits % 6],
            "address": self._address(more),
        }
        row.update(self._lifecycle(bits >> 8, instant))
        if self.unknown_fields:
            row["device"] = {"kind": "phone" if bits & 1 else "desktop"}
            row["score"] = 0.5
        return row

    def _address(self, bits: int) -> Json:
        city, state = _CITIES[bits >> 4 & 3]
        number = bits >> 8 & 1023
        zip_code: str | int = f"00{bits >> 20 & 511:03d}"
        if self.int_zips and bits >> 32 & 1:
            zip_code = int(zip_code)
        shape = bits >> 36 & 7
        return {
            "street1": f"{number} {_STREETS[(bits >> 40) % 5]}",
            "street2": f"Unit {number % 40}" if bits >> 33 & 3 == 0 else None,
            "city": None if shape == 0 else city,
            "state": None if shape in (0, 1) else state,
            "zip": None if shape == 2 else zip_code,
        }

    def _lifecycle(self, bits: int, instant: int) -> Json:
        stage = bits % 12
        if stage < 7:
            return {"furthest_step": _STEPS[bits >> 8 & 7], **_NO_ORDER}
        ordered = instant + (bits >> 12 & 4095) * SECOND_US
        row: Json = {
            "furthest_step": 6,
            **_NO_ORDER,
            "order_number": f"HUM-{bits >> 16 & 0xFFFFFFFF:08X}",
            "ordered_at": text_of(ordered, self.timestamps),
        }
        if stage >= 9:
            row["installed"] = stage != 9
        if stage >= 10:
            installed = ordered + (1 + (bits >> 20) % 40) * DAY_US
            row["installed_at"] = text_of(installed, self.timestamps)
            row["commission_cents"] = _COMMISSIONS[bits >> 28 & 3]
        return row


def edit_hum(row: Row, chance: Random) -> Json:
    """Return the fields that the next event of a row's lifecycle changes.

    Order, installation and commission land in this order; after them the installation is revoked.
    """
    data = row.data
    ordered = data.get("ordered_at")
    if not isinstance(ordered, str):
        created = instant_of(row.time)
        return {
            "furthest_step": 6,
            "order_number": f"HUM-{chance.getrandbits(32):08X}",
            "ordered_at": text_of(created + chance.randrange(60, 7_200) * SECOND_US),
        }
    if not data.get("installed"):
        installed = instant_of(row.time) + chance.randrange(1, 30) * DAY_US
        return {"installed": True, "installed_at": text_of(installed)}
    if not data.get("commission_cents"):
        return {"commission_cents": chance.choice((5_000, 7_500, 12_000))}
    return {"installed": False, "commission_cents": 0}


def hum_detail(row: Row) -> Json:
    """Return the shape of one session on its own: nested order, steps reached, no flat fields.

    Steps without a published name are skipped. A row without an order has `order` None.
    """
    data = row.data
    flat = {name: data.get(name) for name in _NO_ORDER}
    detail = {name: value for name, value in data.items() if name not in _NO_ORDER}
    detail["order"] = flat if flat["order_number"] is not None else None
    furthest = data.get("furthest_step")
    reached = furthest if isinstance(furthest, int) else 0
    created = instant_of(row.time)
    detail["cart_progression"] = [
        {"step": step, "step_name": name, "timestamp": text_of(created + step * 60 * SECOND_US)}
        for step, name in _STEP_NAMES.items()
        if step <= reached
    ]
    return detail
