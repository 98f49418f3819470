"""What a pull did, and whether it is complete."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import asdict, frozen

__all__ = ["Report"]


@frozen(kw_only=True)
class Report:
    """A pull so far: a snapshot that never changes.

    ``complete`` is true only when every instant of the range is proven covered; ``unproven``
    names the ranges that are not (newest first, both instants belong to them) and ``reasons`` say
    why.  A pull that was ended early, by the consumer or by ``limit``, is not complete and has
    nothing unproven.  ``windows`` is how many windows the range needs, ``windows_read`` of how many page 1 has come.
    ``requests`` counts every attempt that was sent, ``retries`` those that
    repeated another.  A pull that goes on with an unfinished one has the rows of all its goes in
    ``rows``; ``rows_before`` and ``requests_before`` are those of the earlier ones, and the latter
    are not in ``requests``.  ``late`` rows were delivered behind their place in the order, ``clipped``
    rows were dropped, because another page covers their time.  ``ordered``: newest first throughout.  ``as_of`` is the span of time in which the rows were
    read, ``None`` before the first answer.  ``total`` is what the vendor said it has,
    ``None`` if no window was answered.  ``waited_s`` sums the seconds in backoff of all requests.  ``outcome`` is the
    target's word on where the rows are, ``None`` if there is no target.
    """

    provider: str
    start: datetime | None = None
    end: datetime | None = None
    windows: int = 0
    windows_read: int = 0
    pages: int = 0
    rows: int = 0
    rows_before: int = 0
    total: int | None = None
    requests: int = 0
    requests_before: int = 0
    retries: int = 0
    waited_s: float = 0.0
    elapsed_s: float = 0.0
    complete: bool = False
    unproven: tuple[tuple[datetime, datetime], ...] = ()
    reasons: tuple[str, ...] = ()
    tag_changes: int = 0
    late: int = 0
    clipped: int = 0
    ordered: bool = True
    as_of: tuple[datetime, datetime] | None = None
    unknown_fields: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    outcome: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data for JSON; times are ISO 8601 strings."""
        return asdict(self, value_serializer=lambda _, __, value: _plain(value))


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
