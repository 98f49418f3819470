"""Identity for records that come without an id.

AttributionHub lists sessions without any key.  The id is a digest of the fields that never
change once the session has begun: time, source, medium, campaign, content, term, landing page.
Exit, conversion and duration land later, and the host is where we asked rather than what we
asked for: none of them takes part.  The fields are hashed as one JSON array, so that
``("a", "bc")`` and ``("ab", "c")`` differ.

True twins (rows equal in all of those fields) are two sessions.  They share their instant, so
whoever holds all rows of an instant can number them: the first keeps the bare digest, the second
gets ``-2``, and so on.  The walk delivers whole instants (:mod:`asyncsessions.core.walk`), hence
no memory beyond one delivery is needed.  The *set* of ids of an instant does not depend on the
order in which the vendor lists the twins.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from datetime import datetime
from hashlib import blake2b
from operator import attrgetter
from typing import Any, TypeVar

import msgspec
from attrs import evolve
from msgspec.structs import replace

__all__ = ["derived_id", "number_twins"]

R = TypeVar("R")

id_of: Callable[[Any], str] = attrgetter("id")
_encode = msgspec.json.Encoder().encode
_EMPTY = blake2b(digest_size=16, person=b"session-id-1")


def derived_id(  # noqa: PLR0917 (called once a row: the fields of the digest, in its order)
    started_at: datetime,
    source: str | None,
    medium: str | None,
    campaign: str | None,
    content: str | None,
    term: str | None,
    landing_page: str | None,
) -> str:
    """Return the 32 hexadecimal digits that identify a session without an id of its own."""
    hashing = _EMPTY.copy()
    hashing.update(_encode((started_at, source, medium, campaign, content, term, landing_page)))
    return hashing.hexdigest()


def number_twins(rows: Sequence[R], seen: MutableMapping[str, int] | None = None) -> list[R]:
    """Give every further row of the same id its occurrence number, in the order given.

    Rows are sessions, or a vendor's own with an ``id``.  ``seen`` carries the counts from one call
    to the next where instants can be torn apart (lists that are not in time order); ``None`` starts
    afresh.
    """
    if seen is None and len(set(map(id_of, rows))) == len(rows):
        return list(rows)
    counts: MutableMapping[str, int] = {} if seen is None else seen
    numbered: list[R] = []
    for row in rows:
        name = id_of(row)
        occurrence = counts.get(name, 0) + 1
        counts[name] = occurrence
        numbered.append(row if occurrence == 1 else _renamed(row, f"{name}-{occurrence}"))
    return numbered


def _renamed(row: Any, name: str) -> Any:
    # A copy: the same row may lie on another page, where it may be the first of its twins.
    return replace(row, id=name) if isinstance(row, msgspec.Struct) else evolve(row, id=name)
