"""Sessions as a dataframe: how many orders each campaign has brought.

Against the fakes, with only one extra installed::

    python -m asyncsessions.testing -- python examples/dataframe.py polars

``arrow``, ``polars`` or ``pandas`` is the library that counts, and the extra that it takes.
"""

from __future__ import annotations

import sys
from collections import Counter

from asyncsessions import ConfigurationError, Hum
from asyncsessions.blocking import Client, Sessions


def by_arrow(sessions: Sessions) -> list[tuple[str, int]]:
    """Count batch by batch: never more than a few pages are in memory."""
    orders: Counter[str] = Counter()
    with sessions.batches() as batches:
        for batch in batches:
            rows = batch.select(["campaign", "order_ordered_at"]).to_pylist()
            orders.update(
                row["campaign"] for row in rows if row["campaign"] and row["order_ordered_at"]
            )
    return list(orders.items())


def by_polars(sessions: Sessions) -> list[tuple[str, int]]:
    """Count in a frame of polars."""
    ordered = sessions.to_polars().drop_nulls(["campaign", "order_ordered_at"])
    return ordered.group_by("campaign").len().rows()


def by_pandas(sessions: Sessions) -> list[tuple[str, int]]:
    """Count in a frame of pandas."""
    ordered = sessions.to_pandas().dropna(subset=["campaign", "order_ordered_at"])
    return [(str(name), int(count)) for name, count in ordered.groupby("campaign").size().items()]


WAYS = {"arrow": by_arrow, "polars": by_polars, "pandas": by_pandas}


def main(name: str) -> None:
    """Ask, count and print."""
    with Client(Hum.from_env()) as client:
        counts = WAYS[name](client.sessions(start="2026-01-01", end="2026-03-31"))
    for campaign, orders in sorted(counts, key=lambda pair: (-pair[1], pair[0])):
        print(f"{orders:>4}  {campaign}")


if __name__ == "__main__":
    if sys.argv[1:] not in [[name] for name in WAYS]:
        sys.exit(f"say which library counts: {', '.join(WAYS)}")
    try:
        main(sys.argv[1])
    except ConfigurationError as error:
        sys.exit(str(error))
