"""Invented rows of AttributionHub: absent and placeholder fields, conversions, exits, twins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from asyncsessions.testing.instants import SECOND_US, Timestamps, instant_of, text_of
from asyncsessions.testing.seeding import scramble

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from asyncsessions.testing.history import Json, Row

__all__ = ["AttributionHubRows", "edit_attributionhub"]

_SITE = "https://shop.example.com"
_CHANNELS = (
    ("google", "organic"),
    ("google.com", "cpc"),
    ("facebook", "paid"),
    ("facebook.com", "social"),
    ("direct", "none"),
    ("newsletter.example.org", "email"),
)
_CAMPAIGNS = ("summer_sale", "winter_sale", "brand", "retargeting")
_CONTENTS = ("banner1", "video_ad", "none", "text_link")
_TERMS = ("winter coats", "bathing suits", "none", "boots")
_PAGES = ("/", "/winter", "/landing", "/pricing", "/products/boots", "/blog/size-guide")


@attrs.frozen(kw_only=True)
class AttributionHubRows:
    """Makes the row of a uid and an instant; the same arguments always give the same row.

    Args:
        seed: decides the content.
        timestamps: how instants are written.
        unknown_fields: adds fields that the vendor never announced.
        instants: the first rows' instants. Rows that share theirs with a neighbour get a landing
            page of their own, so that exactly the wanted twins are equal.
        twins: uids whose row is byte-equal to the row of the uid before.

    """

    seed: int
    timestamps: Timestamps = "whole_seconds"
    unknown_fields: bool = False
    instants: Sequence[int] = ()
    twins: frozenset[int] = frozenset()

    def __call__(self, uid: int, instant: int) -> Json:
        """Return the vendor's JSON object."""
        original = uid - 1 if uid in self.twins else uid
        bits = scramble(self.seed, original)
        source, medium = _CHANNELS[bits % 6]
        row: Json = {
            "timestamp": text_of(instant, self.timestamps),
            "source": source,
            "medium": medium,
        }
        if bits >> 8 & 3:
            row["campaign"] = _CAMPAIGNS[bits >> 10 & 3]
            row["content"] = _CONTENTS[bits >> 12 & 3]
            if bits >> 14 & 3:
                row["term"] = _TERMS[bits >> 16 & 3]
        elif bits >> 18 & 3 == 0:
            row["campaign"] = None
        page = _PAGES[(bits >> 20 & 63) % 6]
        own = f"?visit={bits >> 32:08x}{original}" if self._crowded(original) else ""
        row["landing_page"] = f"{_SITE}{page}{own}"
        row.update(self._ending(bits >> 24, instant))
        if self.unknown_fields:
            row["device"] = {"kind": "phone" if bits & 1 else "desktop"}
            row["score"] = 0.5
        return row

    def _crowded(self, uid: int) -> bool:
        known = self.instants
        if uid >= len(known):
            return True
        here = known[uid]
        return (uid > 0 and known[uid - 1] == here) or (
            uid + 1 < len(known) and known[uid + 1] == here
        )

    def _ending(self, bits: int, instant: int) -> Json:
        ending: Json = {}
        stay = 30 + (bits >> 8 & 2047)
        if bits % 8 == 0:
            ending["conversion"] = {
                "email": f"visitor-{bits >> 16 & 0xFFFF}@example.org",
                "timestamp": text_of(instant + (stay - 20) * SECOND_US, self.timestamps),
                "conversion_page": f"{_SITE}/thankyou",
                "previous_page": f"{_SITE}/pricing",
            }
        if bits % 8 < 5:
            ending["exit"] = {
                "exit_page": f"{_SITE}{_PAGES[(bits >> 3 & 31) % 6]}",
                "previous_page": f"{_SITE}/",
                "timestamp": text_of(instant + stay * SECOND_US, self.timestamps),
            }
            ending["duration"] = stay
        return ending


def edit_attributionhub(row: Row, chance: Random) -> Json:
    """Return what a session gains later: first exit and duration, then a conversion."""
    begin = instant_of(row.time)
    stay = chance.randrange(30, 3_000)
    if "exit" not in row.data:
        return {
            "exit": {
                "exit_page": f"{_SITE}/checkout-complete",
                "previous_page": f"{_SITE}/pricing",
                "timestamp": text_of(begin + stay * SECOND_US),
            },
            "duration": stay,
        }
    return {
        "conversion": {
            "email": f"late-{chance.randrange(10_000)}@example.org",
            "timestamp": text_of(begin + stay * SECOND_US),
            "conversion_page": f"{_SITE}/thankyou",
            "previous_page": f"{_SITE}/pricing",
        }
    }
