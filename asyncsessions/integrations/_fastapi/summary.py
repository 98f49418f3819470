"""Sessions counted page by page, so that no more of them than a page is ever in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from asyncsessions.core.records import Session
from asyncsessions.errors import IncompleteError
from asyncsessions.integrations._fastapi.lines import ending_of
from asyncsessions.query import Sessions

__all__ = ["summarise"]

LARGEST = 12
MANY_DAYS = 3_660  # beyond, days without sessions are left out


class Tally:
    """Counts sessions, and those that converted: with an order or a conversion."""

    def __init__(self) -> None:
        self._all = [Counter[Any](), Counter[Any](), Counter[Any]()]
        self._converted = [Counter[Any](), Counter[Any](), Counter[Any]()]
        self._steps = Counter[int]()

    def add(self, sessions: Iterable[Session]) -> None:
        """Count a page."""
        for session in sessions:
            keys = (session.started_at.date(), session.campaign, session.source)
            for counter, key in zip(self._all, keys, strict=True):
                counter[key] += 1
            if session.order or session.conversion:
                for counter, key in zip(self._converted, keys, strict=True):
                    counter[key] += 1
            if session.furthest_step is not None:
                self._steps[session.furthest_step] += 1

    def result(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        days, campaigns, sources = zip(self._all, self._converted, strict=True)
        return {
            "sessions": days[0].total(),
            "converted": days[1].total(),
            "days": [
                {"day": day.isoformat(), "sessions": days[0][day], "converted": days[1][day]}
                for day in _days(days[0])
            ],
            "steps": [
                {"step": step, "sessions": sum(n for s, n in self._steps.items() if s >= step)}
                for step in sorted(self._steps)
            ],
            "campaigns": _largest(*campaigns),
            "sources": _largest(*sources),
        }


def _days(found: Mapping[date, int]) -> list[date]:
    if not found:
        return []
    first, last = min(found), max(found)
    if (last - first).days > MANY_DAYS:
        return sorted(found)
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _largest(sessions: Counter[Any], converted: Counter[Any]) -> list[dict[str, Any]]:
    if set(sessions) <= {None}:
        return []  # the vendor does not tell
    names = sorted(sessions, key=lambda name: (-sessions[name], name or ""))[:LARGEST]
    return [
        {"name": name, "sessions": sessions[name], "converted": converted[name]} for name in names
    ]


async def summarise(query: Sessions) -> dict[str, Any]:
    """Read all sessions of a query and return the figures, with how the pull ended.

    Raises what iterating raises, but for what could not be proven, which is said in the result.
    """
    tally = Tally()
    stream = query.pages()
    failure = None
    try:
        async for rows in stream:
            tally.add(rows)
    except IncompleteError as error:
        failure = error
    finally:
        await stream.aclose()
    report = stream.report
    return {"provider": report.provider, **tally.result(), **ending_of(report, failure)}
