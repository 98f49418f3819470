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

from collections.abc import Iterable, MutableMapping
from datetime import datetime
from hashlib import blake2b

import msgspec
from attrs import evolve

from asyncsessions.core.records import Session

__all__ = ["derived_id", "number_twins"]

_encode = msgspec.json.Encoder().encode


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
    fields = (started_at, source, medium, campaign, content, term, landing_page)
    return blake2b(_encode(fields), digest_size=16, person=b"session-id-1").hexdigest()


def number_twins(
    sessions: Iterable[Session], seen: MutableMapping[str, int] | None = None
) -> list[Session]:
    """Give every further session of the same id its occurrence number, in the order given.

    ``seen`` carries the counts from one call to the next where instants can be torn apart
    (lists that are not in time order); ``None`` starts afresh.
    """
    counts: MutableMapping[str, int] = {} if seen is None else seen
    numbered: list[Session] = []
    for session in sessions:
        occurrence = counts.get(session.id, 0) + 1
        counts[session.id] = occurrence
        numbered.append(
            session if occurrence == 1 else evolve(session, id=f"{session.id}-{occurrence}")
        )
    return numbered
